"""The main job from beginning to end: what ``moodreel run`` does."""

import asyncio
import gc
import json
import os
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jobs.errors import JobError
from jobs.executors.base import Executor
from jobs.executors.process_pool import LocalExecutor
from jobs.iso_time import now
from jobs.run.discover import MovieSource, discover
from jobs.run.event_log import EventLog
from jobs.settings import Settings
from jobs.store.atomic import commit_json
from jobs.store.workspace import Workspace
from models.errors import ModelError
from pipeline.errors import DetectorError

if TYPE_CHECKING:
    from jobs.store.movie_result import MovieResult

EXIT_DONE: Final = 0
EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_STOPPED: Final = 130
"""As shells have it for Ctrl-C."""


def run_to_end(
    inputs: Sequence[Path], out: Path, settings: Settings, force: bool = False, log_json: bool = False
) -> int:
    """Process ``inputs``, tell the user what becomes of them, and return the exit code."""
    begun = time.monotonic()
    if settings.engine == "ray":  # other processes on other machines stand in other folders
        inputs, out = [path.absolute() for path in inputs], out.absolute()
    workspace = Workspace(out)
    try:
        sources = discover(inputs, out)
        with (
            workspace.locked(),
            _journal(workspace, log_json) as journal,
            _announced(workspace, sources, settings) as end,
        ):
            outcomes = _run(sources, settings, workspace, journal, force)
            end["exit_code"] = _exit_code(outcomes)
            journal.write("run ended", exit_code=end["exit_code"])
    except (JobError, ModelError, DetectorError) as error:
        print(f"moodreel: {error}", file=sys.stderr)
        return EXIT_USAGE
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("moodreel: stopped at once; the same command goes on where this one was", file=sys.stderr)
        return EXIT_STOPPED
    from jobs.run.progress import print_table  # see _run

    seconds = time.monotonic() - begun
    print_table(outcomes, seconds)
    if _exit_code(outcomes) == EXIT_STOPPED:
        print("moodreel: stopped; the same command goes on where this one was", file=sys.stderr)
    if log_json or not sys.stdout.isatty():
        print(_last_line(outcomes, seconds))
    return _exit_code(outcomes)


def _run(
    sources: Sequence[MovieSource], settings: Settings, workspace: Workspace, journal: EventLog, force: bool
) -> "list[MovieResult]":
    executor = _executor(settings, journal.path.parent)
    closer = threading.Thread(target=executor.close)
    try:
        # While the workers load their libraries, this process loads its own.
        from jobs.run.progress import Progress
        from jobs.run.runner import run_movies

        with closing(Progress(len(sources))) as progress:
            return asyncio.run(
                run_movies(sources, settings, workspace, executor, progress, journal, force, closer.start)
            )
    finally:
        if closer.ident is None:
            closer.start()
        closer.join()
        gc.freeze()  # the end is near, and Python would look through all that was loaded once more


def _executor(settings: Settings, logs: Path) -> Executor:
    if settings.engine == "local":
        return LocalExecutor(settings.worker_count, settings.threads, logs)
    from jobs.executors.ray_cluster import RayExecutor  # Ray is an extra

    return RayExecutor(settings.address, settings.threads, logs, settings.gpu_share)


@contextmanager
def _journal(workspace: Workspace, as_json: bool) -> Iterator[EventLog]:
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    journal = EventLog(workspace.make_logs() / f"run-{stamp}.log", as_json)
    try:
        yield journal
    finally:
        journal.close()


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
    commit_json(workspace.run, about)
    try:
        yield about
    finally:
        with suppress(OSError):  # a full disk; who watches sees that the process is gone
            commit_json(workspace.run, about | {"ended": now()})


def _exit_code(outcomes: "Sequence[MovieResult]") -> int:
    if any(outcome.status == "stopped" for outcome in outcomes):
        return EXIT_STOPPED
    return EXIT_DONE if all(outcome.ok for outcome in outcomes) else EXIT_FAILED


def _last_line(outcomes: "Sequence[MovieResult]", seconds: float) -> str:
    """Return the run in one line of JSON, for schedulers."""
    counts = Counter(outcome.status for outcome in outcomes)
    frames = sum(outcome.summary["frames"] for outcome in outcomes if outcome.fresh and outcome.ok)
    return json.dumps(
        {
            "exit_code": _exit_code(outcomes),
            **{status: counts[status] for status in ("done", "partial", "failed", "stopped")},
            "frames": frames,
            "seconds": round(seconds, 3),
        }
    )
