"""Bridge gaps: a face that vanishes and one that appears where the first must have been by then may be one."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from pipeline.faces.linking.boxes import leaps, size_of
from pipeline.faces.linking.candidates import Candidates, Track, expected
from pipeline.faces.linking.options import TrackOptions

_COURSE: Final = 1.0
"""s over which a face's velocity is taken; longer than from frame to frame, for it has to lead farther."""

_REACH: Final = 0.5
"""How far from where it is expected a face may appear again, in units of its size; as much more a second."""

_MAX_GROWTH: Final = 1.6
"""How much larger or smaller a face may be when it appears again."""

_MIN_LIKENESS: Final = 0.3
"""Cosine of looks that two tracks of one face have at least."""


def bridge(found: Candidates, tracks: list[Track], options: TrackOptions) -> list[Track]:
    """Join tracks of one face that was hidden for a while."""
    able = [track for track in tracks if found.scores[track].max() >= options.min_peak]
    able.sort(key=lambda track: int(track[0]))
    ways = sorted((value, a, b) for a, b, value in _ways(found, able, options))
    next_of: dict[int, int] = {}
    continued: set[int] = set()
    for _, a, b in ways:
        if a not in next_of and b not in continued:
            next_of[a] = b
            continued.add(b)
    joined = []
    for first in range(len(able)):
        if first in continued:
            continue
        chain = [first]
        while chain[-1] in next_of:
            chain.append(next_of[chain[-1]])
        joined.append(np.concatenate([able[k] for k in chain]))
    return joined + [track for track in tracks if found.scores[track].max() < options.min_peak]


def _ways(found: Candidates, tracks: list[Track], options: TrackOptions) -> Iterator[tuple[int, int, float]]:
    """Yield pairs of tracks that may be one face, and how ill they fit.

    Where a face is half hidden, its box is that of the other half, so places and courses are of detections that score
    ``min_peak``.
    """
    firm = [track[found.scores[track] >= options.min_peak] for track in tracks]
    begins = np.array([found.frame[track[0]] for track in tracks], np.int64)
    for a, track in enumerate(tracks):
        end = found.frame[track[-1]]
        latest = np.searchsorted(found.time[begins], found.time[end] + options.max_hidden, "right")
        for b in range(int(np.searchsorted(begins, end, "right")), int(latest)):
            if found.shot[begins[b]] != found.shot[end]:
                break
            value = _misfit(found, firm[a], firm[b])
            if value is not None:
                yield a, b, value


def _misfit(found: Candidates, before: Track, after: Track) -> float | None:
    """Say how ill one track continues another, 0 for not at all; None where it cannot."""
    last, first = before[-1:], after[:1]
    end, begin = int(found.frame[last[0]]), int(found.frame[first[0]])
    ahead = leaps(expected(found, before[-64:], begin, _COURSE)[None], found.boxes[first])[0, 0]
    back = leaps(expected(found, after[:64], end, _COURSE, at_start=True)[None], found.boxes[last])[0, 0]
    distance = float(ahead + back) / 2
    sizes = size_of(found.boxes[[last[0], first[0]]])
    likeness = float(found.alike(before[-8:], after[:8]).max())
    reach = _REACH * (1 + float(found.time[begin] - found.time[end]))
    if distance > reach or max(sizes) > _MAX_GROWTH * min(sizes) or likeness < _MIN_LIKENESS:
        return None
    return distance + 1 - likeness
