"""Faces to measure on: with the votes of several people, one weak label each, or known only by group.

One protocol for all of them, an npz that is recognized by its columns:

=====================  =================================================================================================
``crops``              uint8 ``(n, s, s)``, grey; or ``jpg`` uint8, JPEGs one after the other, and ``offset`` int
                       ``(n + 1,)``: where each begins and the last one ends
``votes``, ``names``   how many people chose each of the ``names`` for each face, ``(n, k)``; shares will do
``label``              int ``(n,)``, index into EMOTIONS: one label for each face; others are left out and counted
``kind``, ``group``    words ``(n,)`` to report by; ``race`` and ``gender``: words or numbers
``size``, ``age``      numbers ``(n,)``: px of the face in its source, years; reported by class
``clip``, ``person``   what faces that depend on one another have in common; intervals resample whole clips or persons
``side``               side of the pictures in units of the face's box; they are then cut as a run cuts crops
=====================  =================================================================================================

All but the pictures are optional.
"""

import zipfile
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.data.faces import CROP_SIZE, FERPLUS, Faces
from models.emotions import EMOTIONS, emotion_of
from models.errors import DatasetError

BOX_SCALE: Final = 1.1
"""Side of a run's crops in units of the face's box, as in :mod:`pipeline.faces.crops`."""

UNCLEAR: Final = frozenset({"unclear", "unknown", "unsure"})
"""Names of votes that say: a face, but nobody could tell."""

NO_FACE: Final = frozenset({"noface", "nf", "no face", "not a face"})
"""Names of votes that say: not a face."""

_WORDS: Final = ("kind", "group", "race", "gender")
_CLASSES: Final = {"size": (0, 24, 40, 80, 160), "age": (0, 18, 30, 45, 60)}
"""Lower ends of the classes that numbers are reported by."""

_UNITS: Final = {"size": " px", "age": ""}
_CLUSTERS: Final = ("clip", "person")


@dataclass(frozen=True)
class FaceSet:
    """Faces to measure on.

    Attributes:
        name: for tables and files.
        crops: uint8 ``(n, 48, 48)``, grey 0..255.
        votes: float64 ``(n, k)``: numbers or shares of people for each of ``names``; k = 0 without votes.
        names: of what people could choose.
        labels: int64 ``(n,)``: index into EMOTIONS, -1 where there is none.
        strata: by name, words ``(n,)`` to report by.
        cluster: int64 ``(n,)``: the same for faces that depend on one another.
        clustered_by: what ``cluster`` is, such as ``clip``; empty where each face is its own.
        notes: what the user should know: what could not be used, and what was assumed.
    """

    name: str
    crops: NDArray[np.uint8]
    votes: NDArray[np.float64]
    names: tuple[str, ...]
    labels: NDArray[np.int64]
    strata: dict[str, NDArray[np.str_]] = field(default_factory=dict)
    cluster: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    clustered_by: str = ""
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.crops)

    def shares(self) -> NDArray[np.float64]:
        """Return float64 ``(n, 9)``: share of each row's votes for each emotion, for unclear, and for no face.

        Votes for anything else count in the total, so that a row's shares may sum to less than 1. Rows without votes
        are 0.
        """
        total = np.maximum(self.votes.sum(axis=1, keepdims=True), 1e-9)
        share = self.votes / total
        columns = [np.zeros(len(self)) for _ in range(len(EMOTIONS) + 2)]
        for k, name in enumerate(self.names):
            place = _place(name)
            if place is not None:
                columns[place] = columns[place] + share[:, k]
        return np.stack(columns, axis=1)


def _place(name: str) -> int | None:
    emotion = emotion_of(name)
    if emotion is not None:
        return EMOTIONS.index(emotion)
    if name.lower() in UNCLEAR:
        return len(EMOTIONS)
    return len(EMOTIONS) + 1 if name.lower() in NO_FACE else None


def is_face_set(path: Path) -> bool:
    """Return whether this is an npz with ``crops`` or ``jpg``; FER2013's npz has ``images``."""
    if path.suffix.lower() != ".npz" or not path.is_file():
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.removesuffix(".npy") for name in archive.namelist()}
    except (OSError, zipfile.BadZipFile):
        return False
    return bool(names & {"crops", "jpg"})


def face_set_of(name: str, faces: Faces) -> FaceSet:
    """Return a split of FER2013 with FER+'s votes as a set of faces; rows without votes are left out."""
    rows = np.asarray(faces.votes.any(axis=1), np.bool_)
    chosen = faces.only(rows)
    left = int((~rows).sum())
    notes = (f"{left} of {len(faces)} left out: without votes",) if left else ()
    votes = chosen.votes.astype(np.float64)
    return FaceSet(name, chosen.crops, votes, FERPLUS, np.full(len(chosen), -1, np.int64), notes=notes)


def read_face_set(path: Path, side: float | None = None) -> FaceSet:
    """Read an npz with the columns that the module's docstring lists.

    Args:
        path: of the npz.
        side: see ``side`` there, for files without that column; None takes pictures whole.

    Raises:
        DatasetError: it holds no pictures, or columns of different lengths.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as npz:
            columns = {name: npz[name] for name in npz.files if name not in ("context", "second")}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise DatasetError(f"{path}: expected an npz of faces; {error}") from error
    notes: list[str] = []
    pictures = _pictures(path, columns)
    if "side" in columns:
        side = float(np.asarray(columns["side"]).reshape(-1)[0])
    crops = _cut(pictures, side)
    if side is None and "crops" not in columns:
        notes.append("pictures are taken whole; --side says how large they are in units of the face's box")
    for name in ("votes", "label", *_WORDS, *_CLASSES, *_CLUSTERS):
        if name in columns and columns[name].shape[:1] != (len(crops),):
            raise DatasetError(f"{path}: expected {len(crops)} rows of {name}, found {columns[name].shape}")
    votes, names = _votes(path, columns, len(crops), notes)
    clustered_by = next((name for name in _CLUSTERS if name in columns), "")
    _, cluster = np.unique(columns[clustered_by] if clustered_by else np.arange(len(crops)), return_inverse=True)
    return FaceSet(
        path.stem,
        crops,
        votes,
        names,
        _labels(columns, len(crops), notes),
        _strata(columns),
        cluster.astype(np.int64),
        clustered_by,
        tuple(notes),
    )


def _pictures(path: Path, columns: dict[str, Any]) -> list[NDArray[np.uint8]]:
    if "crops" in columns:
        crops = columns["crops"]
        if crops.dtype != np.uint8 or crops.ndim != 3 or 0 in crops.shape[1:]:
            raise DatasetError(f"{path}: expected uint8 crops (n, s, s), found {crops.dtype} {crops.shape}")
        return list(crops)
    if "jpg" not in columns or "offset" not in columns:
        raise DatasetError(f"{path}: expected crops, or jpg and offset; found {', '.join(columns)}")
    jpg, offset = columns["jpg"], columns["offset"]
    pictures = []
    for row, (start, end) in enumerate(zip(offset[:-1].tolist(), offset[1:].tolist(), strict=True)):
        picture = cv2.imdecode(jpg[start:end], cv2.IMREAD_GRAYSCALE) if end > start else None
        if picture is None:
            raise DatasetError(f"{path}: expected a JPEG in row {row}, found something else")
        pictures.append(np.asarray(picture, np.uint8))
    return pictures


def _cut(pictures: list[NDArray[np.uint8]], side: float | None) -> NDArray[np.uint8]:
    """Return uint8 ``(n, 48, 48)``: what a run's crop shows of pictures that are ``side`` times the face's box."""
    crops = np.zeros((len(pictures), CROP_SIZE, CROP_SIZE), np.uint8)
    for row, picture in enumerate(pictures):
        height, width = picture.shape
        seen = BOX_SCALE / side if side else 1.0
        top, left = (round(length * max(0.0, 1 - seen) / 2) for length in (height, width))
        inner = picture[top : height - top, left : width - left]
        shrinks = max(inner.shape) > CROP_SIZE
        interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        crops[row] = cv2.resize(inner, (CROP_SIZE, CROP_SIZE), interpolation=interpolation)
    return crops


def _votes(
    path: Path, columns: dict[str, Any], count: int, notes: list[str]
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    if "votes" not in columns:
        return np.zeros((count, 0)), ()
    votes = np.asarray(columns["votes"], np.float64)
    names = tuple(str(name) for name in columns.get("names", ()))
    if votes.ndim != 2 or votes.shape[1] != len(names):
        raise DatasetError(f"{path}: expected a name for each column of votes {votes.shape}, found {len(names)} names")
    if not np.isfinite(votes).all() or (votes < 0).any():
        raise DatasetError(f"{path}: expected votes of 0 or more, found others")
    others = [name for name in names if _place(name) is None]
    if others:
        notes.append(f"votes for {', '.join(others)} count as votes for none of the seven")
    missing = [emotion for emotion in EMOTIONS if emotion not in {emotion_of(name) for name in names}]
    if missing:
        notes.append(f"nobody could vote for {', '.join(missing)}")
    people = votes.sum(axis=1)
    without = int((people == 0).sum())
    if without:
        notes.append(f"{without} faces have no votes")
    return votes, names


def _labels(columns: dict[str, Any], count: int, notes: list[str]) -> NDArray[np.int64]:
    if "label" not in columns:
        return np.full(count, -1, np.int64)
    labels = np.asarray(columns["label"], np.int64)
    known = (labels >= 0) & (labels < len(EMOTIONS))
    if not known.all():
        values, counts = np.unique(labels[~known], return_counts=True)
        found = ", ".join(
            f"{count} with {value}" for value, count in zip(values.tolist(), counts.tolist(), strict=True)
        )
        notes.append(f"labels other than 0 to {len(EMOTIONS) - 1} are left out: {found}")
    return np.where(known, labels, -1)


def _strata(columns: dict[str, Any]) -> dict[str, NDArray[np.str_]]:
    strata: dict[str, NDArray[np.str_]] = {}
    for name in _WORDS:
        if name in columns:
            values = columns[name]
            plain = np.issubdtype(values.dtype, np.number)
            strata[name] = np.array([f"{name} {value}" if plain else str(value) for value in values], np.str_)
    if {"race", "gender"} <= set(strata):
        both = zip(strata["race"].tolist(), strata["gender"].tolist(), strict=True)
        strata["race and gender"] = np.array([", ".join(pair) for pair in both], np.str_)
    for name, ends in _CLASSES.items():
        if name in columns:
            place = np.searchsorted(ends, np.asarray(columns[name], np.float64), "right") - 1
            words = [f"{low} to {high}{_UNITS[name]}" for low, high in pairwise(ends)]
            words.append(f"{ends[-1]}{_UNITS[name]} or more")
            strata[name] = np.array([words[max(k, 0)] for k in place.tolist()], np.str_)
    return strata
