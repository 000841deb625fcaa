"""Average-linkage clustering with pairs that must stay apart (UPGMA: Sokal and Michener 1958)."""

import numpy as np
from numpy.typing import NDArray


def cluster(
    similarity: NDArray[np.float32], apart: NDArray[np.bool_], threshold: float, keep: bool = False
) -> NDArray[np.int32]:
    """Join the two most alike clusters again and again, until none are alike enough.

    Two clusters are as alike as their members are on average. They are never joined if a member of one must stay apart
    from a member of the other.

    Args:
        similarity: float32 ``(n, n)``, symmetric. It is overwritten unless ``keep``.
        apart: bool ``(n, n)``, symmetric: pairs that must not be joined.
        threshold: similarity from which clusters are joined.
        keep: leave ``similarity`` as it is.

    Returns:
        int32 ``(n,)``: the cluster of each, numbered in the order of their first members.
    """
    count = len(similarity)
    if count == 0:
        return np.zeros(0, np.int32)
    alike = similarity.copy() if keep else similarity
    alike[apart] = -np.inf
    np.fill_diagonal(alike, -np.inf)
    size, of = np.ones(count), np.arange(count)
    best = alike.argmax(axis=1)
    value = alike[np.arange(count), best]
    while value.max() >= threshold:
        one = int(value.argmax())
        low, high = sorted((one, int(best[one])))
        with np.errstate(invalid="ignore"):
            row = (size[low] * alike[low] + size[high] * alike[high]) / (size[low] + size[high])
        alike[low], alike[:, low] = row, row
        alike[high], alike[:, high], alike[low, low] = -np.inf, -np.inf, -np.inf
        size[low] += size[high]
        of[of == high] = low
        outdated = np.flatnonzero((best == low) | (best == high))
        for place in {low, high, *outdated.tolist()}:
            best[place] = alike[place].argmax()
            value[place] = alike[place, best[place]]
        better = np.flatnonzero(alike[:, low] > value)
        best[better], value[better] = low, alike[better, low]
    return np.unique(of, return_inverse=True)[1].astype(np.int32)
