"""Figures against what several people said."""

import math

import numpy as np
import pytest

from models.evaluation.agreement import agree, coverage_at, coverage_curve, threshold_for, verdicts
from models.evaluation.groups import in_order, rates_by_group
from models.evaluation.resample import bootstrap

HAPPY, SAD, NEUTRAL, UNCLEAR, NO_FACE = 3, 4, 6, 7, 8


def shares(*rows):
    found = np.zeros((len(rows), 9))
    for k, row in enumerate(rows):
        for place, share in row.items():
            found[k, place] = share
    return found


def probabilities(*rows):
    found = np.zeros((len(rows), 7), np.float32)
    for k, (place, top) in enumerate(rows):
        found[k] = (1 - top) / 6
        found[k, place] = top
    return found


def test_a_verdict_needs_more_than_half():
    third = 1 / 3
    found = verdicts(
        shares(
            {HAPPY: 2 * third, SAD: third},
            {HAPPY: third, SAD: third, UNCLEAR: third},
            {HAPPY: 0.5, SAD: 0.5},
            {HAPPY: 0.6},  # the rest chose what is none of the seven
            {UNCLEAR: 2 * third, SAD: third},
            {NO_FACE: 1},
            {},
        )
    )
    assert found.labels.tolist() == [HAPPY, -1, -1, HAPPY, -1, -1, -1]
    assert found.unclear.tolist() == [False] * 4 + [True] + [False] * 2
    assert found.no_face.tolist() == [False] * 5 + [True, False]
    assert found.target[0, [HAPPY, SAD]] == pytest.approx([2 / 3, 1 / 3])
    assert found.target[3, HAPPY] == pytest.approx(1)
    assert found.target[4:].sum() == 0


def test_agreement_counted_by_hand():
    target = np.zeros((3, 7))
    target[0, HAPPY] = 1
    target[1, [HAPPY, SAD]] = 0.5
    found = agree(probabilities((HAPPY, 0.7), (HAPPY, 0.7), (SAD, 0.9)), target)
    assert found.rows == 2
    low = 0.3 / 6
    assert found.cross_entropy == pytest.approx((-math.log(0.7) - 0.5 * math.log(0.7 * low)) / 2, abs=1e-5)
    assert found.entropy == pytest.approx(math.log(2) / 2)
    assert found.brier == pytest.approx((0.3**2 + 6 * low**2 + 0.2**2 + (0.5 - low) ** 2 + 5 * low**2) / 2, abs=1e-6)
    assert found.ece == pytest.approx(0.05, abs=1e-6)  # 0.7 said, three quarters of the votes


def test_no_votes_no_agreement():
    assert agree(probabilities((HAPPY, 0.7)), np.zeros((1, 7))) is None
    assert agree(probabilities(), np.zeros((0, 7))) is None


def test_probabilities_that_equal_the_votes_are_best():
    target = np.random.default_rng(0).dirichlet(np.ones(7), 300)
    equal = agree(target.astype(np.float32), target)
    assert equal.cross_entropy == pytest.approx(equal.entropy, abs=1e-5)
    assert equal.brier == pytest.approx(0, abs=1e-6)
    assert equal.ece == pytest.approx(0, abs=1e-6)


def test_coverage_counted_by_hand():
    found = probabilities((HAPPY, 0.9), (SAD, 0.6), (HAPPY, 0.4), (SAD, 0.3), (SAD, 0.8))
    labels = np.array([HAPPY, HAPPY, HAPPY, SAD, -1])
    unclear = np.array([False] * 4 + [True])
    point = coverage_at(0.5, found, labels, unclear)
    assert (point.shown, point.right, point.unclear) == (0.5, 0.5, 1.0)
    assert threshold_for(0.75, found, labels) == pytest.approx(0.4)
    assert coverage_at(threshold_for(0.75, found, labels), found, labels, unclear).shown == 0.75
    assert math.isnan(coverage_at(0.95, found, labels, unclear).right)
    assert coverage_at(0.95, found, labels, unclear).as_json()["right"] is None
    curve = coverage_curve(found, labels, np.zeros(5, bool))
    assert curve[0].shown == 1
    assert math.isnan(curve[0].unclear)
    shown = [point.shown for point in curve]
    assert shown == sorted(shown, reverse=True)


def test_no_verdicts():
    point = coverage_at(0.5, probabilities(), np.zeros(0, int), np.zeros(0, bool))
    assert point.shown == 0
    assert threshold_for(0.75, probabilities(), np.zeros(0, int)) == 1


def test_rates_and_differences_of_groups():
    groups = np.array(["b"] * 100 + ["a"] * 100)
    predicted = np.array([HAPPY] * 80 + [NEUTRAL] * 20 + [HAPPY] * 50 + [NEUTRAL] * 50)
    found = rates_by_group(predicted, groups)
    assert found.names == ("a", "b")
    assert found.rows == (100, 100)
    assert found.rates[:, HAPPY].tolist() == [0.5, 0.8]
    happy = found.differences[HAPPY]
    assert (happy.emotion, happy.high, happy.low) == ("happy", "b", "a")
    assert happy.difference == pytest.approx(0.3)
    # As the normal approximation: 0.3 +- 1.96 * sqrt(0.8 * 0.2 / 100 + 0.5 * 0.5 / 100).
    assert happy.interval == pytest.approx((0.3 - 0.1255, 0.3 + 0.1255), abs=0.02)
    assert found.differences[SAD].interval == (0, 0)


def test_one_group_has_no_differences():
    assert rates_by_group(np.array([HAPPY]), np.array(["a"])).differences == ()


def test_classes_come_in_their_order():
    words = np.array(["160 px or more", "40 to 80 px", "0 to 24 px", "film"])
    assert in_order(words) == ["0 to 24 px", "film", "40 to 80 px", "160 px or more"]


def test_bootstrap_of_a_share_is_near_the_formula():
    hit = np.array([1] * 70 + [0] * 30)
    low, high = bootstrap(lambda rows: float(hit[rows].mean()), np.arange(100))
    assert (low, high) == pytest.approx((0.7 - 0.09, 0.7 + 0.09), abs=0.015)


def test_clusters_widen_the_interval():
    hit = np.repeat(np.arange(10) < 7, 10)

    def width(cluster):
        low, high = bootstrap(lambda rows: float(hit[rows].mean()), cluster)
        return high - low

    assert width(np.repeat(np.arange(10), 10)) > 2 * width(np.arange(100))


def test_bootstrap_of_nothing():
    assert all(map(math.isnan, bootstrap(lambda rows: float(len(rows)), np.zeros(0, np.int64))))
    assert all(map(math.isnan, bootstrap(lambda _: math.nan, np.arange(3), 10)))
