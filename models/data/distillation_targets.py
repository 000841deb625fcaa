"""What teachers say of the pictures that a network learns from, and how it learns that."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Teaching:
    """How a network learns from others.

    Attributes:
        share: of the teachers' probabilities in the target; the label has the rest (Hinton et al. 2015,
            arXiv:1503.02531, at temperature 1).
        hints: how many of the main directions of the teachers' features are to be predicted from the network's own
            (Romero et al. 2015, arXiv:1412.6550).
        weight: of the hints' mean squared error in the loss.
    """

    share: float
    hints: int
    weight: float


@dataclass(frozen=True)
class DistillationTargets:
    """What teachers say of pictures, a row each.

    Attributes:
        teaching: how it is learned.
        probabilities: float32 ``(n, 7)``, the mean over all teachers, the picture and its mirror image.
        hints: float32 ``(n, k)``, where the picture lies along the main directions of the teachers' features, in units
            of the standard deviation over all of them; ``k`` is 0 where no teacher gives its features.
    """

    teaching: Teaching
    probabilities: NDArray[np.float32]
    hints: NDArray[np.float32]
