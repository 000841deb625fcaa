"""Costly folders that all workers of pytest-xdist share: the first that needs one makes it, the others wait."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Return a folder that ``make`` has filled, once for all workers of this test session; read-only."""
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" not in os.environ:  # a session of its own
        folder = factory.mktemp(name)
        make(folder)
        return folder
    folder, done = base.parent / name, base.parent / f"{name}.done"
    with (base.parent / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # given back when the file is closed, or its process dies
        if not done.exists():
            folder.mkdir(exist_ok=True)
            make(folder)
            done.touch()
    return folder
