"""The pool of processes on this machine."""

import os
import signal
from concurrent.futures import Future, wait
from pathlib import Path

import pytest
import units
from executor_contract import PATIENCE, ExecutorContract, Make, until

from jobs.errors import WorkerDiedError
from jobs.executors.base import STALL_S
from jobs.executors.process_pool import LocalExecutor


@pytest.fixture(scope="module")
def make() -> Make:
    def make_local(workers: int, logs: Path, stall_s: float = STALL_S) -> LocalExecutor:
        return LocalExecutor(workers, 1, logs, stall_s)

    return make_local


class TestLocalExecutor(ExecutorContract):
    deaths = {units.die: r"died \(signal 9\)", units.leave: r"died \(exit code 3\)"}  # noqa: RUF012

    def test_a_dead_workers_last_words_are_passed_on(self, own):
        executor = own()
        executor.submit(units.complain, "first line\nassertion in the decoder\n").result(PATIENCE)
        with pytest.raises(WorkerDiedError, match=r"died \(signal 9\); it last said:\n(.*\n)*assertion in the decoder"):
            executor.submit(units.die).result(PATIENCE)

    def test_a_unit_that_hangs_is_reported(self, own, tmp_path):
        with pytest.raises(WorkerDiedError, match="no progress for 1 s"):
            own(stall_s=1).submit(units.note_and_sleep, tmp_path / "pid").result(PATIENCE)

    def test_no_unit_is_forgotten_when_the_pool_breaks(self, own):
        """It breaks a little after its idle worker has died; units submitted around then never ended."""
        executor = own(stall_s=2)
        os.kill(executor.submit(os.getpid).result(PATIENCE), signal.SIGKILL)
        futures: list[Future[int]] = []

        def breaks() -> bool:
            futures.extend(executor.submit(units.double, 1) for _ in range(100))
            return any(future.done() for future in futures)

        until(breaks, "the death is not noticed")
        assert wait(futures, PATIENCE).not_done == set()
        assert {type(future.exception()) for future in futures} <= {WorkerDiedError, type(None)}
        assert executor.submit(units.double, 1).result(PATIENCE) == 2
