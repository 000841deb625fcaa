"""The pool of processes on this machine."""

from pathlib import Path

import pytest
import units
from executor_contract import PATIENCE, ExecutorContract, Make

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
