"""The batches that training draws: shuffled, altered at random, and the same again for the same seed and epoch."""

import keras
import numpy as np
from numpy.typing import NDArray

from models.data.augment import Augmentation
from models.data.faces import Faces, to_input
from models.emotions import EMOTIONS


class TrainingBatches(keras.utils.PyDataset):  # type: ignore[misc]  # keras ships no types
    """Batches for ``model.fit``; what epoch ``e`` holds depends on ``seed`` and ``e`` alone.

    A batch is ``(input, targets, weights)``: float32 ``(n, size, size, 1)``, and for each output of the network its
    target probabilities and the rows' weights: ``emotion`` ``(n, 7)``, and ``votes`` ``(n, 10)`` where the network has
    that output; rows without votes weigh 0 there.
    """

    def __init__(
        self,
        faces: Faces,
        batch_size: int,
        seed: int,
        augmentation: Augmentation,
        outputs: tuple[str, ...] = ("emotion",),
        smoothing: float = 0.0,
        first_epoch: int = 0,
        taught: NDArray[np.float32] | None = None,
        teaching: float = 0.0,
    ) -> None:
        """Draw from ``faces``.

        ``smoothing`` is label smoothing (Szegedy et al. 2016, arXiv:1512.00567). ``taught`` are a teacher's
        probabilities for the faces, ``(n, 7)``, and ``teaching`` their share in the targets of ``emotion`` (Hinton et
        al. 2015, arXiv:1503.02531, at temperature 1).
        """
        super().__init__(workers=1, use_multiprocessing=False)
        self._faces, self._batch_size, self._seed, self._epoch = faces, batch_size, seed, first_epoch
        self._augmentation, self._outputs, self._smoothing = augmentation, outputs, smoothing
        self._taught, self._teaching = taught, teaching
        self._start_epoch()

    def _start_epoch(self) -> None:
        self._order = np.random.default_rng((self._seed, self._epoch)).permutation(len(self._faces))

    def __len__(self) -> int:
        return -(-len(self._faces) // self._batch_size)

    def __getitem__(
        self, index: int
    ) -> tuple[NDArray[np.float32], dict[str, NDArray[np.float32]], dict[str, NDArray[np.float32]]]:
        rows = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        rng = np.random.default_rng((self._seed, self._epoch, index))
        faces = self._faces.only(rows)
        crops = np.stack([self._augmentation.apply(crop, rng) for crop in faces.crops])
        targets, weights = targets_of(faces, self._outputs, self._smoothing)
        if self._taught is not None:
            part = np.float32(self._teaching)
            targets["emotion"] = (1 - part) * targets["emotion"] + part * self._taught[rows]
        return to_input(crops), targets, weights

    def on_epoch_end(self) -> None:
        """Move on to the next epoch's order; Keras calls this."""
        self._epoch += 1
        self._start_epoch()


def targets_of(
    faces: Faces, outputs: tuple[str, ...], smoothing: float = 0.0
) -> tuple[dict[str, NDArray[np.float32]], dict[str, NDArray[np.float32]]]:
    """Return the target probabilities and the weights of the rows, by output; see :class:`TrainingBatches`."""
    k = len(EMOTIONS)
    emotion: NDArray[np.float32] = np.asarray(np.eye(k)[faces.labels] * (1 - smoothing) + smoothing / k, np.float32)
    targets: dict[str, NDArray[np.float32]] = {"emotion": emotion, "votes": faces.votes}
    weights: dict[str, NDArray[np.float32]] = {
        "emotion": np.ones(len(faces), np.float32),
        "votes": np.asarray(faces.votes.any(axis=1), np.float32),
    }
    return {name: targets[name] for name in outputs}, {name: weights[name] for name in outputs}
