"""FER2013 from our npz."""

import zipfile
from pathlib import Path

import numpy as np

from models.data.dataset import Dataset, Rejections, checked
from models.data.faces import FERPLUS, Faces, shares_of_votes
from models.emotions import EMOTIONS
from models.errors import DatasetError

_SPLITS = ("train", "public", "private")
"""By the number in the column ``usage``."""


def read_npz(path: Path) -> Dataset:
    """Read FER2013 with ``images``, ``label``, ``label_names``, ``usage``, ``near_dup``, ``not_a_face``, and
    perhaps ``ferplus_votes`` and ``row_uncertain``.

    Raises:
        DatasetError: it is no such npz.
    """  # noqa: D205
    try:
        with path.open("rb") as file, np.load(file) as npz:
            columns = {name: npz[name] for name in npz.files}
        names = tuple(str(name) for name in columns["label_names"])
        crops, labels, usage = columns["images"], columns["label"].astype(np.int64), columns["usage"]
        clean = ~(columns["near_dup"].astype(bool) | columns["not_a_face"].astype(bool))
    except (KeyError, ValueError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise DatasetError(f"{path}: expected FER2013 as npz with images, label, usage; {error}") from error
    if names != EMOTIONS:
        raise DatasetError(f"{path}: expected the labels {EMOTIONS}, found {names}")
    if crops.dtype != np.uint8 or crops.shape[1:] != (48, 48):
        raise DatasetError(f"{path}: expected uint8 images (n, 48, 48), found {crops.dtype} {crops.shape}")
    votes = np.zeros((len(labels), len(FERPLUS)), np.float32)
    if "ferplus_votes" in columns:
        votes = shares_of_votes(columns["ferplus_votes"])
        if "row_uncertain" in columns:
            votes[columns["row_uncertain"].astype(bool)] = 0
    faults = Rejections()
    for row in np.flatnonzero((labels < 0) | (labels >= len(EMOTIONS))):
        faults.add_unknown_label(f"row {row} ({labels[row]})")
    known = (labels >= 0) & (labels < len(EMOTIONS))
    faces = Faces(crops, labels, clean, votes)
    return checked(path, {name: faces.only(known & (usage == k)) for k, name in enumerate(_SPLITS)}, faults)
