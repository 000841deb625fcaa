"""Ordering units of work for one movie: each by its turn in the run, timed, logged, and a full disk recognized."""

import asyncio
from collections import defaultdict
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from jobs.errors import DiskFullError, StoppedError, WorkspaceError
from jobs.run.event_log import EventLog
from jobs.run.folders.discover import MovieSource
from jobs.run.progress import Progress
from jobs.run.scheduler import Scheduler
from jobs.settings import Settings
from jobs.store.provenance import Equipment
from jobs.store.workspace import Workspace
from pipeline.errors import InputError


@dataclass(frozen=True)
class Run:
    """What all movies of a run share.

    ``equipment`` is set once a worker has loaded network and detector; where they are not available, it never is.
    """

    settings: Settings
    workspace: Workspace
    scheduler: Scheduler
    progress: Progress
    event_log: EventLog
    force: bool
    equipment: "asyncio.Future[Equipment]" = field(default_factory=asyncio.Future)

    def settings_found(self) -> Settings:
        """Return the settings with device, runtime and encoder as they were found: all units must use the same."""
        found = self.equipment.result()
        same = {"device": found.device, "runtime": found.runtime, "encoder": found.encoder}
        return self.settings.model_copy(update=same)

    def disk_full(self) -> DiskFullError | None:
        """Return an error if the output folder's disk is full; libraries report that in many ways, the disk in one."""
        try:
            self.workspace.require_room(0)
        except DiskFullError as error:
            return error
        except WorkspaceError:  # it cannot be asked: what failed speaks for itself
            return None
        return None


class Stage(IntEnum):
    """The turn of a unit within its movie; the stages of an earlier movie come first."""

    SCAN = 0
    ANALYZE = 1
    ASSEMBLE = 2
    RENDER = 3
    JOIN = 4
    REPORT = 5


class MovieUnits:
    """Runs the units of one movie.

    Attributes:
        seconds: of work by stage, over all workers.
    """

    def __init__(self, run: Run, source: MovieSource, order: int) -> None:
        """Run nothing yet.

        Args:
            run: what all movies share.
            source: the movie.
            order: its place in the run.
        """
        self.seconds: dict[str, float] = defaultdict(float)
        self._run = run
        self._movie = source.name
        self._order = order

    async def run(self, stage: Stage, task: Any, *arguments: Any) -> Any:
        """Run a unit when its turn comes; see :meth:`jobs.run.scheduler.Scheduler.run`.

        Args:
            stage: its turn.
            task: a function of :mod:`jobs.run.tasks`.
            *arguments: of ``task``.

        Returns:
            What ``task`` returns.

        Raises:
            DiskFullError: it failed, and the disk is full.
            Exception: what it raised.
        """
        return await self._run_at((self._order, stage), task, *arguments)

    async def run_first(self, task: Any, *arguments: Any) -> Any:
        """Run a unit before those of all stages of all movies; see :meth:`run`."""
        return await self._run_at((-1, self._order), task, *arguments)

    async def _run_at(self, priority: tuple[int, int], task: Any, *arguments: Any) -> Any:
        try:
            result, seconds = await self._run.scheduler.run(priority, task, *arguments)
        except (StoppedError, InputError):
            raise
        except Exception:
            if full := self._run.disk_full():
                raise full from None
            raise
        self.seconds[task.__name__.split("_")[0]] += seconds
        self._run.event_log.write("unit", movie=self._movie, task=task.__name__, seconds=round(seconds, 3))
        return result


async def run_all(units: Iterable[Coroutine[Any, Any, Any]]) -> None:
    """Run units side by side; the first that fails cancels those that wait, and its error is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            for unit in units:
                group.create_task(unit)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
