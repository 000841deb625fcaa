"""Averages over time."""

import numpy as np
from numpy.typing import NDArray


def smooth(
    at: NDArray[np.float64], time: NDArray[np.float64], values: NDArray[np.float32], window: float
) -> NDArray[np.float32]:
    """Average ``values`` over the ``window`` seconds around each moment of ``at``.

    Args:
        at: float64 ``(m,)``, s.
        time: float64 ``(n,)``, s, rising, n > 0.
        values: float32 ``(n, k)``.
        window: s. Where it holds no value the nearest one counts.

    Returns:
        float32 ``(m, k)``.
    """
    # Half a microsecond: whether a frame just at the edge counts must not depend on the last bit of its time.
    reach = window / 2 + 5e-7
    first, last = np.searchsorted(time, at - reach, "left"), np.searchsorted(time, at + reach, "right")
    sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0, dtype=np.float64)])
    count = last - first
    means = (sums[last] - sums[first]) / np.maximum(count, 1)[:, None]
    return np.asarray(np.where((count == 0)[:, None], values[_nearest(at, time)], means), np.float32)


def _nearest(at: NDArray[np.float64], time: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return for each moment of ``at`` ``(m,)`` the index of the nearest of ``time`` ``(n,)``, the earlier of two."""
    after = np.searchsorted(time, at).clip(max=len(time) - 1)
    before = (after - 1).clip(min=0)
    return np.where(np.abs(at - time[before]) <= np.abs(at - time[after]), before, after)
