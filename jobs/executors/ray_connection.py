"""The connection of this process to a Ray cluster.

Ray is an extra: only ``--engine ray`` imports this module, and the modules that import Ray take it from here.
"""

import logging
import os
import socket
import threading
from typing import Final

from jobs.errors import UsageError

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray reads it when it is imported

try:
    import ray
except ImportError as missing:
    raise UsageError('--engine ray needs Ray: pip install "moodreel[ray]"') from missing

from ray.exceptions import NodeDiedError, RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

__all__ = ["NodeAffinitySchedulingStrategy", "NodeDiedError", "RayError", "RayTaskError", "connect", "ray"]

_KNOCK_S: Final = 5.0
_CONNECT_S: Final = 25.0


def connect(address: str | None, knock_s: float = _KNOCK_S, connect_s: float = _CONNECT_S) -> bool:
    """Connect this process to a cluster.

    Args:
        address: ``host:port`` of the cluster's head; None or ``auto`` for the cluster that runs on this machine.
        knock_s: seconds that somebody has to answer at the address at all.
        connect_s: seconds that Ray has to join the cluster.

    Returns:
        Whether this call connected it: False where it was connected before.

    Raises:
        UsageError: no cluster answers in time, or it has another version of Ray or Python.
    """
    wanted = address or "auto"
    if wanted.startswith("ray://"):
        raise UsageError(f"--address {wanted}: expected host:port, started on a machine that is part of the cluster")
    if wanted != "auto":
        _knock(wanted, knock_s)
    if ray.is_initialized():
        return False
    failures: list[BaseException] = []
    # In a thread, since Ray may wait for ever for an answer that does not come.
    attempt = threading.Thread(target=_init, args=(wanted, failures), daemon=True)
    attempt.start()
    attempt.join(connect_s)
    if attempt.is_alive():
        raise UsageError(f"--address {wanted}: no Ray cluster answers; waited {connect_s:g} s")
    if failures:
        reason = str(failures[0]).strip().partition("\n")[0]
        raise UsageError(f"--address {wanted}: cannot join a Ray cluster: {reason}") from failures[0]
    return True


def _knock(address: str, seconds: float) -> None:
    """Make sure that somebody listens at ``host:port``, which Ray takes longer to find out."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise UsageError(f"--address {address}: expected host:port, as 'ray start --head' prints it")
    try:
        socket.create_connection((host.strip("[]"), int(port)), seconds).close()
    except (OSError, OverflowError) as error:
        raise UsageError(
            f"--address {address}: no cluster answers ({error}); start one with 'ray start --head'"
        ) from error


def _init(address: str, failures: list[BaseException]) -> None:
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except BaseException as error:  # it crosses to the thread that waits
        failures.append(error)
