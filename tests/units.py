"""Units of work for tests of executors; a module of its own, since workers must be able to import it."""

import os
import signal
import time
from pathlib import Path

from jobs.executors.heartbeat import count_frame
from pipeline.errors import NotAMovieError


class AwkwardError(Exception):
    """An error that pickle can write but not read: its constructor wants more than its message."""

    def __init__(self, file: str, line: int) -> None:
        super().__init__(f"{file}:{line}")


def double(number: int) -> int:
    return 2 * number


def fail(message: str) -> None:
    raise NotAMovieError(message)


def fail_awkwardly() -> None:
    raise AwkwardError("film.mp4", 7)


def return_what_cannot_travel() -> object:
    return lambda: None


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def leave() -> None:
    os._exit(3)


def count(frames: int) -> int:
    for _ in range(frames):
        count_frame()
    return os.getpid()


def complain(words: str) -> None:
    os.write(2, words.encode())


def note_and_sleep(file: Path) -> None:
    """Write this process's id to ``file``, then stay busy."""
    file.write_text(str(os.getpid()))
    time.sleep(600)


def environment(name: str) -> str | None:
    return os.environ.get(name)
