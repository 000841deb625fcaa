"""Measure a trained network: ``python -m models.evaluate --data fer2013.npz --model seed``."""

import argparse
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.data import Faces, load_fer2013
from models.emotions import EMOTIONS

_BINS = 15


@dataclass(frozen=True)
class Figures:
    """How well probabilities fit labels.

    Attributes:
        rows: number of pictures.
        accuracy: part of them whose most probable emotion is their label.
        interval: 95 % confidence interval of it (Wilson).
        macro_f1: mean over the emotions of the harmonic mean of precision and recall.
        recall, precision: by emotion, in the order of EMOTIONS; NaN where there is nothing to count.
        ece: expected calibration error over 15 equal bins of the highest probability (Guo et al. 2017,
            arXiv:1706.04599).
    """

    rows: int
    accuracy: float
    interval: tuple[float, float]
    macro_f1: float
    recall: tuple[float, ...]
    precision: tuple[float, ...]
    ece: float


def measure(probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> Figures:
    """Compare probabilities ``(n, 7)`` with labels ``(n,)``, n > 0."""
    k = len(EMOTIONS)
    predicted = probabilities.argmax(axis=1)
    confusion = np.bincount(labels * k + predicted, minlength=k * k).reshape(k, k)
    hits = confusion.diagonal()
    with np.errstate(invalid="ignore"):
        recall, precision = hits / confusion.sum(axis=1), hits / confusion.sum(axis=0)
        f1 = 2 * hits / (confusion.sum(axis=0) + confusion.sum(axis=1))
    accuracy = float(hits.sum() / len(labels))
    return Figures(
        rows=len(labels),
        accuracy=accuracy,
        interval=wilson(accuracy, len(labels)),
        macro_f1=float(np.nanmean(f1)),
        recall=tuple(recall.tolist()),
        precision=tuple(precision.tolist()),
        ece=_calibration_error(probabilities.max(axis=1), predicted == labels),
    )


def wilson(share: float, rows: int) -> tuple[float, float]:
    """Return the 95 % interval of a share of ``rows`` (Wilson 1927, doi:10.1080/01621459.1927.10502953)."""
    z = 1.959964
    centre = (share + z * z / (2 * rows)) / (1 + z * z / rows)
    reach = z / (1 + z * z / rows) * math.sqrt(share * (1 - share) / rows + z * z / (4 * rows * rows))
    return centre - reach, centre + reach


def _calibration_error(confidence: NDArray[np.float32], right: NDArray[np.bool_]) -> float:
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    gaps = np.bincount(bins, weights=right.astype(float) - confidence, minlength=_BINS)
    return float(np.abs(gaps).sum() / len(confidence))


def as_markdown(figures: dict[str, Figures]) -> str:
    """Return a table with a column for each set of rows."""
    lines = ["| | " + " | ".join(figures) + " |", "|---|" + "---|" * len(figures)]
    columns = list(figures.values())

    def row(name: str, cells: list[str]) -> None:
        lines.append(f"| {name} | " + " | ".join(cells) + " |")

    row("rows", [str(f.rows) for f in columns])
    row(
        "accuracy, % (95 % interval)",
        [_percent(f.accuracy) + " ({}-{})".format(*map(_percent, f.interval)) for f in columns],
    )
    row("macro-F1", [f"{f.macro_f1:.3f}" for f in columns])
    row("ECE, %", [_percent(f.ece) for f in columns])
    for k, emotion in enumerate(EMOTIONS):
        row(
            f"{emotion}: recall / precision, %",
            [f"{_percent(f.recall[k])} / {_percent(f.precision[k])}" for f in columns],
        )
    return "\n".join(lines)


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def main() -> None:
    """Read the command line and print a table."""
    from models.classifier import EmotionClassifier, find_model

    parser = argparse.ArgumentParser(description="Measure a trained network on FER2013's PublicTest.")
    parser.add_argument("--data", type=Path, required=True, help="FER2013 as npz")
    parser.add_argument("--model", default="seed")
    arguments = parser.parse_args()
    classifier = EmotionClassifier(find_model(arguments.model))
    faces = load_fer2013(arguments.data, "public")
    odd = np.arange(len(faces)) % 2 == 1  # the temperature was fitted on the others, see models.ship
    sets = {
        "all": faces,
        "clean": faces.only_clean(),
        "odd": Faces(faces.crops[odd], faces.labels[odd], faces.clean[odd]),
    }
    print(as_markdown({name: measure(classifier.predict(rows.crops), rows.labels) for name, rows in sets.items()}))


if __name__ == "__main__":
    main()
