"""A corrected timeline as columns, which the functions that make tables take."""

from fractions import Fraction

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from jobs.results.tables import LONE_FRAME_S, facts_in
from pipeline.faces.quality import Looks
from pipeline.schema import BOX, EMOTIONS, LABELS, UNSURE
from pipeline.tables.shares import FaceRows


class Film:
    """A timeline as columns.

    Attributes:
        frames: how many.
        pts: int64 ``(f,)``, in the file's time base.
        time, seconds: float64 ``(f,)``, s: when each frame appears, and for how long.
        shot, scene: int32 ``(f,)``.
        rows: the faces; ``group`` is the track.
        area: float64 ``(n,)``, square px: of the box of each.
        looks: how they are shown.
        persons: int32 ``(tracks,)``: whose face each track is, -1 where unsure; None where nobody is told apart.
    """

    def __init__(self, timeline: pa.Table) -> None:
        frame = timeline["frame"].to_numpy()
        first = np.flatnonzero(np.diff(frame, prepend=-1))
        one = timeline.take(pa.array(first))
        self.frames = len(first)
        self.pts, self.time = one["pts"].to_numpy(), one["time"].to_numpy()
        self.shot, self.scene = (one[name].to_numpy().astype(np.int32) for name in ("shot", "scene"))
        self.seconds = _durations(timeline, one)
        faces = timeline.filter(timeline["track"].is_valid())
        number, track = faces["frame"].to_numpy().astype(np.int32), faces["track"].to_numpy().astype(np.int32)
        names = pc.index_in(faces["emotion"].cast(pa.string()), pa.array(LABELS))
        columns = [faces[name].cast(pa.float32()).to_numpy() for name in EMOTIONS]
        probabilities = np.stack(columns, axis=1) if len(faces) else np.zeros((0, len(EMOTIONS)), np.float32)
        emotion = names.fill_null(UNSURE).to_numpy().astype(np.int32)
        self.rows = FaceRows(track, number, track, emotion, probabilities, self.seconds[number])
        x1, y1, x2, y2 = (faces[corner].to_numpy().astype(np.float64) for corner in BOX)
        self.area = (x2 - x1) * (y2 - y1)
        looks = (faces[name].cast(pa.float32()).to_numpy() for name in ("size", "yaw", "sharpness", "quality"))
        self.looks = Looks(*looks)  # NaN where the detector saw nothing
        self.persons = self._persons(faces["person"])

    def _persons(self, person: pa.ChunkedArray) -> NDArray[np.int32] | None:
        """Return whose face each track is, int32 ``(tracks,)``, -1 where unsure; None where nobody is told apart."""
        if person.null_count == len(person):
            return None
        persons = np.full(int(self.rows.track.max()) + 1, -1, np.int32)
        persons[self.rows.track] = person.fill_null(-1).to_numpy()
        return persons

    def by(self, group: NDArray[np.int32]) -> FaceRows:
        """Return the faces by the group ``(f,)`` of their frame."""
        rows = self.rows
        return FaceRows(group[rows.frame], rows.frame, rows.track, rows.emotion, rows.probabilities, rows.seconds)


def _durations(timeline: pa.Table, frames: pa.Table) -> NDArray[np.float64]:
    """Return for how long each frame is shown, float64 ``(f,)``, s, as the tables were made."""
    if len(frames) < 2:
        return np.full(len(frames), LONE_FRAME_S)
    base = facts_in(timeline.schema).get("time_base")
    try:
        steps = np.diff(frames["pts"].to_numpy()) * float(Fraction(base or 0))
    except (ValueError, TypeError, ZeroDivisionError):
        steps = np.zeros(1)
    if not (steps > 0).all():
        steps = np.diff(frames["time"].to_numpy())
    return np.append(steps, steps[-1])
