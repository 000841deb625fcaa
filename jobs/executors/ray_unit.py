"""What runs in a process of the Ray cluster: prepares it, runs a unit, and ends the process if the unit hangs.

Knows nothing of Ray, which hands it the arguments and takes back the bytes.
"""

import faulthandler
import os
import pickle
import socket
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobs.executors.heartbeat import report_progress_with
from jobs.executors.libraries import prepare_libraries
from jobs.executors.limits import NO_LIMITS, Limits, apply_limits


@dataclass(frozen=True)
class Preparation:
    """How a process of the cluster is prepared.

    Attributes:
        threads: for its libraries.
        logs: folder for what they print.
        stall_s: seconds without progress after which the process ends itself.
        gpu: whether it may see the GPU that Ray gave it.
        limits: on what it costs.
    """

    threads: int
    logs: Path
    stall_s: float
    gpu: bool
    limits: Limits = NO_LIMITS


@dataclass(frozen=True)
class Reply:
    """What comes back from a unit.

    Attributes:
        result: what it returned.
        error: what it raised, or None.
        where: the traceback of the error, or "".
        frames: how many it finished.
    """

    result: Any
    error: Exception | None
    where: str
    frames: int


def run_unit(preparation: Preparation, task: Callable[..., Any], arguments: tuple[Any, ...]) -> bytes:
    """Run a unit in this process.

    Args:
        preparation: for this process, unless it has been prepared so before.
        task: the unit.
        arguments: for ``task``.

    Returns:
        A pickled :class:`Reply`. Pickled here and not by Ray, so that what can be sent is the same as with the local
        engine.
    """
    heartbeat = _Heartbeat(preparation.stall_s)
    try:
        _prepare(preparation)
        report_progress_with(heartbeat.beat)
        return pickle.dumps(Reply(task(*arguments), None, "", heartbeat.frames))
    except Exception as error:
        where = traceback.format_exc()
        try:
            reply = pickle.dumps(Reply(None, error, where, heartbeat.frames))
            pickle.loads(reply)
        except Exception:  # the error cannot be sent
            in_words = RuntimeError(f"{type(error).__name__}: {error}")
            return pickle.dumps(Reply(None, in_words, where, heartbeat.frames))
        return reply
    finally:
        heartbeat.end()


class _Heartbeat:
    """Counts a unit's frames, and ends this process when they stop coming."""

    def __init__(self, stall_s: float) -> None:
        self.frames = 0
        self._stall_s = stall_s
        self._wind_up()

    def beat(self, frames: int) -> None:
        """Note so many more frames, or with 0 just a sign of life."""
        self.frames += frames
        if time.monotonic() - self._wound_up > self._stall_s / 50:  # setting the timer for every frame would cost
            self._wind_up()

    def end(self) -> None:
        """Stop watching."""
        faulthandler.cancel_dump_traceback_later()

    def _wind_up(self) -> None:
        self._wound_up = time.monotonic()
        # A timer in C: it also fires while a library hangs with the interpreter's lock, and logs where that was.
        faulthandler.dump_traceback_later(self._stall_s, exit=True, file=2)


_prepared: Preparation | None = None
"""How this process was prepared."""


def _prepare(preparation: Preparation) -> None:
    """Prepare this process before any heavy library is loaded, unless it has been prepared so before."""
    global _prepared
    if preparation == _prepared:
        return
    if preparation.gpu:
        os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"  # several processes share it
    else:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""  # else nodes with a GPU would give other results than those without
    prepare_libraries(preparation.threads, preparation.logs / f"worker-{socket.gethostname()}-{os.getpid()}.log")
    apply_limits(preparation.limits)
    _prepared = preparation
