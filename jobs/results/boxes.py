"""Times and boxes of a few hundred frames, as a player needs them."""

from typing import Any, Final

import numpy as np

from jobs.results.tables import open_table, read_rows
from jobs.results.timeline_index import TimelineIndex
from pipeline.schema import BOX, EMOTIONS

_ALIGNED: Final = 25
_MOST_FRAMES: Final = 250
_MOST_ROWS: Final = 4_000


def chunk(summary: TimelineIndex, frame: int) -> dict[str, Any]:
    """Return for JSON the times and faces of some frames around ``frame``.

    ``first``: the first frame; ``times``: when each comes, in s, and when the last one leaves; ``faces``: a list per
    frame of ``[track, x1, y1, x2, y2, emotion, percent]`` in pixels of the upright picture.

    Raises:
        UnreadableError, NotFoundError: as :func:`jobs.results.tables.open_table`.
    """
    first = max(0, min(frame, summary.frames - 1)) // _ALIGNED * _ALIGNED
    row = int(np.searchsorted(summary.row_frame, first))
    last = min(first + _MOST_FRAMES, summary.frames)
    crowded = int(np.searchsorted(summary.row_frame, last)) - row > _MOST_ROWS
    if crowded:
        last = max(int(summary.row_frame[row + _MOST_ROWS]), min(first + _ALIGNED, last))
    faces: list[list[list[float]]] = [[] for _ in range(last - first)]
    for number, *face in _faces(summary, row, int(np.searchsorted(summary.row_frame, last))):
        faces[number - first].append(face)
    return {"first": first, "times": np.round(summary.time[first : last + 1], 6).tolist(), "faces": faces}


def _faces(summary: TimelineIndex, first_row: int, end_row: int) -> list[Any]:
    """Return ``[frame, track, x1, y1, x2, y2, emotion, percent]`` of the faces in some rows of the file."""
    if end_row <= first_row:
        return []
    groups = summary.group_rows
    low = int(np.searchsorted(groups, first_row, "right")) - 1
    high = int(np.searchsorted(groups, end_row, "left"))
    with open_table(summary.path) as file:
        columns = ["frame", "track", *BOX, "emotion", "confidence"]
        table = read_rows(file, summary.path, columns, range(low, high))
    table = table.slice(first_row - int(groups[low]), end_row - first_row)
    rows = table.filter(table["track"].is_valid()).to_pylist()
    return [_short(row) for row in rows]


def _short(row: dict[str, Any]) -> list[float]:
    box = (round(row[corner], 1) for corner in BOX)
    return [row["frame"], row["track"], *box, EMOTIONS.index(row["emotion"]), round(100 * row["confidence"])]


def box_of(summary: TimelineIndex, frame: int, track: int) -> tuple[float, float, float, float] | None:
    """Return the box ``x1, y1, x2, y2`` of a track in a frame; None where it has none."""
    row, end = np.searchsorted(summary.row_frame, [frame, frame + 1])
    for _, number, x1, y1, x2, y2, *_ in _faces(summary, int(row), int(end)):
        if number == track:
            return x1, y1, x2, y2
    return None


def best_frames(summary: TimelineIndex) -> dict[int, int]:
    """Return for each track the frame whose face shows it best.

    The most confident of those in which the detector saw the face, away from the track's ends, where faces turn away
    or are cut off.
    """
    faces = summary.faces
    best: dict[int, int] = {}
    number, first, count = np.unique(faces.track, return_index=True, return_counts=True)
    for track, begin, frames in zip(number.tolist(), first.tolist(), count.tolist(), strict=True):
        inner = slice(begin + frames // 8, begin + frames - frames // 8)
        worth = faces.confidence[inner] + faces.detected[inner]
        best[track] = int(faces.frame[inner][int(worth.argmax())])
    return best
