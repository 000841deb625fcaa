"""Which unit runs when, seen through an executor of threads."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from jobs.errors import NodeLostError, WorkerDiedError
from jobs.run.scheduler import Scheduler


class ThreadExecutor:
    """An executor on threads: as many as requested, whatever ``workers`` says."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._pool = ThreadPoolExecutor(16)
        self._lock = threading.Lock()
        self.running = 0
        self.most = 0

    def submit(self, task: Callable[..., Any], *arguments: Any) -> "Future[Any]":
        return self._pool.submit(self._watched, task, arguments)

    def frames_done(self) -> int:
        return 0

    def close(self) -> None:
        self._pool.shutdown()

    def _watched(self, task: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
        try:
            return task(*arguments)
        finally:
            with self._lock:
                self.running -= 1


@pytest.fixture
def one():
    executor = ThreadExecutor(1)
    yield executor
    executor.close()


@pytest.fixture
def three():
    executor = ThreadExecutor(3)
    yield executor
    executor.close()


def test_returns_result_and_seconds(one):
    async def run():
        return await Scheduler(one).run((0, 0), pow, 2, 10)

    result, seconds = asyncio.run(run())
    assert result == 1024
    assert 0 <= seconds < 5


def test_smallest_priority_first_and_equal_ones_in_order_of_arrival(one):
    order: list[str] = []
    gate = threading.Event()
    units = [((1, 1), "b1"), ((0, 3), "a3"), ((1, 0), "b0"), ((0, 1), "a1"), ((0, 1), "a1 too"), ((-1, 7), "probe")]

    async def run():
        scheduler = Scheduler(one)
        async with asyncio.TaskGroup() as group:
            group.create_task(scheduler.run((9, 9), gate.wait, 10))
            await asyncio.sleep(0)  # that one runs now; all others wait
            for priority, name in units:
                group.create_task(scheduler.run(priority, order.append, name))
            await asyncio.sleep(0)
            gate.set()

    asyncio.run(run())
    assert order == ["probe", "a1", "a1 too", "a3", "b0", "b1"]


def test_never_more_at_a_time_than_workers(three):
    barrier = threading.Barrier(3)  # and three do run side by side, or this breaks

    async def run():
        scheduler = Scheduler(three)
        await asyncio.gather(*(scheduler.run((number, 0), barrier.wait, 10) for number in range(12)))

    asyncio.run(run())
    assert three.most == 3


def test_an_error_crosses_and_makes_room_for_the_next(one):
    async def run():
        scheduler = Scheduler(one)
        return await asyncio.gather(
            scheduler.run((0, 0), int, "no number"), scheduler.run((0, 1), int, "7"), return_exceptions=True
        )

    error, (result, _) = asyncio.run(run())
    assert isinstance(error, ValueError)
    assert "no number" in str(error)
    assert result == 7


def test_cancelled_units_are_not_started(one):
    ran: list[str] = []
    gate = threading.Event()

    async def run():
        scheduler = Scheduler(one)
        first = asyncio.create_task(scheduler.run((0, 0), gate.wait, 10))
        await asyncio.sleep(0)
        given_up = asyncio.create_task(scheduler.run((0, 1), ran.append, "given up"))
        wanted = asyncio.create_task(scheduler.run((0, 2), ran.append, "wanted"))
        await asyncio.sleep(0)
        given_up.cancel()
        await asyncio.sleep(0)
        gate.set()
        await asyncio.gather(first, wanted)
        assert given_up.cancelled()

    asyncio.run(run())
    assert ran == ["wanted"]


def test_a_unit_cancelled_while_it_runs_gives_its_worker_back(one):
    gate, begun = threading.Event(), threading.Event()

    def busy() -> None:
        begun.set()
        gate.wait(10)

    async def run():
        scheduler = Scheduler(one)
        running = asyncio.create_task(scheduler.run((0, 0), busy))
        await asyncio.sleep(0)
        await asyncio.to_thread(begun.wait, 10)
        running.cancel()
        next_one = asyncio.create_task(scheduler.run((0, 1), pow, 2, 3))
        for _ in range(100):
            await asyncio.sleep(0)
        assert not next_one.done()  # the worker is still busy with the cancelled one
        gate.set()
        return await asyncio.wait_for(next_one, 10)

    assert asyncio.run(run())[0] == 8
    assert one.most == 1


@pytest.mark.parametrize(("deaths", "tries"), [(1, 2), (99, 2)])
def test_a_unit_that_takes_its_worker_along_is_tried_once_more(one, deaths, tries):
    attempts = []

    def deadly() -> str:
        attempts.append(1)
        if len(attempts) <= deaths:
            raise WorkerDiedError("the worker process died (signal 9)")
        return "alive"

    async def run():
        return await Scheduler(one).run((0, 0), deadly)

    if deaths < tries:
        assert asyncio.run(run())[0] == "alive"
    else:
        with pytest.raises(WorkerDiedError, match="signal 9"):
            asyncio.run(run())
    assert len(attempts) == tries


def test_other_errors_are_not_tried_again(one):
    attempts = []

    def hopeless() -> None:
        attempts.append(1)
        raise ValueError("always")

    async def run():
        await Scheduler(one).run((0, 0), hopeless)

    with pytest.raises(ValueError, match="always"):
        asyncio.run(run())
    assert len(attempts) == 1


def test_a_broken_executor_ends_the_units_that_wait(one):
    gate = threading.Event()

    async def run():
        scheduler = Scheduler(one)
        first = asyncio.create_task(scheduler.run((0, 0), gate.wait, 10))
        await asyncio.sleep(0)
        second = asyncio.create_task(scheduler.run((0, 1), pow, 2, 3))
        await asyncio.sleep(0)
        one.close()  # takes no more units from now on; the first one still runs
        await first
        with pytest.raises(RuntimeError, match="shutdown"):
            await asyncio.wait_for(second, 3)

    threading.Timer(0.2, gate.set).start()
    asyncio.run(run())


def test_a_unit_that_ends_after_the_run_is_ignored(one, caplog):
    gate, begun = threading.Event(), threading.Event()

    def busy() -> None:
        begun.set()
        gate.wait(10)

    async def run():
        unit = asyncio.create_task(Scheduler(one).run((0, 0), busy))
        await asyncio.to_thread(begun.wait, 10)
        unit.cancel()

    asyncio.run(run())
    gate.set()
    one.close()  # waits for the unit
    assert [record.getMessage() for record in caplog.records] == []


@pytest.mark.parametrize(("losses", "tries"), [(1, 2), (3, 4), (99, 4)])
def test_a_unit_whose_machine_goes_away_is_tried_on_others(one, losses, tries):
    attempts = []

    def unlucky() -> str:
        attempts.append(1)
        if len(attempts) <= losses:
            raise NodeLostError("a node of the cluster died")
        return "alive"

    async def run():
        return await Scheduler(one).run((0, 0), unlucky)

    if losses < tries:
        assert asyncio.run(run())[0] == "alive"
    else:
        with pytest.raises(NodeLostError):
            asyncio.run(run())
    assert len(attempts) == tries
