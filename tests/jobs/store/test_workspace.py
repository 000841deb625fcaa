"""The output folder: files come whole or not at all, and one run holds it at a time."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pandas as pd
import pytest

from jobs.errors import WorkspaceError
from jobs.store.atomic import commit, commit_json
from jobs.store.job_file import JobFile
from jobs.store.json_values import read_object
from jobs.store.movie_result import write_movies_table
from jobs.store.workspace import MovieFolder, Workspace, movie_folders

HOLD = """
import sys
from pathlib import Path
from jobs.store.workspace import Workspace
with Workspace(Path(sys.argv[1])).locked():
    print("held", flush=True)
    sys.stdin.read()
"""
DIE_WRITING = """
import os, signal, sys
from pathlib import Path
from jobs.store.atomic import commit
def write(temporary):
    temporary.write_text("half of the ne")
    os.kill(os.getpid(), signal.SIGKILL)
commit(Path(sys.argv[1]), write)
"""


def test_what_was_removed_meanwhile_is_not_made_again(tmp_path):
    folder = tmp_path / "film.mp4"
    for path in (folder / "job.json", folder / ".work" / "key" / "unit"):
        with pytest.raises(FileNotFoundError, match="the folder has been removed"):
            commit_json(path, {}, folder)
        assert not folder.exists()
    folder.mkdir()
    commit_json(folder / ".work" / "key" / "unit", {}, folder)
    assert (folder / ".work" / "key" / "unit").exists()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class TestCommit:
    def test_makes_the_folders_above(self, tmp_path):
        commit(tmp_path / "a" / "b" / "c.txt", lambda temporary: temporary.write_text("new"))
        assert (tmp_path / "a" / "b" / "c.txt").read_text() == "new"
        assert names(tmp_path / "a" / "b") == ["c.txt"]

    def test_shows_the_old_content_until_the_new_is_complete(self, tmp_path):
        path = tmp_path / "c.txt"
        path.write_text("old")

        def write(temporary: Path) -> None:
            temporary.write_text("new, much longer")
            assert path.read_text() == "old"

        commit(path, write)
        assert path.read_text() == "new, much longer"

    def test_keeps_the_old_content_if_the_writer_fails(self, tmp_path):
        path = tmp_path / "c.txt"
        path.write_text("old")

        def write(temporary: Path) -> None:
            temporary.write_text("half of the ne")
            raise RuntimeError("the encoder gave up")

        with pytest.raises(RuntimeError, match="gave up"):
            commit(path, write)
        assert path.read_text() == "old"
        assert names(tmp_path) == ["c.txt"]

    def test_leaves_nothing_if_the_writer_of_a_first_version_fails(self, tmp_path):
        with pytest.raises(ZeroDivisionError):
            commit(tmp_path / "c.txt", lambda temporary: temporary.write_text(str(1 // 0)))
        assert names(tmp_path) == []

    def test_says_so_if_the_writer_wrote_nothing(self, tmp_path):
        with pytest.raises(FileNotFoundError):
            commit(tmp_path / "c.txt", lambda _: None)

    def test_the_temporary_keeps_the_suffix(self, tmp_path):
        suffixes = []

        def write(temporary: Path) -> None:  # writers choose the format by it
            suffixes.append(temporary.suffix)
            temporary.touch()

        commit(tmp_path / "annotated.mp4", write)
        assert suffixes == [".mp4"]

    def test_a_killed_writer_leaves_the_old_content(self, tmp_path):
        path = tmp_path / "c.txt"
        path.write_text("old")
        done = subprocess.run([sys.executable, "-c", DIE_WRITING, str(path)], check=False, timeout=60)
        assert done.returncode == -signal.SIGKILL
        assert path.read_text() == "old"
        assert len(names(tmp_path)) == 2  # what it left behind goes with the next run:
        MovieFolder(tmp_path).clear_temporary()
        assert names(tmp_path) == ["c.txt"]

    def test_json_keeps_letters_readable(self, tmp_path):
        commit_json(tmp_path / "job.json", {"movie": "Käse ☃.mp4"})
        assert "Käse ☃.mp4" in (tmp_path / "job.json").read_text(encoding="utf-8")
        assert read_object(MovieFolder(tmp_path).job) == {"movie": "Käse ☃.mp4"}


class TestMovieFolder:
    def test_clear_temporary_reaches_the_units_and_nothing_else(self, tmp_path):
        folder = MovieFolder(tmp_path / "film.mp4")
        unit = folder.work / "0123abcd"
        unit.mkdir(parents=True)
        for path in (folder.root / ".tmp-1-timeline.parquet", unit / ".tmp-1-start_end.npz"):
            path.touch()
        kept = [folder.timeline, unit / "start_end.npz"]
        for path in kept:
            path.touch()
        folder.clear_temporary()
        assert sorted(path for path in folder.root.rglob("*") if path.is_file()) == sorted(kept)

    def test_clear_temporary_of_no_folder(self, tmp_path):
        MovieFolder(tmp_path / "not there").clear_temporary()

    def test_clear_units(self, tmp_path):
        folder = MovieFolder(tmp_path)
        (folder.work / "0123abcd").mkdir(parents=True)
        for path in (folder.work / ".tmp-1-plan.json", folder.root / ".tmp-1-annotated.mp4"):
            path.touch()  # of killed writers
        for _ in range(2):
            folder.clear_units(["0123abcd", "not there"])
        assert names(tmp_path) == []

    def test_clear_units_leaves_those_of_other_keys(self, tmp_path):
        folder = MovieFolder(tmp_path)
        for key in ("0123abcd", "4567abcd"):
            (folder.work / key).mkdir(parents=True)
        folder.plan.touch()
        folder.clear_units(["", "0123abcd"])  # the empty key is that of a video that is not wanted
        assert names(folder.work) == ["4567abcd"]

    def test_listing(self, tmp_path):
        folder = MovieFolder(tmp_path)
        assert MovieFolder(tmp_path / "not there").listing(["0123abcd"]) == frozenset()
        for key in ("0123abcd", "4567abcd"):
            (folder.work / key).mkdir(parents=True)
            (folder.work / key / "start_end.npz").touch()
            (folder.work / key / ".tmp-1-5_end.npz").touch()
        folder.timeline.touch()
        folder.video.mkdir()
        assert folder.listing(["0123abcd", "89"]) == {"timeline.parquet", ".work/0123abcd/start_end.npz"}

    @pytest.mark.parametrize("content", [None, b"", b"{", b"[1]", b"\xff\xfe"])
    def test_a_job_that_cannot_be_read_is_none(self, tmp_path, content):
        if content is not None:
            (tmp_path / "job.json").write_bytes(content)
        assert read_object(MovieFolder(tmp_path).job) is None

    def test_paths_lie_below_the_movies_name(self, tmp_path):
        folder = Workspace(tmp_path).folder("holiday/day 1.mp4")
        assert folder.video == tmp_path / "holiday" / "day 1.mp4" / "annotated.mp4"
        assert {path.parent for path in (*folder.tables, folder.job, folder.work)} == {folder.root}


class TestMoviesTable:
    def test_without_movies_has_no_rows(self, tmp_path):
        write_movies_table(Workspace(tmp_path))
        assert len(pd.read_parquet(tmp_path / "movies.parquet")) == 0

    def test_has_a_row_for_every_job_that_can_be_read(self, tmp_path):
        job = {"movie": "b.mp4", "status": "done", "reason": "", "source": "/b.mp4", "summary": {"frames": 7}}
        commit_json(tmp_path / "b.mp4" / "job.json", job)
        failed = {"movie": "a/a.mp4", "status": "failed", "reason": "no", "source": "/a.mp4", "summary": None}
        commit_json(tmp_path / "a" / "a.mp4" / "job.json", failed)
        (tmp_path / "c.mp4").mkdir()
        (tmp_path / "c.mp4" / "job.json").write_text("{torn")
        write_movies_table(Workspace(tmp_path))
        table = pd.read_parquet(tmp_path / "movies.parquet")
        assert table["movie"].tolist() == ["a/a.mp4", "b.mp4"]
        assert table["frames"].tolist()[1] == 7
        assert pd.isna(table["frames"][0])

    def test_passes_over_job_files_of_others(self, tmp_path):
        commit_json(tmp_path / "printer" / "job.json", {"copies": 2})
        write_movies_table(Workspace(tmp_path))
        assert len(pd.read_parquet(tmp_path / "movies.parquet")) == 0

    @pytest.mark.parametrize(
        "summary",
        ['{"coverage": NaN}', '{"frames": "many"}', '{"frames": 1e99}', '{"dominant": ["sad"]}', '"elsewhere"'],
    )
    def test_values_that_do_not_fit_their_column_are_null(self, tmp_path, summary):
        job = {"movie": "b.mp4", "status": "done", "reason": "", "source": "/b.mp4", "summary": {"frames": 7}}
        commit_json(tmp_path / "b.mp4" / "job.json", job)
        others = '{"movie": "a.mp4", "status": "done", "reason": "", "source": "/a.mp4", "summary": %s}'
        (tmp_path / "a.mp4").mkdir()
        (tmp_path / "a.mp4" / "job.json").write_text(others % summary)
        write_movies_table(Workspace(tmp_path))
        table = pd.read_parquet(tmp_path / "movies.parquet").set_index("movie")
        assert table["frames"]["b.mp4"] == 7
        assert table.loc["a.mp4", ["coverage", "frames", "dominant"]].isna().all()


def test_folders_that_vanish_under_a_walk(tmp_path):
    """A run removes ``.work`` folders while others read the output folder."""
    kept = tmp_path / "kept.mp4"
    JobFile("kept.mp4", "done").write(kept / "job.json")
    over = threading.Event()

    def come_and_go() -> None:
        while not over.is_set():
            for number in range(20):
                (tmp_path / "busy" / f"{number}" / ".work" / "0123").mkdir(parents=True, exist_ok=True)
            shutil.rmtree(tmp_path / "busy")

    thread = threading.Thread(target=come_and_go)
    thread.start()
    try:
        for _ in range(300):
            assert kept in set(movie_folders(tmp_path))
            assert [job.movie for job in Workspace(tmp_path).job_files()] == ["kept.mp4"]
    finally:
        over.set()
        thread.join()


class TestLock:
    @pytest.fixture
    def holder(self, tmp_path):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(tmp_path / "out")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()
        process.communicate()

    def test_refuses_a_second_run_and_names_the_first(self, tmp_path, holder):
        with (
            pytest.raises(WorkspaceError, match=f"out: another run is using .* process {holder.pid} on "),
            Workspace(tmp_path / "out").locked(),
        ):
            pass

    def test_a_refused_run_leaves_the_holders_name(self, tmp_path, holder):
        for _ in range(2):
            with pytest.raises(WorkspaceError, match=str(holder.pid)), Workspace(tmp_path / "out").locked():
                pass

    def test_goes_free_when_the_holder_is_killed(self, tmp_path, holder):
        holder.kill()
        holder.wait(30)
        with Workspace(tmp_path / "out").locked():
            assert f"process {os.getpid()} on" in (tmp_path / "out" / ".lock").read_text()

    def test_goes_free_at_the_end_and_after_an_error(self, tmp_path):
        workspace = Workspace(tmp_path)
        with pytest.raises(ZeroDivisionError), workspace.locked():
            print(1 // 0)
        with workspace.locked():
            pass
        with workspace.locked():
            pass


class TestUnwritable:
    @pytest.fixture
    def moodreel_within(self, tmp_path):
        """Run the command where no file may hold a byte."""
        (tmp_path / "film.mp4").touch()

        def run(*arguments: object) -> "subprocess.CompletedProcess[str]":
            return subprocess.run(
                [Path(sys.executable).with_name("moodreel"), *map(str, arguments)],
                capture_output=True, text=True, check=False, timeout=60,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)),
            )  # fmt: skip

        return run

    def test_below_a_file(self, tmp_path):
        (tmp_path / "file").touch()
        out = tmp_path / "file" / "out"
        with (
            pytest.raises(WorkspaceError, match=f"{out}: the output folder cannot be written: Not a directory"),
            Workspace(out).locked(),
        ):
            pass

    def test_a_file(self, tmp_path):
        (tmp_path / "out").touch()
        with pytest.raises(WorkspaceError, match="cannot be written"), Workspace(tmp_path / "out").locked():
            pass

    def test_the_lock_cannot_be_made(self, tmp_path):
        (tmp_path / ".lock").mkdir()
        with pytest.raises(WorkspaceError, match="cannot be written: Is a directory"), Workspace(tmp_path).locked():
            pass

    @pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder in which not even root may write")
    def test_a_file_system_that_takes_no_files(self):
        with pytest.raises(WorkspaceError, match="cannot be written"), Workspace(Path("/proc/moodreel")).locked():
            pass

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
    def test_a_folder_without_permission(self, tmp_path):
        tmp_path.chmod(0o500)
        with pytest.raises(WorkspaceError, match="Permission denied"), Workspace(tmp_path / "out").locked():
            pass

    def test_no_file_can_be_written(self, moodreel_within, tmp_path):
        done = moodreel_within("run", tmp_path / "film.mp4", "--out", tmp_path / "out")
        assert done.returncode == 2
        assert done.stderr == f"moodreel: {tmp_path}/out: the output folder cannot be written: File too large\n"
        assert not (tmp_path / "out" / "run.json").exists()

    def test_the_lock_holds_although_its_holder_cannot_be_named(self, tmp_path):
        (tmp_path / ".lock").symlink_to("/dev/full")
        with Workspace(tmp_path).locked():
            pass

    def test_the_log_cannot_be_made(self, tmp_path):
        (tmp_path / "logs").touch()
        workspace = Workspace(tmp_path)
        with workspace.locked(), pytest.raises(WorkspaceError, match="logs"):
            workspace.make_logs()
