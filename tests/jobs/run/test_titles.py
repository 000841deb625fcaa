"""Movies that are several files, through a run: each title once, made anew where a part changes, clips with sound."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from clips import ffmpeg
from flash_and_beep import Recording, heard, seen

from jobs.export.clip import write_clip
from jobs.live.source import choose_live_source, connect
from jobs.results.errors import NotFoundError
from jobs.results.stills.spot_stills import Spot, frame_still
from jobs.review.result_store import ResultStore
from jobs.store.provenance import fingerprint_movie
from jobs.store.workspace import MovieFolder
from pipeline.media.movie import open_movie

TITLE = Recording(
    seconds=2.0, moments=(1.0,), video="mpeg2video", audio="ac3", options={"g": "12", "bf": "2", "b": "400k"}
)


def disc(folder: Path) -> Path:
    """Write a DVD's folder with a title of two files and a menu; return the first file of the title."""
    folder.mkdir(parents=True)
    data = TITLE.write(folder.parent / ".whole.vob").read_bytes()
    (folder / "VTS_01_0.VOB").write_bytes(data)
    (folder / "VTS_01_1.VOB").write_bytes(data[: len(data) // 2])
    (folder / "VTS_01_2.VOB").write_bytes(data[len(data) // 2 :])
    return folder / "VTS_01_1.VOB"


def stream(folder: Path, kind: str) -> Path:
    folder.mkdir()
    film = Recording(seconds=2.0, options={"g": "25", "preset": "ultrafast"}).write(folder.parent / "film.mp4")
    name, options = {"hls": ("film.m3u8", ["-hls_time", 1]), "dash": ("film.mpd", ["-seg_duration", 1])}[kind]
    ffmpeg("-i", film, "-map", "0:v", "-map", "0:a", "-c", "copy", *options, folder / name)
    return folder / name


def job(out: Path, name: str) -> dict[str, object]:
    content: dict[str, object] = json.loads((out / name / "job.json").read_text())
    return content


def test_a_title_is_one_movie_and_is_made_anew_when_a_part_changes(run_here, tmp_path):
    first = disc(tmp_path / "dvd" / "VIDEO_TS")
    out, name = tmp_path / "out", "VIDEO_TS/VTS_01_1.VOB"
    results = run_here(tmp_path / "dvd", out=out)
    assert {n: (r.status, r.summary.frames) for n, r in results.items()} == {name: ("done", 50)}
    assert "note: the title is 2 files, VTS_01_1.VOB to VTS_01_2.VOB" in job(out, name)["remarks"]
    assert seen(out / name / "annotated.mp4") == pytest.approx(heard(out / name / "annotated.mp4"), abs=0.04)
    assert not run_here(tmp_path / "dvd", out=out)[name].fresh
    second = first.with_name("VTS_01_2.VOB")
    second.write_bytes(second.read_bytes()[:-2048])
    assert run_here(tmp_path / "dvd", out=out)[name].fresh
    second.unlink()
    assert run_here(tmp_path / "dvd", out=out)[name].fresh
    assert "note: the title is" not in str(job(out, name)["remarks"])


def test_a_clip_of_a_title_and_of_a_stream_has_its_sound(run_here, tmp_path):
    for movie in (disc(tmp_path / "VIDEO_TS"), stream(tmp_path / "hls", "hls"), stream(tmp_path / "dash", "dash")):
        out = tmp_path / f"out of {movie.name}"
        run_here(movie, out=out, video="none")
        path = tmp_path / "clip.mp4"
        made = write_clip(MovieFolder(out / movie.name), 0.6, 1.6, path)
        assert (made.frames, made.notes) == (26, ())
        (flash,), (beep,) = seen(path), heard(path)
        assert flash == pytest.approx(beep, abs=0.04)


def test_a_segment_that_vanishes_or_changes_makes_the_movie_anew(run_here, tmp_path):
    movie, out = stream(tmp_path / "hls", "hls"), tmp_path / "out"
    assert run_here(movie, out=out, video="none")[movie.name].status == "done"
    assert not run_here(movie, out=out, video="none")[movie.name].fresh
    gone = movie.with_name("film1.ts")
    data = gone.read_bytes()
    gone.unlink()
    result = run_here(movie, out=out, video="none")[movie.name]
    assert (result.fresh, result.status) == (True, "partial")
    assert result.reason == "1 of 2 segments are missing; 50 frames expected, 25 found"
    gone.write_bytes(data)
    assert run_here(movie, out=out, video="none")[movie.name].status == "done"


@pytest.mark.parametrize("kind", ["hls", "dash"])
def test_fingerprint_of_a_stream_is_that_of_all_its_files(tmp_path, kind):
    movie = stream(tmp_path / "a", kind)
    before = fingerprint_movie(movie)
    assert fingerprint_movie(movie) == before
    for part in sorted(path for path in movie.parent.iterdir() if path != movie):
        data = part.read_bytes()
        part.write_bytes(data + b"\0")
        assert fingerprint_movie(movie) != before, part
        before = fingerprint_movie(movie)


def test_live_reads_titles_and_streams(tmp_path):
    for movie in (disc(tmp_path / "VIDEO_TS"), stream(tmp_path / "dash", "dash")):
        with connect(choose_live_source(str(movie))) as connection:
            assert sum(1 for _ in connection.pictures()) == 50


def test_stills_of_titles_and_streams(tmp_path):
    for movie in (disc(tmp_path / "VIDEO_TS"), stream(tmp_path / "hls", "hls"), stream(tmp_path / "dash", "dash")):
        spots = [Spot(open_movie(movie), time) for time in (0.5, 1.05, 1.5)]
        shown = [cv2.imdecode(np.frombuffer(frame_still(spot, 96), np.uint8), 0).mean() > 150 for spot in spots]
        assert shown == [False, True, False], movie.name


def test_no_still_is_taken_of_what_is_decoded_from_its_start_alone(run_here, tmp_path):
    raw = Recording(seconds=1.0, moments=(0.4,), video="ffv1", audio="", options={}).write(tmp_path / "raw.mkv")
    film, out = tmp_path / "film.avi", tmp_path / "out"
    ffmpeg("-i", raw, "-c:v", "rawvideo", "-pix_fmt", "pal8", film)
    with pytest.raises(NotFoundError, match="the annotated video has its pictures"):
        frame_still(Spot(open_movie(film), 0.4), 96)
    run_here(film, out=out)
    assert ResultStore(out).movie("film.avi").path.name == "annotated.mp4"
