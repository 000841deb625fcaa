"""Intervals: consecutive frames of one track with one label, as many as a filter lets through."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import ipc

from jobs.results.tables import facts_in
from jobs.results.timeline_index import TimelineIndex
from jobs.store.table_files import MARK, mark_of
from jobs.store.workspace import MovieFolder
from pipeline import schema
from pipeline.moments import confidence_of, runs_of
from pipeline.schema import LABELS, UNSURE


@dataclass(frozen=True)
class Filter:
    """Which intervals to find.

    Attributes:
        emotion: their label; None for any emotion.
        unsure: whether ``unsure`` counts as any, too.
        confidence: least of each of their frames, 0..1.
        seconds: least length.
        start, end: span in s that they must overlap.
        tracks: whose they may be; None for any face.
    """

    emotion: str | None = None
    confidence: float = 0.0
    seconds: float = 0.0
    unsure: bool = False
    start: float = float("-inf")
    end: float = float("inf")
    tracks: frozenset[int] | None = None


@dataclass(frozen=True)
class Interval:
    """One interval, its numbers rounded for pages and CSV files.

    Attributes:
        track: the face.
        emotion: its label.
        start, end, seconds: s.
        first_frame, last_frame: both inclusive.
        confidence_mean, confidence_max: over its frames, 0..1.
    """

    track: int
    emotion: str
    start: float
    end: float
    seconds: float
    first_frame: int
    last_frame: int
    confidence_mean: float
    confidence_max: float


INTERVAL_COLUMNS: Final = tuple(field.name for field in fields(Interval))


@dataclass(frozen=True)
class Intervals:
    """Intervals as columns ``(n,)``.

    Attributes:
        track, first_frame, last_frame: int32; the last frame is inclusive.
        emotion: int8, index into LABELS.
        start, end: float64, s.
        mean, most: float32, mean and maximum of the confidence, 0..1.
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
        """float64 ``(n,)``: how long each lasts."""
        return self.end - self.start

    def take(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> "Intervals":
        """Return those that ``which`` selects: a mask ``(n,)`` or indices."""
        return Intervals(**{name: column[which] for name, column in vars(self).items()})

    def __iter__(self) -> Iterator[Interval]:
        return (self[k] for k in range(len(self)))

    def __getitem__(self, k: int) -> Interval:
        return Interval(
            track=int(self.track[k]),
            emotion=LABELS[int(self.emotion[k])],
            start=round(float(self.start[k]), 6),
            end=round(float(self.end[k]), 6),
            seconds=round(float(self.end[k] - self.start[k]), 6),
            first_frame=int(self.first_frame[k]),
            last_frame=int(self.last_frame[k]),
            confidence_mean=round(float(self.mean[k]), 4),
            confidence_max=round(float(self.most[k]), 4),
        )


def find_intervals(index: TimelineIndex, wanted: Filter) -> Intervals:
    """Return the intervals that ``wanted`` lets through, sorted by start, then by track."""
    found = _runs(index, wanted)
    # A microsecond less: rounding must not lose an interval of exactly the wanted length.
    fits = (found.seconds >= wanted.seconds - 1e-6) & (found.end > wanted.start) & (found.start < wanted.end)
    found = found.take(fits)
    return found.take(np.lexsort((found.track, found.start)))


def next_interval(index: TimelineIndex, wanted: Filter, after: float) -> Interval | None:
    """Return the next interval of a movie; after the last one, the first.

    Args:
        index: the movie's timeline.
        wanted: which intervals count.
        after: time in s after which it starts.

    Returns:
        The interval, or None if there is none at all.
    """
    found = find_intervals(index, wanted)
    if len(found) == 0:
        return None
    later = np.flatnonzero(found.start > after + 1e-6)
    return found[int(later[0]) if len(later) else 0]


def _runs(index: TimelineIndex, wanted: Filter) -> Intervals:
    """Return the runs of one label of all tracks, sorted by track, then by start."""
    faces = index.faces
    fits = faces.confidence >= np.float32(wanted.confidence)
    if wanted.emotion is not None:
        fits &= faces.emotion == LABELS.index(wanted.emotion)
    elif not wanted.unsure:
        fits &= faces.emotion != UNSURE
    if wanted.tracks is not None:
        fits &= np.isin(faces.track, list(wanted.tracks))
    kept = np.flatnonzero(fits)
    frame, track, label = faces.frame[kept], faces.track[kept], faces.emotion[kept]
    first, last = runs_of(track, frame, label)
    mean, most = confidence_of(faces.confidence[kept], first, last)
    return Intervals(
        track=track[first],
        first_frame=frame[first],
        last_frame=frame[last],
        emotion=label[first],
        start=index.time[frame[first]],
        end=index.time[frame[last] + 1],
        mean=mean,
        most=most,
    )


def read_moments(folder: MovieFolder) -> tuple[Intervals, NDArray[np.int32]] | None:
    """Return the moments of a film as measured, ``unsure`` included.

    Returns:
        The moments, and int32 ``(n,)`` whose they are, -1 where that is not known. None where there is no file of them,
        or one that is damaged, of another version, or of another timeline than the one in the folder: whoever asks then
        makes them of the timeline, which says what is wrong.
    """
    try:
        table = _read(folder)
        if table is None:
            return None
        table.validate(full=True)
        label = table["label"].chunk(0) if table["label"].num_chunks else _NOTHING
        place = np.array([LABELS.index(name) for name in label.dictionary.to_pylist()], np.int8)
    except (OSError, ValueError, pa.ArrowException):
        return None
    moments = Intervals(
        track=table["track"].to_numpy(),
        first_frame=table["first_frame"].to_numpy(),
        last_frame=table["last_frame"].to_numpy(),
        emotion=place[label.indices.to_numpy()],
        start=table["start"].to_numpy(),
        end=table["end"].to_numpy(),
        mean=table["confidence_mean"].to_numpy(),
        most=table["confidence_max"].to_numpy(),
    )
    return moments, table["person"].fill_null(-1).to_numpy()


_NOTHING = pa.DictionaryArray.from_arrays(pa.array([], pa.int32()), pa.array([], pa.string()))


def _read(folder: MovieFolder) -> pa.Table | None:
    mark = mark_of(folder.timeline)
    found = ipc.open_file(pa.py_buffer(folder.moments.read_bytes()))
    fits = (found.schema.metadata or {}).get(MARK) == mark and found.schema.equals(schema.MOMENTS)
    return found.read_all() if fits and facts_in(found.schema).get("schema_version") == schema.VERSION else None
