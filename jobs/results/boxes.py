"""Times and boxes of a few hundred frames, as a player needs them."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from jobs.results.tables import open_table, read_rows
from jobs.results.timeline_index import TimelineIndex
from pipeline.schema import BOX, EMOTIONS, LABELS

_ALIGNED: Final = 25
"""Chunks start at multiples of it, so that those around neighbouring frames are the same."""

_MOST_FRAMES: Final = 250
_MOST_ROWS: Final = 3_000


@dataclass(frozen=True)
class FrameChunk:
    """Some consecutive frames.

    Attributes:
        first: number of the first frame.
        times: s: when each frame appears, and when the last one disappears.
        faces: of each frame a list of ``[track, x1, y1, x2, y2, emotion, percent, probabilities]``: pixels of the
            upright picture, the label and its confidence, and the seven probabilities in percent, None where the
            detector did not see the face.
    """

    first: int
    times: list[float]
    faces: list[list[list[Any]]]


def frame_chunk(index: TimelineIndex, frame: int) -> FrameChunk:
    """Return some frames from ``frame``, or a little before it, onward.

    Raises:
        NotFoundError: the timeline no longer exists.
        UnreadableError: it is damaged.
    """
    first = max(0, min(frame, index.frames - 1)) // _ALIGNED * _ALIGNED
    row = int(np.searchsorted(index.row_frame, first))
    last = min(first + _MOST_FRAMES, index.frames)
    crowded = int(np.searchsorted(index.row_frame, last)) - row > _MOST_ROWS
    if crowded:
        last = max(int(index.row_frame[row + _MOST_ROWS]), min(first + _ALIGNED, last))
    faces: list[list[list[Any]]] = [[] for _ in range(last - first)]
    for number, *face in _faces(index, row, int(np.searchsorted(index.row_frame, last))):
        faces[number - first].append(face)
    return FrameChunk(first, np.round(index.time[first : last + 1], 6).tolist(), faces)


def _faces(index: TimelineIndex, first_row: int, end_row: int) -> list[Any]:
    """Return ``[frame, track, x1, y1, x2, y2, emotion, percent, probabilities]`` of the faces in a range of rows."""
    if end_row <= first_row:
        return []
    groups = index.group_rows
    low = int(np.searchsorted(groups, first_row, "right")) - 1
    high = int(np.searchsorted(groups, end_row, "left"))
    with open_table(index.path) as file:
        columns = ["frame", "track", *BOX, *EMOTIONS, "emotion", "confidence"]
        table = read_rows(file, index.path, columns, range(low, high))
    table = table.slice(first_row - int(groups[low]), end_row - first_row)
    rows = index.changes.applied(table.filter(table["track"].is_valid())).to_pylist()
    return [_short(row) for row in rows]


def _short(row: dict[str, Any]) -> list[Any]:
    box = (round(row[corner], 1) for corner in BOX)
    seen = row[EMOTIONS[0]] is not None
    probabilities = [round(100 * row[emotion]) for emotion in EMOTIONS] if seen else None
    confidence = round(100 * row["confidence"])
    return [row["frame"], row["track"], *box, LABELS.index(row["emotion"]), confidence, probabilities]


def box_of(index: TimelineIndex, frame: int, track: int) -> tuple[float, float, float, float] | None:
    """Find the box of a face.

    Args:
        index: the movie's timeline.
        frame: number of the frame.
        track: number of the track.

    Returns:
        ``x1, y1, x2, y2`` in pixels of the upright picture; None where the track is not in the frame.

    Raises:
        NotFoundError: the timeline no longer exists.
        UnreadableError: it is damaged.
    """
    row, end = np.searchsorted(index.row_frame, [frame, frame + 1])
    for _, number, x1, y1, x2, y2, *_ in _faces(index, int(row), int(end)):
        if number == track:
            return x1, y1, x2, y2
    return None


def best_frames(index: TimelineIndex) -> dict[int, int]:
    """Return for each track the frame that shows its face best.

    That is the most confident frame in which the detector saw the face, away from the track's ends, where faces turn
    away or are cut off.
    """
    faces = index.faces
    best: dict[int, int] = {}
    number, first, count = np.unique(faces.track, return_index=True, return_counts=True)
    for track, start, frames in zip(number.tolist(), first.tolist(), count.tolist(), strict=True):
        inner = slice(start + frames // 8, start + frames - frames // 8)
        value = faces.confidence[inner] + faces.detected[inner]
        best[track] = int(faces.frame[inner][int(value.argmax())])
    return best
