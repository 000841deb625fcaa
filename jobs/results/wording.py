"""How results are worded and drawn as text: times, and shares as bars and in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.schema import LABELS, UNSURE

LEAST_SEEN: Final = 0.1
"""Part of a scene's time with a face below which it says too little to be coloured."""

LEAST_SURE: Final = 0.25
"""Part of its face-time with a sure label, likewise."""

LEAST_SURE_S: Final = 1.0
"""Its seconds of face-time with a sure label, likewise."""


def timecode(seconds: float | None, tenths: bool = False) -> str:
    """Return seconds as people read them: ``0:14``, ``1:02:03``; a hyphen for None."""
    if seconds is None:
        return "-"
    whole = int(seconds) if tenths else round(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    text = f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
    return text + (f".{int(seconds * 10) % 10}" if tenths else "")


def called(person: int, names: Mapping[int, str]) -> str:
    """Return what to call a person: a name that a user gave, or ``P1``. Tables count from 0, people from 1."""
    return names.get(person) or f"P{person + 1}"


@dataclass(frozen=True)
class BarSegment:
    """A segment of a bar of shares: its emotion, where it starts and how wide it is, in thousandths of the bar."""

    emotion: str
    x: float
    width: float


def bar_segments(shares: Sequence[float], length: float = 1.0) -> list[BarSegment]:
    """Return the segments of a bar of ``shares``, which add up to 1; empty ones are left out.

    ``length``, 0..1, is how much of the bar they fill: the coverage of what they stand for.
    """
    found, x = [], 0.0
    for emotion, share in zip(LABELS, shares, strict=True):
        if share > 0:
            found.append(BarSegment(emotion, round(1000 * x * length, 1), round(1000 * share * length, 1)))
        x += share
    return found


def shares_in_words(shares: Sequence[float] | None) -> str:
    """Return shares in words, the largest first, for those who do not see the bar."""
    if shares is None:
        return "no face"
    order = sorted(zip(shares, LABELS, strict=True), reverse=True)
    return ", ".join(f"{emotion} {share:.0%}" for share, emotion in order if share >= 0.005) or "no face"


def is_weak(seconds: float, coverage: float, shares: Sequence[float] | None) -> bool:
    """Say whether a label of a span rests on too little to be coloured.

    Args:
        seconds: length of the span.
        coverage: part of it with a face, 0..1.
        shares: of its face-time, in the order of LABELS; None without a face.
    """
    if shares is None:
        return True
    sure = 1 - shares[UNSURE]
    return coverage < LEAST_SEEN or sure < LEAST_SURE or seconds * coverage * sure < LEAST_SURE_S


def evidence(dominant: str | None, coverage: float, shares: Sequence[float] | None, faces: int) -> str:
    """Return what a span says and how much it rests on: ``sad, 20% seen, 42% sure, 1 face``.

    Args:
        dominant: the label of most face-time; None without a face.
        coverage: part of the time with a face, 0..1.
        shares: of the face-time, in the order of LABELS; None without a face.
        faces: the most at once.
    """
    if dominant is None or shares is None:
        return "no face"
    faces_in_words = "1 face" if faces == 1 else f"{faces} faces"
    return f"{dominant}, {coverage:.0%} seen, {1 - shares[UNSURE]:.0%} sure, {faces_in_words}"
