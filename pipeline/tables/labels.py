"""From averaged probabilities to a label, or to none: the one place that says when a label is shown.

A label is shown where its *support* reaches the setting ``sure``::

    support = p * sqrt(min(1, quality / 0.45))

``p`` is the largest probability after averaging along the track, ``quality`` is averaged likewise
(:mod:`pipeline.faces.quality`). Support lies between 0 and 1. It is small where people would not agree, and where the
face is too small, dark, blurred or turned too far for any answer; of a face shown well enough, 0.45 and more, only the
probability counts. ``sure = 0`` shows every label.

``scripts/sure_study.py`` prints how often labels are right by how many are shown; docs/decisions/unsure.md has its
figures, also for rules with the margin to the second label, which told right answers no better.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.schema import UNSURE

_SHOWN_WELL: Final = 0.45
"""Quality from which on only the probability counts."""


def weight_of(quality: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return what a crop of a ``quality``, float32 ``(n,)``, 0..1, makes of a probability: float64 ``(n,)``, 0..1."""
    return np.asarray(np.sqrt(np.clip(quality / _SHOWN_WELL, 0, 1)), np.float64)


def support_of(smoothed: NDArray[np.float32], quality: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return how well the most likely labels are supported: see above.

    Args:
        smoothed: float32 ``(n, 7)``: averaged probabilities.
        quality: float32 ``(n,)``, 0..1: averaged likewise.

    Returns:
        float64 ``(n,)``, 0..1.
    """
    return np.asarray(smoothed.max(axis=1, initial=0) * weight_of(quality), np.float64)


def labels_of(smoothed: NDArray[np.float32], quality: NDArray[np.float32], sure: float) -> NDArray[np.int32]:
    """Return the labels to be shown: int32 ``(n,)``, indices into LABELS.

    Args:
        smoothed: see :func:`support_of`.
        quality: see :func:`support_of`.
        sure: 0..1; labels with less support become ``unsure``.
    """
    return np.where(support_of(smoothed, quality) < sure, UNSURE, smoothed.argmax(axis=1)).astype(np.int32)
