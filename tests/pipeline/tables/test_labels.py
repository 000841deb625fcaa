"""When a label is shown: the more agreement and the better the crop, the sooner."""

import numpy as np
import pytest

from pipeline.schema import LABELS, UNSURE
from pipeline.tables.labels import labels_of, support_of


def probabilities(first: float, second: float) -> np.ndarray:
    rest = (1 - first - second) / 5
    return np.array([[rest, second, rest, first, rest, rest, rest]], np.float32)


def support(first: float, second: float, quality: float = 0.8) -> float:
    return float(support_of(probabilities(first, second), np.array([quality], np.float32))[0])


def test_support_lies_between_0_and_1_and_falls_with_each_doubt() -> None:
    assert support(1, 0) == pytest.approx(1)
    assert support(0.6, 0.3) == pytest.approx(0.6)
    assert support(0.6, 0.3) > support(0.5, 0.4) > support(0.2, 0.1) > 0
    assert support(0.6, 0.1, 0.5) == support(0.6, 0.1, 1.0) > support(0.6, 0.1, 0.3) > support(0.6, 0.1, 0.0) == 0


def test_0_shows_every_label_and_1_only_certain_ones() -> None:
    rows = np.concatenate([probabilities(0.2, 0.2), probabilities(0.9, 0.1), probabilities(1, 0)])
    quality = np.array([0, 0.4, 0.9], np.float32)
    assert labels_of(rows, quality, 0).tolist() == rows.argmax(axis=1).tolist()
    assert [LABELS[k] for k in labels_of(rows, quality, 0.5)] == ["unsure", "happy", "happy"]
    assert labels_of(rows, quality, 1).tolist() == [UNSURE, UNSURE, 3]
    assert labels_of(rows[:0], quality[:0], 0.5).shape == (0,)
