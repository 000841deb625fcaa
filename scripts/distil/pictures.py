"""The pictures that are learned from, where the networks compute, and how it is computed there."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from models.data import read_dataset
from models.data.faces import Faces, in_fold
from models.training.recipes import find_recipe

RECIPE: Final = find_recipe("default")
"""Its batches, smoothing, schedule and alterations of crops hold here, too."""

WINDOW: Final = RECIPE.augmentation.size
"""Pixels of a crop that a pupil sees, its middle."""

DEVICE: Final = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def autocast() -> torch.autocast:
    """Return the context in which networks compute in half precision."""
    # No cache of converted weights: it would outlive the capture of a CUDA graph.
    return torch.autocast(DEVICE.type, torch.bfloat16, cache_enabled=False)


@dataclass(frozen=True)
class Pictures:
    """A data set on the GPU: crops ``(n, 48, 48)`` uint8, labels, votes ``(n, 10)``, and which are held out."""

    crops: Tensor
    labels: Tensor
    votes: Tensor
    held: Tensor

    @classmethod
    def read(cls, path: Path) -> "Pictures":
        """Read the clean rows of a data set's Training."""
        return cls.of(read_dataset(path, None).split("train").only_clean())

    @classmethod
    def of(cls, faces: Faces) -> "Pictures":
        """Bring faces to where networks compute."""
        arrays = (faces.crops, faces.labels, faces.votes, in_fold(faces.crops, fold=0))
        return cls(*(torch.from_numpy(np.ascontiguousarray(array)).to(DEVICE) for array in arrays))

    def targets(self) -> Tensor:
        """Return the labels as smoothed probabilities, float32 ``(n, 7)``."""
        smoothing = RECIPE.smoothing
        return functional.one_hot(self.labels, 7) * (1 - smoothing) + smoothing / 7

    def crops_of(self, rows: Tensor) -> Tensor:
        """Return float32 ``(n, 1, 48, 48)``, 0..255."""
        return self.crops[rows].unsqueeze(1).float()


def score(name: str, probabilities: Tensor, labels: Tensor) -> tuple[float, float]:
    """Print and return accuracy and cross-entropy, of the fold that teachers, at least, do not learn from."""
    right = (probabilities.argmax(1) == labels).float().mean().item()
    entropy = functional.nll_loss(probabilities.float().clamp_min(1e-9).log(), labels).item()
    print(f"{name}: {100 * right:.2f} % of the fold right, cross-entropy {entropy:.4f}", flush=True)
    return right, entropy
