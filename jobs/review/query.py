"""The query string of a request, checked."""

import math
from collections.abc import Mapping

from flask import request
from werkzeug.exceptions import BadRequest

from jobs.results.intervals import Filter
from jobs.results.timeline_index import TimelineIndex
from pipeline.schema import LABELS

_SHORTEST_SPAN = 1e-3
"""s"""


def query_number(name: str, default: float, least: float = -math.inf, most: float = math.inf) -> float:
    """Return a number of the query string.

    Args:
        name: of the parameter.
        default: for a query without it.
        least: smaller numbers are raised to it.
        most: larger numbers are lowered to it.

    Raises:
        BadRequest: it is not a finite number.
    """
    text = request.args.get(name, "")
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise BadRequest(f"{name}: expected a number, found {text[:40]!r}")
    return min(max(value, least), most)


def query_span(index: TimelineIndex) -> tuple[float, float]:
    """Return the span ``from`` to ``to`` in s, never empty; the whole movie by default."""
    start = query_number("from", index.start)
    return start, max(query_number("to", index.end), start + _SHORTEST_SPAN)


def query_filter(index: TimelineIndex, persons: Mapping[int, int] | None = None) -> Filter:
    """Return the filter: ``emotion`` (any by default), ``confidence`` 0..1, ``seconds``, ``person``, and the span.

    ``persons`` are those of the tracks.

    Raises:
        BadRequest: there is no such emotion, or something is not a number.
    """
    emotion = request.args.get("emotion") or None
    if emotion is not None and emotion not in LABELS:
        raise BadRequest(f"emotion: expected one of {', '.join(LABELS)}, found {emotion[:40]!r}")
    start, end = query_span(index)
    confidence, seconds = query_number("confidence", 0, 0, 1), query_number("seconds", 0, 0)
    person = query_number("person", -1)
    tracks = frozenset(track for track, number in (persons or {}).items() if number == person)
    return Filter(emotion, confidence, seconds, start=start, end=end, tracks=tracks if person >= 0 else None)
