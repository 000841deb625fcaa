"""A timeline -> the tables that another ``sure`` makes of it: the same bytes as from the observations, without them."""

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
from pipeline.schema import BOX, EMOTIONS
from pipeline.tables.decode import rows_by_track, track_labels
from pipeline.tables.timeline import RowValues, Tables, frame_times, make_tables


def relabel(
    name: str, movie: Movie, timeline: pa.Table, options: TrackOptions, metadata: Mapping[str, Any], sure: float
) -> Tables:
    """Make the tables of a movie from its timeline; see :func:`pipeline.tables.timeline.assemble`.

    The timeline holds all that labels are made of: each detection's probabilities and quality, and the tracks.

    Args:
        name: of the movie, in the tables.
        movie: gives the time base; the geometry and remarks are the timeline's.
        timeline: made by the same version, with the same ``options``.
        options: of the tracker.
        metadata: goes into every table's file metadata.
        sure: support from which labels are shown, 0..1.
    """
    facts = json.loads(timeline.schema.metadata[b"moodreel"])
    movie = movie.with_picture(facts["width"], facts["height"])
    metadata = {**metadata, "remarks": facts["remarks"]} if "remarks" in facts else metadata
    frame = timeline["frame"].to_numpy()
    first = np.flatnonzero(np.diff(frame, prepend=-1))
    times = frame_times(movie, timeline["pts"].to_numpy()[first], timeline["shot"].to_numpy()[first])
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
    return make_tables(name, movie, times, sightings, RowValues(scores, probabilities, looks), labels, metadata)
