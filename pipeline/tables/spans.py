"""The tables that have a row per span of time: tracks, shots, scenes."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline import schema
from pipeline.tables.columns import binary_column, column_of, table_of
from pipeline.tables.shares import FaceRows, emotion_columns, face_columns, view_columns
from pipeline.tables.times import FrameTimes


def shots_table(name: str, times: FrameTimes, rows: FaceRows) -> pa.Table:
    """Return the movie's shots.

    Args:
        name: of the movie.
        times: of its frames.
        rows: its faces, by shot.
    """
    shots = times.shots
    count = len(shots)
    columns = {
        "movie": repeated(name, count),
        "shot": np.arange(count, dtype=np.int32),
        "scene": shots.scene,
        **_span_columns(times, shots.first, np.append(shots.first[1:], len(times)) - 1),
        "transition": [schema.TRANSITIONS[kind] for kind in shots.transition],
        "transition_seconds": shots.seconds,
        "look": binary_column(shots.look),
        **face_columns(rows, count, times.shot, times.seconds),
        **emotion_columns(rows, count),
    }
    return table_of(columns)


def scenes_table(
    name: str, times: FrameTimes, rows: FaceRows, area: NDArray[np.float64], persons: NDArray[np.int32] | None = None
) -> pa.Table:
    """Return the movie's scenes.

    Args:
        name: of the movie.
        times: of its frames.
        rows: its faces.
        area: float64 ``(n,)``: of the box of each row, in any unit.
        persons: int32 ``(tracks,)``: whose face each track is, -1 where unsure; None where that was not tried.
    """
    shots = times.shots
    number, begins, length = np.unique(shots.scene, return_index=True, return_counts=True)
    count, first = len(number), shots.first[begins]
    of_frame = times.scene
    rows = replace(rows, group=of_frame[rows.frame])
    columns = {
        "movie": repeated(name, count),
        "scene": number,
        "shots": length.astype(np.int32),
        "people": people_column(rows, count, persons),
        **_span_columns(times, first, np.append(first[1:], len(times)) - 1),
        **face_columns(rows, count, of_frame, times.seconds),
        **emotion_columns(rows, count),
        **view_columns(rows, count, rows.track, area),
    }
    return table_of(columns)


def people_column(rows: FaceRows, count: int, persons: NDArray[np.int32] | None) -> pa.Array:
    """Return how many persons each of ``count`` groups of ``rows`` shows, null where that was not tried.

    Args:
        rows: the faces of a movie, by group.
        count: number of groups.
        persons: int32 ``(tracks,)``: whose face each track is, -1 where unsure; None where that was not tried.
    """
    if persons is None:
        return column_of(np.zeros(count, np.int32), np.ones(count, np.bool_))
    person = persons[rows.track]
    pairs = np.unique(np.stack([rows.group, person])[:, person >= 0], axis=1)
    return column_of(np.bincount(pairs[0], minlength=count).astype(np.int32))


def tracks_table(
    name: str, times: FrameTimes, rows: FaceRows, scores: NDArray[np.float32], persons: NDArray[np.int32]
) -> pa.Table:
    """Return the movie's tracks.

    Args:
        name: of the movie.
        times: of its frames.
        rows: its faces.
        scores: float32 ``(n,)``: the detector's; NaN where it saw nothing.
        persons: int32 ``(tracks,)``: whose face each track is, -1 where unsure.
    """
    number, first_row, frames = np.unique(rows.track, return_index=True, return_counts=True)
    _, last_row = np.unique(rows.track[::-1], return_index=True)
    first, last = rows.frame[first_row], rows.frame[::-1][last_row]
    detected = ~np.isnan(scores)
    detections = np.bincount(rows.track[detected], minlength=len(number))
    totals = np.bincount(rows.track[detected], weights=scores[detected], minlength=len(number))
    by_track = replace(rows, group=rows.track)
    columns = {
        "movie": repeated(name, len(number)),
        "track": number.astype(np.int32),
        "person": column_of(persons[number], persons[number] < 0),
        "shot": times.shot[first],
        "scene": times.scene[first],
        **_span_columns(times, first, last),
        "frames": frames.astype(np.int32),
        "detections": detections.astype(np.int32),
        "score": (totals / np.maximum(detections, 1)).astype(np.float32),
        **emotion_columns(by_track, len(number)),
    }
    return table_of(columns)


def _span_columns(times: FrameTimes, first: NDArray[Any], last: NDArray[Any]) -> dict[str, Any]:
    return {
        "start": times.time[first],
        "end": times.time[last] + times.seconds[last],
        "first_frame": first.astype(np.int32),
        "last_frame": last.astype(np.int32),
    }


def repeated(name: str, count: int) -> pa.Array:
    """Return a column that says ``name`` ``count`` times."""
    return pa.DictionaryArray.from_arrays(column_of(np.zeros(count, np.int32)), column_of([name]))
