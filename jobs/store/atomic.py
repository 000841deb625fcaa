"""How a file gets its final name: whole or not at all. A unit of work is done when its file has its final name."""

import errno
import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

TEMPORARY: Final = ".tmp-"

_CANNOT_SYNC_FOLDERS: Final = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EACCES, errno.EBADF, errno.EISDIR)
"""What file systems answer that know no fsync of a folder, as SMB and some of FUSE."""


def commit(path: Path, write: Callable[[Path], Any], within: Path | None = None) -> None:
    """Let ``write`` make a file under a temporary name, then rename it to ``path``.

    After a crash at any moment ``path`` holds what it held before, or all of the new content: the content reaches the
    disk before the name does, and the name before this returns.

    Args:
        path: of the file; its folder is made where there is none.
        write: makes the file whose path it is given.
        within: a folder above it that must be there: what somebody removed meanwhile is not made again.

    Raises:
        OSError: the file cannot be written; ``path`` holds what it held before.
    """
    with temporary_beside(path, within) as temporary:
        write(temporary)
        _sync(temporary)
        os.replace(temporary, path)
        _sync_folder(path.parent)


@contextmanager
def temporary_beside(path: Path, within: Path | None = None) -> Iterator[Path]:
    """Yield a name beside ``path`` for a file that is removed afterwards; after a crash, when the next run begins.

    See :func:`commit` for ``within``.
    """
    if within is not None and not within.is_dir():
        raise FileNotFoundError(errno.ENOENT, "the folder has been removed", str(within))
    path.parent.mkdir(parents=True, exist_ok=True)
    # Processes of several machines may write here.
    temporary = path.with_name(f"{TEMPORARY}{os.getpid()}-{socket.gethostname()}-{path.name}")
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def commit_json(path: Path, content: Any, within: Path | None = None) -> None:
    """Commit ``content`` as readable JSON; see :func:`commit`.

    Args:
        path: of the file.
        content: what JSON can hold.
        within: a folder above it that must be there.

    Raises:
        ValueError: it holds NaN or infinity, which JSON has no words for.
        OSError: the file cannot be written.
    """
    text = json_text(content)
    commit(path, lambda temporary: temporary.write_text(text, encoding="utf-8"), within)


def json_text(content: Any) -> str:
    """Return ``content`` as readable JSON; see :func:`commit_json` for errors."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # names of files are bytes, and those that are no UTF-8 must read back as they were
        return json.dumps(content, indent=2, allow_nan=False) + "\n"
    return text


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(path: Path) -> None:
    """Let a new name reach the disk; where the file system cannot, it does so in its own time."""
    try:
        _sync(path)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC_FOLDERS:
            raise
