"""Runs with ``--video overlay``: what is made, what stands, what is said where there can be none."""

import shutil
from pathlib import Path

import av
import clips
import pytest

from jobs.report.folder_report import rewrite
from jobs.review.app import make_review
from jobs.run import tasks
from jobs.store.status import read_status
from jobs.store.workspace import MovieFolder
from jobs.web.address import Address

FILM = clips.Clip(".mp4", pts=range(40), options=clips.X264)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return FILM.write(tmp_path_factory.mktemp("film") / "film")


@pytest.fixture(scope="module")
def done(run_here, film, tmp_path_factory) -> Path:
    """The results of a run with an overlay; read-only."""
    out = tmp_path_factory.mktemp("done") / "out"
    assert run_here(film, out=out, video="overlay")[film.name].status == "done"
    return out


@pytest.fixture
def out(done, tmp_path) -> Path:
    return Path(shutil.copytree(done, tmp_path / "out"))


def folder_in(out: Path, film: Path) -> MovieFolder:
    return MovieFolder(out / film.name)


def page(out: Path, path: str):
    client = make_review(out, Address("127.0.0.1", 8765, "")).test_client()
    return client.get(path, headers={"Host": "127.0.0.1:8765"})


def test_a_run_makes_it_and_no_other_video(done, film):
    folder = folder_in(done, film)
    assert folder.overlay.is_file()
    assert not folder.video.exists()
    assert not folder.work.exists()
    job = folder.read_job_file()
    assert job.keys.overlay
    assert not job.keys.video
    with av.open(str(folder.overlay)) as container:
        assert [stream.type for stream in container.streams] == ["video", "subtitle"]
    (movie,) = read_status(done).movies
    assert (movie.state, movie.percent) == ("done", 100.0)


def test_the_same_run_again_does_nothing(run_here, out, film):
    before = folder_in(out, film).overlay.stat()
    assert not run_here(film, out=out, video="overlay")[film.name].fresh
    assert folder_in(out, film).overlay.stat().st_ino == before.st_ino


def test_one_that_was_deleted_is_made_again_without_an_analysis(run_here, out, film, monkeypatch):
    folder_in(out, film).overlay.unlink()
    monkeypatch.setattr(tasks, "analyze_segment", None)
    assert run_here(film, out=out, video="overlay")[film.name].fresh
    assert folder_in(out, film).overlay.is_file()


def test_both_videos_stand_beside_each_other(run_here, out, film, monkeypatch):
    monkeypatch.setattr(tasks, "analyze_segment", None)
    assert run_here(film, out=out, video="h264")[film.name].status == "done"
    folder = folder_in(out, film)
    assert folder.overlay.is_file()
    assert folder.video.is_file()
    assert folder.read_job_file().keys.overlay
    for video in ("overlay", "h264"):
        assert not run_here(film, out=out, video=video)[film.name].fresh


def test_tables_that_are_replaced_take_it_along(run_here, out, film):
    folder = folder_in(out, film)
    assert run_here(film, out=out, video="none", detect_every=0)[film.name].status == "done"
    assert not folder.overlay.exists()
    assert folder.root.joinpath("annotated.earlier.mkv").is_file()
    job = folder.read_job_file()
    assert job.keys.overlay == ""
    assert job.remarks == ("annotated.earlier.mkv shows the earlier tables, which these replaced",)


def test_where_there_can_be_none_tables_stand_and_it_is_said_once(run_here, tmp_path, monkeypatch):
    film = tmp_path / "raw.avi"
    clips.ffmpeg("-i", FILM.write(tmp_path / "film"), "-c:v", "rawvideo", "-pix_fmt", "bgr24", film)
    out = tmp_path / "out"
    result = run_here(film, out=out, video="overlay")[film.name]
    folder = folder_in(out, film)
    assert result.status == "partial"
    assert result.reason.startswith("no annotated.mkv: Matroska does not take its rawvideo video: ")
    assert result.reason.endswith("; --video h264 makes an annotated video")
    assert folder.timeline.is_file()
    assert not folder.overlay.exists()
    assert not run_here(film, out=out, video="overlay")[film.name].fresh
    monkeypatch.setattr(tasks, "analyze_segment", None)
    assert run_here(film, out=out, video="h264")[film.name].reason == ""
    assert folder.video.is_file()
    assert folder.read_job_file().status == "done"


def test_a_failure_of_the_copy_leaves_an_earlier_one_aside(run_here, out, film, monkeypatch):
    def refused(*_: object) -> list[str]:
        raise tasks.OverlayError("film.mp4: no")

    monkeypatch.setattr(tasks, "overlay", refused)
    result = run_here(film, out=out, video="overlay", detect_every=0)[film.name]
    assert (result.status, result.reason) == ("partial", "no annotated.mkv: film.mp4: no")
    assert not folder_in(out, film).overlay.exists()
    assert folder_in(out, film).root.joinpath("annotated.earlier.mkv").is_file()


def test_pages_show_the_original_or_else_its_copy(run_here, tmp_path):
    film, out = FILM.write(tmp_path / "film"), tmp_path / "out"
    run_here(film, out=out, video="overlay")
    assert [video["kind"] for video in page(out, "/api/movie/film.mp4").json["videos"]] == ["original"]
    film.rename(tmp_path / "elsewhere.mp4")
    (copy,) = page(out, "/api/movie/film.mp4").json["videos"]
    assert copy["kind"] == "copy"
    with page(out, copy["url"]) as answer:
        assert answer.data == folder_in(out, film).overlay.read_bytes()
    assert page(out, "/still/frame/film.mp4?frame=30").status_code == 200
    assert b"is missing" not in page(out, "/movie/film.mp4").data
    folder_in(out, film).report.unlink()
    rewrite(out)
    assert 'href="annotated.mkv"' in folder_in(out, film).report.read_text()
