"""Follow faces from frame to frame: a detection continues the track whose last box it overlaps and that it fits best.

How well it fits is said by the overlap with the place where the track's course leads, and by looks.
"""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.faces.linking.boxes import best_pairs, iou
from pipeline.faces.linking.candidates import Candidates, Track, expected
from pipeline.faces.linking.options import TrackOptions

COURSE: Final = 0.3
"""s over which a face's velocity is taken."""

LOOKS: Final = 0.25
"""Weight of looks (a cosine) against the overlap with the place where a face is expected."""


def follow(found: Candidates, options: TrackOptions) -> list[Track]:
    """Return tracks, in the order in which they begin."""
    tracks: list[list[int]] = []
    open_tracks: list[list[int]] = []
    frames, starts = np.unique(found.frame, return_index=True)
    for frame, start, end in zip(frames, starts, np.append(starts, len(found.frame))[1:], strict=True):
        open_tracks = [track for track in open_tracks if _continues(found, track[-1], frame, options.max_gap)]
        here = np.arange(start, end)
        taken = set()
        for row, column in best_pairs(_affinity(found, open_tracks, here, options.min_iou)):
            open_tracks[row].append(int(here[column]))
            taken.add(column)
        begun = [[int(detection)] for column, detection in enumerate(here) if column not in taken]
        tracks += begun
        open_tracks += begun
    return [np.array(track, np.int64) for track in tracks]


def _continues(found: Candidates, last: int, frame: int, max_gap: float) -> bool:
    """Say whether a face last seen as ``last`` may be one in ``frame``; neighbours always may, however slow."""
    before = int(found.frame[last])
    same_shot = found.shot[before] == found.shot[frame]
    return bool(same_shot and (frame - before == 1 or found.time[frame] - found.time[before] <= max_gap))


def _affinity(found: Candidates, tracks: Sequence[list[int]], here: Track, min_iou: float) -> NDArray[np.float64]:
    """Return how well each of the detections ``here`` continues each track; -inf where it cannot."""
    last = np.array([track[-1] for track in tracks], np.int64)

    def fit(rows: list[int]) -> NDArray[np.float32]:
        places = [expected(found, np.array(tracks[row][-16:]), found.frame[here[0]], COURSE) for row in rows]
        return iou(np.stack(places), found.boxes[here]) + LOOKS * found.alike(last[rows], here)

    return affinity(found.boxes[last], found.boxes[here], min_iou, fit)


def affinity(
    last: NDArray[np.float32],
    here: NDArray[np.float32],
    min_iou: float,
    fit: Callable[[list[int]], NDArray[np.float32]],
) -> NDArray[np.float64]:
    """Return how well boxes continue tracks, float64 ``(n, m)``; -inf where they cannot, 0 where there is no choice.

    Args:
        last: float32 ``(n, 4)``: where tracks were last seen.
        here: float32 ``(m, 4)``: the boxes.
        min_iou: overlap that they must have.
        fit: returns how well all boxes fit some tracks, float32 ``(k, m)``; called where there is a choice.
    """
    can = iou(last, here) >= min_iou
    choice = can & ((can.sum(axis=0) > 1) | (can.sum(axis=1) > 1)[:, None])
    value = np.where(can, 0.0, -np.inf)
    rows: list[int] = np.flatnonzero(choice.any(axis=1)).tolist()
    if rows:  # on most frames, there is none
        value[rows] = np.where(can[rows], fit(rows), -np.inf)
    return value
