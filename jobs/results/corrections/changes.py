"""What corrections mean for the tables as they are now: numbers of tracks, frames and persons."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.schema import LABELS, UNSURE


@dataclass(frozen=True)
class Relabel:
    """A label that a person gave to frames of a track: its number, first and last frame, index into LABELS."""

    track: int
    first: int
    last: int
    label: int


@dataclass(frozen=True)
class Changes:
    """All corrections of a movie.

    Attributes:
        rejected: tracks that are no faces.
        labels: other labels, later ones over earlier ones.
        persons: of each track whose person is another than measured.
        person_names: of persons, by number.
        scene_starts: first frame of each scene; None where scenes are as measured.
        scene_names: of scenes, by number.
        notes: what the user should know: corrections that fit no more, or cannot be read at all.
        count: how many corrections are applied.
    """

    rejected: frozenset[int] = frozenset()
    labels: tuple[Relabel, ...] = ()
    persons: dict[int, int] = field(default_factory=dict)
    person_names: dict[int, str] = field(default_factory=dict)
    scene_starts: tuple[int, ...] | None = None
    scene_names: dict[int, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    count: int = 0

    @property
    def any_rows(self) -> bool:
        """Whether a row of the timeline differs from what was measured."""
        return bool(self.rejected or self.labels or self.persons or self.scene_starts is not None)

    def scene_of(self, frame: NDArray[np.int32], measured: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the scene of each frame, int32 ``(n,)``, of whose numbers and measured scenes are given."""
        if self.scene_starts is None:
            return measured
        return (np.searchsorted(self.scene_starts, frame, "right") - 1).astype(np.int32)

    def keeps(self, track: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Return for each row, by its track ``(n,)``, whether it is still a face."""
        return np.isin(track, list(self.rejected), invert=True)

    def relabelled(
        self, track: NDArray[np.int32], frame: NDArray[np.int32], emotion: NDArray[np.int8], sure: NDArray[np.float32]
    ) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
        """Return labels and confidences as people corrected them: 1 where a person named an emotion.

        Args:
            track: int32 ``(n,)``.
            frame: int32 ``(n,)``.
            emotion: int8 ``(n,)``, index into LABELS.
            sure: float32 ``(n,)``, the measured confidence.
        """
        if not self.labels:
            return emotion, sure
        emotion, sure = emotion.copy(), sure.copy()
        for one in self.labels:
            rows = (track == one.track) & (frame >= one.first) & (frame <= one.last)
            emotion[rows] = one.label
            if one.label != UNSURE:
                sure[rows] = 1
        return emotion, sure

    def applied(self, rows: pa.Table) -> pa.Table:
        """Apply to some rows of a timeline; of the columns, those that are there. Rows of rejected faces are left out.

        A frame of rejected faces alone then has no row; only :func:`corrected` adds the one that says so.
        """
        if not self.any_rows or len(rows) == 0:
            return rows
        is_face = rows["track"].is_valid().to_numpy()
        rows = rows.filter(pa.array(~is_face | self.keeps(rows["track"].fill_null(-1).to_numpy())))
        track, frame = rows["track"].fill_null(-1).to_numpy(), rows["frame"].to_numpy()
        if self.labels and "emotion" in rows.column_names:
            rows = self._with_labels(rows, track, frame)
        if self.persons and "person" in rows.column_names:
            person = rows["person"].fill_null(-1).to_numpy().astype(np.int32)
            for number, other in self.persons.items():
                person[track == number] = other
            rows = _put(rows, "person", pa.array(person, mask=person < 0))
        if self.scene_starts is not None and "scene" in rows.column_names:
            rows = _put(rows, "scene", pa.array(self.scene_of(frame, frame)))
        return rows

    def _with_labels(self, rows: pa.Table, track: NDArray[np.int32], frame: NDArray[np.int32]) -> pa.Table:
        names = rows["emotion"].cast(pa.string())
        known = pa.compute.index_in(names, pa.array(LABELS)).fill_null(-1).to_numpy().astype(np.int8)
        faceless = known < 0
        if "confidence" not in rows.column_names:
            emotion, _ = self.relabelled(track, frame, known, np.zeros(len(known), np.float32))
        else:
            measured = rows["confidence"].fill_null(0).to_numpy()
            emotion, sure = self.relabelled(track, frame, known, measured)
            rows = _put(rows, "confidence", pa.array(sure, mask=faceless))
        codes = pa.array(emotion.astype(np.int32), mask=faceless)
        return _put(rows, "emotion", pa.DictionaryArray.from_arrays(codes, pa.array(LABELS)))


NOTHING: Final = Changes()
"""No corrections."""


def _put(rows: pa.Table, name: str, column: pa.Array) -> pa.Table:
    """Replace a column, keeping the type that the table has for it."""
    place = rows.schema.get_field_index(name)
    return rows.set_column(
        place, rows.schema.field(place), pa.chunked_array([column]).cast(rows.schema.field(place).type)
    )
