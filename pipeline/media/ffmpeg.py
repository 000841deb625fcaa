"""Find the ffmpeg program and run it so that it can neither hang nor die unheard."""

import os
import shutil
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Final

import imageio_ffmpeg

from pipeline.errors import FfmpegError
from pipeline.limits import media_limits

VARIABLE: Final = "MOODREEL_FFMPEG"
"""Environment variable that names another ffmpeg program than the bundled one."""

_POLL_S: Final = 1.0
_TAIL_LINES: Final = 20
_LONGEST_LINE: Final = 1000


def ffmpeg_exe() -> str:
    """Return the ffmpeg program: ``$MOODREEL_FFMPEG``, else imageio-ffmpeg's, else the one on the ``PATH``.

    The bundled one goes before the system's because its version is known.

    Raises:
        FfmpegError: there is none, or the variable names none.
    """
    chosen = os.environ.get(VARIABLE)
    if chosen:
        found = shutil.which(chosen)
        if found is None:
            raise FfmpegError(f"{VARIABLE}={chosen}: expected an ffmpeg program; correct the variable or unset it")
        return found
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError:  # its wheel for this kind of machine holds no program
        found = shutil.which("ffmpeg")
    if found is None:
        raise FfmpegError(f"no ffmpeg program: pip install imageio-ffmpeg, or install ffmpeg, or set {VARIABLE}")
    return found


def url(path: Path) -> str:
    """Return ``path`` such that ffmpeg takes no part of it for an option, a protocol or a pattern."""
    return f"file:{path.absolute()}"


def run(
    command: Sequence[str],
    written: Path,
    stall_s: float | None = None,
    on_progress: Callable[[], None] = lambda: None,
) -> None:
    """Run ffmpeg to its end; kill it if it stalls and whenever this function is left by an exception.

    Args:
        command: program and arguments.
        written: the file ffmpeg writes; it must change at least every ``stall_s`` seconds.
        stall_s: in s; by default as long as the process's limits say.
        on_progress: called whenever the file is seen to have changed.

    Raises:
        FfmpegError: ffmpeg could not be started, failed or stalled; with its last lines.
    """
    stall_s = media_limits().stall_s if stall_s is None else stall_s
    tail: deque[str] = deque(maxlen=_TAIL_LINES)
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            encoding="utf-8", errors="replace", restore_signals=False,  # a file that grows too large is an error
        )  # fmt: skip
    except OSError as error:
        raise FfmpegError(f"{command[0]}: cannot be run: {error.strerror or error}") from error
    assert process.stderr is not None
    drain = threading.Thread(target=_drain, args=(process.stderr, tail), daemon=True)
    drain.start()
    stalled = False
    try:
        stalled = not _ended(process, written, stall_s, on_progress)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        drain.join()
        process.stderr.close()
    if stalled:
        raise FfmpegError(_story(f"ffmpeg wrote nothing to {written} for {stall_s:g} s and was stopped", tail))
    if process.returncode != 0:
        raise FfmpegError(_story(f"ffmpeg failed ({process.returncode}) writing {written}", tail))


def _ended(process: subprocess.Popen[str], written: Path, stall_s: float, on_progress: Callable[[], None]) -> bool:
    """Wait for the end of ``process``; return False if it stalls before."""
    seen = _state(written)
    changed = time.monotonic()
    while True:
        try:
            process.wait(timeout=min(_POLL_S, stall_s))
            return True
        except subprocess.TimeoutExpired:
            pass
        state = _state(written)
        if state != seen:
            seen, changed = state, time.monotonic()
            on_progress()
        elif time.monotonic() - changed >= stall_s:
            return False


def _state(path: Path) -> tuple[int, int] | None:
    """Return what changes when a file is written; its time too, for ``faststart`` rewrites the file in place."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _drain(stream: IO[str], tail: deque[str]) -> None:
    """Keep the last lines of ``stream``, so that its writer never waits for a reader."""
    for line in iter(lambda: stream.readline(_LONGEST_LINE), ""):
        if line.strip():
            tail.append(line.rstrip())


def _story(what: str, tail: Sequence[str]) -> str:
    return "\n".join([what + (". Its last words:" if tail else ""), *tail])
