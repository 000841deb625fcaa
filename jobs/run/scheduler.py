"""Which unit runs next: those of the earliest movie first, so that finished movies appear early."""

import asyncio
import heapq
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

from jobs.errors import NodeLostError, StoppedError, WorkerDiedError
from jobs.executors.base import Executor
from jobs.run.tasks import timed

_LOST_NODES: Final = 3
"""How many machines a unit may lose one after the other before it is suspected."""


@dataclass(order=True)
class _Unit:
    """A unit that waits for its turn; the smallest one is next."""

    priority: tuple[int, int]
    arrival: int
    alone: bool = field(compare=False)
    result: "asyncio.Future[Any]" = field(compare=False)
    task: Callable[..., Any] = field(compare=False)
    arguments: tuple[Any, ...] = field(compare=False)


class Scheduler:
    """Keeps an executor's workers busy with waiting units, the smallest priority first."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._loop = asyncio.get_running_loop()
        self._waiting: list[_Unit] = []
        self._arrival = count()
        self._running = 0
        self._alone = False
        self.stopped = False

    async def run(self, priority: tuple[int, int], task: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
        """Run a unit when its turn comes.

        A unit whose worker dies is tried once more, with nothing beside it: what died of too little memory may
        have been the victim of its neighbours.

        Args:
            priority: the smallest of those that wait is next.
            task: a function of :mod:`jobs.run.tasks`.
            *arguments: of ``task``.

        Returns:
            What ``task`` returns, and the seconds it took.

        Raises:
            WorkerDiedError: the unit took its worker along, both times.
            StoppedError: the run was stopped before the unit began.
            Exception: whatever the unit raised.
        """
        for _ in range(_LOST_NODES):
            try:
                return await self._once(priority, False, task, arguments)
            except NodeLostError:  # not the unit's fault: try another machine, beside others
                continue
            except WorkerDiedError:
                break
        return await self._once(priority, True, task, arguments)

    def stop(self) -> None:
        """Let what is running finish, and start nothing more."""
        self.stopped = True
        for unit in self._waiting:
            if not unit.result.done():
                unit.result.set_exception(StoppedError("the run was stopped"))
        self._waiting.clear()

    async def _once(
        self, priority: tuple[int, int], alone: bool, task: Callable[..., Any], arguments: tuple[Any, ...]
    ) -> tuple[Any, float]:
        if self.stopped:
            raise StoppedError("the run was stopped")
        result: asyncio.Future[tuple[Any, float]] = self._loop.create_future()
        heapq.heappush(self._waiting, _Unit(priority, next(self._arrival), alone, result, task, arguments))
        self._start_next()
        return await result

    def _start_next(self) -> None:
        while self._waiting and self._running < self._executor.workers and not self._alone:
            if self._waiting[0].result.cancelled():  # its movie has failed meanwhile
                heapq.heappop(self._waiting)
                continue
            if self._waiting[0].alone and self._running:
                return
            unit = heapq.heappop(self._waiting)
            try:
                future = self._executor.submit(timed, unit.task, *unit.arguments)
            except Exception as error:  # the executor is broken: whoever waits must learn of it
                unit.result.set_exception(error)
                continue
            self._alone = unit.alone
            self._running += 1
            future.add_done_callback(lambda done, result=unit.result: self._hand_over(done, result))  # type: ignore[misc]

    def _hand_over(self, done: "Future[Any]", result: "asyncio.Future[Any]") -> None:
        with suppress(RuntimeError):  # the run was stopped and its event loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._finished, done, result)

    def _finished(self, done: "Future[Any]", result: "asyncio.Future[Any]") -> None:
        self._running -= 1
        self._alone = False
        if not result.done():
            error = done.exception()
            if error is None:
                result.set_result(done.result())
            else:
                result.set_exception(error)
        self._start_next()
