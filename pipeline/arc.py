"""A timeline -> its arc: a row a second, which is what figures over time are drawn from."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline import schema
from pipeline.schema import EMOTIONS, LABELS
from pipeline.tables.columns import column_of, table_of
from pipeline.tables.shares import FaceRows, emotion_columns, face_columns

_NO_SPAN = 1e-9
"""s; a frame that ends as exactly as floats allow at a full second shows nothing of the next one."""


def make_arc(timeline: pa.Table, end: float) -> pa.Table:
    """Return the arc of a movie, as :data:`pipeline.schema.ARC` defines it.

    Second ``k`` is the span from ``k`` to ``k + 1`` on the player's clock. A frame that is shown across a full second
    counts in each by the time that it is shown there, so sums over seconds are those of the movie.

    Args:
        timeline: the movie's table, sorted by frame.
        end: when the last frame leaves the screen, s.

    Returns:
        A row for every second from 0 to ``end``, with the timeline's metadata. Where no face is seen, means, shares and
        ``dominant`` are null; where no frame is shown, so is everything but ``movie`` and ``second``.
    """
    row_frame = timeline["frame"].to_numpy()
    first = np.flatnonzero(np.diff(row_frame, prepend=-1))
    start = timeline["time"].to_numpy()[first]
    pieces = _Pieces.of(start, np.append(start[1:], max(end, start[-1])))
    count = int(pieces.second[-1]) + 1
    rows = _face_rows(timeline, pieces)
    shown = np.bincount(pieces.second, pieces.seconds, count)
    face_time = np.bincount(rows.group, rows.seconds, count)
    empty = shown <= 0
    columns = face_columns(rows, count, pieces.second, pieces.seconds) | emotion_columns(rows, count)
    del columns["face_frames"]
    columns["faces"] = np.divide(face_time, shown, out=np.zeros(count), where=~empty)
    for name in ("shot", "scene"):
        columns[name] = _longest(timeline[name].to_numpy()[first][pieces.frame], pieces, count)
    filled = {
        name: column_of(values, empty) if isinstance(values, np.ndarray) else values for name, values in columns.items()
    }
    names = timeline["movie"].unify_dictionaries().chunk(0).dictionary if len(timeline) else pa.array([], pa.string())
    filled["movie"] = pa.DictionaryArray.from_arrays(column_of(np.zeros(count, np.int32)), names)
    filled["second"] = np.arange(count, dtype=np.int32)
    table = table_of({name: filled[name] for name in schema.ARC.names})
    return table.cast(schema.ARC).replace_schema_metadata(timeline.schema.metadata)


class _Pieces:
    """Frames, cut at full seconds.

    Attributes:
        frame: int64 ``(p,)``: the frame that each piece is of; never decreases.
        second: int32 ``(p,)``: the second in which it is shown.
        seconds: float64 ``(p,)``: for how long.
        of_frame: int64 ``(f + 1,)``: the first piece of each frame, then the number of pieces.
    """

    def __init__(self, frame: NDArray[np.int64], second: NDArray[np.int32], seconds: NDArray[np.float64]) -> None:
        self.frame, self.second, self.seconds = frame, second, seconds
        self.of_frame = np.append(np.flatnonzero(np.diff(frame, prepend=-1)), len(frame))

    @classmethod
    def of(cls, start: NDArray[np.float64], end: NDArray[np.float64]) -> "_Pieces":
        """Cut frames that are shown from ``start`` to ``end``, both float64 ``(f,)`` in s."""
        start, end = np.maximum(start, 0), np.maximum(end, 0)
        low = np.floor(start + _NO_SPAN).astype(np.int64)
        counts = np.maximum(np.ceil(end - _NO_SPAN).astype(np.int64) - low, 1)
        frame = np.repeat(np.arange(len(start)), counts)
        place = np.arange(len(frame)) - np.repeat(np.cumsum(counts) - counts, counts)
        second = low[frame] + place
        seconds = np.minimum(end[frame], second + 1) - np.maximum(start[frame], second)
        return cls(frame, second.astype(np.int32), np.maximum(seconds, 0))


def _face_rows(timeline: pa.Table, pieces: _Pieces) -> FaceRows:
    """Return the rows with a face, once for each piece of their frame; a piece takes the place of a frame."""
    faces = timeline.filter(timeline["track"].is_valid())
    frame = faces["frame"].to_numpy().astype(np.int64)
    counts = (pieces.of_frame[1:] - pieces.of_frame[:-1])[frame]
    row = np.repeat(np.arange(len(frame)), counts)
    place = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    piece = (pieces.of_frame[frame[row]] + place).astype(np.int32)
    labels = pc.index_in(faces["emotion"].cast(pa.string()), column_of(LABELS)).to_numpy()
    probabilities = np.stack([np.asarray(faces[name].to_numpy(), np.float32) for name in EMOTIONS], axis=1)
    return FaceRows(
        group=pieces.second[piece],
        frame=piece,
        track=faces["track"].to_numpy().astype(np.int32)[row],
        emotion=labels[row],
        probabilities=probabilities[row],
        seconds=pieces.seconds[piece],
    )


def _longest(number: NDArray[np.int32], pieces: _Pieces, count: int) -> NDArray[np.int32]:
    """Return for each second the ``number`` ``(p,)`` that is shown the longest in it; of equal ones the first."""
    # Numbers never decrease, so a second's runs of one number are runs of pieces.
    key = pieces.second.astype(np.int64) * (int(number.max(initial=0)) + 1) + number
    keys, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    seconds = np.bincount(inverse, pieces.seconds, len(keys))
    order = np.lexsort((-np.arange(len(keys)), seconds, pieces.second[first]))
    longest = np.zeros(count, np.int32)
    longest[pieces.second[first][order]] = number[first][order]  # the last of each second wins
    return longest
