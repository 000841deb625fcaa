"""Stretches of one face: of one label, or of what a filter asks for."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jobs.results.timeline_index import TimelineIndex
from pipeline.schema import EMOTIONS


@dataclass(frozen=True)
class Filter:
    """What is looked for: an emotion (None: any), its least confidence (0..1), the least length in s, and a span."""

    emotion: str | None = None
    confidence: float = 0.0
    seconds: float = 0.0
    start: float = float("-inf")
    end: float = float("inf")


@dataclass(frozen=True)
class Intervals:
    """Stretches of neighbouring frames of one track with one label, as columns of equal length.

    Attributes:
        track, first_frame, last_frame: int32; the last frame belongs to it.
        emotion: int8, index into EMOTIONS.
        start, end: float64, s.
        mean, most: float32, of the confidence.
    """

    track: NDArray[np.int32]
    first_frame: NDArray[np.int32]
    last_frame: NDArray[np.int32]
    emotion: NDArray[np.int8]
    start: NDArray[np.float64]
    end: NDArray[np.float64]
    mean: NDArray[np.float32]
    most: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.track)

    @property
    def seconds(self) -> NDArray[np.float64]:
        """How long each lasts."""
        return self.end - self.start

    def take(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> "Intervals":
        """Return those that ``which``, a mask or numbers, names."""
        return Intervals(**{name: column[which] for name, column in vars(self).items()})

    def rows(self) -> Iterator[dict[str, float | int | str]]:
        """Yield each as a mapping for JSON and CSV."""
        for k in range(len(self)):
            yield {
                "track": int(self.track[k]),
                "emotion": EMOTIONS[int(self.emotion[k])],
                "start": round(float(self.start[k]), 6),
                "end": round(float(self.end[k]), 6),
                "seconds": round(float(self.end[k] - self.start[k]), 6),
                "first_frame": int(self.first_frame[k]),
                "last_frame": int(self.last_frame[k]),
                "confidence_mean": round(float(self.mean[k]), 4),
                "confidence_max": round(float(self.most[k]), 4),
            }


def find_intervals(summary: TimelineIndex, wanted: Filter) -> Intervals:
    """Return the moments that ``wanted`` asks for and that touch its span, by time and then track."""
    found = _stretches(summary, wanted.emotion, wanted.confidence)
    # A microsecond less: sums of floats must not lose the moment of exactly one second.
    fits = (found.seconds >= wanted.seconds - 1e-6) & (found.end > wanted.start) & (found.start < wanted.end)
    found = found.take(fits)
    return found.take(np.lexsort((found.track, found.start)))


def next_interval(summary: TimelineIndex, wanted: Filter, after: float) -> dict[str, float | int | str] | None:
    """Return the first moment that begins after ``after``; behind the last, the first of all; None without any."""
    found = find_intervals(summary, wanted)
    if len(found) == 0:
        return None
    later = np.flatnonzero(found.start > after + 1e-6)
    return next(found.take(np.array([later[0] if len(later) else 0])).rows())


def _stretches(summary: TimelineIndex, emotion: str | None, confidence: float) -> Intervals:
    faces = summary.faces
    fits = faces.confidence >= np.float32(confidence)
    if emotion is not None:
        fits &= faces.emotion == EMOTIONS.index(emotion)
    kept = np.flatnonzero(fits)
    frame, track, label = faces.frame[kept], faces.track[kept], faces.emotion[kept]
    begins = np.ones(len(kept), bool)
    begins[1:] = (np.diff(frame) != 1) | (np.diff(track) != 0) | (np.diff(label) != 0)
    first = np.flatnonzero(begins)
    last = np.append(first[1:], len(kept)) - 1
    if len(first) == 0:
        nothing = np.zeros(0)
        return Intervals(*(nothing.astype(kind) for kind in ("i4", "i4", "i4", "i1", "f8", "f8", "f4", "f4")))
    values = faces.confidence[kept]
    return Intervals(
        track=track[first],
        first_frame=frame[first],
        last_frame=frame[last],
        emotion=label[first],
        start=summary.time[frame[first]],
        end=summary.time[frame[last] + 1],
        mean=(np.add.reduceat(values, first) / (last - first + 1)).astype(np.float32),
        most=np.maximum.reduceat(values, first),
    )
