"""How well a face can be read: its size, how far it is turned aside, its sharpness and contrast, and what these mean.

``quality`` is the probability that the network's label is the one that viewers agree on, as far as it can be told from
how the face is shown::

    quality = 1 / (1 + exp(-z))
    z = INTERCEPT + BY_SIZE log2(min(size, 64 px) / 64 px) + BY_SHARPNESS log2(min(sharpness, 0.12) / 0.12)
        + BY_CONTRAST log2(min(contrast, 0.12) / 0.12) + BY_YAW (yaw / 90 degrees)^2

Above those limits more does not help. ``scripts/sure_study.py`` fits the five numbers; docs/decisions/unsure.md has
what it found.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.faces.crops import CROP_SIZE

INTERCEPT: Final = 1.53
BY_SIZE: Final = 0.43
BY_SHARPNESS: Final = 1.12
BY_CONTRAST: Final = 1.05
BY_YAW: Final = -0.90

_ENOUGH_SIZE: Final = 64.0
_ENOUGH_SHARPNESS: Final = 0.12
_ENOUGH_CONTRAST: Final = 0.12

_NOSE: Final = 2.0
"""Half the distance of the eyes in units of how far the tip of the nose stands out, times two: what makes the two legs
of the triangle in :func:`yaw_of` equally long. Chosen by eye on faces of films from frontal to profile."""


@dataclass(frozen=True)
class Looks:
    """How faces are shown, as columns.

    Attributes:
        size: float32 ``(n,)``, px of the source's upright picture: the geometric mean of the box's sides.
        yaw: float32 ``(n,)``, degrees: about 0 for a face that looks into the camera, 90 for one in profile, positive
            where it looks to the right of the picture; NaN where the detector finds no landmarks.
        sharpness: float32 ``(n,)``: see :func:`sharpness_of`.
        quality: float32 ``(n,)``, 0..1.
    """

    size: NDArray[np.float32]
    yaw: NDArray[np.float32]
    sharpness: NDArray[np.float32]
    quality: NDArray[np.float32]

    def picked(self, rows: NDArray[np.int32]) -> "Looks":
        """Return the faces ``rows`` ``(m,)``, NaN for -1."""

        def column(values: NDArray[np.float32]) -> NDArray[np.float32]:
            return np.append(values, np.float32(np.nan))[rows]

        return Looks(column(self.size), column(self.yaw), column(self.sharpness), column(self.quality))


def looks_of(
    boxes: NDArray[np.float32],
    yaw: NDArray[np.float32],
    sharpness: NDArray[np.float32],
    contrast: NDArray[np.float32],
) -> Looks:
    """Return how faces are shown.

    Args:
        boxes: float32 ``(n, 4)``: x1, y1, x2, y2 in px.
        yaw: float32 ``(n,)``, of :func:`yaw_of`. Where it is NaN, ``quality`` takes the face for a frontal one.
        sharpness: float32 ``(n,)``, of :func:`sharpness_of`.
        contrast: float32 ``(n,)``, of :func:`contrast_of`.
    """
    size = np.sqrt(np.maximum(boxes[:, 2:] - boxes[:, :2], 0).prod(axis=1)).astype(np.float32)
    z = INTERCEPT + faults_of(size, yaw, sharpness, contrast) @ np.array([BY_SIZE, BY_SHARPNESS, BY_CONTRAST, BY_YAW])
    return Looks(size, yaw, sharpness, (1 / (1 + np.exp(-z))).astype(np.float32))


def faults_of(
    size: NDArray[np.float32], yaw: NDArray[np.float32], sharpness: NDArray[np.float32], contrast: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return what the formula weighs; see this module's head.

    Args:
        size: float32 ``(n,)``, px.
        yaw: see :func:`looks_of`.
        sharpness: see :func:`looks_of`.
        contrast: see :func:`looks_of`.

    Returns:
        float64 ``(n, 4)``: the factors of BY_SIZE, BY_SHARPNESS, BY_CONTRAST and BY_YAW.
    """
    return np.stack(
        [
            _short_of(size, _ENOUGH_SIZE),
            _short_of(sharpness, _ENOUGH_SHARPNESS),
            _short_of(contrast, _ENOUGH_CONTRAST),
            (np.minimum(np.abs(np.nan_to_num(yaw)), 90) / 90) ** 2,
        ],
        axis=1,
    )


def _short_of(values: NDArray[np.float32], enough: float) -> NDArray[np.float64]:
    """Return by how many halvings ``values`` fall short of ``enough``, as numbers below 0; -10 at most."""
    part = np.asarray(values, np.float64) / enough
    return np.asarray(np.log2(np.clip(part, 2.0**-10, 1)))


def yaw_of(landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return by how many degrees faces are turned aside: see :class:`Looks`.

    Seen from above, the eyes end as far apart as the cosine of the angle says, and the nose beside their middle as the
    sine says. Both are measured across the line from the eyes to the mouth, so a tilted head is no turned one.

    Args:
        landmarks: float32 ``(n, 5, 2)``, as :class:`pipeline.faces.detect.Detections` has them.
    """
    left, right, nose, left_corner, right_corner = landmarks.astype(np.float64).transpose(1, 0, 2)
    eyes, mouth = (left + right) / 2, (left_corner + right_corner) / 2
    down = mouth - eyes
    across = np.stack([down[:, 1], -down[:, 0]], axis=1)  # its length cancels out
    beside = ((nose - (eyes + mouth) / 2) * across).sum(axis=1)
    apart = ((right - left) * across).sum(axis=1)
    return np.asarray(np.degrees(np.arctan2(_NOSE * beside, apart)), np.float32)


def sharpness_of(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return how much of the crops' contrast lies in details of one to two pixels.

    It is the standard deviation of what a Gaussian blur (sigma 1 px) takes away, divided by that of the crop: about 0.2
    for a sharp face, under 0.1 for a blurred one or one that was enlarged from 20 px; noise raises it.

    Args:
        crops: uint8 ``(n, 48, 48)``.

    Returns:
        float32 ``(n,)``, 0..1.
    """
    values = crops.astype(np.float32)
    details = [crop - cv2.GaussianBlur(crop, (0, 0), 1) for crop in values]
    parts = [detail.std() / max(float(crop.std()), 1.0) for detail, crop in zip(details, values, strict=True)]
    return np.array(parts, np.float32)


def contrast_of(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the standard deviation of the grey levels of crops, uint8 ``(n, 48, 48)``, in parts of 255: ``(n,)``."""
    return np.asarray(crops.reshape(len(crops), CROP_SIZE**2).std(axis=1) / 255, np.float32)
