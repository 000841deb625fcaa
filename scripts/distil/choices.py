"""Figures to choose by: PublicTest of FER2013, and film faces."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pictures import DEVICE
from torch import Tensor

from models.data.faces import FERPLUS_OF_EMOTION

_COLUMNS = list(FERPLUS_OF_EMOTION)


@dataclass(frozen=True)
class Choices:
    """Crops uint8 ``(n, 48, 48)``, and what people said of them.

    Attributes:
        public, film: the crops.
        labels: of PublicTest.
        votes: of PublicTest, ``(n, 7)``, the parts of those who chose one of seven emotions.
        verdicts: of film faces, on which two of three viewers agree; -1 elsewhere.
        viewers: of film faces, as ``votes``.
    """

    public: Tensor
    film: Tensor
    labels: NDArray[np.int64]
    votes: NDArray[np.float64]
    verdicts: NDArray[np.int64]
    viewers: NDArray[np.float64]

    @classmethod
    def read(cls, path: Path) -> "Choices":
        """Read the ``dev.npz`` of :func:`frames.pack`."""
        with np.load(path) as arrays:
            found = {name: arrays[name] for name in arrays.files}
        viewers = found["film_votes"][:, :7].astype(float)
        verdicts = np.where(viewers.max(1) >= 2, viewers.argmax(1), -1)
        public, film = (torch.from_numpy(found[name]).to(DEVICE) for name in ("public", "film"))
        votes = _shares(found["public_votes"][:, _COLUMNS].astype(float))
        return cls(public, film, found["public_labels"], votes, verdicts, _shares(viewers))

    def describe(self, name: str, said: dict[str, tuple[Tensor, Tensor]]) -> None:
        """Print how a network does; ``said`` has its probabilities of emotions and votes for both sets."""
        label = said["public"][0].argmax(1).cpu().numpy()
        public, film = (_shares(said[key][1].float().cpu().numpy()[:, _COLUMNS]) for key in ("public", "film"))
        agreed = self.votes.max(1) > 0.5
        clear = self.verdicts >= 0
        guessed, verdicts = film.argmax(1)[clear], self.verdicts[clear]
        f1 = [
            2 * ((guessed == k) & (verdicts == k)).sum() / max(1, (guessed == k).sum() + (verdicts == k).sum())
            for k in range(7)
        ]
        print(
            f"{name}: label {100 * (label == self.labels).mean():.1f} %; FER+ "
            f"{100 * (public.argmax(1) == self.votes.argmax(1))[agreed].mean():.1f} %, cross-entropy "
            f"{_entropy(public, self.votes):.4f}; film {100 * (guessed == verdicts).mean():.1f} %, macro-F1 "
            f"{np.mean(f1):.3f} ({' '.join(f'{value:.2f}' for value in f1)}), cross-entropy "
            f"{_entropy(film, self.viewers):.4f}",
            flush=True,
        )


def _shares(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    return counts / np.maximum(counts.sum(1, keepdims=True), 1e-9)


def _entropy(said: NDArray[np.float64], votes: NDArray[np.float64]) -> float:
    some = votes.sum(1) > 0
    return float(-(votes[some] * np.log(np.maximum(said[some], 1e-6))).sum(1).mean())
