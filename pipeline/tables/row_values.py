"""What was observed of each row of a timeline that holds a face."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.faces.quality import Looks
from pipeline.tables.observations import Observations


@dataclass(frozen=True)
class RowValues:
    """What was observed of each row of :class:`pipeline.faces.track.Sightings`; NaN where the detector saw nothing.

    Attributes:
        scores: float32 ``(n,)``: the detector's.
        probabilities: float32 ``(n, 7)``: the network's.
        looks: how the face is shown.
    """

    scores: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    looks: Looks

    @staticmethod
    def of(whole: Observations, looks: Looks, detection: NDArray[np.int32]) -> "RowValues":
        """Return the values of the rows whose detections are ``detection`` ``(n,)``, NaN for -1.

        Args:
            whole: the movie's observations.
            looks: of each of its detections.
            detection: int32 ``(n,)``, index of a detection.
        """
        return RowValues(
            scores=_picked(whole.scores, detection),
            probabilities=_picked(whole.probabilities, detection),
            looks=looks.picked(detection),
        )


def _picked(values: NDArray[np.float32], detection: NDArray[np.int32]) -> NDArray[np.float32]:
    picked = np.full((len(detection), *values.shape[1:]), np.nan, np.float32)
    picked[detection >= 0] = values[detection[detection >= 0]]
    return picked
