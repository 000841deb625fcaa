"""Bridge gaps: a face that vanishes and one that appears where the first must have been by then may be one."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from pipeline.faces.linking.boxes import leaps, size_of
from pipeline.faces.linking.candidates import Candidates, Track, expected
from pipeline.faces.linking.options import TrackOptions

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
    """Yield pairs of tracks that may be one face, and how ill they fit."""
    begins = np.array([found.frame[track[0]] for track in tracks], np.int64)
    for a, track in enumerate(tracks):
        end = found.frame[track[-1]]
        latest = np.searchsorted(found.time[begins], found.time[end] + options.max_hidden, "right")
        for b in range(np.searchsorted(begins, end, "right"), latest):
            begin = begins[b]
            if found.shot[begin] != found.shot[end]:
                break
            gap = found.time[begin] - found.time[end]
            ahead = leaps(expected(found, track, begin)[None], found.boxes[tracks[b][:1]])[0, 0]
            back = leaps(expected(found, tracks[b], end, at_start=True)[None], found.boxes[track[-1:]])[0, 0]
            sizes = size_of(found.boxes[[track[-1], tracks[b][0]]])
            likeness = float(found.alike(track[-8:], tracks[b][:8]).max())
            distance = float(min(ahead, back) + max(ahead, back)) / 2
            fits = distance <= _REACH * (1 + gap) and max(sizes) <= _MAX_GROWTH * min(sizes)
            if fits and likeness >= _MIN_LIKENESS:
                yield a, b, distance + (1 - likeness)
