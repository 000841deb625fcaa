"""Intervals by resampling: the percentile bootstrap (Efron 1979, doi:10.1214/aos/1176344552)."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

SAMPLES: Final = 2_000
LEVEL: Final = (0.025, 0.975)


def bootstrap(
    statistic: Callable[[NDArray[np.int64]], float], cluster: NDArray[np.int64], samples: int = SAMPLES
) -> tuple[float, float]:
    """Return the 95 % interval of a figure, from drawing rows with replacement; always the same draws.

    Whole clusters are drawn, since faces of one clip agree more than faces of two (the cluster bootstrap: Davison and
    Hinkley 1997, section 3.8).

    Args:
        statistic: gives the figure for indices ``(m,)`` of rows; NaN where it has none.
        cluster: int64 ``(n,)``: rows with the same number are drawn together. Each row its own: rows are drawn.
        samples: how often.

    Returns:
        The interval; NaN for no rows.
    """
    if len(cluster) == 0:
        return float("nan"), float("nan")
    rng = np.random.default_rng(0)
    order = np.argsort(cluster, kind="stable")
    members = np.split(order, np.flatnonzero(np.diff(cluster[order])) + 1)
    if len(members) == len(cluster):
        draws = (rng.integers(0, len(cluster), len(cluster)) for _ in range(samples))
    else:
        draws = (
            np.concatenate([members[k] for k in rng.integers(0, len(members), len(members))]) for _ in range(samples)
        )
    found = np.array([statistic(rows) for rows in draws])
    low, high = np.nanquantile(found, LEVEL) if np.isfinite(found).any() else (np.nan, np.nan)
    return float(low), float(high)
