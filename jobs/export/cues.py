"""Moments as subtitles: what is felt while it is felt, and never two at once, which players show in any order."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from jobs.export.options import Options
from jobs.export.result import Moment, Result, is_sure
from jobs.web.colours import GROUNDS, edge_of
from pipeline.palette import LABEL_COLOURS

_LEAST_S: Final = 0.5
"""Shorter moments flicker, and nobody reads them."""

BRIGHT: Final = {label: edge_of(colour, GROUNDS["dark"]) for label, colour in LABEL_COLOURS.items()}
"""Colours of labels that can be read on a dark picture, ``#RRGGBB``."""


@dataclass(frozen=True)
class Cue:
    """A subtitle.

    Attributes:
        start, end: s, those of frames.
        moments: what it says, one a line; at least one.
    """

    start: float
    end: float
    moments: tuple[Moment, ...]


def cues_of(result: Result, options: Options) -> list[Cue]:
    """Return the subtitles of a movie, in the order of time; they do not overlap."""
    wanted = [one for one in result.moments if is_sure(one) and options.wants(one, _LEAST_S)]
    borders = sorted({frame for one in wanted for frame in (one.first_frame, one.last_frame + 1)})
    shown: dict[int, list[Moment]] = {border: [] for border in borders}
    place = {border: k for k, border in enumerate(borders)}
    for one in wanted:
        for border in borders[place[one.first_frame] : place[one.last_frame + 1]]:
            shown[border].append(one)
    return [
        Cue(float(result.time[start]), float(result.time[end]), tuple(sorted(shown[start], key=_order)))
        for start, end in pairwise(borders)
        if shown[start]
    ]


def _order(moment: Moment) -> tuple[bool, int, int]:
    """People keep their line as long as they can: known ones first, by their number."""
    return moment.person is None, moment.person or 0, moment.track


def line_of(moment: Moment) -> str:
    """Return what a subtitle says of a moment."""
    return f"{moment.who}: {moment.label} {moment.confidence_mean:.0%}"


def stamp(seconds: float, digits: int = 3) -> str:
    """Return a time as subtitles have it, ``00:00:02.500``, rounded down.

    A player shows a cue on the frames whose time is not before its start and before its end. Rounded down, a frame's
    own time is still not before the start of its cue; rounded up, the cue would miss its first frame.

    Args:
        seconds: since the movie's start; what is before it counts as 0.
        digits: behind the decimal point.
    """
    unit = 10**digits
    whole = int(max(seconds, 0) * unit + 1e-6)
    rest, second = whole % unit, whole // unit
    return f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.{rest:0{digits}}"


def plain(text: str, hidden: Sequence[tuple[str, str]]) -> str:
    """Return text on one line, with what would be taken for markup replaced: ``hidden`` are pairs of texts."""
    text = " ".join(text.split())
    for mark, other in hidden:
        text = text.replace(mark, other)
    return text
