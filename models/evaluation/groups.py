"""How often each label is given in each group of people, and how far groups are apart."""

import re
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.emotions import EMOTIONS
from models.evaluation.resample import LEVEL, SAMPLES


@dataclass(frozen=True)
class Difference:
    """How far two groups are apart in one label.

    Attributes:
        emotion: the label.
        high, low: the groups that carry it most often and least often.
        difference: of their rates.
        interval: 95 % percentile bootstrap of it, rows drawn within each group (Efron 1979). The two groups were chosen
            because they are farthest apart, so a small difference above 0 need not mean anything.
    """

    emotion: str
    high: str
    low: str
    difference: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class GroupRates:
    """How often each label is given in each group.

    Attributes:
        names: of the groups.
        rows: faces of each.
        rates: float64 ``(groups, 7)``: part of each group's faces whose most probable label it is.
        differences: the largest one of each label; empty with fewer than two groups.
    """

    names: tuple[str, ...]
    rows: tuple[int, ...]
    rates: NDArray[np.float64]
    differences: tuple[Difference, ...]

    def as_json(self) -> dict[str, Any]:
        """Return everything for a JSON file."""
        rates = [dict(zip(EMOTIONS, row, strict=True)) for row in self.rates.tolist()]
        return {
            "rows": dict(zip(self.names, self.rows, strict=True)),
            "rates": dict(zip(self.names, rates, strict=True)),
            "largest_differences": [vars(difference) for difference in self.differences],
        }


def in_order(words: NDArray[np.str_]) -> list[str]:
    """Return each word once, by the first number in it (``24 to 40 px`` before ``160 px or more``), then as text."""

    def key(word: str) -> tuple[float, str]:
        number = re.search(r"\d+", word)
        return (float(number.group()) if number else 0.0), word

    return sorted(set(words.tolist()), key=key)


def rates_by_group(predicted: NDArray[np.int64], groups: NDArray[np.str_]) -> GroupRates:
    """Count the labels of each group.

    Args:
        predicted: int64 ``(n,)``: the most probable emotion of each face.
        groups: words ``(n,)``.
    """
    names = in_order(groups)
    member = np.array([names.index(str(group)) for group in groups], np.int64)
    k = len(EMOTIONS)
    counts = np.bincount(member * k + predicted, minlength=len(names) * k).reshape(len(names), k)
    rows = counts.sum(axis=1)
    rates = counts / np.maximum(rows[:, None], 1)
    rng = np.random.default_rng(0)
    # Drawing a group's rows with replacement and counting their labels is one multinomial draw.
    drawn = [rng.multinomial(n, rate, SAMPLES) / n for n, rate in zip(rows.tolist(), rates, strict=True)]
    differences = []
    for e, emotion in enumerate(EMOTIONS):
        pairs = [(rates[a, e] - rates[b, e], a, b) for a, b in combinations(range(len(names)), 2)]
        if pairs:
            gap, a, b = max(pairs, key=lambda pair: abs(pair[0]))
            high, low = (a, b) if gap >= 0 else (b, a)
            ends = np.quantile(drawn[high][:, e] - drawn[low][:, e], LEVEL)
            interval = float(ends[0]), float(ends[1])
            differences.append(Difference(emotion, names[high], names[low], float(abs(gap)), interval))
    return GroupRates(tuple(names), tuple(rows.tolist()), rates, tuple(differences))
