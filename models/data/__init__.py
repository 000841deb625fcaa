"""Labelled face crops: read from what people have, described, split and drawn in batches."""

from pathlib import Path

from models.data.dataset import Dataset
from models.data.face_set import FaceSet, is_face_set, read_face_set
from models.data.folders import read_folders
from models.data.npz import read_npz
from models.errors import DatasetError


def read_dataset(path: Path, ferplus: Path | None = None) -> Dataset:
    """Read an npz, a csv or a folder of folders; ``ferplus`` is FER+'s csv for FER2013's csv.

    Raises:
        DatasetError: there is nothing there, or nothing of use.
    """
    if not path.exists():
        raise DatasetError(f"{path}: no such file or folder; expected FER2013 as csv or npz, or folders of pictures")
    csv = path.is_file() and path.suffix.lower() == ".csv"
    if ferplus and not csv:
        raise DatasetError(f"{ferplus}: FER+ votes go with FER2013's csv; found {path}")
    if csv:
        from models.data.csv_file import read_csv  # with pandas, which a run does without

        return read_csv(path, ferplus)
    return read_folders(path) if path.is_dir() else read_npz(path)


def read_for_evaluation(path: Path, ferplus: Path | None = None, side: float | None = None) -> Dataset | FaceSet:
    """Read what networks can be measured on: a data set to train on, or an npz of faces that people judged.

    Args:
        path: see :func:`read_dataset` and :func:`models.data.face_set.read_face_set`.
        ferplus: see :func:`read_dataset`.
        side: see :func:`models.data.face_set.read_face_set`.

    Raises:
        DatasetError: there is nothing there, or nothing of use.
    """
    return read_face_set(path, side) if is_face_set(path) else read_dataset(path, ferplus)
