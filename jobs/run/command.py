"""What ``moodreel run`` does, from the command line to the exit code: all movies side by side.

From here to a decoded frame: movie_job (orders units) -> tasks (a unit) -> pipeline.analyze -> pipeline's frames. Units
cross to a worker through scheduler and executor, which need not be read for that.
"""

import asyncio
import contextlib
import gc
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jobs.console import say_error, visible
from jobs.errors import JobError
from jobs.executors.base import Executor
from jobs.executors.limits import limits_of
from jobs.executors.process_pool import LocalExecutor
from jobs.iso_time import duration, now
from jobs.run.event_log import EventLog, open_event_log
from jobs.run.folders.discover import MovieSource, discover
from jobs.run.on_end import RunEnd, last_line, tell
from jobs.settings import Settings
from jobs.store.atomic import commit_json
from jobs.store.workspace import Workspace
from models.errors import ModelError
from pipeline.errors import DetectorError, EncoderError

if TYPE_CHECKING:  # while the workers load their libraries, this process loads its own: see _run
    from jobs.run.progress import Progress
    from jobs.run.units import Run
    from jobs.store.movie_result import MovieResult

_HEARTBEAT_S: Final = 300.0
"""Seconds between two lines of the log in which nothing else happens."""

EXIT_DONE: Final = 0
EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_STOPPED: Final = 130
"""As shells have it for Ctrl-C."""


def run_to_end(
    inputs: Sequence[Path],
    out: Path,
    settings: Settings,
    force: bool = False,
    log_json: bool = False,
    on_end: str | None = None,
) -> int:
    """Process movies and report the results to the user.

    Args:
        inputs: movies, and folders of movies.
        out: folder for the results.
        settings: of the run.
        force: do again what is done already.
        log_json: write the log as a JSON object a line.
        on_end: command to run at the end, see :mod:`jobs.run.on_end`.

    Returns:
        The exit code.
    """
    begun = time.monotonic()
    end = RunEnd(out)
    end.code = _run_and_tell(inputs, out, settings, force, log_json, end)
    end.seconds = time.monotonic() - begun
    if on_end:
        tell(on_end, end)
    return end.code


def _run_and_tell(
    inputs: Sequence[Path], out: Path, settings: Settings, force: bool, log_json: bool, end: RunEnd
) -> int:
    begun = time.monotonic()
    if settings.engine == "ray":  # workers run in other folders, on other machines
        inputs, out, settings = [path.absolute() for path in inputs], out.absolute(), settings.with_absolute_paths()
    workspace = Workspace(out)
    try:
        notes: list[str] = []
        sources = discover(inputs, out, notes.append)
        with (
            workspace.locked() as caution,
            open_event_log(workspace, log_json) as event_log,
            _announced(workspace, sources, settings) as announced,
        ):
            notes += filter(None, [caution])
            end.log = event_log.path
            event_log.write("run begun", movies=len(sources), pid=os.getpid())
            results = _run(sources, settings, workspace, event_log, force, notes)
            end.results = results
            announced["exit_code"] = _exit_code(results)
            event_log.write("run ended", exit_code=announced["exit_code"])
    except (JobError, ModelError, DetectorError, EncoderError) as error:
        say_error(error)
        end.reason = str(error)
        return EXIT_USAGE
    except (KeyboardInterrupt, asyncio.CancelledError):
        end.reason = "stopped at once"
        print("moodreel: stopped at once; run the same command to resume", file=sys.stderr)
        return EXIT_STOPPED
    from jobs.run.progress import print_table

    seconds = time.monotonic() - begun
    print_table(results, seconds)
    if _exit_code(results) == EXIT_STOPPED:
        print("moodreel: stopped; run the same command to resume", file=sys.stderr)
    if log_json or not sys.stdout.isatty():
        print(last_line(results, _exit_code(results), seconds))
    return _exit_code(results)


def _run(
    sources: Sequence[MovieSource],
    settings: Settings,
    workspace: Workspace,
    event_log: EventLog,
    force: bool,
    notes: Sequence[str],
) -> "list[MovieResult]":
    if not sys.stderr.isatty():  # before libraries are loaded, which may take a while on a busy machine
        movies = "1 movie" if len(sources) == 1 else f"{len(sources)} movies"
        print(now(), f"{movies} found; results go to {visible(str(workspace.root))}", file=sys.stderr, flush=True)
    executor = _executor(settings, event_log.path.parent)
    closer = threading.Thread(target=executor.close)
    try:
        # While the workers load their libraries, this process loads its own.
        from jobs.run.progress import Progress

        with closing(Progress(len(sources))) as progress:
            return asyncio.run(
                run_movies(sources, settings, workspace, executor, progress, event_log, force, closer.start, notes)
            )
    finally:
        if closer.ident is None:
            closer.start()
        closer.join()
        gc.freeze()  # the end is near, and Python would look through all that was loaded once more


async def run_movies(
    sources: Sequence[MovieSource],
    settings: Settings,
    workspace: Workspace,
    executor: Executor,
    progress: "Progress",
    event_log: EventLog,
    force: bool = False,
    on_done: Callable[[], None] = lambda: None,
    notes: Sequence[str] = (),
) -> "list[MovieResult]":
    """Process all movies side by side; one that fails does not stop the others.

    Args:
        sources: the movies.
        settings: of the run.
        workspace: where results go; the caller holds it.
        executor: runs the units.
        progress: what the user sees meanwhile.
        event_log: the run's log.
        force: do again what is done already.
        on_done: called when the executor has done its work, while the tables and pages of the whole run are still to be
            written.
        notes: what the user should know of the inputs and the output folder.

    Returns:
        A result for each movie.

    Raises:
        ModelError, DetectorError, EncoderError, WorkerDiedError: one of them is not
            available, so that no movie can be done.
    """
    from jobs.run import tasks
    from jobs.run.movie_job import MovieJob
    from jobs.run.scheduler import Scheduler
    from jobs.run.units import Run

    scheduler = Scheduler(executor)
    run = Run(settings, workspace, scheduler, progress, event_log, force)
    _stop_on_signals(run)
    ticker = asyncio.create_task(_tick(progress, executor, event_log))
    # One worker loads detector and network while others look at the first movies.
    equipping = asyncio.create_task(scheduler.run((-2, 0), tasks.equip, settings))
    jobs = [asyncio.create_task(MovieJob(run, source, order).process()) for order, source in enumerate(sources)]
    try:
        equipment, _ = await equipping
        progress.equipped(equipment, settings)
        for line in notes:
            progress.note(line)
            event_log.write("note", note=line)
        event_log.write("equipped", device=equipment.device, model=settings.model, digest=equipment.model_digest)
        run.equipment.set_result(equipment)
        results = list(await asyncio.gather(*jobs))
        on_done()
    finally:
        ticker.cancel()
        for job in jobs:
            job.cancel()
        if run.equipment.done():
            _write_summaries(run)
    return results


def _write_summaries(run: "Run") -> None:
    from jobs.report.folder_report import write_index
    from jobs.store.movie_result import write_movies_table

    for write in (write_movies_table, write_index):
        try:
            write(run.workspace)
        except OSError as error:  # a full disk; the next run writes them
            run.progress.note(f"{run.workspace.root}: movies.parquet and index.html are out of date: {error}")


async def _tick(progress: "Progress", executor: Executor, event_log: EventLog) -> None:
    """Keep the progress up to date, and log when the first frame was done, and now and then that the run is alive."""
    begun, beat = False, time.monotonic()
    while True:
        if time.monotonic() - beat > _HEARTBEAT_S:
            beat = time.monotonic()
            left = progress.seconds_left()
            event_log.write("running", count=progress.place, left="" if left is None else duration(left))
        frames = executor.frames_done()
        progress.frames_done(frames)
        if frames and not begun:
            begun = True
            event_log.write("first frame", unix=round(time.time(), 2))
        await asyncio.sleep(0.5 if begun else 0.1)


def _stop_on_signals(run: "Run") -> None:
    """Let the first Ctrl-C or SIGTERM finish what is running, and the second end the run at once."""
    whole_run = asyncio.current_task()
    assert whole_run is not None

    def stop() -> None:
        if run.scheduler.stopped:
            whole_run.cancel()
        else:
            run.progress.note("stopping once running units are finished; again to stop at once")
            run.scheduler.stop()

    for name in ("SIGINT", "SIGTERM"):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C ends the run at once
            asyncio.get_running_loop().add_signal_handler(getattr(signal, name), stop)


def _executor(settings: Settings, logs: Path) -> Executor:
    if settings.engine == "local":
        return LocalExecutor(settings.worker_count, settings.threads, logs, settings.stall_limit, limits_of(settings))
    from jobs.executors.ray_cluster import RayExecutor  # Ray is an extra

    return RayExecutor(
        settings.address, settings.threads, logs, settings.gpu_share, settings.stall_limit, limits=limits_of(settings)
    )


@contextmanager
def _announced(workspace: Workspace, sources: Sequence[MovieSource], settings: Settings) -> Iterator[dict[str, Any]]:
    """Keep ``run.json`` while the run lasts, for those who watch it; what is yielded takes the exit code."""
    about: dict[str, Any] = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "started": now(),
        "ended": None,
        "exit_code": None,
        "movies": [{"name": source.name, "source": str(source.path.absolute())} for source in sources],
        "settings": settings.model_dump(mode="json"),
    }
    with workspace.writing():
        commit_json(workspace.run, about)
    try:
        yield about
    finally:
        with suppress(OSError):  # a full disk; who watches sees that the process is gone
            commit_json(workspace.run, about | {"ended": now()}, workspace.root)


def _exit_code(results: "Sequence[MovieResult]") -> int:
    if any(result.status == "stopped" for result in results):
        return EXIT_STOPPED
    return EXIT_DONE if all(result.ok for result in results) else EXIT_FAILED
