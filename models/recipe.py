"""What a training recipe is: everything that decides what a training does, except for its data and its seed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from models.data.augment import Augmentation
from models.data.distillation_targets import Teaching


@dataclass(frozen=True)
class TrainingProgress:
    """How far a training is: all that a schedule may look at, so that a resumed run needs no state of it.

    Attributes:
        epochs: of the whole run.
        done: epochs done, with the part of the current one, 0 to ``epochs``.
        losses: validation loss after each epoch done.
    """

    epochs: int
    done: float
    losses: Sequence[float]


class Schedule(Protocol):
    """How the learning rate goes."""

    def rate(self, first: float, progress: TrainingProgress) -> float:
        """Return the learning rate; ``first`` is the recipe's."""
        ...


@dataclass(frozen=True)
class Plateau:
    """Lower the rate when validation loss has not fallen for a while, as Keras' ReduceLROnPlateau does by itself."""

    factor: float = 0.1
    patience: int = 2
    floor: float = 1e-5

    def rate(self, first: float, progress: TrainingProgress) -> float:
        """See :class:`Schedule`."""
        rate, best, wait = first, math.inf, 0
        for loss in progress.losses:
            if loss < best - 1e-4:  # Keras' min_delta
                best, wait = loss, 0
                continue
            wait += 1
            if wait >= self.patience:
                rate, wait = max(rate * self.factor, self.floor), 0
        return rate


@dataclass(frozen=True)
class Cosine:
    """Rise for ``warmup`` epochs, then fall to zero along half a cosine wave.

    After Loshchilov and Hutter 2016, arXiv:1608.03983, without restarts.
    """

    warmup: float = 1.0

    def rate(self, first: float, progress: TrainingProgress) -> float:
        """See :class:`Schedule`."""
        if progress.done < self.warmup:
            return first * (progress.done + 0.01) / (self.warmup + 0.01)
        part = (progress.done - self.warmup) / max(progress.epochs - self.warmup, 1e-9)
        return first * (1 + math.cos(math.pi * min(part, 1.0))) / 2


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Attributes:
        network: name of the network; see :mod:`models.networks`.
        epochs: of training.
        batch_size: crops a step.
        optimizer: ``adam`` (Kingma and Ba 2014), or ``sgd`` with Nesterov's momentum 0.9.
        rate: first, or highest, learning rate.
        schedule: of the learning rate.
        augmentation: of the crops.
        weight_decay: of the kernels, a step, in units of the learning rate; biases and normalization have none.
        smoothing: of the labels.
        votes: weight of FER+'s votes beside the label in the loss; 0 leaves them out.
        teaching: how it learns from other networks, where there are any.
        validation: ``public`` validates on PublicTest (or ``test``) after each epoch, ``fold`` on a tenth of Training
            that is then not trained on.
        clean: trains on clean rows alone (:attr:`models.data.faces.Faces.clean`).
    """

    network: str
    epochs: int
    batch_size: int
    optimizer: Literal["adam", "sgd"]
    rate: float
    schedule: Schedule
    augmentation: Augmentation = field(default_factory=Augmentation)
    weight_decay: float = 0.0
    smoothing: float = 0.0
    votes: float = 0.0
    teaching: Teaching | None = None
    validation: Literal["public", "fold"] = "fold"
    clean: bool = True

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the network's outputs that are trained."""
        return ("emotion", "votes") if self.votes else ("emotion",)
