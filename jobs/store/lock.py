"""The lock on the output folder: one run at a time, where the file system knows locks."""

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final

from jobs.errors import WorkspaceError
from jobs.iso_time import now

LOCK: Final = ".lock"

_NO_LOCKS: Final = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)
"""What file systems answer that know no locks, as NFS without its lock daemon."""


@contextmanager
def held(folder: Path) -> Iterator[str]:
    """Hold ``folder`` for one run.

    Yields:
        What the user should know: that the file system has no locks; "" where it has.

    Raises:
        WorkspaceError: another run holds it.
        OSError: the lock's file cannot be written.
    """
    # Unbuffered: closing it must not fail because of a full disk.
    with (folder / LOCK).open("a+b", buffering=0) as file:
        caution = _lock(file, folder)
        with suppress(OSError):  # a full disk: the lock holds without a name, and clean must be able to make room
            file.truncate(0)
            file.write(f"process {os.getpid()} on {socket.gethostname()} since {now()}\n".encode())
        yield caution


def _lock(file: IO[bytes], folder: Path) -> str:
    """Take the lock, which the system gives back when this process ends, however it ends; return :func:`held`'s."""
    try:
        import fcntl
    except ImportError:  # Windows: no lock; two runs at once are the user's care there
        return ""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError) as error:  # some NFS servers say the latter
        file.seek(0)
        holder = file.read().decode(errors="replace").strip()
        raise WorkspaceError(f"{folder}: another run is using this output folder: {holder}") from error
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        return f"{folder}: this file system has no locks ({error.strerror}); make sure that no other run writes there"
    return ""


def is_locked(out: Path) -> bool | None:
    """Return whether a process on this machine holds ``out`` for a run; None where the file system knows no locks.

    Asking means trying: for some microseconds a shared lock is held, which others who ask do not notice.
    """
    try:
        import fcntl
    except ImportError:  # Windows: no lock; a run that has not recorded its end counts as alive
        return True
    try:
        with (out / LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError as error:
        return None if error.errno in _NO_LOCKS else False
    return False


def is_running(pid: int | None, host: str) -> bool:
    """Return whether there is a process of this number on this machine, if ``host`` is its name."""
    if pid is None or host != socket.gethostname():
        return False
    try:
        os.kill(pid, 0)
    except PermissionError:  # somebody else's
        return True
    except (OSError, OverflowError):
        return False
    return True
