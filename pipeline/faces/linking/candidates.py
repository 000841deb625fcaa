"""What the detector found in a movie, and where a face will be."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Track = NDArray[np.int64]
"""Detections, rising."""


@dataclass(frozen=True)
class Candidates:
    """What the detector found in a movie, as columns, in order of frames.

    Attributes:
        time: float64 ``(f,)``, s, rising: of every frame.
        shot: int32 ``(f,)``, rising: of every frame.
        frame: int32 ``(n,)``: of each detection.
        boxes: float32 ``(n, 4)``: x1, y1, x2, y2 in px.
        scores: float32 ``(n,)``, 0..1.
        appearance: float32 ``(n, k)``: vectors whose product says how alike two faces look, 1 for the same; ``(n, 0)``
            where that is not known.
    """

    time: NDArray[np.float64]
    shot: NDArray[np.int32]
    frame: NDArray[np.int32]
    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    appearance: NDArray[np.float32]

    def seen(self, detections: Track) -> NDArray[np.float64]:
        """Return the times of ``detections``, float64 ``(m,)``, s."""
        return self.time[self.frame[detections]]

    def alike(self, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return how alike ``a`` ``(n,)`` and ``b`` ``(m,)`` look: float32 ``(n, m)``; 1 where it is not known."""
        if self.appearance.shape[1] == 0:
            return np.ones((len(a), len(b)), np.float32)
        return self.appearance[a] @ self.appearance[b].T


def expected(found: Candidates, track: Track, frame: int, course: float) -> NDArray[np.float32]:
    """Return the box ``(4,)`` that a track will have at ``frame`` if it keeps its course.

    Args:
        found: the detections.
        track: as far as it is known.
        frame: after its last detection.
        course: s over which its velocity is taken.
    """
    last = track[-1]
    shift = velocity(found, track, course) * (found.time[frame] - found.time[found.frame[last]])
    return np.asarray(found.boxes[last] + np.tile(shift, 2), np.float32)


def velocity(found: Candidates, track: Track, course: float, at_start: bool = False) -> NDArray[np.float64]:
    """Return how fast a track's centre moves where it ends, float64 ``(2,)``, px a second.

    Args:
        found: the detections.
        track: as far as it is known.
        course: s over which that is taken.
        at_start: where it begins, instead.
    """
    times = found.seen(track)
    return velocity_near(times[0 if at_start else -1], times, found.boxes[track], course)


def velocity_near(
    moment: float, times: NDArray[np.float64], boxes: NDArray[np.float32], course: float
) -> NDArray[np.float64]:
    """Return how fast a face's centre moves around a moment, float64 ``(2,)``, px a second.

    Args:
        moment: s.
        times: float64 ``(n,)``, s: when it was seen, at ``moment``, too.
        boxes: float32 ``(n, 4)``: where.
        course: s around the moment over which that is taken.
    """
    near = np.abs(times - moment) <= course
    times, boxes = times[near], boxes[near]
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    span = times - times.mean()
    spread = float((span**2).sum())
    # Few detections say little about a velocity.
    return np.asarray(span @ centres / spread * (1 - 1 / len(times)) if spread > 0 else np.zeros(2))
