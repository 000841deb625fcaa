"""A timeline and its shots -> the tables that another ``sure`` or other scenes make of them."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.faces.linking.smooth import smooth
from pipeline.faces.quality import Looks
from pipeline.faces.track import Sightings, TrackOptions
from pipeline.media.movie import Movie
from pipeline.scenes.grouping import SCENES_WANTED, Wanted, scene_remarks
from pipeline.scenes.structure import Structure
from pipeline.schema import BOX, EMOTIONS, TRANSITIONS
from pipeline.tables.decode import rows_by_track, track_labels
from pipeline.tables.observations import RowValues
from pipeline.tables.timeline import Tables, make_tables
from pipeline.tables.times import frame_times


def relabel(
    name: str,
    movie: Movie,
    timeline: pa.Table,
    shots: pa.Table,
    options: TrackOptions,
    metadata: Mapping[str, Any],
    sure: float,
    people: bool = True,
    scenes: Wanted = "auto",
) -> Tables:
    """Make the tables of a movie from its timeline; see :func:`pipeline.tables.timeline.assemble`.

    The timeline holds all that labels are made of: each detection's probabilities and quality, and the tracks. The
    shots hold all that scenes are made of.

    Args:
        name: of the movie, in the tables.
        movie: gives the time base; the geometry and remarks are the timeline's.
        timeline: made by the same version, with the same ``options``.
        shots: made with it.
        options: of the tracker.
        metadata: goes into every table's file metadata.
        sure: support from which labels are shown, 0..1.
        people: whether persons were told apart.
        scenes: what scenes are made of the shots; see :mod:`pipeline.scenes.grouping`.
    """
    facts = json.loads(timeline.schema.metadata[b"moodreel"])
    movie = movie.with_picture(facts["width"], facts["height"])
    structure = _structure(shots)
    remarks = [one for one in facts.get("remarks", ()) if not one.startswith(SCENES_WANTED)]
    remarks += scene_remarks(scenes, len(structure))
    about = {"remarks": remarks, "shape_changes": facts.get("shape_changes")}
    metadata = {**metadata, **{name: value for name, value in about.items() if value}}
    frame = timeline["frame"].to_numpy()
    first = np.flatnonzero(np.diff(frame, prepend=-1))
    times = frame_times(movie, timeline["pts"].to_numpy()[first], structure)
    faces = timeline.filter(timeline["track"].is_valid())

    def column(kind: str) -> NDArray[np.float32]:
        return np.asarray(faces[kind].to_numpy(), np.float32)

    frame, track = faces["frame"].to_numpy(), faces["track"].to_numpy().astype(np.int32)
    probabilities = np.stack([column(emotion) for emotion in EMOTIONS], axis=1)
    scores, looks = column("score"), Looks(*(column(kind) for kind in ("size", "yaw", "sharpness", "quality")))
    values = np.column_stack([probabilities, looks.quality])
    smoothed = np.zeros_like(values)
    for rows in rows_by_track(track):
        seen = rows[~np.isnan(scores[rows])]
        smoothed[rows] = smooth(times.time[frame[rows]], times.time[frame[seen]], values[seen], options.smoothing)
    sightings = Sightings(
        frame=frame,
        track=track,
        detection=np.where(np.isnan(scores), -1, np.arange(len(track))).astype(np.int32),
        boxes=np.stack([column(corner) for corner in BOX], axis=1),
        smoothed=smoothed[:, :-1],
        quality=smoothed[:, -1],
    )
    labels = track_labels(times.time[frame], sightings, probabilities, looks.quality, options, sure)
    values_of_rows = RowValues(scores, probabilities, looks)
    persons = _persons(faces["person"], track) if people else None
    times = times.in_scenes(scenes, sightings, persons)
    return make_tables(name, movie, times, sightings, values_of_rows, labels, metadata, persons)


def _persons(column: pa.ChunkedArray, track: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return whose face each track is, int32 ``(tracks,)``, -1 for null, from the rows' columns."""
    persons = np.full(int(track.max(initial=-1)) + 1, -1, np.int32)
    persons[track] = column.fill_null(-1).to_numpy()
    return persons


def _structure(shots: pa.Table) -> Structure:
    looks = [look or b"" for look in shots["look"].to_pylist()]
    return Structure(
        first=shots["first_frame"].to_numpy(),
        transition=np.array([TRANSITIONS.index(kind) for kind in shots["transition"].to_pylist()], np.int8),
        seconds=shots["transition_seconds"].to_numpy(),
        scene=shots["scene"].to_numpy(),
        look=np.frombuffer(b"".join(looks), np.uint8).reshape(len(looks), -1),
    )
