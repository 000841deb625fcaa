"""Observations of a whole movie -> its four tables: timeline, tracks, shots, scenes. Pure and fast."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline import schema
from pipeline.errors import InputError
from pipeline.faces.appearance import appearance_of
from pipeline.faces.detect import Detections
from pipeline.faces.quality import Looks, looks_of
from pipeline.faces.track import Sightings, TrackOptions, follow
from pipeline.media.decode import shown_for
from pipeline.media.movie import Movie
from pipeline.scenes.shots import find_cuts
from pipeline.schema import BOX, EMOTIONS, LABELS, UNSURE
from pipeline.tables.columns import column_of, table_of
from pipeline.tables.concatenate import concatenated
from pipeline.tables.decode import track_labels
from pipeline.tables.observations import Observations
from pipeline.tables.picture import in_one_picture, picture_remarks
from pipeline.tables.shares import FaceRows, emotion_columns, face_columns


@dataclass(frozen=True)
class Tables:
    """A movie's tables, as :mod:`pipeline.schema` defines them, and its own line in ``movies.parquet``."""

    timeline: pa.Table
    tracks: pa.Table
    shots: pa.Table
    scenes: pa.Table
    summary: dict[str, Any]


@dataclass(frozen=True)
class FrameTimes:
    """The movie's frames as columns of equal length: pts, time in s, s on screen, number of the shot."""

    pts: NDArray[np.int64]
    time: NDArray[np.float64]
    seconds: NDArray[np.float64]
    shot: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.pts)


@dataclass(frozen=True)
class RowValues:
    """What was observed of each row of :class:`Sightings`, as columns; NaN where the detector saw nothing.

    Attributes:
        scores: float32 ``(n,)``: the detector's.
        probabilities: float32 ``(n, 7)``: the network's.
        looks: how the face is shown.
    """

    scores: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    looks: Looks


def assemble(
    name: str,
    movie: Movie,
    parts: Sequence[Observations],
    options: TrackOptions,
    metadata: Mapping[str, Any],
    sure: float = 0.0,
) -> Tables:
    """Make the tables of a movie from its observations. The same observations give the same bytes.

    Args:
        name: of the movie, in the tables.
        movie: gives time base and geometry.
        parts: the observations of all its segments, in order.
        options: of the tracker.
        metadata: goes into every table's file metadata under the key ``moodreel``, as JSON, beside the schema version,
            the time base, the geometry and remarks on the movie.
        sure: support from which labels are shown, 0..1; see :mod:`pipeline.tables.labels`.

    Raises:
        InputError: the segments hold not one frame.
    """
    whole = concatenated(parts)
    if len(whole.pts) == 0:
        raise InputError(f"{movie.path}: not one frame of its {movie.codec} video can be decoded")
    movie, whole = in_one_picture(movie, whole)
    times = _times(movie, whole)
    faces = Detections(whole.boxes, whole.scores)
    looks = looks_of(whole.boxes, whole.yaw, whole.sharpness, whole.contrast)
    appearance = appearance_of(whole.miniatures)
    seen = follow(
        times.time, times.shot, whole.face_frame, faces, whole.probabilities, options, looks.quality, appearance
    )
    values = RowValues(
        scores=_picked(whole.scores, seen.detection),
        probabilities=_picked(whole.probabilities, seen.detection),
        looks=looks.picked(seen.detection),
    )
    labels = track_labels(times.time[seen.frame], seen, values.probabilities, values.looks.quality, options, sure)
    remarks = picture_remarks(movie, whole.shapes)
    metadata = {**metadata, "remarks": remarks} if remarks else metadata
    return make_tables(name, movie, times, seen, values, labels, metadata)


def make_tables(
    name: str,
    movie: Movie,
    times: FrameTimes,
    seen: Sightings,
    values: RowValues,
    labels: NDArray[np.int32],
    metadata: Mapping[str, Any],
) -> Tables:
    """Make the tables from faces that are followed already; see :func:`assemble`.

    Args:
        name: of the movie, in the tables.
        movie: gives time base and geometry.
        times: of all its frames, at least one.
        seen: its faces. Tracks are numbered from 0 on; each has a row in the first and the last frame of its span.
        values: of each row of ``seen``.
        labels: int32 ``(n,)``: of each row, an index into LABELS.
        metadata: see :func:`assemble`.
    """
    rows = FaceRows(
        times.shot[seen.frame], seen.frame, seen.track, labels, values.probabilities, times.seconds[seen.frame]
    )
    shots = _shots(name, times, rows)
    scenes = shots.drop_columns(["shot"]).append_column("shots", column_of(np.ones(len(shots), np.int32)))
    tables = {
        "timeline": (_timeline(name, times, seen, values, labels), schema.TIMELINE),
        "tracks": (_tracks(name, times, rows, values.scores), schema.TRACKS),
        "shots": (shots, schema.SHOTS),
        "scenes": (scenes, schema.SCENES),
    }
    facts = {
        "schema_version": schema.VERSION,
        "time_base": str(movie.time_base),
        "clock_start": str(movie.clock_start),
        "width": movie.width,
        "height": movie.height,
        **metadata,
    }
    stamp = {b"moodreel": json.dumps(facts, sort_keys=True).encode()}
    stamped = {k: table.select(s.names).cast(s).replace_schema_metadata(stamp) for k, (table, s) in tables.items()}
    return Tables(**stamped, summary=_summary(times, rows, movie))


def _times(movie: Movie, whole: Observations) -> FrameTimes:
    begins = np.zeros(len(whole.pts), np.int32)
    steps = np.searchsorted(whole.pts, [joint.pts for joint in movie.clock.discontinuities])
    borders = sorted({0, *steps.tolist(), len(whole.pts)})
    for start, end in pairwise(borders):  # what comes behind a step of the file's clock was taken at another time
        change = whole.change[start:end].copy()
        change[0] = 0
        cuts = find_cuts(whole.pts[start:end].tolist(), movie.time_base, change)
        begins[[start + cut for cut in [0, *cuts]]] = 1
    begins[0] = 0
    return frame_times(movie, whole.pts, np.cumsum(begins, dtype=np.int32))


def frame_times(movie: Movie, pts: NDArray[np.int64], shot: NDArray[np.int32]) -> FrameTimes:
    """Return the times of all frames of a movie.

    Args:
        movie: gives time base and start of the player's clock.
        pts: int64 ``(f,)``, rising, at least one.
        shot: int32 ``(f,)``: the shot of each.
    """
    last = float(shown_for(movie, pts[-2:].tolist()))
    return FrameTimes(
        pts=pts,
        time=np.array([movie.time_of(p) for p in pts.tolist()]),
        seconds=np.append(np.diff(pts) * float(movie.time_base), last),
        shot=shot,
    )


def _picked(values: NDArray[np.float32], detection: NDArray[np.int32]) -> NDArray[np.float32]:
    """Return the rows of ``values`` that ``detection`` names, NaN for -1."""
    picked = np.full((len(detection), *values.shape[1:]), np.nan, np.float32)
    picked[detection >= 0] = values[detection[detection >= 0]]
    return picked


def _timeline(
    name: str,
    times: FrameTimes,
    seen: Sightings,
    values: RowValues,
    emotion: NDArray[np.int32],
) -> pa.Table:
    faceless = np.setdiff1d(np.arange(len(times)), seen.frame)
    frame = np.concatenate([seen.frame, faceless])
    order = np.argsort(frame, kind="stable")  # faces stay in the order of their tracks
    frame = frame[order].astype(np.int32)

    def column(values: NDArray[Any]) -> pa.Array:
        padded = np.concatenate([values, np.zeros(len(faceless), values.dtype)])[order]
        return column_of(padded, (np.arange(len(order)) >= len(values))[order])

    rows = np.arange(len(seen))
    likely = np.where(emotion == UNSURE, seen.smoothed.argmax(axis=1), emotion)
    labels = pa.DictionaryArray.from_arrays(column(emotion), column_of(LABELS))
    columns: dict[str, Any] = {
        "movie": _repeated(name, len(frame)),
        "frame": frame,
        "pts": times.pts[frame],
        "time": times.time[frame],
        "shot": times.shot[frame],
        "scene": times.shot[frame],
        "track": column(seen.track),
        **{corner: column(seen.boxes[:, k]) for k, corner in enumerate(BOX)},
        "score": column(values.scores),
        **{label: column(values.probabilities[:, k]) for k, label in enumerate(EMOTIONS)},
        **{kind: column(looks) for kind, looks in vars(values.looks).items()},
        "emotion": labels,
        "confidence": column(seen.smoothed[rows, likely]),
    }
    return table_of(columns)


def _shots(name: str, times: FrameTimes, rows: FaceRows) -> pa.Table:
    count = int(times.shot[-1]) + 1
    number = np.arange(count, dtype=np.int32)
    first = np.searchsorted(times.shot, number, "left")
    last = np.searchsorted(times.shot, number, "right") - 1
    columns = {
        "movie": _repeated(name, count),
        "shot": number,
        "scene": number,
        **_span_columns(times, first, last),
        **face_columns(rows, count, times.shot, times.seconds),
        **emotion_columns(rows, count),
    }
    return table_of(columns)


def _tracks(name: str, times: FrameTimes, rows: FaceRows, scores: NDArray[np.float32]) -> pa.Table:
    number, first_row, frames = np.unique(rows.track, return_index=True, return_counts=True)
    _, last_row = np.unique(rows.track[::-1], return_index=True)
    first, last = rows.frame[first_row], rows.frame[::-1][last_row]
    detected = ~np.isnan(scores)
    detections = np.bincount(rows.track[detected], minlength=len(number))
    totals = np.bincount(rows.track[detected], weights=scores[detected], minlength=len(number))
    by_track = FaceRows(rows.track, rows.frame, rows.track, rows.emotion, rows.probabilities, rows.seconds)
    columns = {
        "movie": _repeated(name, len(number)),
        "track": number.astype(np.int32),
        "shot": times.shot[first],
        "scene": times.shot[first],
        **_span_columns(times, first, last),
        "frames": frames.astype(np.int32),
        "detections": detections.astype(np.int32),
        "score": (totals / np.maximum(detections, 1)).astype(np.float32),
        **emotion_columns(by_track, len(number)),
    }
    return table_of(columns)


def _summary(times: FrameTimes, rows: FaceRows, movie: Movie) -> dict[str, Any]:
    """Return what ``movies.parquet`` says of the movie's content."""
    one_span = np.zeros(len(times), np.int32)
    whole = FaceRows(one_span[rows.frame], rows.frame, rows.track, rows.emotion, rows.probabilities, rows.seconds)
    columns = {**face_columns(whole, 1, one_span, times.seconds), **emotion_columns(whole, 1)}
    shots = int(times.shot[-1]) + 1
    facts = {
        "duration": float(times.time[-1] + times.seconds[-1] - times.time[0]),
        "width": movie.width,
        "height": movie.height,
        "faces": len(rows.frame),
        "shots": shots,
        "scenes": shots,
    }
    first = {
        name: column[0].item() if isinstance(column, np.ndarray) else column[0] for name, column in columns.items()
    }
    return facts | {name: None if value != value else value for name, value in first.items()}  # NaN is not itself


def _span_columns(times: FrameTimes, first: NDArray[Any], last: NDArray[Any]) -> dict[str, Any]:
    return {
        "start": times.time[first],
        "end": times.time[last] + times.seconds[last],
        "first_frame": first.astype(np.int32),
        "last_frame": last.astype(np.int32),
    }


def _repeated(name: str, count: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(column_of(np.zeros(count, np.int32)), column_of([name]))
