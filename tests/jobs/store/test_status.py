"""What is known of a run from its output folder: alone, while it is running, after it was killed, and from a copy."""

import functools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import clips
import pytest

from jobs.errors import UsageError, WorkspaceError
from jobs.iso_time import duration
from jobs.run import tasks
from jobs.run.status_table import print_status
from jobs.store.clean import clean
from jobs.store.lock import is_locked
from jobs.store.status import State, read_status
from jobs.store.workspace import Workspace

MOODREEL = Path(sys.executable).with_name("moodreel")
NOW = 0.0
"""When the test began; all its files are as old as it says against this one moment."""

KEYS = {"analysis": "a" * 16, "tables": "b" * 16, "video": "c" * 16}


@pytest.fixture(autouse=True)
def _begin() -> None:
    global NOW
    NOW = time.time()


def iso(ago: float) -> str:
    return datetime.fromtimestamp(NOW - ago, UTC).isoformat(timespec="seconds")


def write_run(out: Path, *names: str, **changes: Any) -> None:
    """Write the ``run.json`` of a run that began 1000 s ago and has not said that it ended."""
    movies = [{"name": name, "source": f"/films/{name}"} for name in names]
    facts = {"pid": os.getpid(), "host": socket.gethostname(), "started": iso(1000), "ended": None, "exit_code": None}
    write(out / "run.json", facts | {"movies": movies, "settings": {}} | changes)


def write_plan(folder: Path, began: float, frames: tuple[int, ...], passes: int = 2) -> None:
    segments = [{"name": f"s{number}", "frames": count} for number, count in enumerate(frames)]
    plan = {
        "format": 1,
        "movie": folder.name,
        "began": iso(began),
        "passes": passes,
        "keys": KEYS,
        "segments": segments,
    }
    write(folder / ".work" / "plan.json", plan)


def write_job(folder: Path, status: str, ago: float, seconds: float = 10.0, **facts: Any) -> None:
    summary = {"frames": 500, "faces": 40, "duration": 20.0} if status != "failed" else {}
    reason = "" if status == "done" else f"why {status}"
    job = {"movie": folder.name, "status": status, "reason": reason, "source": "x", "summary": summary}
    write(folder / "job.json", job | {"seconds": seconds, "finished": iso(ago)} | facts)


def write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def commit(folder: Path, key: str, unit: str, ago: float) -> None:
    path = folder / ".work" / KEYS[key] / unit
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.utime(path, (NOW - ago, NOW - ago))


def states(out: Path) -> dict[str, State]:
    return {movie.name: movie.state for movie in read_status(out).movies}


def tree(out: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in out.rglob("*")}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture
def alive(out: Path) -> Iterator[None]:
    """A run holds the folder."""
    with Workspace(out).locked():
        yield


class TestNothingThere:
    def test_no_folder(self, tmp_path):
        with pytest.raises(UsageError, match=r"gone: no such folder; expected the --out of a run"):
            read_status(tmp_path / "gone")
        assert not (tmp_path / "gone").exists()

    def test_a_file(self, tmp_path):
        (tmp_path / "file").touch()
        with pytest.raises(UsageError, match="no such folder"):
            read_status(tmp_path / "file")

    def test_no_results(self, out):
        (out / "notes").mkdir()
        with pytest.raises(UsageError, match=r"no results in there; expected run\.json, or folders with job\.json"):
            read_status(out)

    def test_a_run_without_movies(self, out, capsys):
        write_run(out)
        status = read_status(out)
        assert status.movies == ()
        assert status.totals.percent is None
        assert set(status.totals.counts.values()) == {0}
        print_status(status)
        assert "no movies" in capsys.readouterr().out


@pytest.mark.usefixtures("alive")
class TestWhileARunGoesOn:
    def test_states(self, out):
        names = ["done", "partial", "failed", "running", "next", "failed before", "begun before", "in/redone"]
        write_run(out, *names)
        write_job(out / "done", "done", 900)
        write_job(out / "partial", "partial", 5000)
        write_job(out / "failed", "failed", 800)
        write_plan(out / "failed", 850, (10,))
        write_plan(out / "running", 700, (10,))
        write_job(out / "failed before", "failed", 5000)
        write_plan(out / "begun before", 5000, (10,))
        write_job(out / "in" / "redone", "failed", 5000)  # as its results were about to be replaced
        write_plan(out / "in" / "redone", 700, (10,))
        write_job(out / "not of this run", "done", 9000)
        write_plan(out / "nor this", 9000, (10,))
        waiting = dict.fromkeys(["next", "failed before", "begun before"], "waiting")
        assert states(out) == {
            **{name: name for name in names[:4]}, **waiting,
            "in/redone": "running", "nor this": "stopped", "not of this run": "done",
        }  # fmt: skip
        status = read_status(out)
        assert status.run is not None
        assert status.run.alive
        assert status.totals.counts == {
            "done": 2, "partial": 1, "failed": 1, "running": 2, "waiting": 3, "stopped": 1,
        }  # fmt: skip
        assert [movie.reason for movie in status.movies[:4]] == ["", "why partial", "why failed", ""]

    def test_percent_rate_and_time_left(self, out):
        write_run(out, "a")
        write_plan(out / "a", 100, (100, 100, 50))
        commit(out / "a", "analysis", "s0.npz", 60)
        commit(out / "a", "analysis", "s1.npz", 20)
        commit(out / "a", "analysis", ".tmp-1-s2.npz", 1)
        (movie,) = read_status(out).movies
        assert movie.percent == pytest.approx(40)
        assert (movie.frames, movie.faces) == (250, None)
        assert movie.rate == pytest.approx(100 / 80, rel=0.03)  # 200 of 500 frame passes in the first 80 s
        assert movie.seconds_left == pytest.approx(150 / (100 / 80) - 20, abs=4)

    def test_with_one_pass(self, out):
        write_run(out, "a")
        write_plan(out / "a", 100, (100, 100), passes=1)
        commit(out / "a", "analysis", "s0.npz", 50)
        commit(out / "a", "video", "s0.mp4", 50)  # of an earlier run with a video
        (movie,) = read_status(out).movies
        assert movie.percent == pytest.approx(50)
        assert movie.rate == pytest.approx(2, rel=0.05)

    def test_commits_of_an_earlier_run_are_no_work_of_this_one(self, out):
        write_run(out, "a")
        write_plan(out / "a", 100, (1000, 1000, 10, 10), passes=1)
        commit(out / "a", "analysis", "s0.npz", 9000)
        commit(out / "a", "analysis", "s1.npz", 8000)
        status = read_status(out)
        assert status.movies[0].percent == pytest.approx(100 * 2000 / 2020)
        assert status.movies[0].rate is status.movies[0].seconds_left is status.totals.rate is None
        commit(out / "a", "analysis", "s2.npz", 50)
        status = read_status(out)
        assert status.movies[0].rate == pytest.approx(10 / 50, rel=0.05)
        assert status.totals.rate == pytest.approx(10 / 50, rel=0.05)

    def test_rendering_after_an_analysis_whose_units_are_gone(self, out):
        write_run(out, "a")
        write_plan(out / "a", 100, (100, 100))
        commit(out / "a", "video", "s0.mp4", 50)
        (movie,) = read_status(out).movies
        assert movie.percent == pytest.approx(75)
        assert movie.rate == pytest.approx(50 / 50, rel=0.05)  # half of what 100 frames take, in 50 s
        assert movie.seconds_left == pytest.approx(50 - 50, abs=4)

    def test_the_rate_falls_when_a_commit_is_overdue(self, out):
        write_run(out, "a")
        write_plan(out / "a", 900, (100, 100), passes=1)
        commit(out / "a", "analysis", "s0.npz", 800)
        (movie,) = read_status(out).movies
        assert movie.rate == pytest.approx(100 / 800, rel=0.05)
        assert movie.seconds_left == pytest.approx(800 - 100, rel=0.05)

    def test_a_movie_without_frames(self, out):
        write_run(out, "a")
        write_plan(out / "a", 100, ())
        (movie,) = read_status(out).movies
        assert (movie.state, movie.percent, movie.frames, movie.rate) == ("running", 0.0, 0, None)

    def test_totals(self, out):
        write_run(out, "done", "before", "failed", "running", "next")
        write_job(out / "done", "done", 200, seconds=100.0)
        write_job(out / "before", "done", 5000, seconds=1.0)
        write_job(out / "failed", "failed", 900)
        write_plan(out / "running", 100, (250, 250), passes=1)
        commit(out / "running", "analysis", "s0.npz", 0)
        totals = read_status(out).totals
        assert (totals.frames, totals.faces) == (1500, 80)
        assert totals.percent == pytest.approx(100 * 1250 / 2000)  # the next movie counts as one of 500 frames
        assert totals.rate == pytest.approx(750 / 300, rel=0.05)
        assert totals.seconds_left == pytest.approx(750 / 2.5, rel=0.05)

    def test_frames_that_a_finished_movie_found_done_are_no_work(self, out):
        write_run(out, "a", "b")
        write_job(out / "a", "done", 100, seconds=100.0, frames_before=400)
        assert read_status(out).totals.rate == pytest.approx(1.0, rel=0.05)

    def test_nothing_is_written(self, out):
        write_run(out, "a")
        write_plan(out / "a", 100, (100,))
        before = tree(out)
        read_status(out).to_json()
        assert tree(out) == before

    def test_it_is_told(self, out, capsys):
        write_run(out, "a [b].mp4", "c")
        write_plan(out / "a [b].mp4", 100, (100, 100), passes=1)
        commit(out / "a [b].mp4", "analysis", "s0.npz", 50)
        write_job(out / "c", "failed", 100)
        print_status(read_status(out))
        text = capsys.readouterr().out
        (line,) = [line for line in text.splitlines() if "a [b].mp4" in line]
        assert line.split()[2:6] == ["running", "50", "%", "200"]
        assert "failed: c: why failed" in text
        assert "2 movies: 1 failed, 1 running" in text
        assert f"(process {os.getpid()} on {socket.gethostname()}) is running" in text


class TestWhenNoRunGoesOn:
    def write_half(self, out: Path, **run: Any) -> None:
        write_run(out, "half", "never", "done", **run)
        write_plan(out / "half", 900, (100, 100), passes=1)
        commit(out / "half", "analysis", "s0.npz", 850)
        write_job(out / "done", "done", 950)

    def test_killed(self, out, capsys):
        self.write_half(out)
        status = read_status(out)
        assert states(out) == {"half": "stopped", "never": "waiting", "done": "done"}
        half, never, _ = status.movies
        assert (half.percent, half.rate, half.seconds_left) == (50.0, None, None)
        assert (never.percent, never.reason) == (0.0, "not begun")
        assert (status.totals.rate, status.totals.seconds_left, status.remarks) == (None, None, ())
        print_status(status)
        assert "was killed or crashed; run the same command to resume" in capsys.readouterr().out

    @pytest.mark.parametrize(("code", "state"), [(130, "stopped"), (1, "failed"), (None, "stopped")])
    def test_ended(self, out, code, state):
        self.write_half(out, ended=iso(500), exit_code=code)
        assert states(out)["half"] == state

    def test_over_earlier_results(self, out):
        self.write_half(out, ended=iso(500), exit_code=1)
        write_job(out / "half", "done", 9000)
        (half, *_) = read_status(out).movies
        assert (half.state, half.reason) == ("failed", "failed in the last run; the results of an earlier one are kept")

    def test_a_record_that_was_written_before_the_plan_was_cleared(self, out):
        self.write_half(out)
        write_job(out / "half", "done", 840, keys=KEYS)
        assert states(out)["half"] == "done"

    def test_a_copy(self, out, tmp_path):
        self.write_half(out)
        with Workspace(out).locked():
            copy = Path(shutil.copytree(out, tmp_path / "copy"))
            assert states(out)["half"] == "running"
        assert states(copy)["half"] == "stopped"

    def test_units_of_an_earlier_version_do_not_count(self, out):
        self.write_half(out)
        path = out / "half" / ".work" / "plan.json"
        plan = json.loads(path.read_text())
        del plan["format"]
        write(path, plan)
        half = read_status(out).movies[0]
        assert (half.state, half.percent) == ("stopped", 0.0)
        assert half.reason == "started by an earlier version, whose units cannot be used; the next run starts over"

    def test_another_machine(self, out):
        self.write_half(out, host="elsewhere")
        (remark,) = read_status(out).remarks
        assert remark == "the run was started on elsewhere; whether it is still running cannot be told from here"

    def test_results_without_a_run(self, out):
        write_job(out / "b", "done", 100)
        write_job(out / "a" / "x", "partial", 100)
        status = read_status(out)
        assert states(out) == {"b": "done", "a/x": "partial"}
        assert (status.run, status.totals.percent) == (None, 100.0)

    def test_json(self, out):
        self.write_half(out)
        found = json.loads(read_status(out).to_json())
        assert list(found) == ["run", "movies", "totals", "remarks"]
        assert found["run"]["alive"] is False
        assert found["run"]["pid"] == os.getpid()
        assert found["totals"]["counts"]["stopped"] == 1
        assert found["movies"][0] == {
            "name": "half", "state": "stopped", "percent": 50.0, "rate": None, "seconds_left": None, "reason": "",
            "frames": 200, "faces": None,
        }  # fmt: skip

    @pytest.mark.parametrize("content", [b"", b'{"movies": [', b"[]", b"\xff\xfe", b"null", b'{"movies": 3}', b"7"])
    @pytest.mark.parametrize("name", ["run.json", "half/.work/plan.json", "done/job.json"])
    def test_damaged_files(self, out, name, content, capsys):
        self.write_half(out)
        (out / name).write_bytes(content)
        status = read_status(out)
        print_status(status)
        json.loads(status.to_json())
        assert {"half", "done"} <= {movie.name for movie in status.movies}
        if not (name.endswith("job.json") and content.startswith(b"{") and content.endswith(b"}")):
            (remark,) = status.remarks
            assert remark.startswith(f"{out / name}: cannot be read; ")
            assert remark in capsys.readouterr().out

    def test_strange_values(self, out):
        write_run(out, "a", pid="7", host=None, started="yesterday", exit_code=True, movies=[3, {"name": 4}, {}])
        write_job(out / "a", "done", 10, summary=[], seconds="long", finished=7)
        write_job(out / "b", "asleep", 10)
        status = read_status(out)
        assert {movie.name: (movie.state, movie.frames) for movie in status.movies} == {
            "a": ("done", None), "b": ("waiting", None),
        }  # fmt: skip


def test_only_what_failed(out, capsys):
    write_run(out, "a.mp4", "b.mp4", ended=iso(10), exit_code=1)
    write_job(out / "a.mp4", "done", 100)
    write_job(out / "b.mp4", "failed", 90)
    status = read_status(out)
    print_status(status, only_failed=True)
    text = capsys.readouterr().out
    assert "a.mp4" not in text
    assert "failed: b.mp4: why failed" in text
    assert "2 movies: 1 done, 1 failed" in text
    assert [movie["name"] for movie in json.loads(status.to_json(only_failed=True))["movies"]] == ["b.mp4"]


def test_nothing_failed(out, capsys):
    write_job(out / "a.mp4", "done", 100)
    print_status(read_status(out), only_failed=True)
    assert capsys.readouterr().out.splitlines() == ["1 movie: 1 done"]


def test_the_lock_is_given_back(out):
    assert not is_locked(out)
    with Workspace(out).locked():
        assert is_locked(out)
    assert not is_locked(out)
    with Workspace(out).locked():
        pass


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.2, "1 s"),
        (99, "99 s"),
        (100, "2 min"),
        (5940, "99 min"),
        (5941, "1 h 40 min"),
        (86700, "24 h 05 min"),
    ],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_a_real_run_is_watched_killed_cleaned_and_resumed(tmp_path, run_here, monkeypatch):
    film, out = tmp_path / "film.mp4", tmp_path / "out"
    clips.ffmpeg("-f", "lavfi", "-i", "testsrc2=size=320x180:rate=12:duration=20", "-g", 12, film)
    options = ["--out", str(out), "--video", "none", "--segment", "1", "--workers", "1"]
    command = [str(MOODREEL), "run", str(film), *options]
    environment = dict(os.environ)
    process = subprocess.Popen(
        command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True, env=environment
    )
    try:
        half = watch(out)
        assert (half.state, half.frames) == ("running", 240)
        with pytest.raises(WorkspaceError, match="another run is using this output folder"):
            clean(out)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    (stopped,) = read_status(out).movies
    assert stopped.state == "stopped"
    assert 100 > stopped.percent >= half.percent > 0
    clean(out)
    assert read_status(out).movies == (stopped,)
    analyzed = []

    @functools.wraps(tasks.analyze_segment)
    def analyze_segment(movie, segment, *rest):
        analyzed.append(segment.frames)
        real(movie, segment, *rest)

    real = tasks.analyze_segment
    monkeypatch.setattr(tasks, "analyze_segment", analyze_segment)
    run_here(film, out=out, video="none", segment=1.0)
    assert sum(analyzed) == round(240 * (1 - stopped.percent / 100))
    (done,) = read_status(out).movies
    assert (done.state, done.percent, done.frames) == ("done", 100.0, 240)


def watch(out: Path) -> Any:
    """Return the status of the only movie as soon as a unit of it is committed."""
    for _ in range(600):
        time.sleep(0.05)
        try:
            status = read_status(out)
        except UsageError:  # nothing is there yet
            continue
        movie = status.movies[0]
        if movie.percent:
            assert status.run is not None
            assert status.run.alive
            return movie
    raise AssertionError("no unit was ever committed")
