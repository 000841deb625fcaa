"""Runs over films whose picture changes on the way, or is of a kind that no encoder takes."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pyarrow.parquet as pq
import pytest
from clips import X264, Clip
from discs import Part, write_changing

from jobs.results.stills.frames import opened_video, readable, upright
from pipeline.media.movie import open_movie

H264 = {**X264, "x264-params": "repeat-headers=1:annexb=1"}


def turned(folder: Path) -> Path:
    """A film of 120x160 that begins with a few frames of 160x120."""
    return write_changing(folder / "turned.mkv", "libx264", [Part((160, 120), 5), Part((120, 160), 20)], options=H264)


def job_of(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "job.json").read_text()))


def sizes_in(video: Path) -> list[tuple[int, int]]:
    with av.open(str(video)) as container:
        return [(frame.width, frame.height) for frame in container.decode(video=0)]


def check_turned(folder: Path) -> None:
    job = job_of(folder)
    assert (job["status"], job["summary"]["width"], job["summary"]["height"]) == ("done", 120, 160)
    assert [remark for remark in job["remarks"] if "shape of the picture changes: 160x120, then 120x160" in remark]
    metadata = json.loads(pq.read_schema(folder / "timeline.parquet").metadata[b"moodreel"])
    assert (metadata["width"], metadata["height"]) == (120, 160)
    assert sizes_in(folder / "annotated.mp4") == [(120, 160)] * 25


def test_a_film_that_was_turned(run_here, tmp_path: Path) -> None:
    film = turned(tmp_path)
    assert run_here(film, out=tmp_path / "out")[film.name].status == "done"
    check_turned(tmp_path / "out" / film.name)


def test_so_does_one_whose_video_is_made_later(run_here, tmp_path: Path) -> None:
    film = turned(tmp_path)
    run_here(film, out=tmp_path / "out", video="none")
    run_here(film, out=tmp_path / "out")
    check_turned(tmp_path / "out" / film.name)


@pytest.mark.parametrize("video", ["h264", "none"])
def test_aspects_that_no_encoder_takes(run_here, tmp_path: Path, video: str) -> None:
    film = Clip(".mp4", range(5), size=(320, 180), aspect=Fraction(100), options=X264).write(tmp_path / "wide")
    assert run_here(film, out=tmp_path / "out", video=video)[film.name].status == "done"
    job = job_of(tmp_path / "out" / film.name)
    assert any("scaled to 16384x92" in remark for remark in job["remarks"])
    assert job["summary"]["frames"] == 5
    if video == "h264":
        assert sizes_in(tmp_path / "out" / film.name / "annotated.mp4") == [(16384, 92)] * 5


def test_pictures_that_no_encoder_takes(run_here, tmp_path: Path) -> None:
    film = Clip(".mkv", range(2), codec="ffv1", size=(64, 17_000)).write(tmp_path / "tall")
    assert run_here(film, out=tmp_path / "out")[film.name].status == "done"
    assert sizes_in(tmp_path / "out" / film.name / "annotated.mp4") == [(62, 16384)] * 2


def test_hdr_is_named_and_written_as_bt709(run_here, tmp_path: Path) -> None:
    params = "colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc"
    clip = Clip(".mp4", range(5), pixels="yuv420p10le", options={**X264, "x264-params": params})
    film = clip.write(tmp_path / "hdr")
    assert run_here(film, out=tmp_path / "out")[film.name].status == "done"
    assert "HDR (PQ) was mapped to BT.709" in job_of(tmp_path / "out" / film.name)["remarks"]
    with av.open(str(tmp_path / "out" / film.name / "annotated.mp4")) as container:
        frame = next(container.decode(video=0))
    assert (frame.colorspace, frame.color_primaries, frame.color_trc) == (1, 1, 1)


def test_an_ordinary_film_has_no_remark(run_here, tmp_path: Path) -> None:
    film = Clip(".mkv", range(5), options=X264).write(tmp_path / "film")
    run_here(film, out=tmp_path / "out")
    assert job_of(tmp_path / "out" / film.name)["remarks"] == []


@pytest.mark.parametrize("widest", [None, 60])
def test_stills_are_the_movies_picture(tmp_path: Path, widest: int | None) -> None:
    movie = open_movie(turned(tmp_path)).with_picture(120, 160)
    with opened_video(movie) as container:
        images = [upright(movie, shown, widest) for shown in readable(container, movie)]
    width, height = (120, 160) if widest is None else (60, 80)
    assert {image.shape for image in images} == {(height, width, 3)}
    top, bottom = height * 34 // 160, height * 124 // 160
    for image in images[:5]:  # 120x90, between bars
        assert image[: top - 1].max() == image[bottom + 1 :].max() == 0
        assert image[top + 1 : bottom - 1].min() > 5
    assert all(image.min() > 5 for image in images[5:])
