"""Tables as they are with all corrections, their shares computed anew with the functions that made them."""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from jobs.results.corrections.changes import Changes
from jobs.results.corrections.resolve import read_changes
from jobs.results.tables import LONE_FRAME_S, facts_in, read_table
from jobs.store.workspace import MovieFolder
from pipeline import schema
from pipeline.schema import BOX, EMOTIONS, LABELS, UNSURE
from pipeline.tables.columns import table_of
from pipeline.tables.shares import FaceRows, emotion_columns, face_columns, view_columns
from pipeline.tables.spans import people_column


@dataclass(frozen=True)
class Corrected:
    """A movie's tables with its corrections applied; the very tables on disk where there are none.

    Attributes:
        timeline, tracks, shots, scenes: tables as in outputs/README.md.
        changes: what was applied; names of persons and scenes, and notes for the user.
        summary: what ``movies.parquet`` would say of the content; empty where nothing changed.
    """

    timeline: pa.Table
    tracks: pa.Table
    shots: pa.Table
    scenes: pa.Table
    changes: Changes
    summary: dict[str, Any]

    def without_timeline(self) -> "Corrected":
        """Return the same without the rows of the timeline, which take the most memory."""
        return replace(self, timeline=self.timeline.slice(0, 0).combine_chunks())

    @property
    def person_names(self) -> dict[int, str]:
        """Names that a user gave to persons, by number."""
        return self.changes.person_names

    @property
    def scene_names(self) -> dict[int, str]:
        """Names that a user gave to scenes, by number."""
        return self.changes.scene_names

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know of the corrections."""
        return self.changes.notes


def corrected(folder: MovieFolder, changes: Changes | None = None) -> Corrected:
    """Read a movie's tables with its ``review.json`` applied.

    A rejected face is gone from the timeline (the last one of a frame leaves a row without a face), from the tracks and
    from all shares. A label that a person gave has the confidence 1. The network's probabilities stay as they are.

    Args:
        folder: of the movie.
        changes: what :func:`read_changes` found, if it is known already.

    Raises:
        NotFoundError: a table does not exist.
        UnreadableError: a table is damaged, none of ours, or of a newer version.
    """
    changes = read_changes(folder) if changes is None else changes
    timeline = read_table(folder.timeline, schema.TIMELINE.names)
    tracks = read_table(folder.tracks, schema.TRACKS.names)
    shots, scenes = read_table(folder.shots, schema.SHOTS.names), read_table(folder.scenes, schema.SCENES.names)
    if not changes.any_rows:
        return Corrected(timeline, tracks, shots, scenes, changes, {})
    before = _Movie(timeline)
    timeline = _timeline(timeline, changes)
    now = _Movie(timeline)
    scene_of = changes.scene_of(np.arange(before.frames, dtype=np.int32), before.scene)
    touched = [*changes.rejected, *(one.track for one in changes.labels)]
    frames = np.unique(before.rows.frame[np.isin(before.rows.track, touched)])
    return Corrected(
        timeline=timeline,
        tracks=_tracks(tracks, now, changes, scene_of),
        shots=_shots(shots, now, frames, scene_of),
        scenes=_scenes(scenes, now, frames, scene_of),
        changes=changes,
        summary=_summary(now, scene_of),
    )


class _Movie:
    """A timeline as columns."""

    def __init__(self, timeline: pa.Table) -> None:
        frame = timeline["frame"].to_numpy()
        first = np.flatnonzero(np.diff(frame, prepend=-1))
        one = timeline.take(pa.array(first))
        self.frames = len(first)
        self.time = one["time"].to_numpy()
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


def _timeline(measured: pa.Table, changes: Changes) -> pa.Table:
    rows = changes.applied(measured)
    frame = measured["frame"].to_numpy()
    bare = np.setdiff1d(frame, rows["frame"].to_numpy())  # frames whose faces are all rejected: a row without a face
    if len(bare) == 0:
        return rows.combine_chunks()
    lone = measured.take(pa.array(np.searchsorted(frame, bare)))
    scene = changes.scene_of(bare.astype(np.int32), lone["scene"].to_numpy())
    columns = {
        name: pa.nulls(len(lone), lone.schema.field(name).type) if lone.schema.field(name).nullable else lone[name]
        for name in lone.column_names
    }
    lone = pa.table({**columns, "scene": pa.array(scene.astype(np.int32))}, schema=lone.schema)
    whole = pa.concat_tables([rows, lone]).unify_dictionaries()
    return whole.take(pa.array(np.argsort(whole["frame"].to_numpy(), kind="stable"))).combine_chunks()


def _tracks(measured: pa.Table, now: _Movie, changes: Changes, scene_of: NDArray[np.int32]) -> pa.Table:
    kept = measured.filter(pa.array(changes.keeps(measured["track"].to_numpy().astype(np.int32))))
    number = kept["track"].to_numpy().astype(np.int32)
    rows = now.rows
    columns: dict[str, Any] = {"scene": scene_of[kept["first_frame"].to_numpy()]}
    if "person" in kept.column_names:
        person = kept["person"].to_pylist()
        persons = [changes.persons.get(track, old) for track, old in zip(number.tolist(), person, strict=True)]
        columns["person"] = pa.array(persons, kept.schema.field("person").type)
    group = np.searchsorted(number, rows.track).astype(np.int32)
    by_track = FaceRows(group, rows.frame, rows.track, rows.emotion, rows.probabilities, rows.seconds)
    columns |= emotion_columns(by_track, len(number))
    changed = np.isin(number, [one.track for one in changes.labels])
    return _put_together(kept, np.arange(len(kept)), changed, columns)


def _shots(measured: pa.Table, now: _Movie, frames: NDArray[np.int32], scene_of: NDArray[np.int32]) -> pa.Table:
    rows, count = now.by(now.shot), len(measured)
    columns = {
        "scene": scene_of[measured["first_frame"].to_numpy()],
        **face_columns(rows, count, now.shot, now.seconds),
        **emotion_columns(rows, count),
    }
    changed = np.isin(np.arange(count), now.shot[frames])
    return _put_together(measured, np.arange(count), changed, columns)


def _scenes(measured: pa.Table, now: _Movie, frames: NDArray[np.int32], scene_of: NDArray[np.int32]) -> pa.Table:
    count = int(scene_of[-1]) + 1
    first = np.searchsorted(scene_of, np.arange(count), "left")
    last = np.searchsorted(scene_of, np.arange(count), "right") - 1
    rows = now.by(scene_of)
    pairs = np.unique(np.stack([scene_of, now.shot]), axis=1)
    columns = {
        "scene": np.arange(count, dtype=np.int32),
        "shots": np.bincount(pairs[0], minlength=count).astype(np.int32),
        "start": now.time[first],
        "end": now.time[last] + now.seconds[last],
        "first_frame": first.astype(np.int32),
        "last_frame": last.astype(np.int32),
        **face_columns(rows, count, scene_of, now.seconds),
        **emotion_columns(rows, count),
        **view_columns(rows, count, rows.track, now.area),
    }
    if now.persons is not None or measured["people"].null_count == 0:
        nobody = np.full(int(rows.track.max(initial=-1)) + 1, -1, np.int32)
        columns["people"] = people_column(rows, count, nobody if now.persons is None else now.persons)
    old_first, old_last = measured["first_frame"].to_numpy(), measured["last_frame"].to_numpy()
    source = np.minimum(np.searchsorted(old_first, first, "right") - 1, len(measured) - 1)
    same = (old_first[source] == first) & (old_last[source] == last)
    return _put_together(measured, source, ~same | np.isin(np.arange(count), scene_of[frames]), columns)


def _put_together(
    measured: pa.Table, source: NDArray[np.int64], changed: NDArray[np.bool_], columns: dict[str, Any]
) -> pa.Table:
    """Return a table with new columns; what is not computed anew is as measured, or null in rows that changed."""
    base = measured.take(pa.array(source))
    made = table_of(columns)
    whole = {}
    for field in measured.schema:
        if field.name in columns:
            whole[field.name] = made[field.name].cast(field.type)
        elif field.nullable and changed.any():
            whole[field.name] = pc.if_else(pa.array(changed), pa.scalar(None, field.type), base[field.name])
        else:
            whole[field.name] = base[field.name]
    return pa.table(whole, schema=measured.schema)


def _summary(now: _Movie, scene_of: NDArray[np.int32]) -> dict[str, Any]:
    """Return what ``movies.parquet`` says of the content, as :mod:`pipeline.tables.timeline` does."""
    one = np.zeros(now.frames, np.int32)
    rows = now.by(one)
    columns = {**face_columns(rows, 1, one, now.seconds), **emotion_columns(rows, 1)}
    columns |= view_columns(rows, 1, rows.track, now.area)
    facts = {
        "duration": float(now.time[-1] + now.seconds[-1] - now.time[0]),
        "faces": len(rows.frame),
        "shots": int(now.shot[-1]) + 1,
        "scenes": int(scene_of[-1]) + 1,
    }
    first = {name: value[0].item() if isinstance(value, np.ndarray) else value[0] for name, value in columns.items()}
    return facts | {name: None if value != value else value for name, value in first.items()}  # NaN is not itself
