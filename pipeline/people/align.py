"""Crops -> smaller pictures in which eyes, nose and mouth always lie in the same places: what faces are compared by."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.faces.crops import CROP_SIZE, squares_of
from pipeline.faces.detect import Detections

ALIGNED_SIZE: Final = 40
"""Side of an aligned picture in pixels."""

_MEAN_FACE: Final = np.array(
    [[0.22549, 0.21599], [0.75476, 0.21599], [0.490127, 0.515625], [0.254149, 0.780233], [0.726104, 0.780233]]
)
"""Eyes, tip of the nose and corners of the mouth of dlib's mean face, in units of its sides."""

_ZOOM: Final = 0.8
"""Side of that face in an aligned picture, in units of the picture's."""

PLACES: Final = ((_MEAN_FACE - 0.5) * _ZOOM + 0.5) * ALIGNED_SIZE
"""Where they lie in an aligned picture, in pixels."""


def align(crops: NDArray[np.uint8], faces: Detections) -> NDArray[np.uint8]:
    """Turn, scale and shift crops so that the faces' landmarks come as near to :data:`PLACES` as they can.

    Args:
        crops: uint8 ``(n, 48, 48)``, grey: of ``faces``, as :func:`pipeline.faces.crops.cut_crops` cuts them.
        faces: the ``n`` faces, with landmarks.

    Returns:
        uint8 ``(n, 40, 40)``. What lies outside of a crop repeats its edge.
    """
    squares = squares_of(faces.boxes).astype(np.float64)
    sides = squares[:, 2] - squares[:, 0]
    marks = (faces.landmarks - squares[:, None, :2]) / sides[:, None, None] * CROP_SIZE
    aligned = [_warped(crop, points) for crop, points in zip(crops, marks, strict=True)]
    return np.stack(aligned) if aligned else np.zeros((0, ALIGNED_SIZE, ALIGNED_SIZE), np.uint8)


def _warped(crop: NDArray[np.uint8], marks: NDArray[np.float64]) -> NDArray[np.uint8]:
    matrix = similarity_transform(marks, PLACES)
    matrix[:, 2] += matrix[:, :2] @ [0.5, 0.5] - 0.5  # pixels are named by their middles
    size = (ALIGNED_SIZE, ALIGNED_SIZE)
    return np.asarray(cv2.warpAffine(crop, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def similarity_transform(points: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rotation, scale and shift ``(2, 3)`` that brings points ``(k, 2)`` nearest to places ``(k, 2)``.

    Least squares (Umeyama 1991), without reflection. Points that all lie in one place are only shifted.
    """
    mean, aim = points.mean(axis=0), places.mean(axis=0)
    a, b = points - mean, places - aim
    spread = float((a**2).sum())
    along = float((a * b).sum()) / spread if spread else 1.0
    across = float((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()) / spread if spread else 0.0
    rotation = np.array([[along, -across], [across, along]])
    return np.hstack([rotation, (aim - rotation @ mean)[:, None]])
