"""All movies of a run, side by side, until all are done or the run is stopped."""

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable, Sequence

from jobs.executors.base import Executor
from jobs.report.folder_report import write_index
from jobs.run import tasks
from jobs.run.discover import MovieSource
from jobs.run.event_log import EventLog
from jobs.run.movie_job import MovieJob, Run
from jobs.run.progress import Progress
from jobs.run.scheduler import Scheduler
from jobs.settings import Settings
from jobs.store.movie_result import MovieResult, write_movies_table
from jobs.store.workspace import Workspace


async def run_movies(
    sources: Sequence[MovieSource],
    settings: Settings,
    workspace: Workspace,
    executor: Executor,
    progress: Progress,
    journal: EventLog,
    force: bool = False,
    on_done: Callable[[], None] = lambda: None,
) -> list[MovieResult]:
    """Process all movies; one that fails does not stop the others.

    ``on_done`` is called when the executor has done its work, while what is said of the run as a whole is still to be
    written.

    Raises:
        ModelError, DetectorError, WorkerDiedError: network or detector cannot be had, so that no movie can be done.
    """
    dispatcher = Scheduler(executor)
    run = Run(settings, workspace, dispatcher, progress, journal, force)
    _stop_on_signals(run)
    ticker = asyncio.create_task(_tick(progress, executor, journal))
    # One worker loads detector and network while others look at the first movies.
    equipping = asyncio.create_task(dispatcher.run((-2, 0), tasks.equip, settings))
    jobs = [asyncio.create_task(MovieJob(run, source, order).process()) for order, source in enumerate(sources)]
    try:
        equipment, _ = await equipping
        progress.equipped(equipment, settings)
        journal.write("equipped", device=equipment.device, model=settings.model, digest=equipment.model_digest)
        run.equipment.set_result(equipment)
        outcomes = list(await asyncio.gather(*jobs))
        on_done()
    finally:
        ticker.cancel()
        for job in jobs:
            job.cancel()
        if run.equipment.done():
            _write_summaries(run)
    return outcomes


def _write_summaries(run: Run) -> None:
    for write in (write_movies_table, write_index):
        try:
            write(run.workspace)
        except OSError as error:  # a full disk; the next run writes them
            run.progress.note(f"{run.workspace.root}: the table and the page of all movies are not up to date: {error}")


async def _tick(progress: Progress, executor: Executor, journal: EventLog) -> None:
    begun = False
    while True:
        frames = executor.frames_done()
        progress.frames_done(frames)
        if frames and not begun:
            begun = True
            journal.write("first frame", unix=round(time.time(), 2))
        await asyncio.sleep(0.5 if begun else 0.1)


def _stop_on_signals(run: Run) -> None:
    """Let the first Ctrl-C or SIGTERM finish what is running, and the second end the run at once."""
    whole_run = asyncio.current_task()
    assert whole_run is not None

    def stop() -> None:
        if run.dispatcher.stopped:
            whole_run.cancel()
        else:
            run.progress.note("stopping: units that are running are being finished; once more stops at once")
            run.dispatcher.stop()

    for name in ("SIGINT", "SIGTERM"):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C ends the run at once
            asyncio.get_running_loop().add_signal_handler(getattr(signal, name), stop)
