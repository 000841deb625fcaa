"""How a file gets under its final name: whole or not at all."""

import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

TEMPORARY: Final = ".tmp-"


def commit(path: Path, write: Callable[[Path], Any]) -> None:
    """Let ``write`` make a file under another name, then put it in place for good.

    After a crash at any moment ``path`` holds what it held before or all of the new content: the content is on the
    disk before the name, and the name before this returns.
    """
    with temporary_beside(path) as temporary:
        write(temporary)
        _sync(temporary)
        os.replace(temporary, path)
        _sync(path.parent)


@contextmanager
def temporary_beside(path: Path) -> Iterator[Path]:
    """Give a name beside ``path`` for a file that is gone afterwards, or after a crash with the next run's begin."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Processes of several machines may write here.
    temporary = path.with_name(f"{TEMPORARY}{os.getpid()}-{socket.gethostname()}-{path.name}")
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def commit_json(path: Path, content: Any) -> None:
    """Commit ``content`` as readable JSON."""
    commit(path, lambda temporary: temporary.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n"))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
