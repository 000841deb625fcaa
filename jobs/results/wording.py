"""How results are worded and drawn as text: times, and shares as bars and in words."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.schema import LABELS


def timecode(seconds: float | None, tenths: bool = False) -> str:
    """Return seconds as people read them: ``0:14``, ``1:02:03``; a hyphen for None."""
    if seconds is None:
        return "-"
    whole = int(seconds) if tenths else round(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    text = f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
    return text + (f".{int(seconds * 10) % 10}" if tenths else "")


@dataclass(frozen=True)
class BarSegment:
    """A segment of a bar of shares: its emotion, where it starts and how wide it is, in thousandths of the bar."""

    emotion: str
    x: float
    width: float


def bar_segments(shares: Sequence[float]) -> list[BarSegment]:
    """Return the segments of a bar of ``shares``, which add up to 1; empty ones are left out."""
    found, x = [], 0.0
    for emotion, share in zip(LABELS, shares, strict=True):
        if share > 0:
            found.append(BarSegment(emotion, round(1000 * x, 1), round(1000 * share, 1)))
        x += share
    return found


def shares_in_words(shares: Sequence[float] | None) -> str:
    """Return shares in words, the largest first, for those who do not see the bar."""
    if shares is None:
        return "no face"
    order = sorted(zip(shares, LABELS, strict=True), reverse=True)
    return ", ".join(f"{emotion} {share:.0%}" for share, emotion in order if share >= 0.005) or "no face"
