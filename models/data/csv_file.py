"""FER2013 from Kaggle's csv files, ``fer2013.csv`` and ``icml_face_data.csv``, and the votes of FER+ beside it."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.data.dataset import Dataset, Rejections, checked, mark_copies
from models.data.faces import CROP_SIZE, FERPLUS, Faces, shares_of_votes
from models.data.split_names import split_of
from models.emotions import EMOTIONS
from models.errors import DatasetError

_SPLITS: Final = ("train", "public", "private")
_PIXELS: Final = CROP_SIZE * CROP_SIZE


def read_csv(path: Path, ferplus: Path | None = None) -> Dataset:
    """Read a csv with the columns ``emotion``, ``pixels`` and ``Usage``, in any order, blanks around the names ignored.

    Pictures that another split holds too are marked unclean by the look of their thumbnails, which finds about two
    thirds of the near-duplicates that a closer comparison finds; and those that FER+ says are no faces.

    Args:
        path: the csv.
        ferplus: ``fer2013new.csv`` of FER+, row for row the same pictures.

    Raises:
        DatasetError: a file is no such csv, or the two do not belong together.
    """
    table = _read(path, ("emotion", "pixels", "usage"))
    votes = _read_votes(ferplus, len(table)) if ferplus else np.zeros((len(table), len(FERPLUS)), np.float32)
    faults = Rejections()
    rows: dict[str, list[int]] = {name: [] for name in _SPLITS}
    crops: dict[int, NDArray[np.uint8]] = {}
    labels = np.zeros(len(table), np.int64)
    for row, (emotion, pixels, usage) in enumerate(zip(table["emotion"], table["pixels"], table["usage"], strict=True)):
        crop = _parse(pixels)
        split = split_of(str(usage))
        where = f"line {row + 2}"
        if not str(emotion).strip().isdecimal() or int(emotion) >= len(EMOTIONS):
            faults.add_unknown_label(f"{where} ({emotion})")
        elif crop is None:
            faults.add(f"not {_PIXELS} pixels of 0 to 255", where)
        elif split not in _SPLITS:
            faults.add("unknown Usage", f"{where} ({usage})")
        else:
            labels[row], crops[row] = int(emotion), crop
            rows[split].append(row)
    no_face = votes.argmax(axis=1) == FERPLUS.index("NF")
    splits = {
        name: Faces(np.stack([crops[row] for row in chosen]), labels[chosen], ~no_face[chosen], votes[chosen])
        for name, chosen in rows.items()
        if chosen
    }
    return checked(path, mark_copies(splits), faults)


def _read(path: Path, needed: tuple[str, ...]) -> Any:
    """Return the table of a csv, its columns' names in lower case."""
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding_errors="replace")
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path}: expected a csv: {error}") from error
    table.columns = [str(name).strip().lower() for name in table.columns]
    missing = [name for name in needed if name not in table.columns]
    if missing:
        raise DatasetError(f"{path}: expected the columns {', '.join(needed)}, found {', '.join(table.columns)}")
    return table


def _parse(pixels: str) -> NDArray[np.uint8] | None:
    words = pixels.split()
    if len(words) != _PIXELS:
        return None
    try:
        values = np.array(words, np.int64)
    except ValueError:
        return None
    if values.min() < 0 or values.max() > 255:
        return None
    return values.astype(np.uint8).reshape(CROP_SIZE, CROP_SIZE)


def _read_votes(path: Path, count: int) -> NDArray[np.float32]:
    table = _read(path, tuple(name.lower() for name in FERPLUS))
    if len(table) != count:
        raise DatasetError(f"{path}: expected {count} rows, one for each of FER2013, found {len(table)}")
    columns = [pd.to_numeric(table[name.lower()], errors="coerce").fillna(0) for name in FERPLUS]
    return shares_of_votes(np.stack(columns, axis=1))
