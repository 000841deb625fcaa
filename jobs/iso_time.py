"""Times in our JSON files: ISO 8601, UTC, whole seconds."""

import math
from datetime import UTC, datetime
from typing import Any


def now() -> str:
    """Return the time as ISO 8601, UTC, whole seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def moment_of(value: Any) -> int | None:
    """Return the whole seconds since 1970 of an ISO time, as fine as our files are; None if it is none."""
    try:
        moment = datetime.fromisoformat(value)
        return math.floor((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (TypeError, ValueError, OverflowError):
        return None


def duration(seconds: float) -> str:
    """Return a time to wait in s as people say it: ``50 s``, ``7 min``, ``3 h 05 min``."""
    if seconds < 100:
        return f"{math.ceil(seconds)} s"
    minutes = math.ceil(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02} min"
