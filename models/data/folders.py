"""Pictures in folders: ``train/<emotion>/*.png`` and ``Training/<emotion>/*.jpg``, whatever they are called."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.data.dataset import Dataset, Rejections, checked, mark_copies
from models.data.faces import CROP_SIZE, faces_of
from models.data.split_names import SPLITS, split_of
from models.emotions import EMOTIONS, emotion_of

_SUFFIXES: Final = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".pgm"})


def read_folders(path: Path) -> Dataset:
    """Read ``<split>/<emotion>/<picture>``; folders of emotions alone are the split ``train``.

    Splits and emotions may have any of their customary names. Pictures are read as grey and scaled to 48x48.

    Raises:
        DatasetError: there is no picture in a folder with an emotion's name.
    """
    faults = Rejections()
    crops: dict[str, list[NDArray[np.uint8]]] = {}
    labels: dict[str, list[int]] = {}
    for split, folder in _split_folders(path, faults):
        for emotion, file in _files(folder, path, faults):
            crop = _read(file)
            if crop is None:
                faults.add("unreadable picture", str(file.relative_to(path)))
            else:
                crops.setdefault(split, []).append(crop)
                labels.setdefault(split, []).append(EMOTIONS.index(emotion))
    splits = {
        split: faces_of(np.stack(crops[split]), np.array(labels[split], np.int64)) for split in SPLITS if split in crops
    }
    return checked(path, mark_copies(splits), faults)


def _split_folders(path: Path, faults: Rejections) -> Iterator[tuple[str, Path]]:
    """Yield the splits' folders with the names of the splits; several may be one split."""
    folders = _subfolders(path)
    named = [(split, folder) for folder in folders if (split := split_of(folder.name)) is not None]
    if not named:
        # An archive's own folder, perhaps, around all that it holds.
        wraps = len(folders) == 1 and emotion_of(folders[0].name) is None
        yield from _split_folders(folders[0], faults) if wraps else [("train", path)]
        return
    for folder in folders:
        if split_of(folder.name) is None:
            faults.add("folder whose name is no split's", folder.name)
    yield from named


def _subfolders(path: Path) -> list[Path]:
    return sorted(child for child in path.iterdir() if child.is_dir() and not child.name.startswith("."))


def _files(folder: Path, root: Path, faults: Rejections) -> Iterator[tuple[str, Path]]:
    """Yield the emotion and the path of each picture below the folder of a split."""
    for file in _pictures(folder):
        faults.add("picture beside the folders of emotions", str(file.relative_to(root)))
    for child in _subfolders(folder):
        emotion = emotion_of(child.name)
        for deeper in _subfolders(child):
            faults.add("folder whose name is no emotion's", str(deeper.relative_to(root)))
        for file in _pictures(child):
            if emotion is None:
                faults.add_unknown_label(f"{child.name}/{file.name}")
            else:
                yield emotion, file


def _pictures(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.suffix.lower() in _SUFFIXES and file.is_file())


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
