"""Which unit runs next: those of the earliest movie first, so that finished movies appear early."""

import asyncio
import heapq
from collections.abc import Callable
from concurrent.futures import Future
from itertools import count
from typing import Any, Final

from jobs.errors import WorkerDiedError
from jobs.local import Executor
from jobs.tasks import timed

_ATTEMPTS: Final = 2
"""How often a unit may take its worker along before its movie is given up."""


class Dispatcher:
    """Keeps an executor's workers busy with waiting units, the smallest priority first."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._loop = asyncio.get_running_loop()
        self._waiting: list[tuple[tuple[int, int], int, asyncio.Future[Any], Callable[..., Any], tuple[Any, ...]]] = []
        self._arrival = count()
        self._running = 0

    async def run(self, priority: tuple[int, int], task: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
        """Run a unit when its turn comes; return its result and the seconds it took.

        Raises:
            WorkerDiedError: the unit took its worker along, each time it was tried.
            Exception: whatever the unit raised.
        """
        for _ in range(_ATTEMPTS - 1):
            try:
                return await self._once(priority, task, arguments)
            except WorkerDiedError:
                continue
        return await self._once(priority, task, arguments)

    async def _once(
        self, priority: tuple[int, int], task: Callable[..., Any], arguments: tuple[Any, ...]
    ) -> tuple[Any, float]:
        outcome: asyncio.Future[Any] = self._loop.create_future()
        heapq.heappush(self._waiting, (priority, next(self._arrival), outcome, task, arguments))
        self._start_next()
        result: tuple[Any, float] = await outcome
        return result

    def _start_next(self) -> None:
        while self._waiting and self._running < self._executor.workers:
            _, _, outcome, task, arguments = heapq.heappop(self._waiting)
            if outcome.cancelled():  # its movie has failed meanwhile
                continue
            self._running += 1
            future = self._executor.submit(timed, task, *arguments)
            future.add_done_callback(
                lambda done, outcome=outcome: self._loop.call_soon_threadsafe(self._finished, done, outcome)  # type: ignore[misc]
            )

    def _finished(self, done: "Future[Any]", outcome: "asyncio.Future[Any]") -> None:
        self._running -= 1
        if not outcome.cancelled():
            error = done.exception()
            if error is None:
                outcome.set_result(done.result())
            else:
                outcome.set_exception(error)
        self._start_next()
