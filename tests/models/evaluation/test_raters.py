"""Agreement of two raters."""

import json
import math

import numpy as np
import pytest

from models.evaluation.raters import cohens_kappa, compare_raters


def test_kappa_of_a_published_table():
    # Two raters on 50 proposals: 20 both yes, 15 both no, 5 and 10 apart; 0.4.
    assert cohens_kappa(np.array([[20, 5], [10, 15]])) == pytest.approx(0.4)


def test_kappa_at_its_ends():
    assert cohens_kappa(np.diag([5, 5])) == 1
    assert cohens_kappa(np.array([[5, 5], [5, 5]])) == 0
    assert math.isnan(cohens_kappa(np.array([[9, 0], [0, 0]])))
    assert math.isnan(cohens_kappa(np.zeros((7, 7), int)))


def test_figures_of_a_case_counted_by_hand():
    person = np.array([3] * 20 + [6] * 20)
    network = np.array([3] * 15 + [6] * 25)
    found = compare_raters(person, network, np.arange(40))
    assert found.agreement == pytest.approx(35 / 40)
    expected = (20 * 15 + 20 * 25) / 40**2
    assert found.kappa == pytest.approx((35 / 40 - expected) / (1 - expected))
    low, high = found.kappa_interval
    assert low < found.kappa < high
    assert "| happy | 20 | 75.0 | 53.1 to 88.8 | 15 | 100.0 | 79.6 to 100.0 |" in found.as_markdown()
    assert "| sad | 0 | - | - | 0 | - | - |" in found.as_markdown()
    assert found.as_json()["per_label"]["happy"] == {"person": 20, "network": 15, "both": 15}


def test_no_faces():
    nothing = np.zeros(0, np.int64)
    found = compare_raters(nothing, nothing, nothing)
    assert math.isnan(found.kappa)
    json.dumps(found.as_json(), allow_nan=False)
    found.as_markdown()
