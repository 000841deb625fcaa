"""Executors for the contract; a module of tests has a fixture ``make``, of module scope, that makes its own kind."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jobs.executors.base import STALL_S, Executor

pytest.register_assert_rewrite("executor_contract")  # no test module by its name, but full of assertions


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("executor")


@pytest.fixture(scope="module")
def executor(make: Callable[..., Executor], logs: Path) -> Iterator[Executor]:
    """An executor that many tests share; it survives whatever they submit."""
    executor = make(1, logs)
    yield executor
    executor.close()


@pytest.fixture
def own(make: Callable[..., Executor], tmp_path: Path) -> Iterator[Callable[..., Executor]]:
    """Make executors for one test alone."""
    made: list[Executor] = []

    def make_one(workers: int = 1, logs: Path = tmp_path, stall_s: float = STALL_S) -> Executor:
        made.append(make(workers, logs, stall_s))
        return made[-1]

    yield make_one
    for executor in made:
        executor.close()
