"""Pictures in folders: ``train/<emotion>/*.png`` and ``test/<emotion>/*.jpg``, as the project's origin had them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.data.dataset import Dataset, Rejections, checked, mark_copies
from models.data.faces import CROP_SIZE, Faces, faces_of
from models.emotions import EMOTIONS, emotion_of

_SUFFIXES: Final = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".pgm"})
_SPLITS: Final = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "test": "test",
    "testing": "test",
}


def read_folders(path: Path) -> Dataset:
    """Read ``<split>/<emotion>/<picture>``; folders of emotions alone are the split ``train``.

    Pictures are read as grey and scaled to 48x48.

    Raises:
        DatasetError: there is no picture in a folder with an emotion's name.
    """
    faults = Rejections()
    splits: dict[str, Faces] = {}
    for split, folder in _split_folders(path):
        crops, labels = [], []
        for emotion, file in _files(folder, faults):
            crop = _read(file)
            if crop is None:
                faults.add("unreadable picture", str(file.relative_to(path)))
            else:
                crops.append(crop)
                labels.append(EMOTIONS.index(emotion))
        if crops:
            splits[split] = faces_of(np.stack(crops), np.array(labels, np.int64))
    return checked(path, mark_copies(splits), faults)


def _split_folders(path: Path) -> Iterator[tuple[str, Path]]:
    named = [(_SPLITS[folder.name.lower()], folder) for folder in _subfolders(path) if folder.name.lower() in _SPLITS]
    yield from named or [("train", path)]


def _subfolders(path: Path) -> list[Path]:
    return sorted(child for child in path.iterdir() if child.is_dir())


def _files(folder: Path, faults: Rejections) -> Iterator[tuple[str, Path]]:
    """Yield the emotion and the path of each picture below the folder of a split."""
    for child in _subfolders(folder):
        emotion = emotion_of(child.name)
        for file in sorted(child.iterdir()):
            if file.suffix.lower() not in _SUFFIXES:
                continue
            if emotion is None:
                faults.add_unknown_label(f"{child.name}/{file.name}")
            else:
                yield emotion, file


def _read(file: Path) -> NDArray[np.uint8] | None:
    try:
        # Not cv2.imread, which cannot open every name on every system.
        picture = cv2.imdecode(np.frombuffer(file.read_bytes(), np.uint8), cv2.IMREAD_GRAYSCALE)
    except (OSError, cv2.error):
        return None
    if picture is None:
        return None
    shrinks = max(picture.shape) > CROP_SIZE
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (CROP_SIZE, CROP_SIZE), interpolation=interpolation), np.uint8)
