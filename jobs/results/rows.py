"""Rows of the tables of scenes and tracks, as values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from jobs.results.wording import evidence, is_weak
from pipeline.schema import LABELS

SHARE_COLUMNS: Final = tuple(f"share_{label}" for label in LABELS)
SCENE_COLUMNS: Final = (
    "scene",
    "start",
    "end",
    "first_frame",
    "last_frame",
    "coverage",
    "faces_max",
    "tracks",
    "dominant",
    *SHARE_COLUMNS,
)
TRACK_COLUMNS: Final = ("track", "scene", "start", "end", "frames", "score", "dominant", *SHARE_COLUMNS)


@dataclass(frozen=True)
class Scene:
    """A scene of a movie.

    Attributes:
        scene: its number, from 0.
        start, end: s.
        first_frame, last_frame: both inclusive.
        coverage: part of its time with at least one face, 0..1.
        faces_max: most faces at once.
        tracks: how many tracks it has.
        dominant: the label of most face-time; None without a face.
        shares: of face-time, in the order of LABELS; None without a face.
    """

    scene: int
    start: float
    end: float
    first_frame: int
    last_frame: int
    coverage: float
    faces_max: int
    tracks: int
    dominant: str | None
    shares: tuple[float, ...] | None

    @property
    def weak(self) -> bool:
        """Whether its label rests on too little to be coloured."""
        return is_weak(self.end - self.start, self.coverage, self.shares)

    @property
    def evidence(self) -> str:
        """What it says and on how much that rests, in words."""
        return evidence(self.dominant, self.coverage, self.shares, self.faces_max)


@dataclass(frozen=True)
class Track:
    """A face that was followed.

    Attributes:
        track: its number.
        scene: the scene it is in.
        start, end: s.
        frames: in how many it is.
        score: mean score of its detections, 0..1.
        dominant: the label of most of its time.
        shares: of its time, in the order of LABELS.
    """

    track: int
    scene: int
    start: float
    end: float
    frames: int
    score: float
    dominant: str | None
    shares: tuple[float, ...] | None


def scenes_of(table: pa.Table) -> list[Scene]:
    """Return the rows of a table with SCENE_COLUMNS."""
    return [Scene(**row) for row in _rows(table)]


def tracks_of(table: pa.Table) -> list[Track]:
    """Return the rows of a table with TRACK_COLUMNS."""
    return [Track(**row) for row in _rows(table)]


def shares_of(row: Mapping[str, float | None]) -> tuple[float, ...] | None:
    """Return which part of the face-time carries each label, in the order of LABELS; None if that is not known.

    A table's shares of the emotions are of the time that is sure. Tables of version 1 know no ``share_unsure``: there
    all of the time is.
    """
    *columns, last = SHARE_COLUMNS
    unsure = row.get(last) or 0.0
    shares = [row.get(column) for column in columns]
    if unsure >= 1:
        return (*[0.0] * len(shares), 1.0)
    return None if None in shares else (*((share or 0.0) * (1 - unsure) for share in shares), unsure)


def _rows(table: pa.Table) -> list[dict[str, Any]]:
    """Return each row as a mapping, its shares under one key."""
    rows = table.to_pylist()
    return [
        {key: value for key, value in row.items() if key not in SHARE_COLUMNS} | {"shares": shares_of(row)}
        for row in rows
    ]
