"""How well probabilities fit what several people said of a face: figures, from arrays alone.

A probability is the part of ordinary people who would choose that label for that face as it is seen there.
"""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.emotions import EMOTIONS
from models.evaluation.measure import BINS, wilson

_HALF: Final = 0.5 + 1e-6
"""More than half, whatever rounding did to shares."""

THRESHOLDS: Final = (0.0, *(round(0.05 * k, 2) for k in range(5, 20)))
"""Of the highest probability, which is at least 1/7, for accuracy against coverage."""

SHOWN: Final = 0.75
"""Part of the faces with a verdict at which accuracy is stated."""


@dataclass(frozen=True)
class Verdicts:
    """What most people said.

    Attributes:
        labels: int64 ``(n,)``: the emotion that more than half of a face's votes are for, two of three or six of ten;
            -1 where there is none.
        unclear: bool ``(n,)``: more than half could not tell.
        no_face: bool ``(n,)``: more than half saw no face.
        target: float64 ``(n, 7)``: shares of the votes for the seven emotions, 0 where at most half are for those.
    """

    labels: NDArray[np.int64]
    unclear: NDArray[np.bool_]
    no_face: NDArray[np.bool_]
    target: NDArray[np.float64]


def verdicts(shares: NDArray[np.float64]) -> Verdicts:
    """Return what most people said, from :meth:`models.data.face_set.FaceSet.shares`, float64 ``(n, 9)``."""
    k = len(EMOTIONS)
    emotions = shares[:, :k]
    seen = emotions.sum(axis=1, keepdims=True)
    target = np.where(seen > _HALF, emotions / np.maximum(seen, 1e-9), 0)
    labels = np.where(emotions.max(axis=1, initial=0) > _HALF, emotions.argmax(axis=1), -1)
    return Verdicts(labels, shares[:, k] > _HALF, shares[:, k + 1] > _HALF, target)


@dataclass(frozen=True)
class Agreement:
    """How well probabilities fit votes.

    Attributes:
        rows: faces of which more than half of the votes are for the seven emotions.
        cross_entropy: mean of ``-sum(votes * log(probability))`` in nats.
        entropy: the same for probabilities that equal the votes: the least that can be reached.
        brier: mean of ``sum((probability - votes) ** 2)``, 0 to 2 (Brier 1950,
            doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2).
        ece: expected calibration error (Guo et al. 2017, arXiv:1706.04599) with, instead of accuracy, the share of
            votes for the most probable label: its mean gap to the probability over 15 bins, weighted by rows.
    """

    rows: int
    cross_entropy: float
    entropy: float
    brier: float
    ece: float

    def as_json(self) -> dict[str, Any]:
        """Return the figures for a JSON file."""
        return dict(vars(self))


def agree(probabilities: NDArray[np.float32], target: NDArray[np.float64]) -> Agreement | None:
    """Compare probabilities ``(n, 7)`` with shares of votes ``(n, 7)``; rows of zeros are left out, None if all are."""
    rows = target.any(axis=1)
    if not rows.any():
        return None
    found, wanted = probabilities[rows].astype(np.float64), target[rows]
    top = found.argmax(axis=1)
    each = np.arange(len(top))
    bins = np.minimum((found[each, top] * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, weights=found[each, top] - wanted[each, top], minlength=BINS)
    own = -wanted * np.log(np.maximum(wanted, 1e-12))
    return Agreement(
        rows=len(top),
        cross_entropy=float((-wanted * np.log(np.maximum(found, 1e-12))).sum(axis=1).mean()),
        entropy=float(own.sum(axis=1).mean()),
        brier=float(((found - wanted) ** 2).sum(axis=1).mean()),
        ece=float(np.abs(gaps).sum() / len(top)),
    )


@dataclass(frozen=True)
class CoveragePoint:
    """What is shown when labels below a threshold are not.

    Attributes:
        threshold: on the highest probability.
        shown: part of the faces with a verdict that carry a label.
        right: part of these whose label is the verdict; NaN if none is shown.
        interval: 95 % interval of it (Wilson).
        unclear: part of the faces that most people found unclear that carry a label; NaN if there are none.
    """

    threshold: float
    shown: float
    right: float
    interval: tuple[float, float]
    unclear: float

    def as_json(self) -> dict[str, Any]:
        """Return the point for a JSON file; NaN becomes None."""
        plain = {key: None if isinstance(v, float) and math.isnan(v) else v for key, v in vars(self).items()}
        return plain | {"interval": [None if math.isnan(end) else end for end in self.interval]}


def coverage_at(
    threshold: float, probabilities: NDArray[np.float32], labels: NDArray[np.int64], unclear: NDArray[np.bool_]
) -> CoveragePoint:
    """Return what a threshold shows.

    Args:
        threshold: labels whose probability is lower are not shown.
        probabilities: float32 ``(n, 7)``.
        labels: int64 ``(n,)``: verdicts, -1 for none.
        unclear: bool ``(n,)``.
    """
    carries = probabilities.max(axis=1, initial=0) >= threshold
    decided = labels >= 0
    shown = int((carries & decided).sum())
    right = float((probabilities.argmax(axis=1) == labels)[carries & decided].mean()) if shown else math.nan
    return CoveragePoint(
        float(threshold),
        shown / max(int(decided.sum()), 1),
        right,
        wilson(right, shown) if shown else (math.nan, math.nan),
        float(carries[unclear].mean()) if unclear.any() else math.nan,
    )


def coverage_curve(
    probabilities: NDArray[np.float32], labels: NDArray[np.int64], unclear: NDArray[np.bool_]
) -> list[CoveragePoint]:
    """Return accuracy against coverage at each of THRESHOLDS.

    Args:
        probabilities: float32 ``(n, 7)``.
        labels: int64 ``(n,)``: verdicts, -1 for none.
        unclear: bool ``(n,)``.
    """
    return [coverage_at(threshold, probabilities, labels, unclear) for threshold in THRESHOLDS]


def threshold_for(shown: float, probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Return the highest threshold at which enough faces carry a label.

    Args:
        shown: part of the faces with a verdict that must carry one.
        probabilities: float32 ``(n, 7)``.
        labels: int64 ``(n,)``: verdicts, -1 for none.
    """
    top = np.sort(probabilities[labels >= 0].max(axis=1, initial=0))
    return float(top[len(top) - math.ceil(shown * len(top))]) if len(top) and shown > 0 else 1.0
