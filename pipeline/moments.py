"""A timeline -> its moments: the spans in which one face keeps one label."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline import schema
from pipeline.schema import LABELS
from pipeline.tables.columns import column_of


def make_moments(timeline: pa.Table, end: float) -> pa.Table:
    """Return the moments of a movie, as :data:`pipeline.schema.MOMENTS` defines them, by start, then by track.

    Args:
        timeline: the movie's table, sorted by frame.
        end: when the last frame leaves the screen, s.

    Returns:
        A row for each run of consecutive frames of one track with one label, ``unsure`` included; with the timeline's
        metadata.
    """
    faces = timeline.filter(timeline["track"].is_valid())
    track, frame = faces["track"].to_numpy(), faces["frame"].to_numpy()
    order = np.lexsort((frame, track))
    label = pc.index_in(faces["emotion"].cast(pa.string()), column_of(LABELS)).to_numpy()[order]
    first, last = runs_of(track[order], frame[order], label)
    shown = timeline["time"].to_numpy()[np.flatnonzero(np.diff(timeline["frame"].to_numpy(), prepend=-1))]
    time = np.append(shown, end)
    start = time[frame[order[first]]]
    mean, most = confidence_of(faces["confidence"].to_numpy()[order], first, last)
    by_start = np.lexsort((track[order[first]], start))
    first, last = first[by_start], last[by_start]
    rows = pa.array(order[first])
    columns: dict[str, Any] = {
        name: pc.take(faces[name], rows) for name in ("movie", "track", "person", "shot", "scene")
    }
    columns["movie"] = columns["movie"].unify_dictionaries()
    columns["label"] = pa.DictionaryArray.from_arrays(column_of(label[first].astype(np.int32)), column_of(LABELS))
    numbers = {
        "start": start[by_start],
        "end": time[frame[order[last]] + 1],
        "first_frame": frame[order[first]],
        "last_frame": frame[order[last]],
        "confidence_mean": mean[by_start],
        "confidence_max": most[by_start],
    }
    columns |= {name: column_of(values) for name, values in numbers.items()}
    table = pa.table({name: columns[name] for name in schema.MOMENTS.names})
    return table.cast(schema.MOMENTS).replace_schema_metadata(timeline.schema.metadata)


def runs_of(
    track: NDArray[np.integer], frame: NDArray[np.integer], label: NDArray[np.integer]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first and the last row of each run: consecutive frames in which one face has one label.

    Args:
        track: ``(n,)``, rising.
        frame: ``(n,)``, rising within a track.
        label: ``(n,)``.
    """
    starts = np.ones(len(track), bool)
    starts[1:] = (np.diff(frame) != 1) | (np.diff(track) != 0) | (np.diff(label) != 0)
    first = np.flatnonzero(starts)
    return first, np.append(first[1:], len(track))[: len(first)] - 1


def confidence_of(
    values: NDArray[np.float32], first: NDArray[np.int64], last: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return mean and maximum of each run, float32 ``(m,)``.

    Args:
        values: float32 ``(n,)``: the confidence of each row.
        first: int64 ``(m,)``: where each run begins; see :func:`runs_of`.
        last: int64 ``(m,)``: its last row.
    """
    if len(first) == 0:
        return np.zeros(0, np.float32), np.zeros(0, np.float32)
    mean = np.add.reduceat(values, first) / (last - first + 1)
    return mean.astype(np.float32), np.maximum.reduceat(values, first)
