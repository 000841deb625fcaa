"""What every executor promises: one suite, which the tests of each implementation inherit."""

import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import wait
from pathlib import Path

import pytest
import units

from jobs.errors import WorkerDiedError
from jobs.executors.base import Executor
from pipeline.errors import NotAMovieError

PATIENCE = 120  # s

Make = Callable[..., Executor]
"""Called with the number of workers, the folder for logs, and ``stall_s``."""


def until(condition: Callable[[], object], complaint: str) -> None:
    """Wait until a condition holds; fail with ``complaint`` if that takes too long."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, complaint
        time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def written(file: Path) -> bool:
    return file.exists() and bool(file.read_text())


class ExecutorContract:
    """Inherit it in a module with a fixture ``make``, see conftest.py, and say how deaths are reported."""

    deaths: dict[Callable[[], None], str]
    """What the error says of a worker that died in one of these units."""

    def test_returns_the_result(self, executor):
        assert executor.submit(units.double, 21).result(PATIENCE) == 42

    def test_works_in_another_process(self, executor):
        assert executor.submit(os.getpid).result(PATIENCE) != os.getpid()

    def test_runs_many_units(self, executor):
        futures = [executor.submit(units.double, number) for number in range(50)]
        assert [future.result(PATIENCE) for future in futures] == list(range(0, 100, 2))

    def test_an_error_crosses_with_type_and_words(self, executor):
        with pytest.raises(NotAMovieError, match=r"^film\.mp4: expected a movie$"):
            executor.submit(units.fail, "film.mp4: expected a movie").result(PATIENCE)

    def test_works_after_an_error(self, executor):
        assert isinstance(executor.submit(units.fail, "").exception(PATIENCE), NotAMovieError)
        assert executor.submit(units.double, 1).result(PATIENCE) == 2

    def test_works_after_a_result_that_cannot_be_pickled(self, executor):
        assert executor.submit(units.return_what_cannot_travel).exception(PATIENCE) is not None
        assert executor.submit(units.double, 1).result(PATIENCE) == 2

    def test_works_after_an_error_that_cannot_be_unpickled(self, own):
        executor = own()
        error = executor.submit(units.fail_awkwardly).exception(PATIENCE)
        assert "film.mp4:7" in str(error)
        assert executor.submit(units.double, 1).result(PATIENCE) == 2

    @pytest.mark.parametrize("unit", [units.die, units.leave])
    def test_works_after_a_worker_has_died(self, executor, unit):
        with pytest.raises(WorkerDiedError, match=self.deaths[unit]):
            executor.submit(unit).result(PATIENCE)
        assert executor.submit(units.double, 1).result(PATIENCE) == 2

    def test_only_the_unit_that_killed_its_worker_fails(self, executor):
        futures = [executor.submit(unit, *given) for unit, given in [(units.double, (1,)), (units.die, ())] * 2]
        wait(futures, PATIENCE)
        assert [type(future.exception(0)) for future in futures] == [type(None), WorkerDiedError] * 2

    def test_works_after_an_idle_worker_has_died(self, own):
        executor = own()
        os.kill(executor.submit(os.getpid).result(PATIENCE), signal.SIGKILL)

        def works() -> bool:  # the death may be noticed with the next unit, which then counts as lost
            error = executor.submit(units.double, 1).exception(PATIENCE)
            assert error is None or isinstance(error, WorkerDiedError)
            return error is None

        until(works, "no unit runs any more")

    def test_says_so_if_workers_cannot_start(self, own, tmp_path):
        executor = own(logs=tmp_path / "no such folder" / "log")
        with pytest.raises(Exception, match=r".+"):
            executor.submit(units.double, 1).result(PATIENCE)

    def test_counts_frames_over_all_units(self, executor):
        before = executor.frames_done()
        for future in [executor.submit(units.count, frames) for frames in (0, 3, 4)]:
            future.result(PATIENCE)
        assert executor.frames_done() - before == 7

    def test_workers_write_to_logs_and_not_to_the_terminal(self, executor, logs, capfd):
        executor.submit(units.complain, "the decoder does not like this").result(PATIENCE)
        assert any("the decoder does not like this" in log.read_text() for log in logs.iterdir())
        assert capfd.readouterr().err == ""

    def test_workers_know_how_many_threads_they_may_use(self, executor):
        assert executor.submit(units.environment, "OMP_NUM_THREADS").result(PATIENCE) == "1"

    def test_uses_all_workers_and_ends_them_though_they_are_busy(self, own, tmp_path):
        executor = own(2)
        assert executor.workers == 2
        files = [tmp_path / "one", tmp_path / "two"]
        for file in files:
            executor.submit(units.note_and_sleep, file)
        until(lambda: all(map(written, files)), "the two units do not run side by side")
        pids = [int(file.read_text()) for file in files]
        assert len(set(pids)) == 2
        closer = threading.Thread(target=executor.close)
        closer.start()
        closer.join(PATIENCE)  # the units would sleep for longer
        assert not closer.is_alive()
        until(lambda: not any(map(alive, pids)), "a worker lives on")

    def test_a_unit_that_hangs_takes_its_worker_along(self, own, tmp_path):
        executor = own(stall_s=1)
        with pytest.raises(WorkerDiedError):
            executor.submit(units.note_and_sleep, tmp_path / "pid").result(PATIENCE)
        assert executor.submit(units.double, 1).result(PATIENCE) == 2
        assert not alive(int((tmp_path / "pid").read_text()))

    def test_can_be_closed_unused_and_twice(self, own):
        executor = own()
        executor.close()
        executor.close()
