"""Figures of probabilities against labels."""

import json

import numpy as np
import pytest

from models.emotions import EMOTIONS
from models.evaluation.measure import fit_temperature, measure, wilson


def one_hot(predicted, confidence=1.0):
    rest = (1 - confidence) / (len(EMOTIONS) - 1)
    probabilities = np.full((len(predicted), len(EMOTIONS)), rest, np.float32)
    probabilities[np.arange(len(predicted)), predicted] = confidence
    return probabilities


def test_figures_of_a_case_counted_by_hand():
    labels = np.array([0, 0, 3, 3, 3, 6])
    figures = measure(one_hot([0, 3, 3, 3, 6, 6]), labels)
    assert figures.accuracy == pytest.approx(4 / 6)
    assert figures.recall[0] == pytest.approx(1 / 2)
    assert figures.recall[3] == pytest.approx(2 / 3)
    assert figures.precision[3] == pytest.approx(2 / 3)
    assert figures.precision[6] == pytest.approx(1 / 2)
    assert np.isnan(figures.recall[1])
    assert figures.macro_f1 == pytest.approx((2 / 3 + 2 / 3 + 2 / 3) / 3)
    assert figures.ece == pytest.approx(2 / 6)  # certain of all, wrong on two
    assert figures.confusion[0].tolist() == [1, 0, 0, 1, 0, 0, 0]
    assert figures.confusion.sum() == 6


def test_json_has_no_nan():
    figures = measure(one_hot([0, 3]), np.array([0, 3]))
    text = json.dumps(figures.as_json(), allow_nan=False)
    assert json.loads(text)["recall"]["disgust"] is None


def test_calibrated_probabilities_have_no_calibration_error():
    labels = np.array([3] * 7 + [0] * 3)
    figures = measure(one_hot([3] * 10, 0.7), labels)
    assert figures.ece == pytest.approx(0, abs=1e-6)
    filled = figures.bins[figures.bins[:, 0] > 0]
    np.testing.assert_allclose(filled, [[10, 0.7, 0.7]], atol=1e-6)


@pytest.mark.parametrize(("share", "rows"), [(0.65, 100), (0.0, 10), (1.0, 3589), (0.63, 3589)])
def test_ends_of_the_interval_are_as_far_from_the_share_as_they_may_be(share, rows):
    for end in wilson(share, rows):
        end = min(max(end, 0.0), 1.0)
        assert abs(end - share) == pytest.approx(1.959964 * (end * (1 - end) / rows) ** 0.5, abs=1e-9)


@pytest.mark.parametrize("temperature", [0.7, 1.0, 1.9])
def test_temperature_is_found_again(temperature):
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(20_000, len(EMOTIONS))) * 2
    true = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = np.array([rng.choice(len(EMOTIONS), p=row) for row in true])
    sharpened = np.exp(logits * temperature)
    sharpened /= sharpened.sum(axis=1, keepdims=True)
    assert fit_temperature(sharpened.astype(np.float32), labels) == pytest.approx(temperature, abs=0.05)
