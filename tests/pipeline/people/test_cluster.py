"""Clustering: by hand, and against the definition of average linkage."""

import numpy as np
import pytest

from pipeline.people.cluster import cluster


def square(*pairs, n):
    found = np.zeros((n, n), np.float32)
    for one, other, value in pairs:
        found[one, other] = found[other, one] = value
    return found


def free(n):
    return np.zeros((n, n), np.bool_)


def test_nothing_and_one():
    assert cluster(np.zeros((0, 0), np.float32), free(0), 0.5).tolist() == []
    assert cluster(np.zeros((1, 1), np.float32), free(1), 0.5).tolist() == [0]


def test_the_mean_decides_not_the_nearest_member():
    alike = square((0, 1, 0.9), (1, 2, 0.7), (0, 2, 0.1), n=3)
    assert cluster(alike.copy(), free(3), 0.5).tolist() == [0, 0, 1]  # (0.7 + 0.1) / 2 is too little
    assert cluster(alike.copy(), free(3), 0.4).tolist() == [0, 0, 0]


def test_what_must_stay_apart_does_even_by_way_of_a_third():
    alike = square((0, 1, 0.9), (1, 2, 0.8), (0, 2, 0.99), n=3)
    apart = square((0, 2, 1), n=3).astype(bool)
    assert cluster(alike, apart, 0.5).tolist() == [0, 0, 1]


def test_clusters_are_numbered_by_their_first_members():
    alike = square((0, 3, 0.6), (1, 2, 0.9), n=4)
    assert cluster(alike, free(4), 0.5).tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize("seed", range(5))
def test_equals_the_definition(seed):
    """Join whatever two clusters are most alike on average, found anew each time."""
    random = np.random.default_rng(seed)
    n = 24
    vectors = random.normal(size=(n, 4))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    alike = (vectors @ vectors.T).astype(np.float32)
    apart = random.random((n, n)) < 0.1
    apart |= apart.T
    groups = [[k] for k in range(n)]
    while True:
        scores = {
            (a, b): alike[np.ix_(groups[a], groups[b])].mean()
            for a in range(len(groups))
            for b in range(a)
            if not apart[np.ix_(groups[a], groups[b])].any()
        }
        pair = max(scores, key=scores.__getitem__)
        if scores[pair] < 0.3:
            break
        groups[pair[1]] += groups.pop(pair[0])
    expected = np.zeros(n, int)
    for number, group in enumerate(sorted(groups, key=min)):
        expected[group] = number
    assert cluster(alike.copy(), apart, 0.3).tolist() == expected.tolist()
