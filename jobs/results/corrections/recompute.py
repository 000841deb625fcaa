"""Tables as they are with all corrections, their shares computed anew with the functions that made them."""

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from jobs.results.corrections.changes import Changes
from jobs.results.corrections.film import Film
from jobs.results.corrections.person_tables import PersonTables, make_person_tables
from jobs.results.corrections.resolve import read_changes
from jobs.results.job_facts import MovieSummary, summary_of
from jobs.results.tables import read_table
from jobs.store.workspace import MovieFolder
from pipeline import schema
from pipeline.arc import make_arc
from pipeline.moments import make_moments
from pipeline.tables.columns import table_of
from pipeline.tables.shares import FaceRows, emotion_columns, face_columns, view_columns
from pipeline.tables.spans import people_column


@dataclass(frozen=True)
class Spans:
    """A movie's tables of tracks, shots and scenes with its corrections applied; those on disk where there are none.

    Attributes:
        folder: of the movie.
        tracks, shots, scenes: tables as in outputs/README.md.
        changes: what was applied; names of persons and scenes, and notes for the user.
        figures: what ``movies.parquet`` would say of the content; empty where nothing changed.
    """

    folder: MovieFolder
    tracks: pa.Table
    shots: pa.Table
    scenes: pa.Table
    changes: Changes
    figures: dict[str, Any]

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

    def summary(self, measured: MovieSummary) -> MovieSummary:
        """Return the movie in a few numbers; ``measured`` is what ``job.json`` says."""
        if not self.figures:
            return measured
        return replace(summary_of(self.figures), width=measured.width, height=measured.height)


@dataclass(frozen=True)
class Corrected(Spans):
    """All of a movie's tables with its corrections applied.

    Attributes:
        timeline: table as in outputs/README.md.
    """

    timeline: pa.Table

    def spans(self) -> Spans:
        """Return what there is without the rows of the timeline, which take the most memory."""
        return Spans(**{field.name: getattr(self, field.name) for field in fields(Spans)})

    @property
    def people(self) -> pa.Table:
        """A row a person."""
        return self._persons.people

    @property
    def scene_people(self) -> pa.Table:
        """A row a person and scene."""
        return self._persons.scene_people

    @property
    def relative(self) -> pa.Table:
        """A row a picture of a person, against how that person usually looks."""
        return self._persons.relative

    @property
    def end(self) -> float:
        """When the last frame leaves the screen, s."""
        return float(max(self.shots["end"][-1].as_py(), self.timeline["time"][-1].as_py()))

    @cached_property
    def arc(self) -> pa.Table:
        """A row a second."""
        return make_arc(self.timeline, self.end)

    @cached_property
    def moments(self) -> pa.Table:
        """A row a moment."""
        return make_moments(self.timeline, self.end)

    @cached_property
    def _persons(self) -> PersonTables:
        paths = self.folder.people, self.folder.scene_people, self.folder.relative
        if self.changes.any_rows or not all(path.exists() for path in paths):  # tables of version 2 have none
            return make_person_tables(self.timeline)
        layouts = schema.PEOPLE, schema.SCENE_PEOPLE, schema.RELATIVE
        return PersonTables(*(read_table(path, table.names) for path, table in zip(paths, layouts, strict=True)))


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
        return Corrected(folder, tracks, shots, scenes, changes, {}, timeline)
    before = Film(timeline)
    timeline = _timeline(timeline, changes)
    now = Film(timeline)
    scene_of = changes.scene_of(np.arange(before.frames, dtype=np.int32), before.scene)
    touched = [*changes.rejected, *(one.track for one in changes.labels)]
    frames = np.unique(before.rows.frame[np.isin(before.rows.track, touched)])
    return Corrected(
        folder=folder,
        timeline=timeline,
        tracks=_tracks(tracks, now, changes, scene_of),
        shots=_shots(shots, now, frames, scene_of),
        scenes=_scenes(scenes, now, frames, scene_of),
        changes=changes,
        figures=_summary(now, scene_of),
    )


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


def _tracks(measured: pa.Table, now: Film, changes: Changes, scene_of: NDArray[np.int32]) -> pa.Table:
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


def _shots(measured: pa.Table, now: Film, frames: NDArray[np.int32], scene_of: NDArray[np.int32]) -> pa.Table:
    rows, count = now.by(now.shot), len(measured)
    columns = {
        "scene": scene_of[measured["first_frame"].to_numpy()],
        **face_columns(rows, count, now.shot, now.seconds),
        **emotion_columns(rows, count),
    }
    changed = np.isin(np.arange(count), now.shot[frames])
    return _put_together(measured, np.arange(count), changed, columns)


def _scenes(measured: pa.Table, now: Film, frames: NDArray[np.int32], scene_of: NDArray[np.int32]) -> pa.Table:
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


def _summary(now: Film, scene_of: NDArray[np.int32]) -> dict[str, Any]:
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
        "people": None if now.persons is None else len(np.unique(now.persons[now.persons >= 0])),
    }
    first = {name: value[0].item() if isinstance(value, np.ndarray) else value[0] for name, value in columns.items()}
    return facts | {name: None if value != value else value for name, value in first.items()}  # NaN is not itself
