"""Bridge gaps: a face that vanishes and one that appears where the first must have been by then may be one."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.faces.linking.boxes import distances, size_of
from pipeline.faces.linking.candidates import Candidates, Track, velocity
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
    """Join tracks of one face that was hidden for a while.

    Args:
        found: the detections.
        tracks: of them, at most one of them on a face at a time.
        options: see there.
    """
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


@dataclass(frozen=True)
class _Edges:
    """How tracks begin, or how they end, as columns.

    Attributes:
        time: float64 ``(t,)``, s.
        boxes: float32 ``(t, 4)``.
        velocity: float64 ``(t, 2)``, px a second.
    """

    time: NDArray[np.float64]
    boxes: NDArray[np.float32]
    velocity: NDArray[np.float64]

    @staticmethod
    def of(found: Candidates, tracks: list[Track], at_start: bool) -> "_Edges":
        edges = np.array([track[0 if at_start else -1] for track in tracks], np.int64)
        near = [track[:64] if at_start else track[-64:] for track in tracks]
        course = [velocity(found, track, _COURSE, at_start) for track in near]
        return _Edges(found.seen(edges), found.boxes[edges], np.array(course).reshape(-1, 2))

    def expected(self, which: "NDArray[np.int64] | int", time: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return the boxes ``(m, 4)`` that tracks ``which`` will have, or had, at ``time`` ``(m,)``."""
        shift = self.velocity[which] * (time - self.time[which])[:, None]
        return np.asarray(self.boxes[which] + np.tile(shift, 2), np.float32)


def _ways(found: Candidates, tracks: list[Track], options: TrackOptions) -> Iterator[tuple[int, int, float]]:
    """Yield pairs of tracks that may be one face, and how ill they fit.

    Where a face is half hidden, its box is that of the other half, so places and courses are of detections that score
    ``min_peak``.
    """
    firm = [track[found.scores[track] >= options.min_peak] for track in tracks]
    begins = np.array([found.frame[track[0]] for track in tracks], np.int64)
    begun, shots = found.time[begins], found.shot[begins]
    ends, starts = _Edges.of(found, firm, at_start=False), _Edges.of(found, firm, at_start=True)
    for a, track in enumerate(tracks):
        end = found.frame[track[-1]]
        latest = min(
            np.searchsorted(begun, found.time[end] + options.max_hidden, "right"),
            np.searchsorted(shots, found.shot[end], "right"),
        )
        others = np.arange(np.searchsorted(begins, end, "right"), latest)
        reached, distance = _reached(ends, starts, a, others)
        for b, way in zip(others[reached].tolist(), distance[reached].tolist(), strict=True):
            likeness = float(found.alike(firm[a][-8:], firm[b][:8]).max())
            if likeness >= _MIN_LIKENESS:
                yield a, b, way + 1 - likeness


def _reached(
    ends: _Edges, starts: _Edges, track: int, others: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Say which tracks begin where another leads, at its size, and how far off they are, in units of their size.

    Args:
        ends: how tracks end.
        starts: how they begin.
        track: that may lead there.
        others: int64 ``(m,)``: those that begin later.
    """
    last = np.repeat(ends.boxes[track : track + 1], len(others), axis=0)
    ahead = distances(ends.expected(track, starts.time[others]), starts.boxes[others])
    back = distances(starts.expected(others, np.full(len(others), ends.time[track])), last)
    distance = (ahead + back) / 2
    sizes = np.stack([size_of(last), size_of(starts.boxes[others])])
    reach = _REACH * (1 + starts.time[others] - ends.time[track])
    return (distance <= reach) & (sizes.max(axis=0) <= _MAX_GROWTH * sizes.min(axis=0)), distance
