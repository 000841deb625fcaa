"""The last minute as the chart needs it: a point per quarter of a second."""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

SECONDS: Final = 60
STEP_S: Final = 0.25
_REPEATED: Final = 4


@dataclass(frozen=True)
class Point:
    """A step: its number since the session began, and the faces' mean probabilities (7,); None without a face."""

    number: int
    mean: list[float] | None


class History:
    """Collects means; written by one thread, read by many.

    A step without a picture repeats the one before for up to a second, since nothing new is known; then it has no face.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._points: deque[Point] = deque(maxlen=round(SECONDS / STEP_S))
        self._open: list[NDArray[np.float32]] = []
        self._number = 0

    def add(self, time: float, faces: NDArray[np.float32]) -> None:
        """Add the faces' probabilities, float32 ``(n, 7)``, of the picture at ``time`` in s, which rises."""
        number = int(time / STEP_S)
        with self._lock:
            if number > self._number:
                self._close(number)
            if len(faces):
                self._open.append(faces.mean(axis=0))

    def after(self, number: int) -> Sequence[Point]:
        """Return the finished points after the one with this number."""
        with self._lock:
            return [point for point in self._points if point.number > number]

    def _close(self, number: int) -> None:
        mean = [round(float(p), 4) for p in np.mean(self._open, axis=0)] if self._open else None
        self._points.append(Point(self._number, mean))
        missed = range(max(self._number + 1, number - (self._points.maxlen or 0)), number)
        self._points.extend(Point(step, mean if len(missed) <= _REPEATED else None) for step in missed)
        self._open, self._number = [], number
