"""What faces look like, as far as it takes to know one again a moment later."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

MINIATURE_SIZE: Final = 8
"""Side of a miniature in pixels."""


def miniatures_of(crops: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Scale crops, uint8 ``(n, h, w)``, grey, down to uint8 ``(n, 8, 8)``."""
    size = (MINIATURE_SIZE, MINIATURE_SIZE)
    small = [cv2.resize(crop, size, interpolation=cv2.INTER_AREA) for crop in crops]
    return np.array(small, np.uint8).reshape(-1, *size)


def appearance_of(miniatures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return vectors whose product says how alike two faces look, whatever the light: their correlation, -1..1.

    Args:
        miniatures: uint8 ``(n, 8, 8)``.

    Returns:
        float32 ``(n, 64)``, each of length 1; of length 0 where there is nothing to see.
    """
    values = miniatures.reshape(len(miniatures), MINIATURE_SIZE**2).astype(np.float32)
    values -= values.mean(axis=1, keepdims=True)
    return np.asarray(values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1), np.float32)
