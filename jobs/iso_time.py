"""Times in our JSON files: ISO 8601, UTC, whole seconds."""

import math
from datetime import UTC, datetime
from typing import Any


def now() -> str:
    """Return the time as ISO 8601, UTC, whole seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def moment_of(value: Any) -> int | None:
    """Return the full seconds since 1970 of an ISO time: some of our files have no finer ones."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return math.floor((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
