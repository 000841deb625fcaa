"""Limits on what a unit of work may cost, kept by the system, and how a unit that meets one says so.

A hostile file may ask for any amount of memory, disk and time. It must cost its own unit and nothing else.
"""

import errno
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from jobs.settings import Settings
from pipeline.limits import MediaLimits, limit_media


@dataclass(frozen=True)
class Limits:
    """Limits of a worker process; 0 is none.

    Attributes:
        memory: bytes that it may use. Kept on Linux alone.
        file: bytes of any file that it writes.
        pixels: of a stored picture.
        stall_s: s without progress after which it is killed.
    """

    memory: int = 0
    file: int = 0
    pixels: int = MediaLimits.pixels
    stall_s: float = 1800.0


NO_LIMITS: Final = Limits()


def limits_of(settings: Settings) -> Limits:
    """Return what a worker of a run may cost."""
    memory, file = (round(gigabytes * 1e9) for gigabytes in (settings.memory_limit, settings.disk_limit))
    return Limits(memory, file, max(1, round(settings.frame_limit * 1e6)), settings.stall_limit)


def apply_limits(limits: Limits) -> None:
    """Limit this process, and those that it starts; a limit of the system that is tighter stays."""
    limit_media(MediaLimits(limits.pixels, min(MediaLimits.stall_s, limits.stall_s)))
    with suppress(ImportError):  # Windows has no such limits
        import resource

        if sys.platform == "linux":
            _bound(resource.RLIMIT_DATA, limits.memory)
        _bound(resource.RLIMIT_FSIZE, limits.file)


def _bound(kind: int, limit: int) -> None:
    import resource

    _, most = resource.getrlimit(kind)
    if limit and (most == resource.RLIM_INFINITY or limit < most):
        resource.setrlimit(kind, (limit, most))


def limit_met(error: BaseException, limits: Limits) -> str:
    """Return which limit a unit met, as a reason for people; "" if none."""
    for cause in _chain(error):
        words = str(cause)
        if limits.memory and (
            isinstance(cause, MemoryError) or "Cannot allocate memory" in words or "bad_alloc" in words
        ):
            return f"it needs more memory than memory_limit allows, {limits.memory / 1e9:g} GB: {words or 'no memory'}"
        if limits.file and (getattr(cause, "errno", None) == errno.EFBIG or "File too large" in words):
            return f"a unit's file would be larger than disk_limit allows, {limits.file / 1e9:g} GB"
    return ""


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__
