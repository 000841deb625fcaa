"""Corrections -> changes: which tracks, persons and scenes of the tables as they are now a correction is about.

A face is looked up by frame and box, so corrections survive a new analysis, as long as it finds that face there. What
fits no more is counted and said; it stays in the file.
"""

from typing import Final

import numpy as np
import pyarrow as pa

from jobs.errors import ReviewFileError
from jobs.results.corrections.changes import NOTHING, Changes, Relabel
from jobs.results.job_facts import read_job_facts
from jobs.results.tables import open_table, read_rows, read_table
from jobs.store.sidecar.corrections import FACE_KINDS, Correction, FaceMark, corrections_in, unreadable_in
from jobs.store.sidecar.review_file import NAME, fits, overlap, read_review
from jobs.store.workspace import MovieFolder
from pipeline.schema import BOX, LABELS

_SAME_FACE: Final = 0.5
"""Least overlap of a corrected box and one of the timeline."""

_NEAR: Final = 2
"""Frames by which a new analysis may move a cut."""


def read_changes(folder: MovieFolder) -> Changes:
    """Return what a movie's ``review.json`` changes in its tables; one that cannot be applied changes nothing.

    Raises:
        NotFoundError: a table does not exist.
        UnreadableError: a table is damaged, none of ours, or of a newer version.
    """
    try:
        content = read_review(folder.root)
    except ReviewFileError as error:
        return Changes(notes=(f"Corrections are not applied: {error}",))
    if content is None:
        return NOTHING
    wanted, odd = corrections_in(content), unreadable_in(content)
    strange = [f"{NAME}: {odd} corrections cannot be read and are not applied"] if odd else []
    if not wanted:
        return Changes(notes=tuple(strange))
    facts = read_job_facts(folder)
    if not fits(content, facts.fingerprint if facts else ""):
        why = f"{NAME} belongs to an earlier state of the movie"
        return Changes(notes=(*strange, f"Corrections are not applied: {why}"))
    return _Resolver(folder, wanted).changes(strange)


class _Resolver:
    def __init__(self, folder: MovieFolder, wanted: list[Correction]) -> None:
        self._wanted = wanted
        with open_table(folder.timeline) as file:
            names = file.schema_arrow.names
            self._rows = read_rows(file, folder.timeline, ["frame", "time", "track", *BOX])
            self._tracks = self._persons(folder) if "person" in names else {}
        self._frame = self._rows["frame"].to_numpy()
        self._frames = int(self._frame[-1]) + 1 if len(self._frame) else 0
        scenes = read_table(folder.scenes, ["first_frame"])
        self._starts = sorted(scenes["first_frame"].to_pylist())
        self._changed_scenes = False
        self._scene_names: dict[int, str] = {}  # by frame
        self._rejected: set[int] = set()
        self._labels: list[Relabel] = []
        self._person: dict[int, int | None] = dict(self._tracks)
        self._person_names: dict[int, str] = {}
        self._next = max((p for p in self._tracks.values() if p is not None), default=-1) + 1

    def changes(self, notes: list[str]) -> Changes:
        lost = sum(not self._apply(one) for one in self._wanted)
        if lost:
            whole = len(self._wanted)
            notes = [*notes, f"{lost} of {whole} corrections in {NAME} no longer match a face or scene"]
        persons = {
            track: person
            for track, person in self._person.items()
            if person is not None and person != self._tracks.get(track)
        }
        starts = np.array(self._starts)
        names = {int(np.searchsorted(starts, frame, "right")) - 1: text for frame, text in self._scene_names.items()}
        return Changes(
            rejected=frozenset(self._rejected),
            labels=tuple(self._labels),
            persons=persons,
            person_names={number: text for number, text in self._person_names.items() if text},
            scene_starts=tuple(self._starts) if self._changed_scenes else None,
            scene_names={number: text for number, text in names.items() if text},
            notes=tuple(notes),
            count=len(self._wanted) - lost,
        )

    def _persons(self, folder: MovieFolder) -> dict[int, int | None]:
        rows = read_table(folder.tracks, ["track", "person"])
        return dict(zip(rows["track"].to_pylist(), rows["person"].to_pylist(), strict=True))

    def _apply(self, one: Correction) -> bool:
        """Apply a correction; return whether what it is about is there."""
        if one.kind not in FACE_KINDS:
            return self._apply_to_scene(one)
        tracks = [track for face in one.faces if (track := self._find(face)) is not None]
        other = self._find(one.other) if one.other else None
        if not tracks or (one.other and other is None):
            return False
        if one.kind == "reject":
            self._rejected.update(tracks)
        elif one.kind == "label":
            return self._relabel(one, tracks)
        elif one.kind == "person":
            person = self._new() if other is None else self._person_of(other)
            self._person.update(dict.fromkeys(tracks, person))
        elif one.kind == "merge_people" and other is not None:
            self._merge([self._person_of(track) for track in (*tracks, other)])
        elif one.kind == "name_person":
            self._person_names[self._person_of(tracks[0])] = one.text
        return True

    def _relabel(self, one: Correction, tracks: list[int]) -> bool:
        if one.text not in LABELS:
            return False
        first, last = 0, self._frames - 1
        if one.start is not None and one.end is not None:
            time = self._rows["time"].to_numpy()
            inside = self._frame[(time >= one.start - 1e-6) & (time < one.end - 1e-6)]
            if len(inside) == 0:
                return False
            first, last = int(inside[0]), int(inside[-1])
        self._labels += [Relabel(track, first, last, LABELS.index(one.text)) for track in tracks]
        return True

    def _apply_to_scene(self, one: Correction) -> bool:
        frame = one.frame or 0
        if not 0 <= frame < self._frames:
            return False
        if one.kind == "name_scene":
            inside = int(np.searchsorted(self._starts, frame, "right")) - 1
            first = self._starts[inside]
            end = self._starts[inside + 1] if inside + 1 < len(self._starts) else self._frames
            self._scene_names = {at: text for at, text in self._scene_names.items() if not first <= at < end}
            self._scene_names[frame] = one.text
        elif one.kind == "split_scene":
            if frame == 0:
                return False
            self._starts = sorted({*self._starts, frame})
            self._changed_scenes = True
        else:
            nearest = min(self._starts[1:], key=lambda start: abs(start - frame), default=None)
            if nearest is None or abs(nearest - frame) > _NEAR:
                return False
            self._starts.remove(nearest)
            self._changed_scenes = True
        return True

    def _find(self, face: FaceMark) -> int | None:
        """Return the track that has a face at that place; None if none has."""
        first, end = np.searchsorted(self._frame, [face.frame, face.frame + 1])
        best, found = _SAME_FACE, None
        for row in _slice(self._rows, int(first), int(end)).to_pylist():
            x1, y1, x2, y2 = (row[corner] for corner in BOX)
            if row["track"] is not None and overlap((x1, y1, x2, y2), face.box) >= best:
                best, found = overlap((x1, y1, x2, y2), face.box), int(row["track"])
        return found

    def _person_of(self, track: int) -> int:
        person = self._person.get(track)
        if person is None:
            person = self._person[track] = self._new()
        return person

    def _new(self) -> int:
        self._next += 1
        return self._next - 1

    def _merge(self, persons: list[int]) -> None:
        kept = min(persons)
        names = [self._person_names.pop(number, "") for number in sorted(set(persons))]
        self._person_names[kept] = next(filter(None, names), "")
        for track, person in self._person.items():
            if person in persons:
                self._person[track] = kept


def _slice(rows: pa.Table, first: int, end: int) -> pa.Table:
    return rows.slice(first, end - first)
