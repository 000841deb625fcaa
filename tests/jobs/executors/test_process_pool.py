"""What every executor promises; the suite runs over all of them."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from pathlib import Path

import pytest
import units

from jobs.errors import WorkerDiedError
from jobs.executors.base import Executor
from jobs.executors.process_pool import LocalExecutor
from pipeline.errors import NotAMovieError

EXECUTORS: dict[str, Callable[[int, Path], Executor]] = {
    "local": lambda workers, logs: LocalExecutor(workers, threads=1, logs=logs),
}
PATIENCE = 60  # s

Make = Callable[[int, Path], Executor]


@pytest.fixture(scope="module", params=EXECUTORS)
def make(request: pytest.FixtureRequest) -> Make:
    return EXECUTORS[request.param]


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("executor")


@pytest.fixture(scope="module")
def executor(make: Make, logs: Path) -> Iterator[Executor]:
    executor = make(1, logs)
    yield executor
    executor.close()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_returns_the_result(executor):
    assert executor.submit(units.double, 21).result(PATIENCE) == 42


def test_works_in_another_process(executor):
    assert executor.submit(os.getpid).result(PATIENCE) != os.getpid()


def test_runs_many_units(executor):
    futures = [executor.submit(units.double, number) for number in range(50)]
    assert [future.result(PATIENCE) for future in futures] == list(range(0, 100, 2))


def test_an_error_crosses_with_type_and_words(executor):
    with pytest.raises(NotAMovieError, match=r"^film\.mp4: expected a movie$"):
        executor.submit(units.fail, "film.mp4: expected a movie").result(PATIENCE)


def test_goes_on_after_an_error(executor):
    assert isinstance(executor.submit(units.fail, "").exception(PATIENCE), NotAMovieError)
    assert executor.submit(units.double, 1).result(PATIENCE) == 2


def test_goes_on_after_a_result_that_cannot_be_pickled(executor):
    assert executor.submit(units.return_what_cannot_travel).exception(PATIENCE) is not None
    assert executor.submit(units.double, 1).result(PATIENCE) == 2


def test_goes_on_after_an_error_that_cannot_be_unpickled(make, tmp_path):
    executor = make(1, tmp_path)  # its own: the pool may not survive
    try:
        error = executor.submit(units.fail_awkwardly).exception(10)
        assert "film.mp4:7" in str(error)
        assert executor.submit(units.double, 1).result(10) == 2
    finally:
        executor.close()


@pytest.mark.parametrize(("unit", "cause"), [(units.die, "signal 9"), (units.leave, "exit code 3")])
def test_goes_on_after_a_worker_has_died(executor, unit, cause):
    with pytest.raises(WorkerDiedError, match=cause):
        executor.submit(unit).result(PATIENCE)
    assert executor.submit(units.double, 1).result(PATIENCE) == 2


def test_only_the_unit_that_killed_its_worker_fails(executor):
    futures = [executor.submit(unit, *given) for unit, given in [(units.double, (1,)), (units.die, ())] * 2]
    wait(futures, PATIENCE)
    assert [type(future.exception(0)) for future in futures] == [type(None), WorkerDiedError] * 2


def test_goes_on_after_an_idle_worker_has_died(make, tmp_path):
    executor = make(1, tmp_path)
    try:
        pid = executor.submit(os.getpid).result(PATIENCE)
        os.kill(pid, signal.SIGKILL)
        time.sleep(1)
        assert executor.submit(units.double, 1).result(PATIENCE) == 2
    finally:
        executor.close()


def test_says_so_if_workers_cannot_start(make, tmp_path):
    executor = make(1, tmp_path / "no such folder" / "log")
    try:
        with pytest.raises(Exception, match=r".+"):
            executor.submit(units.double, 1).result(PATIENCE)
    finally:
        executor.close()


def test_counts_frames_over_all_units(executor):
    before = executor.frames_done()
    for future in [executor.submit(units.count, frames) for frames in (0, 3, 4)]:
        future.result(PATIENCE)
    assert executor.frames_done() - before == 7


def test_workers_write_to_logs_and_not_to_the_terminal(executor, logs, capfd):
    executor.submit(units.complain, "the decoder does not like this").result(PATIENCE)
    assert any("the decoder does not like this" in log.read_text() for log in logs.iterdir())
    assert capfd.readouterr().err == ""


def test_a_dead_workers_last_words_are_passed_on(tmp_path):
    executor = LocalExecutor(1, threads=1, logs=tmp_path)
    try:
        executor.submit(units.complain, "first line\nassertion in the decoder\n").result(PATIENCE)
        with pytest.raises(WorkerDiedError, match=r"died \(signal 9\); it last said:\n(.*\n)*assertion in the decoder"):
            executor.submit(units.die).result(PATIENCE)
    finally:
        executor.close()


def test_workers_know_how_many_threads_they_may_use(executor):
    assert executor.submit(units.environment, "OMP_NUM_THREADS").result(PATIENCE) == "1"


def test_uses_all_workers_and_ends_them_though_they_are_busy(make, tmp_path):
    executor = make(2, tmp_path)
    assert executor.workers == 2
    files = [tmp_path / "one", tmp_path / "two"]
    try:
        for file in files:
            executor.submit(units.note_and_sleep, file)
        deadline = time.monotonic() + PATIENCE
        while not all(file.exists() and file.read_text() for file in files):
            assert time.monotonic() < deadline, "the two units do not run side by side"
            time.sleep(0.05)
        pids = [int(file.read_text()) for file in files]
        assert len(set(pids)) == 2
    finally:
        begun = time.monotonic()
        executor.close()
    assert time.monotonic() - begun < 20
    assert not any(alive(pid) for pid in pids)


def test_a_unit_that_hangs_takes_its_worker_along(tmp_path):
    executor = LocalExecutor(1, threads=1, logs=tmp_path, stall_s=1)
    try:
        with pytest.raises(WorkerDiedError, match="no progress for 1 s"):
            executor.submit(units.note_and_sleep, tmp_path / "pid").result(PATIENCE)
        assert executor.submit(units.double, 1).result(PATIENCE) == 2
        assert not alive(int((tmp_path / "pid").read_text()))
    finally:
        executor.close()


def test_can_be_closed_unused_and_twice(make, tmp_path):
    executor = make(1, tmp_path)
    executor.close()
    executor.close()
