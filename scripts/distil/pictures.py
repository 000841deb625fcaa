"""The pictures that are learned from, where the networks compute, and how it is computed there."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from frames import unpack
from torch import Tensor
from torch.nn import functional

from models.data.faces import FERPLUS, FERPLUS_OF_EMOTION
from models.networks import find_recipe

RECIPE: Final = find_recipe("default")
"""Its batches, smoothing and schedule hold here, too."""

WINDOW: Final = RECIPE.augmentation.size
"""Pixels of a crop that a pupil sees, its middle."""

DEVICE: Final = torch.device("cuda" if torch.cuda.is_available() else "cpu")

_ANNOTATOR: Final = 0.8
"""Part of ordinary people who would agree with LFW's one annotator, roughly."""

_CONTEMPT: Final = 7
"""LFW's labels are those of EMOTIONS, and this one."""


def autocast() -> torch.autocast:
    """Return the context in which networks compute in half precision."""
    # No cache of converted weights: it would outlive the capture of a CUDA graph.
    return torch.autocast(DEVICE.type, torch.bfloat16, cache_enabled=False)


@dataclass(frozen=True)
class Pictures:
    """FER2013's Training and LFW on the GPU.

    Attributes:
        frames: uint8 ``(n, 64, 64)``; see :mod:`frames`.
        labels: int64 ``(n,)``, FER2013's; -1 for LFW.
        votes: float32 ``(n, 10)``, the part of people who chose each of FERPLUS; of LFW's, an estimate from its one
            annotator. All 0 where nobody was asked.
        persons: int64 ``(n,)``, LFW's; -1 for FER2013.
    """

    frames: Tensor
    labels: Tensor
    votes: Tensor
    persons: Tensor

    @classmethod
    def read(cls, folder: Path) -> "Pictures":
        """Read what :func:`frames.pack` wrote."""
        columns: dict[str, list[np.ndarray]] = {name: [] for name in ("frames", "labels", "votes", "persons")}
        for piece in sorted(folder.glob("train-*.npz")):
            frames, found = unpack(piece)
            found |= {"frames": frames, "persons": np.full(len(frames), -1)}
            for name, column in columns.items():
                column.append(found[name])
        usual = np.concatenate(columns["votes"])
        usual = usual[usual.any(1)].mean(0)
        for piece in sorted(folder.glob("lfw-*.npz")):
            frames, found = unpack(piece)
            columns["frames"].append(frames)
            columns["labels"].append(np.full(len(frames), -1))
            columns["votes"].append(_estimated(found["labels"].astype(int), usual))
            columns["persons"].append(found["persons"])
        dtypes = {"frames": np.uint8, "labels": np.int64, "votes": np.float32, "persons": np.int64}
        tensors = [torch.from_numpy(np.concatenate(columns[name]).astype(dtypes[name])) for name in columns]
        return cls(*(tensor.to(DEVICE) for tensor in tensors))

    def __len__(self) -> int:
        return len(self.labels)

    def targets(self) -> Tensor:
        """Return FER2013's labels as smoothed probabilities, float32 ``(n, 7)``; 0 for LFW."""
        smoothing = RECIPE.smoothing
        smoothed = functional.one_hot(self.labels.clamp_min(0), 7) * (1 - smoothing) + smoothing / 7
        return smoothed * (self.labels >= 0).unsqueeze(1)

    def frames_of(self, rows: Tensor) -> Tensor:
        """Return float32 ``(n, 1, 64, 64)``, 0..255."""
        return self.frames[rows].unsqueeze(1).float()


def _estimated(labels: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """Return votes ``(n, 10)`` for one annotator's labels: mostly for what he chose, else for what is usual."""
    column = np.array([*FERPLUS_OF_EMOTION, FERPLUS.index("contempt")])
    chosen = np.eye(len(FERPLUS))[column[labels.clip(0, _CONTEMPT)]]
    return (chosen * _ANNOTATOR + usual * (1 - _ANNOTATOR)) * (labels >= 0)[:, np.newaxis]
