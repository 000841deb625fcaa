"""Reading our JSON files tolerantly: older versions, other programs and damage must never stop a reader."""

import json
import math
from pathlib import Path
from typing import Any


def read_object(path: Path) -> dict[str, Any] | None:
    """Return the JSON object in ``path``, or None if there is none that can be read. NaN and infinity become None."""
    try:
        content = json.loads(path.read_bytes(), parse_constant=lambda _: None, parse_float=_finite)
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _finite(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None


def text_of(value: Any) -> str | None:
    """Return what JSON holds if it is text."""
    return value if isinstance(value, str) else None


def count_of(value: Any) -> int | None:
    """Return what JSON holds if it is a whole number."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def number_of(value: Any) -> float | None:
    """Return what JSON holds if it is a finite number."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def object_of(value: Any) -> dict[str, Any]:
    """Return what JSON holds if it is an object; otherwise an empty one."""
    return value if isinstance(value, dict) else {}


def texts_of(value: Any) -> tuple[str, ...]:
    """Return the texts of what JSON holds if it is a list."""
    return tuple(entry for entry in value if isinstance(entry, str)) if isinstance(value, list) else ()
