"""Observations of a whole movie -> its tables: timeline, tracks, shots, scenes, people. Pure and fast."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline import schema
from pipeline.errors import NOTE, InputError
from pipeline.faces.appearance import appearance_of
from pipeline.faces.detect import Detections
from pipeline.faces.quality import looks_of
from pipeline.faces.track import Sightings, TrackOptions, follow
from pipeline.media.movie import Movie
from pipeline.people.embed import Embedded
from pipeline.people.persons import persons_of
from pipeline.scenes.boundaries import find_boundaries, structure_of
from pipeline.scenes.gradual import Transition
from pipeline.scenes.grouping import Wanted, scene_remarks
from pipeline.scenes.structure import CUT
from pipeline.schema import BOX, EMOTIONS, LABELS, UNSURE
from pipeline.tables.columns import column_of, table_of
from pipeline.tables.concatenate import concatenated
from pipeline.tables.decode import track_labels
from pipeline.tables.observations import Observations, RowValues
from pipeline.tables.people import PersonRows, people_table, relative_table, scene_people_table
from pipeline.tables.picture import in_one_picture, picture_remarks
from pipeline.tables.shares import FaceRows, emotion_columns, face_columns, view_columns
from pipeline.tables.spans import repeated, scenes_table, shots_table, tracks_table
from pipeline.tables.times import FrameTimes, frame_times


@dataclass(frozen=True)
class Tables:
    """A movie's tables, as :mod:`pipeline.schema` defines them, and its own line in ``movies.parquet``."""

    timeline: pa.Table
    tracks: pa.Table
    shots: pa.Table
    scenes: pa.Table
    people: pa.Table
    scene_people: pa.Table
    relative: pa.Table
    summary: dict[str, Any]


def assemble(
    name: str,
    movie: Movie,
    parts: Sequence[Observations],
    options: TrackOptions,
    metadata: Mapping[str, Any],
    sure: float = 0.0,
    people: bool = True,
    scenes: Wanted = "auto",
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
        people: tell persons apart.
        scenes: what scenes are made of the shots; see :mod:`pipeline.scenes.grouping`.

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
    values = RowValues.of(whole, looks, seen.detection)
    labels = track_labels(times.time[seen.frame], seen, values.probabilities, values.looks.quality, options, sure)
    remarks = [*picture_remarks(movie, whole.shapes), *scene_remarks(scenes, len(times.shots))]
    if whole.leading:
        remarks.append(f"{NOTE}{whole.leading} frames before the first key frame need others that are not in the file")
    about = {"remarks": remarks, "shape_changes": max(0, len(whole.shapes) - 1)}
    metadata = {**metadata, **{name: value for name, value in about.items() if value}}
    described = Embedded(whole.embedded, whole.embeddings)
    persons = persons_of(seen, times.shot, described, looks.quality) if people else None
    return make_tables(name, movie, times.in_scenes(scenes, seen, persons), seen, values, labels, metadata, persons)


def make_tables(
    name: str,
    movie: Movie,
    times: FrameTimes,
    seen: Sightings,
    values: RowValues,
    labels: NDArray[np.int32],
    metadata: Mapping[str, Any],
    persons: NDArray[np.int32] | None = None,
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
        persons: int32 ``(tracks,)``: whose face each track is, -1 where unsure; None where that was not tried.
    """
    person = np.full(int(seen.track.max(initial=-1)) + 1, -1, np.int32) if persons is None else persons
    rows = FaceRows(
        times.shot[seen.frame], seen.frame, seen.track, labels, values.probabilities, times.seconds[seen.frame]
    )
    area = np.prod(seen.boxes[:, 2:] - seen.boxes[:, :2], axis=1, dtype=np.float64)
    some = PersonRows.of(person, rows, values.looks, area)
    tables = {
        "timeline": (_timeline(name, times, seen, values, labels, person), schema.TIMELINE),
        "tracks": (tracks_table(name, times, rows, values.scores, person), schema.TRACKS),
        "shots": (shots_table(name, times, rows), schema.SHOTS),
        "scenes": (scenes_table(name, times, rows, area, persons), schema.SCENES),
        "people": (people_table(name, times, some), schema.PEOPLE),
        "scene_people": (scene_people_table(name, times, some), schema.SCENE_PEOPLE),
        "relative": (relative_table(name, times, some), schema.RELATIVE),
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
    people = None if persons is None else some.count
    return Tables(**stamped, summary=_summary(times, rows, area, movie) | {"people": people})


def _times(movie: Movie, whole: Observations) -> FrameTimes:
    """Return when frames are shown and in which shots, each of them a scene."""
    boundaries: list[Transition] = []
    steps = np.searchsorted(whole.pts, [joint.pts for joint in movie.clock.discontinuities])
    borders = sorted({0, *steps.tolist(), len(whole.pts)})
    for start, end in pairwise(borders):  # what comes behind a step of the file's clock was taken at another time
        if start:
            boundaries.append(Transition(CUT, start - 1, start, start))
        change = whole.change[start:end].copy()
        change[0] = 0
        pts, looks, detail = whole.pts[start:end].tolist(), whole.look[start:end], whole.detail[start:end]
        boundaries += [one.later(start) for one in find_boundaries(pts, movie.time_base, change, looks, detail)]
    time = (whole.pts * float(movie.time_base)).astype(np.float64)
    return frame_times(movie, whole.pts, structure_of(time, whole.look, boundaries))


def _timeline(
    name: str,
    times: FrameTimes,
    seen: Sightings,
    values: RowValues,
    emotion: NDArray[np.int32],
    persons: NDArray[np.int32],
) -> pa.Table:
    faceless = np.setdiff1d(np.arange(len(times)), seen.frame)
    frame = np.concatenate([seen.frame, faceless])
    order = np.argsort(frame, kind="stable")  # faces stay in the order of their tracks
    frame = frame[order].astype(np.int32)

    def column(values: NDArray[Any], known: NDArray[np.bool_] | None = None) -> pa.Array:
        here = np.ones(len(values), np.bool_) if known is None else known
        padded = np.concatenate([values, np.zeros(len(faceless), values.dtype)])[order]
        return column_of(padded, ~np.concatenate([here, np.zeros(len(faceless), np.bool_)])[order])

    person = persons[seen.track]
    rows = np.arange(len(seen))
    likely = np.where(emotion == UNSURE, seen.smoothed.argmax(axis=1), emotion)
    labels = pa.DictionaryArray.from_arrays(column(emotion), column_of(LABELS))
    columns: dict[str, Any] = {
        "movie": repeated(name, len(frame)),
        "frame": frame,
        "pts": times.pts[frame],
        "time": times.time[frame],
        "shot": times.shot[frame],
        "scene": times.scene[frame],
        "track": column(seen.track),
        "person": column(person, person >= 0),
        **{corner: column(seen.boxes[:, k]) for k, corner in enumerate(BOX)},
        "score": column(values.scores),
        **{label: column(values.probabilities[:, k]) for k, label in enumerate(EMOTIONS)},
        **{kind: column(looks) for kind, looks in vars(values.looks).items()},
        "emotion": labels,
        "confidence": column(seen.smoothed[rows, likely]),
    }
    return table_of(columns)


def _summary(times: FrameTimes, rows: FaceRows, area: NDArray[np.float64], movie: Movie) -> dict[str, Any]:
    """Return what ``movies.parquet`` says of the movie's content."""
    one_span = np.zeros(len(times), np.int32)
    whole = replace(rows, group=one_span[rows.frame])
    columns = {**face_columns(whole, 1, one_span, times.seconds), **emotion_columns(whole, 1)}
    columns |= view_columns(whole, 1, rows.track, area)
    facts = {
        "duration": float(times.time[-1] + times.seconds[-1] - times.time[0]),
        "width": movie.width,
        "height": movie.height,
        "faces": len(rows.frame),
        "shots": len(times.shots),
        "scenes": int(times.scene[-1]) + 1,
    }
    first = {
        name: column[0].item() if isinstance(column, np.ndarray) else column[0] for name, column in columns.items()
    }
    return facts | {name: None if value != value else value for name, value in first.items()}  # NaN is not itself
