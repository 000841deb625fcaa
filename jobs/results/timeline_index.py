"""A movie's timeline, read once and kept as running sums: its shares in any span are then a lookup."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from jobs.results.corrections.changes import NOTHING, Changes
from jobs.results.errors import UnreadableError
from jobs.results.tables import LONE_FRAME_S, facts_of, open_table, read_rows
from pipeline.schema import LABELS

_COLUMNS = ("frame", "time", "track", "score", "emotion", "confidence")


@dataclass(frozen=True)
class LabelledFaces:
    """The rows of a timeline that hold a face, sorted by track, then by frame.

    Attributes:
        frame, track: int32 ``(n,)``.
        emotion: int8 ``(n,)``: index into LABELS.
        confidence: float32 ``(n,)``.
        detected: bool ``(n,)``: the detector itself saw the face.
    """

    frame: NDArray[np.int32]
    track: NDArray[np.int32]
    emotion: NDArray[np.int8]
    confidence: NDArray[np.float32]
    detected: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.frame)


@dataclass(frozen=True)
class TimelineIndex:
    """A movie's timeline without its boxes.

    Attributes:
        path: the timeline file.
        facts: the file's metadata.
        time: float64 ``(f + 1,)``, s: when each frame appears, and when the last one disappears.
        faces: the rows with a face.
        row_frame: int32 ``(rows,)``: the frame of each row of the file; never decreases.
        group_rows: int64 ``(g + 1,)``: the first row of each row group, then the number of rows.
        face_seconds: float64 ``(f + 1, 8)``, s: face-time with each label before a frame appears.
        covered: float64 ``(f + 1,)``, s: time with at least one face before a frame appears.
        confident: float64 ``(f + 1, 8)``: ``face_seconds``, each weighted by the confidence of its label.
        changes: corrections that are applied to ``faces`` and to all sums.
    """

    path: Path
    facts: dict[str, Any]
    time: NDArray[np.float64]
    faces: LabelledFaces
    row_frame: NDArray[np.int32]
    group_rows: NDArray[np.int64]
    face_seconds: NDArray[np.float64]
    covered: NDArray[np.float64]
    confident: NDArray[np.float64]
    changes: Changes = NOTHING

    @property
    def frames(self) -> int:
        """The number of frames."""
        return len(self.time) - 1

    @property
    def start(self) -> float:
        """When the first frame appears, in s."""
        return float(self.time[0])

    @property
    def end(self) -> float:
        """When the last frame disappears, in s."""
        return float(self.time[-1])

    def frame_at(self, time: float) -> int:
        """Return the frame that is on the screen at ``time``; the nearest where none is."""
        return int(np.clip(np.searchsorted(self.time, time, "right") - 1, 0, self.frames - 1))

    def heights(self, start: float, end: float, bins: int) -> NDArray[np.float64]:
        """Return each label's share of the face-time in equal parts of a span, times the coverage of that part.

        A row adds up to the part of the bin's time in which a face is seen, so areas are comparable over the movie.

        Args:
            start: of the span, s.
            end: of the span, s.
            bins: how many parts.

        Returns:
            float64 ``(bins, 8)``, 0..1, in the order of LABELS.
        """
        seconds, covered = (parts_of(self.time, sums, start, end, bins) for sums in (self.face_seconds, self.covered))
        return stacked(seconds, seconds.sum(axis=1), covered, end - start)

    def confidences(self, start: float, end: float, bins: int) -> NDArray[np.float64]:
        """Return the mean confidence of each label in equal parts of a span; 0 where it does not occur.

        Args:
            start: of the span, s.
            end: of the span, s.
            bins: how many parts.

        Returns:
            float64 ``(bins, 8)``, 0..1, in the order of LABELS.
        """
        sure, whole = (parts_of(self.time, sums, start, end, bins) for sums in (self.confident, self.face_seconds))
        return np.asarray(np.clip(np.divide(sure, whole, out=np.zeros(whole.shape), where=whole > 1e-9), 0, 1))

    def shares(self, start: float, end: float) -> list[float] | None:
        """Return each label's share of the face-time in a span in s; None without a face."""
        seconds = [float(np.diff(np.interp([start, end], self.time, total))[0]) for total in self.face_seconds.T]
        whole = sum(seconds)
        return [value / whole for value in seconds] if whole > 0 else None


def parts_of(
    time: NDArray[np.float64], sums: NDArray[np.float64], start: float, end: float, bins: int
) -> NDArray[np.float64]:
    """Return what running sums grow by in equal parts of a span, float64 ``(bins,)`` or ``(bins, k)``.

    Args:
        time: float64 ``(f + 1,)``, s: when they are what they are.
        sums: float64 ``(f + 1,)`` or ``(f + 1, k)``.
        start: of the span, s.
        end: of the span, s.
        bins: how many parts.
    """
    edges = np.linspace(start, end, bins + 1)
    if sums.ndim == 1:
        return np.diff(np.interp(edges, time, sums))
    return np.stack([np.diff(np.interp(edges, time, column)) for column in sums.T], axis=1)


def stacked(
    parts: NDArray[np.float64], whole: NDArray[np.float64], covered: NDArray[np.float64], length: float
) -> NDArray[np.float64]:
    """Return heights of stacked areas, float64 ``(bins, k)``, 0..1: shares of face-time, times coverage.

    Args:
        parts: float64 ``(bins, k)``, s: of face-time.
        whole: float64 ``(bins,)``, s: face-time.
        covered: float64 ``(bins,)``, s: time with a face.
        length: of all bins together, s.
    """
    bins = len(whole)
    coverage = covered / max(length / bins, 1e-9)
    scale = np.divide(coverage, whole, out=np.zeros(bins), where=whole > 1e-9)
    return np.asarray(np.clip(parts * scale[:, None], 0, 1))


def read_timeline_index(path: Path, changes: Changes = NOTHING) -> TimelineIndex:
    """Read the timeline at ``path``; 180,000 frames with two faces take about a third of a second.

    ``changes`` are applied to it.

    Raises:
        NotFoundError: it does not exist.
        UnreadableError: it is damaged, none of ours, of a newer version, or holds no frame.
    """
    with open_table(path) as file:
        facts = facts_of(file)
        sizes = [file.metadata.row_group(k).num_rows for k in range(file.num_row_groups)]
        table = read_rows(file, path, _COLUMNS)
    if len(table) == 0:
        raise UnreadableError(f"{path.name}: expected at least one frame, found none; process the movie again")
    row_frame = table["frame"].to_numpy()
    first = np.flatnonzero(np.diff(row_frame, prepend=-1))
    if not np.array_equal(row_frame[first], np.arange(len(first))):
        raise UnreadableError(f"{path.name}: expected every frame, in order, found a gap; process the movie again")
    shown = table["time"].to_numpy()[first]
    last = shown[-1] - shown[-2] if len(shown) > 1 else LONE_FRAME_S
    time = np.append(shown, shown[-1] + last)
    faces = _faces(changes.applied(table))
    face_seconds, covered, confident = _sums(faces, np.diff(time))
    group_rows = np.cumsum([0, *sizes])
    return TimelineIndex(path, facts, time, faces, row_frame, group_rows, face_seconds, covered, confident, changes)


def _faces(table: pa.Table) -> LabelledFaces:
    held = table.filter(table["track"].is_valid())
    frame, track = held["frame"].to_numpy(), held["track"].to_numpy()
    order = np.lexsort((frame, track))
    return LabelledFaces(
        frame=frame[order],
        track=track[order].astype(np.int32),
        emotion=_labels(held["emotion"])[order],
        confidence=held["confidence"].to_numpy()[order],
        detected=held["score"].is_valid().to_numpy()[order],
    )


def _labels(column: pa.ChunkedArray) -> NDArray[np.int8]:
    """Return indices into LABELS; a file's dictionary need not be in that order."""
    whole = column.unify_dictionaries().combine_chunks() if column.num_chunks else pa.array([], column.type)
    if isinstance(whole, pa.ChunkedArray):
        whole = whole.chunk(0) if whole.num_chunks else pa.array([], column.type)
    names = whole.dictionary.to_pylist()
    position = np.array([LABELS.index(name) for name in names] or [0], np.int8)
    return np.asarray(position[whole.indices.to_numpy(zero_copy_only=False)])


def _sums(
    faces: LabelledFaces, seconds: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return running sums, float64: see ``face_seconds``, ``covered`` and ``confident`` of :class:`TimelineIndex`."""
    frames = len(seconds)
    cell = faces.frame.astype(np.int64) * len(LABELS) + faces.emotion

    def summed(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        # In place: for a film of two hours each copy would be 10 MB.
        total = np.zeros((frames + 1, len(LABELS)))
        total[1:] = np.bincount(cell, weights, frames * len(LABELS)).reshape(frames, len(LABELS))
        return np.cumsum(total, axis=0, out=total)

    shown = seconds[faces.frame]
    covered = np.zeros(frames + 1)
    np.cumsum((np.bincount(faces.frame, minlength=frames) > 0) * seconds, out=covered[1:])
    return summed(shown), covered, summed(shown * faces.confidence)
