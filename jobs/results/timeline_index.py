"""A movie's timeline, read once and kept as sums, so that its shares in any span are a look-up."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from jobs.results.errors import UnreadableError
from jobs.results.tables import facts_of, open_table, read_rows
from pipeline.schema import EMOTIONS

_COLUMNS = ("frame", "time", "track", "score", "emotion", "confidence")
_LONE_FRAME_S = 0.04
"""How long a movie's only frame counts as shown."""


@dataclass(frozen=True)
class Faces:
    """The rows of a timeline that hold a face, in the order of tracks and, within one, of frames.

    Attributes:
        frame, track: int32 ``(n,)``.
        emotion: int8 ``(n,)``: index into EMOTIONS.
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
        path: the timeline.
        facts: the metadata of its file.
        time: float64 ``(f + 1,)``: s; when each frame comes on the screen, and when the last one leaves it.
        faces: see there.
        row_frame: int32 ``(rows,)``: the frame of each row of the file; rises.
        group_rows: int64 ``(g + 1,)``: the first row of each row group, and how many rows there are.
        face_seconds: float64 ``(f + 1, 7)``: s of face-time with each label before a frame comes.
        covered: float64 ``(f + 1,)``: s with at least one face before a frame comes.
    """

    path: Path
    facts: dict[str, Any]
    time: NDArray[np.float64]
    faces: Faces
    row_frame: NDArray[np.int32]
    group_rows: NDArray[np.int64]
    face_seconds: NDArray[np.float64]
    covered: NDArray[np.float64]

    @property
    def frames(self) -> int:
        """How many frames the movie has."""
        return len(self.time) - 1

    @property
    def start(self) -> float:
        """When the first frame comes, in s."""
        return float(self.time[0])

    @property
    def end(self) -> float:
        """When the last frame leaves, in s."""
        return float(self.time[-1])

    def frame_at(self, time: float) -> int:
        """Return the frame that is on the screen at ``time``; the nearest where none is."""
        return int(np.clip(np.searchsorted(self.time, time, "right") - 1, 0, self.frames - 1))

    def heights(self, start: float, end: float, bins: int) -> NDArray[np.float64]:
        """Return ``(bins, 7)``: each emotion's share of face-time in equal parts of a span, times its coverage.

        A row adds up to the part of the bin's time in which a face is seen, so areas are comparable over the movie.
        """
        edges = np.linspace(start, end, bins + 1)
        seconds = np.stack([np.diff(np.interp(edges, self.time, total)) for total in self.face_seconds.T], axis=1)
        covered = np.diff(np.interp(edges, self.time, self.covered)) / max((end - start) / bins, 1e-9)
        whole = seconds.sum(axis=1)
        scale = np.divide(covered, whole, out=np.zeros(bins), where=whole > 0)
        return np.asarray(np.clip(seconds * scale[:, None], 0, 1))

    def shares(self, start: float, end: float) -> list[float] | None:
        """Return each emotion's share of the face-time in a span; None without a face."""
        seconds = [float(np.diff(np.interp([start, end], self.time, total))[0]) for total in self.face_seconds.T]
        whole = sum(seconds)
        return [value / whole for value in seconds] if whole > 0 else None


def read_timeline_index(path: Path) -> TimelineIndex:
    """Read the timeline at ``path``; 180,000 frames with two faces take about a third of a second.

    Raises:
        NotFoundError, UnreadableError: as :func:`jobs.results.tables.open_table`, or it holds no frame.
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
        raise UnreadableError(f"{path.name}: expected every frame in its order, found others; process the movie again")
    shown = table["time"].to_numpy()[first]
    last = shown[-1] - shown[-2] if len(shown) > 1 else _LONE_FRAME_S
    time = np.append(shown, shown[-1] + last)
    faces = _faces(table)
    face_seconds, covered = _sums(faces, np.diff(time))
    group_rows = np.cumsum([0, *sizes])
    return TimelineIndex(path, facts, time, faces, row_frame, group_rows, face_seconds, covered)


def _faces(table: pa.Table) -> Faces:
    held = table.filter(table["track"].is_valid())
    frame, track = held["frame"].to_numpy(), held["track"].to_numpy()
    order = np.lexsort((frame, track))
    return Faces(
        frame=frame[order],
        track=track[order].astype(np.int32),
        emotion=_labels(held["emotion"])[order],
        confidence=held["confidence"].to_numpy()[order],
        detected=held["score"].is_valid().to_numpy()[order],
    )


def _labels(column: pa.ChunkedArray) -> NDArray[np.int8]:
    """Return indices into EMOTIONS; a file's dictionary need not be in their order."""
    whole = column.unify_dictionaries().combine_chunks() if column.num_chunks else pa.array([], column.type)
    if isinstance(whole, pa.ChunkedArray):
        whole = whole.chunk(0) if whole.num_chunks else pa.array([], column.type)
    names = whole.dictionary.to_pylist()
    position = np.array([EMOTIONS.index(name) for name in names] or [0], np.int8)
    return np.asarray(position[whole.indices.to_numpy(zero_copy_only=False)])


def _sums(faces: Faces, seconds: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the running sums ``(f + 1, 7)`` of labelled face-time and ``(f + 1,)`` of time with a face."""
    frames = len(seconds)
    cell = faces.frame.astype(np.int64) * len(EMOTIONS) + faces.emotion
    # In place: for a film of two hours each copy would be 10 MB.
    labelled = np.zeros((frames + 1, len(EMOTIONS)))
    labelled[1:] = np.bincount(cell, seconds[faces.frame], frames * len(EMOTIONS)).reshape(frames, len(EMOTIONS))
    np.cumsum(labelled, axis=0, out=labelled)
    covered = np.zeros(frames + 1)
    np.cumsum((np.bincount(faces.frame, minlength=frames) > 0) * seconds, out=covered[1:])
    return labelled, covered
