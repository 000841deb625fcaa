"""How well probabilities fit labels: figures, from arrays alone."""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.emotions import EMOTIONS

BINS: Final = 15
"""Equal bins of the highest probability, for calibration (Guo et al. 2017, arXiv:1706.04599)."""


@dataclass(frozen=True)
class Figures:
    """How well probabilities fit labels.

    Attributes:
        rows: number of pictures.
        accuracy: part of them whose most probable emotion is their label.
        interval: 95 % confidence interval of it (Wilson).
        macro_f1: mean over the emotions of the harmonic mean of precision and recall.
        recall, precision: by emotion, in the order of EMOTIONS; NaN where there is nothing to count.
        ece: expected calibration error over the bins: mean gap of accuracy and confidence, weighted by rows.
        confusion: int64 ``(7, 7)``, rows by label, columns by what was predicted.
        bins: float64 ``(15, 3)``: rows, mean confidence and accuracy of each bin; NaN where it is empty.
    """

    rows: int
    accuracy: float
    interval: tuple[float, float]
    macro_f1: float
    recall: tuple[float, ...]
    precision: tuple[float, ...]
    ece: float
    confusion: NDArray[np.int64]
    bins: NDArray[np.float64]

    def as_json(self) -> dict[str, Any]:
        """Return the figures for a JSON file; NaN becomes None."""
        by_emotion = {"recall": self.recall, "precision": self.precision}
        return {
            "rows": self.rows,
            "accuracy": self.accuracy,
            "interval_95": list(self.interval),
            "macro_f1": self.macro_f1,
            "ece": self.ece,
            **{
                name: {emotion: None if math.isnan(v) else v for emotion, v in zip(EMOTIONS, values, strict=True)}
                for name, values in by_emotion.items()
            },
            "confusion": self.confusion.tolist(),
        }


def measure(probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> Figures:
    """Compare probabilities, float32 ``(n, 7)``, with labels, int ``(n,)``; n > 0."""
    k = len(EMOTIONS)
    predicted = probabilities.argmax(axis=1)
    confusion = np.bincount(labels * k + predicted, minlength=k * k).reshape(k, k)
    hits = confusion.diagonal()
    with np.errstate(invalid="ignore"):
        recall, precision = hits / confusion.sum(axis=1), hits / confusion.sum(axis=0)
        f1 = 2 * hits / (confusion.sum(axis=0) + confusion.sum(axis=1))
    accuracy = float(hits.sum() / len(labels))
    bins = _calibration(probabilities.max(axis=1), predicted == labels)
    return Figures(
        rows=len(labels),
        accuracy=accuracy,
        interval=wilson(accuracy, len(labels)),
        macro_f1=float(np.nanmean(f1)),
        recall=tuple(recall.tolist()),
        precision=tuple(precision.tolist()),
        ece=float(np.nansum(bins[:, 0] * np.abs(bins[:, 1] - bins[:, 2])) / len(labels)),
        confusion=confusion,
        bins=bins,
    )


def wilson(share: float, rows: int) -> tuple[float, float]:
    """Return the 95 % interval of a share of ``rows`` (Wilson 1927, doi:10.1080/01621459.1927.10502953)."""
    z = 1.959964
    centre = (share + z * z / (2 * rows)) / (1 + z * z / rows)
    reach = z / (1 + z * z / rows) * math.sqrt(share * (1 - share) / rows + z * z / (4 * rows * rows))
    return centre - reach, centre + reach


def _calibration(confidence: NDArray[np.float32], right: NDArray[np.bool_]) -> NDArray[np.float64]:
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    rows = np.bincount(bins, minlength=BINS).astype(np.float64)
    with np.errstate(invalid="ignore"):
        means = [np.bincount(bins, weights=values, minlength=BINS) / rows for values in (confidence, right)]
    return np.stack([rows, *means], axis=1)


def fit_temperature(probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Return the temperature, to two decimals, under which the labels are most likely (Guo et al. 2017)."""
    logits = np.log(np.maximum(probabilities.astype(np.float64), 1e-12))

    def loss(temperature: float) -> float:
        scaled = logits / temperature
        normalizer = np.log(np.exp(scaled - scaled.max(axis=1, keepdims=True)).sum(axis=1)) + scaled.max(axis=1)
        return float((normalizer - scaled[np.arange(len(labels)), labels]).mean())

    candidates = [round(0.3 + step / 100, 2) for step in range(271)]
    return min(candidates, key=loss)
