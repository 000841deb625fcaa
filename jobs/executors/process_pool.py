"""Where units run: a pool of processes on this machine, which survives the death of a worker."""

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, InvalidStateError
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
from jobs.executors.limits import NO_LIMITS, Limits, apply_limits

_WATCH_EVERY_S: Final = 5.0


class LocalExecutor:
    """Runs every unit in one of the worker processes of a pool."""

    def __init__(
        self, workers: int, threads: int, logs: Path, stall_s: float = STALL_S, limits: Limits = NO_LIMITS
    ) -> None:
        """Start the workers, and do not wait for them.

        Args:
            workers: how many.
            threads: for the libraries of each.
            logs: folder for what their libraries print, which would tear the progress bar.
            stall_s: a unit without progress for so many seconds is killed together with its worker.
            limits: of each worker.
        """
        self.workers = workers
        self._stall_s = stall_s
        self._logs = logs
        context = _context(threads)
        self._heartbeats = _Heartbeats(context)
        self._new_pool: Callable[[], ProcessPool] = lambda: ProcessPool(
            max_workers=workers,
            context=context,
            initializer=_start_worker,
            initargs=(self._heartbeats, threads, logs, limits),
        )
        self._pool = self._new_pool()
        # pebble starts the workers with the first unit: this one, so that they load while the caller does other things.
        self._starter = threading.Thread(target=self._pool.schedule, args=(_nothing,))
        self._starter.start()
        self._unit_ids = count(1)
        self._running: dict[int, tuple[Future[Any], ProcessPool]] = {}
        self._closing = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def submit(self, task: Callable[..., Any], *arguments: Any) -> "Future[Any]":
        """See :class:`jobs.executors.base.Executor`."""
        outer: Future[Any] = Future()
        unit_id = next(self._unit_ids)
        try:
            inner = self._pool.schedule(_run_unit, args=(unit_id, task, *arguments))
        except RuntimeError:
            if self._closing.is_set():
                raise
            self._stop_pool()  # pebble gives its pool up if a worker dies while all are idle
            self._pool = self._new_pool()
            inner = self._pool.schedule(_run_unit, args=(unit_id, task, *arguments))
        self._running[unit_id] = inner, self._pool
        inner.add_done_callback(lambda done: self._hand_over(unit_id, done, outer))
        return outer

    def frames_done(self) -> int:
        """See :class:`jobs.executors.base.Executor`."""
        return int(self._heartbeats.frames.value)

    def close(self) -> None:
        """See :class:`jobs.executors.base.Executor`."""
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
        """Kill the workers of units that hang, and give up units that a broken pool has forgotten."""
        stranded: set[int] = set()
        while not self._closing.wait(min(_WATCH_EVERY_S, self._stall_s)):
            running = dict(self._running)
            for unit_id in self._heartbeats.silent_for(self._stall_s):
                if unit_id in running:
                    running[unit_id][0].cancel()  # pebble kills the process of a running future
            # A pool that breaks fails the units that it knows, but not those that reach it a moment later. By the
            # second look it has had the time to do so.
            before, stranded = stranded, {unit_id for unit_id, (_, pool) in running.items() if not pool.active}
            for unit_id in before & stranded:
                with suppress(InvalidStateError):  # it has just ended
                    running[unit_id][0].set_exception(BrokenProcessPool("the pool broke before the unit began"))


_PRELOADED: Final = ("jobs.cli", "jobs.executors.worker_imports")
"""What a worker needs before its first unit: the main module of the command, and libraries."""


def _context(threads: int) -> Any:
    """Return the way in which worker processes are started.

    Never by a fork of this process, which TensorFlow and OpenMP do not survive. On Linux a server process loads the
    libraries once, without starting their threads, and the workers are forked from it; elsewhere each loads its own.
    """
    if sys.platform == "linux":
        set_environment(threads)  # for the server, whose libraries read it when they are loaded
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(_PRELOADED))
        # The safe path keeps it from importing files of the current folder. Ctrl-C is meant for the driver.
        with suppress(OSError), _environment(PYTHONSAFEPATH="1"), _without_ctrl_c():
            forkserver.ensure_running()
            return context
        # Its socket cannot be made, for example where the path of the folder for temporary files is too long for one.
    return multiprocessing.get_context("spawn")


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    """Set variables for a child that is started meanwhile."""
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
    """Block SIGINT for a child that is started meanwhile; this process gets it afterwards."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Heartbeats:
    """Signs of life that worker processes leave in shared memory, each in a slot of its own."""

    _SLOTS: Final = 1024
    """More than there are workers at a time: slots are reused in turn."""

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
        """Note that this process works on a unit from now on; 0 for none."""
        self.beat(0)
        self._unit[self._slot] = unit_id

    def beat(self, frames: int) -> None:
        """Note that this process is alive and has finished so many more frames."""
        self._seen[self._slot] = time.monotonic()
        if frames:
            with self.frames.get_lock():
                self.frames.value += frames

    def silent_for(self, seconds: float) -> list[int]:
        """Return the units that have shown no sign of life for so many seconds."""
        limit = time.monotonic() - seconds
        return [unit for unit, seen in zip(self._unit, self._seen, strict=True) if unit and seen < limit]


_heartbeats: _Heartbeats | None = None
"""Those of this worker process."""


def _run_unit(unit_id: int, task: Callable[..., Any], *arguments: Any) -> Any:
    assert _heartbeats is not None
    _heartbeats.begin(unit_id)
    try:
        return task(*arguments)
    except Exception as error:
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:  # it cannot be sent, and would break the pool
            raise RuntimeError(f"{type(error).__name__}: {error}") from None
        raise
    finally:
        _heartbeats.begin(0)


def _cause(exitcode: int | None) -> str:
    return f"signal {-exitcode}" if exitcode is not None and exitcode < 0 else f"exit code {exitcode}"


def _log_of(logs: Path, pid: int | None) -> Path:
    return logs / f"worker-{pid}.log"


_LAST_LINES: Final = 10


def _last_words(log: Path) -> str:
    """Return the end of a dead worker's log, as the end of a message."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_LINES:]
    except OSError:
        return ""
    return "\n".join(["; it last said:", *lines]) if lines else ""


def _start_worker(heartbeats: _Heartbeats, threads: int, logs: Path, limits: Limits) -> None:
    """Prepare a fresh worker process before any heavy library is loaded."""
    global _heartbeats
    _heartbeats = heartbeats
    heartbeats.take_slot()
    report_progress_with(heartbeats.beat)
    # Ctrl-C on a terminal reaches the whole process group, but the driver alone decides what is finished.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    prepare_libraries(threads, _log_of(logs, os.getpid()))
    apply_limits(limits)
    import_module("jobs.executors.worker_imports")  # where no server has; now, while the driver loads its own


def _nothing() -> None:
    """Do nothing."""
