"""How results are put in words: times, shares, numbers that may be missing."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.schema import EMOTIONS


def shares_of(columns: dict[str, Any]) -> tuple[float, ...] | None:
    """Return the columns ``share_<emotion>`` of a row; None where there is no face."""
    shares = [number(columns.get(f"share_{emotion}")) for emotion in EMOTIONS]
    return None if any(share is None for share in shares) else tuple(share or 0.0 for share in shares)


def number(value: Any) -> float | None:
    """Return what JSON or a table holds if it is a finite number."""
    fits = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if fits else None


def timecode(seconds: float | None, tenths: bool = False) -> str:
    """Return seconds as people read them: ``0:14``, ``1:02:03``; a hyphen for None."""
    if seconds is None:
        return "-"
    whole = int(seconds) if tenths else round(seconds)
    text = (
        f"{whole // 60}:{whole % 60:02}" if whole < 3600 else f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
    )
    return text + (f".{int(seconds * 10) % 10}" if tenths else "")


@dataclass(frozen=True)
class BarSegment:
    """A part of a bar of shares: its emotion, where it begins and how wide it is, in thousandths of the bar."""

    emotion: str
    x: float
    width: float
    share: float


def bar_segments(shares: Sequence[float]) -> list[BarSegment]:
    """Return the parts of a bar of ``shares``, which add up to 1; those of nothing are left out."""
    found, x = [], 0.0
    for emotion, share in zip(EMOTIONS, shares, strict=True):
        if share > 0:
            found.append(BarSegment(emotion, round(1000 * x, 1), round(1000 * share, 1), share))
        x += share
    return found


def shares_in_words(shares: Sequence[float] | None) -> str:
    """Return shares in words, the largest first, for those who do not see the bar."""
    if shares is None:
        return "no face"
    order = sorted(zip(shares, EMOTIONS, strict=True), reverse=True)
    return ", ".join(f"{emotion} {share:.0%}" for share, emotion in order if share >= 0.005) or "no face"
