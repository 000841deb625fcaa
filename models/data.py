"""FER2013 as arrays, and the batches that training draws from them."""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from models.emotions import EMOTIONS
from models.errors import DatasetError

_SPLITS = {"train": 0, "public": 1}


@dataclass(frozen=True)
class Faces:
    """Labelled face crops.

    Attributes:
        crops: uint8 ``(n, 48, 48)``, grey 0..255.
        labels: int64 ``(n,)``, index into :data:`models.emotions.EMOTIONS`.
        clean: bool ``(n,)``, False where the picture has a near-duplicate in another split or shows no face.
    """

    crops: NDArray[np.uint8]
    labels: NDArray[np.int64]
    clean: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.labels)

    def only_clean(self) -> "Faces":
        """Return the rows without near-duplicates in other splits and with a face on them."""
        return Faces(self.crops[self.clean], self.labels[self.clean], self.clean[self.clean])


def load_fer2013(path: Path, split: str) -> Faces:
    """Read one split (``train`` or ``public``) of FER2013 from its npz.

    Raises:
        DatasetError: the file is absent, or is no such npz.
    """
    if split not in _SPLITS:
        raise DatasetError(f"no split is called {split!r}; splits: {', '.join(_SPLITS)}")
    try:
        with path.open("rb") as file, np.load(file) as npz:
            rows = npz["usage"] == _SPLITS[split]
            names = tuple(str(name) for name in npz["label_names"])
            images, labels = npz["images"][rows], npz["label"][rows].astype(np.int64)
            clean = ~(npz["near_dup"][rows].astype(bool) | npz["not_a_face"][rows].astype(bool))
    except FileNotFoundError:
        raise DatasetError(f"{path}: no such file; expected FER2013 as npz") from None
    except (KeyError, ValueError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise DatasetError(f"{path}: expected FER2013 as npz with images, label, usage; {error}") from error
    if names != EMOTIONS:
        raise DatasetError(f"{path}: expected the labels {EMOTIONS}, found {names}")
    return Faces(images, labels, clean)


def to_input(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Turn uint8 ``(n, 48, 48)`` crops into the networks' input: float32 ``(n, 48, 48, 1)`` in 0..1."""
    return crops.astype(np.float32)[..., np.newaxis] / np.float32(255)


class TrainingBatches(keras.utils.PyDataset):  # type: ignore[misc]  # keras ships no types
    """Shuffled batches of augmented crops; what epoch ``e`` holds depends on ``seed`` and ``e`` alone.

    Each crop is mirrored with probability one half, then turned, scaled and shifted a little: a
    detector's box is never as steady as the hand-checked crops of a data set.
    """

    ROTATION_DEGREES = 10.0
    SCALE = 0.1
    SHIFT_PIXELS = 3.0

    def __init__(self, faces: Faces, batch_size: int, seed: int, first_epoch: int = 0) -> None:
        super().__init__(workers=1, use_multiprocessing=False)
        self._faces, self._batch_size, self._seed, self._epoch = faces, batch_size, seed, first_epoch
        self._start_epoch()

    def _start_epoch(self) -> None:
        self._order = np.random.default_rng((self._seed, self._epoch)).permutation(len(self._faces))

    def __len__(self) -> int:
        return -(-len(self._faces) // self._batch_size)

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        rows = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        rng = np.random.default_rng((self._seed, self._epoch, index))
        crops = np.stack([self._augment(crop, rng) for crop in self._faces.crops[rows]])
        return to_input(crops), self._faces.labels[rows]

    def on_epoch_end(self) -> None:
        """Move on to the next epoch's order; Keras calls this."""
        self._epoch += 1
        self._start_epoch()

    def _augment(self, crop: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        size = crop.shape[0]
        if rng.random() < 0.5:
            crop = np.ascontiguousarray(crop[:, ::-1])
        angle, scale = rng.uniform(-1, 1) * self.ROTATION_DEGREES, 1 + rng.uniform(-1, 1) * self.SCALE
        matrix = cv2.getRotationMatrix2D(((size - 1) / 2, (size - 1) / 2), angle, scale)
        matrix[:, 2] = matrix[:, 2] + rng.uniform(-1, 1, 2) * self.SHIFT_PIXELS
        warped = cv2.warpAffine(crop, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(warped, dtype=np.uint8)
