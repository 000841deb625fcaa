"""Merge the tracks that lie on one head.

A detector may find one face in two ways: a box on the hair or the chin beside the one on the face, or both in turn.
Tracks that lie on each other for most of the time that they share are one face, unless both are sure ones: then two
faces are cheek to cheek. In each frame the box is kept that scores well and leads on smoothly.
"""

from collections import Counter
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.faces.linking.boxes import covered, leaps
from pipeline.faces.linking.candidates import Candidates, Track
from pipeline.faces.linking.options import TrackOptions

_ONE_HEAD: Final = 0.5
"""Part of the time that two tracks share from which those that lie on each other are one face."""

_SURE: Final = 0.75
"""Mean score in that time from which both are faces of their own."""

_LEAP: Final = 0.5
"""What a leap of the box by its own size costs, in units of the score."""


def merge(found: Candidates, tracks: list[Track], options: TrackOptions) -> list[Track]:
    """Join the tracks that lie on one head."""
    if not tracks:
        return tracks
    spans = [(found.frame[track[0]], found.frame[track[-1]]) for track in tracks]
    peaks = np.array([found.scores[track].max() for track in tracks])
    together, touching = _overlapping(found, tracks, options)

    def one_head(a: int, b: int) -> bool:
        if not (touching[a, b] or min(peaks[a], peaks[b]) >= options.min_peak):
            return False
        start, end = max(spans[a][0], spans[b][0]), min(spans[a][1], spans[b][1])
        if together[a, b] < _ONE_HEAD * (end - start + 1):
            return False
        shared = [track[_within(found.frame[track], start, end)] for track in (tracks[a], tracks[b])]
        return min(found.scores[part].mean() if len(part) else 0 for part in shared) < _SURE

    group_of = {number: [number] for number in range(len(tracks))}
    for (a, b), _ in sorted(together.items(), key=lambda item: (-item[1], item[0])):
        one, other = group_of[a], group_of[b]
        if one is other or not one_head(a, b):
            continue
        apart = ((min(x, y), max(x, y)) for x in one for y in other if _meet(spans[x], spans[y]))
        if all(one_head(x, y) for x, y in apart):
            one += other
            group_of |= dict.fromkeys(other, one)
    groups = {id(group): group for group in group_of.values()}.values()
    return [_smoothest(found, np.sort(np.concatenate([tracks[k] for k in group]))) for group in groups]


def _within(frames: NDArray[np.int32], start: int, end: int) -> slice:
    """Return which of ``frames`` ``(n,)``, rising, lie from ``start`` to ``end``."""
    return slice(*np.searchsorted(frames, [start, end + 1]).tolist())


def _meet(a: tuple[int, int], b: tuple[int, int]) -> bool:
    return a[0] <= b[1] and b[0] <= a[1]


def _overlapping(
    found: Candidates, tracks: list[Track], options: TrackOptions
) -> tuple[Counter[tuple[int, int]], Counter[tuple[int, int]]]:
    """Return in how many frames each two tracks lie on each other, and in how many of these both are seen.

    Where a track has lost its face for a moment, its box is interpolated.
    """
    together: Counter[tuple[int, int]] = Counter()
    touching: Counter[tuple[int, int]] = Counter()
    rows = [_filled(found, track) for track in tracks]
    number = np.repeat(np.arange(len(tracks)), [len(frames) for frames, _, _ in rows])
    frame, boxes, seen = (np.concatenate(columns) for columns in zip(*rows, strict=True))
    order = np.lexsort((number, frame))
    number, frame, boxes, seen = number[order], frame[order], boxes[order], seen[order]
    _, starts = np.unique(frame, return_index=True)
    for start, end in zip(starts, np.append(starts, len(frame))[1:], strict=True):
        if end - start < 2:
            continue
        here = boxes[start:end]
        for i, j in np.argwhere(np.triu(covered(here, here) >= options.min_covered, 1)):
            pair = int(number[start + i]), int(number[start + j])
            together[pair] += 1
            touching[pair] += bool(seen[start + i] and seen[start + j])
    return together, touching


def _filled(found: Candidates, track: Track) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.bool_]]:
    """Return all frames of a track's span, its boxes there, and whether it is seen."""
    at = found.frame[track]
    frames = np.arange(at[0], at[-1] + 1)
    corners = [np.interp(found.time[frames], found.time[at], found.boxes[track, k]) for k in range(4)]
    return frames, np.stack(corners, axis=1).astype(np.float32), np.isin(frames, at)


def _smoothest(found: Candidates, detections: Track) -> Track:
    """Choose one of a head's detections in each frame, so that together they score well and lead on smoothly."""
    frames, starts = np.unique(found.frame[detections], return_index=True)
    if len(frames) == len(detections):
        return detections
    groups = np.split(detections, starts[1:])
    value, came_from = found.scores[groups[0]].astype(np.float64), []
    for before, now in pairwise(groups):
        ways = value[:, None] - _LEAP * np.minimum(leaps(found.boxes[before], found.boxes[now]), 1)
        came_from.append(ways.argmax(axis=0))
        value = ways.max(axis=0) + found.scores[now]
    chosen = [int(value.argmax())]
    for sources in reversed(came_from):
        chosen.append(int(sources[chosen[-1]]))
    return np.array([group[k] for group, k in zip(groups, reversed(chosen), strict=True)], np.int64)
