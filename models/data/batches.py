"""The batches that training draws: shuffled, augmented at random, and the same for the same seed and epoch."""

import keras
import numpy as np
from numpy.typing import NDArray

from models.data.augment import Augmentation
from models.data.distillation_targets import DistillationTargets
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
        distillation: DistillationTargets | None = None,
    ) -> None:
        """Draw from ``faces``.

        Args:
            faces: pictures and labels.
            batch_size: crops a batch; the last one of an epoch may hold fewer.
            seed: decides order and augmentation, together with the epoch.
            augmentation: of the crops.
            outputs: of the network, by name.
            smoothing: of the labels (Szegedy et al. 2016, arXiv:1512.00567).
            first_epoch: number of the epoch to begin with.
            distillation: what teachers say of the faces: part of the targets of ``emotion``, and those of the output
                ``hints``.
        """
        super().__init__(workers=1, use_multiprocessing=False)
        self._faces, self._batch_size, self._seed, self._epoch = faces, batch_size, seed, first_epoch
        self._augmentation, self._outputs, self._smoothing = augmentation, outputs, smoothing
        self._distillation = distillation
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
        crops = np.stack([self._augmentation.apply(crop, rng) for crop in self._faces.crops[rows]])
        return to_input(crops), *self._targets(rows)

    def _targets(
        self, rows: NDArray[np.int64]
    ) -> tuple[dict[str, NDArray[np.float32]], dict[str, NDArray[np.float32]]]:
        """Return targets and weights of rows, by output."""
        faces, k = self._faces.only(rows), len(EMOTIONS)
        emotion = np.eye(k)[faces.labels] * (1 - self._smoothing) + self._smoothing / k
        targets = {"emotion": np.asarray(emotion, np.float32), "votes": faces.votes}
        if self._distillation is not None:
            share = np.float32(self._distillation.teaching.share)
            targets["emotion"] += share * (self._distillation.probabilities[rows] - targets["emotion"])
            targets["hints"] = self._distillation.hints[rows]
        weights = {name: np.ones(len(rows), np.float32) for name in self._outputs}
        if "votes" in weights:
            weights["votes"] = np.asarray(faces.votes.any(axis=1), np.float32)
        return {name: targets[name] for name in self._outputs}, weights

    def on_epoch_end(self) -> None:
        """Move on to the next epoch's order; Keras calls this."""
        self._epoch += 1
        self._start_epoch()
