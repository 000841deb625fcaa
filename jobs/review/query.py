"""What a query string asks for, checked."""

import math

from flask import request
from werkzeug.exceptions import BadRequest

from jobs.results.intervals import Filter
from jobs.results.timeline_index import TimelineIndex
from pipeline.schema import EMOTIONS


def a_number(name: str, default: float, least: float = -math.inf, most: float = math.inf) -> float:
    """Return a number of the query string, brought within bounds.

    Raises:
        BadRequest: it is none.
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


def a_span(summary: TimelineIndex) -> tuple[float, float]:
    """Return the span ``from`` to ``to`` in s; without them, all of the movie. It is never empty."""
    start = a_number("from", summary.start)
    return start, max(a_number("to", summary.end), start + 1e-3)


def a_filter(summary: TimelineIndex) -> Filter:
    """Return the filter: ``emotion`` (or nothing for any), ``confidence`` 0..1, ``seconds``, and the span.

    Raises:
        BadRequest: there is no such emotion, or a number is none.
    """
    emotion = request.args.get("emotion") or None
    if emotion is not None and emotion not in EMOTIONS:
        raise BadRequest(f"emotion: expected one of {', '.join(EMOTIONS)}, found {emotion[:40]!r}")
    start, end = a_span(summary)
    return Filter(emotion, a_number("confidence", 0, 0, 1), a_number("seconds", 0, 0), start, end)
