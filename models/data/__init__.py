"""Labelled face crops: read from what people have, described, split and drawn in batches."""

from pathlib import Path

from models.data.dataset import Dataset
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
