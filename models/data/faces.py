"""Labelled face crops as arrays, and how a fold of them is held out."""

import hashlib
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

CROP_SIZE: Final = 48
"""Side of the square grey crop, in pixels."""

FERPLUS: Final = (
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
    "unknown",
    "NF",
)
"""What FER+'s ten taggers could say of a picture (Barsoum et al. 2016, arXiv:1608.01041); NF: not a face."""

FERPLUS_OF_EMOTION: Final = (4, 5, 6, 1, 3, 2, 0)
"""Column of FERPLUS for each of EMOTIONS."""


@dataclass(frozen=True)
class Faces:
    """Labelled face crops.

    Attributes:
        crops: uint8 ``(n, 48, 48)``, grey 0..255.
        labels: int64 ``(n,)``, index into :data:`models.emotions.EMOTIONS`.
        clean: bool ``(n,)``, False where the picture has a near-duplicate in another split or shows no face.
        votes: float32 ``(n, 10)``, part of FER+'s taggers that chose each of FERPLUS; all 0 where there are no votes.
    """

    crops: NDArray[np.uint8]
    labels: NDArray[np.int64]
    clean: NDArray[np.bool_]
    votes: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.labels)

    def only(self, rows: NDArray[np.bool_] | NDArray[np.int64] | slice) -> "Faces":
        """Return the chosen rows: a slice, bool ``(n,)`` or indices ``(k,)``."""
        return Faces(*(getattr(self, field.name)[rows] for field in fields(self)))

    def only_clean(self) -> "Faces":
        """Return the rows without near-duplicates in other splits and with a face on them."""
        return self.only(self.clean)


def to_input(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Turn uint8 ``(n, h, w)`` crops into the networks' input: float32 ``(n, h, w, 1)`` in 0..1."""
    return crops.astype(np.float32)[..., np.newaxis] / np.float32(255)


def faces_of(crops: NDArray[np.uint8], labels: NDArray[np.int64]) -> Faces:
    """Return faces of which only the label is known: crops uint8 ``(n, 48, 48)``, labels int ``(n,)``."""
    count = len(labels)
    return Faces(crops, labels, np.ones(count, np.bool_), np.zeros((count, len(FERPLUS)), np.float32))


def shares_of_votes(counts: NDArray[np.generic]) -> NDArray[np.float32]:
    """Turn FER+'s counts ``(n, 10)`` into parts of each row's votes, float32; rows without votes stay 0."""
    votes = np.asarray(counts, np.float32)
    return np.asarray(votes / np.maximum(votes.sum(axis=1, keepdims=True), np.float32(1)))


def in_fold(crops: NDArray[np.uint8], fold: int, of: int = 10) -> NDArray[np.bool_]:
    """Return which crops belong to a fold.

    The picture alone decides, by its look, so that copies of a picture, of which FER2013 has many, are never on both
    sides of a split, and a row stays in its fold whatever else a data set holds.

    Args:
        crops: uint8 ``(n, 48, 48)``.
        fold: its number, 0 to ``of`` - 1.
        of: how many folds there are.

    Returns:
        bool ``(n,)``.
    """
    return np.asarray(looks_of(crops) % np.uint64(of) == fold)


def looks_of(crops: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Return uint64 ``(n,)``: numbers that are equal for copies of a picture, mirrored or not.

    A hash of the signs of the differences between neighbours in an 8x8 thumbnail (the "difference hash" of
    perceptual hashing).
    """
    return np.fromiter((_look(crop) for crop in crops), np.uint64, len(crops))


def _look(crop: NDArray[np.uint8]) -> int:
    blocks = crop.reshape(8, CROP_SIZE // 8, 8, CROP_SIZE // 8).mean(axis=(1, 3))
    codes = [np.packbits(picture[:, 1:] > picture[:, :-1]).tobytes() for picture in (blocks, blocks[:, ::-1])]
    return int.from_bytes(hashlib.sha256(min(codes)).digest()[:8])
