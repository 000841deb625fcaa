"""Agreement of two raters, such as a user and the network, beyond what chance gives: figures, from arrays alone."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.emotions import EMOTIONS
from models.evaluation.measure import wilson
from models.evaluation.resample import bootstrap


@dataclass(frozen=True)
class Raters:
    """Agreement of a person and the network on faces that both gave an emotion.

    Attributes:
        faces: how many.
        agreement: part on which both say the same; NaN without faces.
        interval: 95 % interval of it (Wilson).
        kappa: Cohen's, 1 for full agreement, 0 for what chance gives; NaN where all is one label.
        kappa_interval: 95 % percentile bootstrap of it, whole clusters drawn.
        confusion: int64 ``(7, 7)``, rows by the person, columns by the network.
    """

    faces: int
    agreement: float
    interval: tuple[float, float]
    kappa: float
    kappa_interval: tuple[float, float]
    confusion: NDArray[np.int64]

    def as_json(self) -> dict[str, Any]:
        """Return the figures for a JSON file; NaN becomes None."""
        return {
            "faces": self.faces,
            "agreement": _plain(self.agreement),
            "agreement_interval_95": [_plain(end) for end in self.interval],
            "cohens_kappa": _plain(self.kappa),
            "cohens_kappa_interval_95": [_plain(end) for end in self.kappa_interval],
            "per_label": {
                emotion: {"person": int(row.sum()), "network": int(column.sum()), "both": int(row[k])}
                for k, (emotion, row, column) in enumerate(zip(EMOTIONS, self.confusion, self.confusion.T, strict=True))
            },
            "confusion": self.confusion.tolist(),
        }

    def as_markdown(self) -> str:
        """Return tables: agreement, per label, and confusion."""
        lines = [
            "| | | 95 % interval |",
            "|---|---:|---|",
            f"| agreement, % | {_percent(self.agreement)} | {_ends(self.interval, 100)} |",
            f"| Cohen's kappa | {_number(self.kappa)} | {_ends(self.kappa_interval, 1)} |",
            "",
            "| label | you say | network agrees, % | 95 % interval | network says | you agree, % | 95 % interval |",
            "|---|---:|---:|---|---:|---:|---|",
        ]
        for k, emotion in enumerate(EMOTIONS):
            both = int(self.confusion[k, k])
            cells = [_part(both, int(total.sum())) for total in (self.confusion[k], self.confusion[:, k])]
            lines.append(f"| {emotion} | " + " | ".join(cells) + " |")
        lines += [
            "",
            "| you say (rows), network says | " + " | ".join(EMOTIONS) + " |",
            "|---|" + "---:|" * len(EMOTIONS),
        ]
        rows = zip(EMOTIONS, self.confusion.tolist(), strict=True)
        lines += [f"| {emotion} | " + " | ".join(map(str, row)) + " |" for emotion, row in rows]
        return "\n".join(lines)


def compare_raters(person: NDArray[np.int64], network: NDArray[np.int64], cluster: NDArray[np.int64]) -> Raters:
    """Compare two raters.

    Args:
        person: int64 ``(n,)``: index into EMOTIONS.
        network: int64 ``(n,)``: the same.
        cluster: int64 ``(n,)``: the same number for faces that depend on one another.
    """
    k = len(EMOTIONS)
    cell = person * k + network

    def confusion(rows: NDArray[np.int64] | slice) -> NDArray[np.int64]:
        return np.asarray(np.bincount(cell[rows], minlength=k * k).reshape(k, k))

    whole = confusion(slice(None))
    count = len(person)
    agreement = float(np.trace(whole) / count) if count else math.nan
    return Raters(
        count,
        agreement,
        wilson(agreement, count) if count else (math.nan, math.nan),
        cohens_kappa(whole),
        bootstrap(lambda rows: cohens_kappa(confusion(rows)), cluster),
        whole,
    )


def cohens_kappa(confusion: NDArray[np.int64]) -> float:
    """Return Cohen's kappa (Cohen 1960, doi:10.1177/001316446002000104) of counts ``(k, k)``.

    ``(observed - expected) / (1 - expected)``, where ``expected`` is the agreement of two raters who choose their
    labels as often but by chance. NaN for no counts, or where both give one label alone.
    """
    total = confusion.sum()
    if total == 0:
        return math.nan
    observed = np.trace(confusion) / total
    expected = float(confusion.sum(axis=0) @ confusion.sum(axis=1)) / float(total) ** 2
    return math.nan if expected >= 1 else float((observed - expected) / (1 - expected))


def _part(part: int, whole: int) -> str:
    if not whole:
        return "0 | - | -"
    return f"{whole} | {_percent(part / whole)} | {_ends(wilson(part / whole, whole), 100)}"


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else value


def _percent(value: float) -> str:
    return "-" if math.isnan(value) else f"{100 * value:.1f}"


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}"


def _ends(ends: tuple[float, float], scale: int) -> str:
    if any(map(math.isnan, ends)):
        return "-"
    return " to ".join(f"{scale * end:.{1 if scale > 1 else 2}f}" for end in ends)
