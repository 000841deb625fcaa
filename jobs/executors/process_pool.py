"""Where units run: a pool of processes on this machine that a dying worker does not bring down."""

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from importlib import import_module
from itertools import count
from multiprocessing import forkserver
from pathlib import Path
from typing import Any, Final

from pebble import ProcessExpired, ProcessPool

from jobs.errors import WorkerDiedError
from jobs.executors.base import STALL_S
from jobs.executors.heartbeat import report_progress_with
from jobs.executors.libraries import prepare_libraries, set_environment

_WATCH_EVERY_S: Final = 5.0


class LocalExecutor:
    """A pool of ``workers`` processes, each with ``threads`` threads for its libraries.

    What their libraries print goes to files in ``logs``: it would tear the progress bar. A unit that shows no sign
    of progress for ``stall_s`` seconds is killed together with its worker.
    """

    def __init__(self, workers: int, threads: int, logs: Path, stall_s: float = STALL_S) -> None:
        self.workers = workers
        self._stall_s = stall_s
        self._logs = logs
        context = _context(threads)
        self._signs = _Signs(context)
        self._new_pool: Callable[[], ProcessPool] = lambda: ProcessPool(
            max_workers=workers, context=context, initializer=_start_worker, initargs=(self._signs, threads, logs)
        )
        self._pool = self._new_pool()
        # The workers start with the first unit: let them start now, but nobody wait for them.
        self._starter = threading.Thread(target=self._pool.schedule, args=(_nothing,))
        self._starter.start()
        self._unit_ids = count(1)
        self._running: dict[int, Future[Any]] = {}
        self._closing = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def submit(self, task: Callable[..., Any], *arguments: Any) -> "Future[Any]":
        """See :class:`Executor`."""
        outer: Future[Any] = Future()
        unit_id = next(self._unit_ids)
        try:
            inner = self._pool.schedule(_run_unit, args=(unit_id, task, *arguments))
        except RuntimeError:
            if self._closing.is_set():
                raise
            self._stop_pool()  # pebble gives its pool up if a worker dies while none of them works
            self._pool = self._new_pool()
            inner = self._pool.schedule(_run_unit, args=(unit_id, task, *arguments))
        self._running[unit_id] = inner
        inner.add_done_callback(lambda done: self._hand_over(unit_id, done, outer))
        return outer

    def frames_done(self) -> int:
        """See :class:`Executor`."""
        return int(self._signs.frames.value)

    def close(self) -> None:
        """See :class:`Executor`."""
        self._closing.set()
        self._starter.join()
        self._watcher.join()
        self._stop_pool()

    def _stop_pool(self) -> None:
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()

    def _hand_over(self, unit_id: int, inner: "Future[Any]", outer: "Future[Any]") -> None:
        """Pass a result or an error on, in our own terms."""
        self._running.pop(unit_id, None)
        if inner.cancelled():
            outer.set_exception(WorkerDiedError(f"a worker process showed no progress for {self._stall_s:g} s"))
            return
        error = inner.exception()
        if isinstance(error, ProcessExpired):
            words = _last_words(_log_of(self._logs, error.pid))
            outer.set_exception(WorkerDiedError(f"the worker process died ({_cause(error.exitcode)}){words}"))
        elif isinstance(error, BrokenProcessPool):
            outer.set_exception(WorkerDiedError(f"the worker processes died ({error})"))
        elif error is not None:
            outer.set_exception(error)
        else:
            outer.set_result(inner.result())

    def _watch(self) -> None:
        """Kill the workers of units that hang."""
        while not self._closing.wait(min(_WATCH_EVERY_S, self._stall_s)):
            for unit_id in self._signs.silent_for(self._stall_s):
                inner = self._running.get(unit_id)
                if inner is not None:
                    inner.cancel()  # pebble kills the process of a running future


_PRELOADED: Final = ("jobs.cli", "jobs.executors.worker_imports")
"""What a worker needs before its first unit: the main module again, by which it was started, and libraries."""


def _context(threads: int) -> Any:
    """Return how worker processes come about.

    Never by a fork of this process: TensorFlow and OpenMP do not survive one. On Linux a server process loads the
    libraries once, starts none of their threads, and the workers are forks of it; elsewhere each loads its own.
    """
    if sys.platform == "linux":
        set_environment(threads)  # of the server, whose libraries read it when they are loaded
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(_PRELOADED))
        # Safe: it must not take a file of the current folder for a library. And it is the runner that Ctrl-C is for.
        with suppress(OSError), _environment(PYTHONSAFEPATH="1"), _without_ctrl_c():
            forkserver.ensure_running()
            return context
        # Its socket cannot be made, as where the path of the folder for temporary files is longer than a socket's.
    return multiprocessing.get_context("spawn")


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    """Set variables for a child that starts meanwhile."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _without_ctrl_c() -> Iterator[None]:
    """Let a child that starts meanwhile never see SIGINT; this process sees it a little later."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Signs:
    """Signs of life that worker processes leave in shared memory."""

    _SLOTS: Final = 1024
    """More than the workers that ever live at once; a slot is one worker's."""

    def __init__(self, context: Any) -> None:
        self.frames = context.Value("q")
        self._started = context.Value("q")
        self._unit = context.Array("q", self._SLOTS, lock=False)
        self._seen = context.Array("d", self._SLOTS, lock=False)

    def take_slot(self) -> None:
        """Take a slot for this process."""
        with self._started.get_lock():
            self._slot = self._started.value % self._SLOTS
            self._started.value += 1

    def begin(self, unit_id: int) -> None:
        """Say that this process works on a unit from now on; 0 for none."""
        self.alive(0)
        self._unit[self._slot] = unit_id

    def alive(self, frames: int) -> None:
        """Say that this process is alive and has finished so many more frames."""
        self._seen[self._slot] = time.monotonic()
        if frames:
            with self.frames.get_lock():
                self.frames.value += frames

    def silent_for(self, seconds: float) -> list[int]:
        """Return the units that have shown no sign of life for so long."""
        limit = time.monotonic() - seconds
        return [unit for unit, seen in zip(self._unit, self._seen, strict=True) if unit and seen < limit]


_signs: _Signs | None = None
"""This worker process's own."""


def _run_unit(unit_id: int, task: Callable[..., Any], *arguments: Any) -> Any:
    assert _signs is not None
    _signs.begin(unit_id)
    try:
        return task(*arguments)
    except Exception as error:
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:  # it could not cross, and would break the pool
            raise RuntimeError(f"{type(error).__name__}: {error}") from None
        raise
    finally:
        _signs.begin(0)


def _cause(exitcode: int | None) -> str:
    return f"signal {-exitcode}" if exitcode is not None and exitcode < 0 else f"exit code {exitcode}"


def _log_of(logs: Path, pid: int | None) -> Path:
    return logs / f"worker-{pid}.log"


_LAST_LINES: Final = 10


def _last_words(log: Path) -> str:
    """Return the end of a dead worker's log, to be put behind a message."""
    try:
        lines = log.read_text(errors="replace").splitlines()[-_LAST_LINES:]
    except OSError:
        return ""
    return "\n".join(["; it last said:", *lines]) if lines else ""


def _start_worker(signs: _Signs, threads: int, logs: Path) -> None:
    """Prepare a fresh worker process before any heavy library is loaded."""
    global _signs
    _signs = signs
    signs.take_slot()
    report_progress_with(signs.alive)
    # Ctrl-C on a terminal reaches the whole process group, but it is the runner that decides what to finish.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    prepare_libraries(threads, _log_of(logs, os.getpid()))
    import_module("jobs.executors.worker_imports")  # where no server has: at once, while the runner loads its own


def _nothing() -> None:
    """Do nothing."""
