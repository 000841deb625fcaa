"""``moodreel clip``: clips are decoded, and their pictures and their sound compared with those of the film."""

import json
import shutil
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from clips import B_FRAMES, VARIABLE, X264, Clip, decoded, ffmpeg, grey_of, number_in
from typer.testing import CliRunner

from jobs.cli import app
from jobs.errors import UsageError
from jobs.export.clip import parse_time, write_clip
from jobs.store.provenance import fingerprint_movie
from jobs.store.workspace import MovieFolder

FILMS = {
    "b-frames": Clip(".mp4", range(100), codec="libx264", options=B_FRAMES),
    "late": Clip(".ts", range(2500, 2600), codec="libx264", options=X264),
    "coarse": Clip(".avi", range(100), codec="mpeg4"),
    "variable": Clip(".mkv", VARIABLE, Fraction(1, 1000), codec="libx264", options=X264),
}


@pytest.fixture(scope="module")
def films(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("films")
    return {name: clip.write(folder / name) for name, clip in FILMS.items()}


@pytest.fixture(scope="module")
def sounding(tmp_path_factory) -> Path:
    """Four seconds at 25/s with a tone that begins at exactly 2 s."""
    folder = tmp_path_factory.mktemp("sounding")
    film = Clip(".mp4", range(100), options=B_FRAMES).write(folder / "silent")
    tone = "sine=frequency=440:sample_rate=48000:duration=4,volume='if(lt(t,2),0,1)':eval=frame"
    out = folder / "film.mp4"
    ffmpeg("-i", film, "-f", "lavfi", "-i", tone, "-c:v", "copy", "-c:a", "aac", "-shortest", out)
    return out


def results_of(film: Path, out: Path, annotated: Path | None = None, **facts: object) -> MovieFolder:
    folder = MovieFolder(out / film.name)
    folder.root.mkdir(parents=True)
    job = {"movie": film.name, "status": "done", "source": str(film), "fingerprint": fingerprint_movie(film)}
    folder.job.write_text(json.dumps(job | facts))
    if annotated:
        shutil.copy(annotated, folder.video)
    return folder


def clip(*arguments: object):
    return CliRunner().invoke(app, ["clip", *map(str, arguments)])


def numbers(path: Path) -> list[int]:
    return [number_in(grey_of(frame)) for frame in decoded(path)]


@pytest.mark.parametrize("name", ["b-frames", "late", "coarse"])
@pytest.mark.parametrize(("start", "end"), [(0, 0.4), (1.0, 1.2), (1.01, 1.2), (1.039, 1.24), (2.36, 3.999)])
def test_the_first_frame_is_the_one_on_the_screen(films, tmp_path, name, start, end):
    path = tmp_path / "clip.mp4"
    done = clip(films[name], "--from", start, "--to", end, "--out", path)
    assert done.exit_code == 0, done.stderr
    first = int(start * 25 + 0.0125)  # pages round times to a thousandth
    assert numbers(path) == list(range(first, int(np.ceil(end * 25 - 0.0125))))


def test_frames_keep_their_times(films, tmp_path):
    path = tmp_path / "clip.mp4"
    assert clip(films["variable"], "--from", 0.5, "--to", 2.4, "--out", path).exit_code == 0
    shown = [(round(frame.time * 1000), number_in(grey_of(frame))) for frame in decoded(path)]
    first = max(k for k, pts in enumerate(VARIABLE) if pts <= 500)
    expected = [(pts - VARIABLE[first], k) for k, pts in enumerate(VARIABLE) if k >= first and pts < 2400]
    assert shown == expected


def loud_from(path: Path) -> float:
    """Return when sound begins to be heard, s."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        for frame in container.decode(stream):
            heard = np.flatnonzero(np.abs(frame.to_ndarray()[0]) > 0.02)
            if len(heard):
                return float(frame.time + heard[0] / frame.sample_rate)
    raise AssertionError("no sound")


@pytest.mark.parametrize("start", [0, 1.0, 1.36, 1.84])
def test_sound_stays_with_the_picture(sounding, tmp_path, start):
    path = tmp_path / "clip.mp4"
    assert clip(sounding, "--from", start, "--to", 3, "--out", path).exit_code == 0
    assert loud_from(path) == pytest.approx(2 - start, abs=0.03)
    with av.open(str(path)) as container:
        seconds = [float(s.duration * s.time_base) for s in container.streams]
    assert seconds == pytest.approx([3 - start] * 2, abs=0.05)


class TestOfResults:
    def test_original_or_annotated(self, films, tmp_path):
        film, other = films["b-frames"], Clip(".mp4", range(100), options=X264, paint=bright).write(tmp_path / "video")
        folder = results_of(film, tmp_path / "out", annotated=other)
        assert clip(folder.root, "--from", 1, "--to", 1.2, "--out", tmp_path / "a.mp4").exit_code == 0
        assert numbers(tmp_path / "a.mp4") == [25, 26, 27, 28, 29]
        assert clip(folder.root, "--from", 1, "--to", 1.2, "--out", tmp_path / "b.mp4", "--annotated").exit_code == 0
        assert numbers(tmp_path / "b.mp4") == [25 ^ 255, 26 ^ 255, 27 ^ 255, 28 ^ 255, 29 ^ 255]

    def test_where_the_original_is_gone_the_annotated_one_is_taken_and_said(self, films, tmp_path):
        film = Path(shutil.copy(films["b-frames"], tmp_path))
        folder = results_of(film, tmp_path / "out", annotated=film)
        film.unlink()
        done = clip(folder.root, "--from", 1, "--to", 1.2, "--out", tmp_path / "a.mp4")
        assert done.exit_code == 0
        assert "no longer exists; the clip is from the annotated video" in done.stderr
        assert numbers(tmp_path / "a.mp4") == [25, 26, 27, 28, 29]

    def test_where_both_are_gone_it_says_so(self, films, tmp_path):
        film = Path(shutil.copy(films["b-frames"], tmp_path))
        folder = results_of(film, tmp_path / "out")
        film.unlink()
        done = clip(folder.root, "--from", 1, "--to", 1.2, "--out", tmp_path / "a.mp4")
        assert done.exit_code == 2
        assert "annotated.mp4: expected the annotated video, found none (the original" in done.stderr

    def test_time_stamps_that_are_not_those_of_the_tables(self, films, tmp_path):
        folder = results_of(films["b-frames"], tmp_path, annotated=films["b-frames"], trusted=False)
        made = write_clip(folder, 1, 1.2, tmp_path / "a.mp4")
        assert "cannot be trusted; the clip is from the annotated video" in made.notes[0]

    def test_no_results(self, tmp_path):
        with pytest.raises(UsageError, match="expected the results of a movie, found none"):
            write_clip(MovieFolder(tmp_path), 0, 1, tmp_path / "a.mp4")


def bright(number: int, width: int, height: int) -> np.ndarray:
    """Paint the number's complement, so that the two films cannot be mistaken for each other."""
    return Clip().paint(number ^ 255, width, height)


def test_a_clip_beyond_the_end(films, tmp_path):
    path = tmp_path / "a.mp4"
    done = clip(films["b-frames"], "--from", 4.5, "--to", 5, "--out", path)
    assert done.exit_code == 2
    assert "expected a clip within the movie, found 4.5 s; it ends at 4.000 s" in done.stderr
    assert not path.exists()
    done = clip(films["b-frames"], "--from", 3.8, "--to", 60, "--out", path)
    assert done.exit_code == 0
    assert "the movie ends at 4.000 s, so the clip ends there, too" in done.stderr
    assert numbers(path) == [95, 96, 97, 98, 99]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--from", 2, "--to", 1), "expected --to after --from, found 2 to 1 s"),
        (("--from", "1:2:3:4", "--to", 1), "--from 1:2:3:4: expected a time as 12.5, 1:02.5 or 1:02:03"),
        (("--from", "-1", "--to", 1), "--from -1: expected a time"),
        (("--from", 0, "--to", 1, "--out", "a.mkv"), "--out a.mkv: expected a name that ends in .mp4, found .mkv"),
        (("--from", 0, "--to", 1, "--annotated"), "--annotated: expected the folder with a movie's results"),
    ],
)
def test_wrong_usage(films, arguments, words):
    done = clip(films["b-frames"], *arguments)
    assert done.exit_code == 2
    assert words in done.stderr


def test_a_file_that_is_there_stays(films, tmp_path):
    path = tmp_path / "a.mp4"
    path.write_text("mine")
    assert "exists already" in clip(films["late"], "--from", 0, "--to", 1, "--out", path).stderr
    assert path.read_text() == "mine"
    assert clip(films["late"], "--from", 0, "--to", 1, "--out", path, "--force").exit_code == 0
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.mp4"]


def test_no_such_film_and_no_film(tmp_path):
    assert "no such file or folder" in clip(tmp_path / "none.mp4", "--from", 0, "--to", 1).stderr
    (tmp_path / "text.mp4").write_text("no film")
    assert "expected a movie" in clip(tmp_path / "text.mp4", "--from", 0, "--to", 1).stderr


@pytest.mark.parametrize(
    ("text", "seconds"), [("12", 12), ("12.5", 12.5), ("1:02.5", 62.5), ("1:02:03", 3723), (" 0:00 ", 0)]
)
def test_times_as_people_write_them(text, seconds):
    assert parse_time(text) == seconds
