"""The command ``moodreel``, made to die at the n-th step of a commit of the whole run.

    CRASH_COUNTER=FILE CRASH_AT=N python crashing_moodreel.py run ...

Worker processes import this file as their main module, so the steps of all processes are counted, in FILE. N = 0 only
counts.
"""

import fcntl
import os
from pathlib import Path

import jobs.store.atomic

COUNTER, DIE_AT = Path(os.environ["CRASH_COUNTER"]), int(os.environ["CRASH_AT"])


def _step() -> None:
    """Count one step; at the fatal one the process is gone, without any clean-up."""
    with COUNTER.open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        count = int(file.read() or 0) + 1
        file.seek(0)
        file.write(str(count))
    if count == DIE_AT:
        os._exit(86)


_sync, _replace = jobs.store.atomic._sync, os.replace


def sync(path: Path) -> None:
    _step()
    _sync(path)


def replace(source: Path, target: Path) -> None:
    _step()
    _replace(source, target)
    _step()


jobs.store.atomic._sync = sync
jobs.store.atomic.os.replace = replace

if __name__ == "__main__":
    from jobs.cli import app

    app()
