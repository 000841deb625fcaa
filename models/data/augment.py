"""How crops are altered at random while a network learns."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.data.faces import CROP_SIZE


@dataclass(frozen=True)
class Augmentation:
    """How far a crop is altered at random, each time it is drawn; every crop is mirrored with probability one half.

    A detector's box is never as steady as the hand-checked crops of a data set, nor is a film lit like a portrait.

    Attributes:
        size: side of the altered crop, px. Less than 48 cuts a window, for networks that look at one.
        rotation: degrees to either side.
        scale: the face is drawn larger or smaller by up to this factor, less 1.
        shift: of the face, px of 48 to either side, in both directions.
        light: contrast is changed by up to this factor, less 1, and brightness by up to half of it, of the full range.
        blur: probability that the crop is scaled down to 16 to 40 px and back: a face far away.
        erase: probability that a rectangle of 2 to 20 % of the area is filled with noise (Zhong et al. 2017,
            arXiv:1708.04896): a hand, a hat, the edge of the picture.
    """

    size: int = CROP_SIZE
    rotation: float = 0.0
    scale: float = 0.0
    shift: float = 0.0
    light: float = 0.0
    blur: float = 0.0
    erase: float = 0.0

    def apply(self, crop: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        """Return an altered copy ``(size, size)`` of a crop ``(48, 48)``."""
        if rng.random() < 0.5:
            crop = np.ascontiguousarray(crop[:, ::-1])
        if self.blur and rng.random() < self.blur:
            side = int(rng.integers(16, 41))
            small = cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA)
            crop = np.asarray(cv2.resize(small, crop.shape[::-1], interpolation=cv2.INTER_LINEAR), np.uint8)
        if self.rotation or self.scale or self.shift or self.size != CROP_SIZE:
            crop = self._warped(crop, rng)
        if self.light:
            crop = self._lit(crop, rng)
        if self.erase and rng.random() < self.erase:
            crop = _erased(crop, rng)
        return crop

    def _warped(self, crop: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        angle = rng.uniform(-1, 1) * self.rotation
        factor = float((1 + self.scale) ** rng.uniform(-1, 1))
        centre = (CROP_SIZE - 1) / 2
        matrix = cv2.getRotationMatrix2D((centre, centre), angle, factor)
        matrix[:, 2] = matrix[:, 2] + rng.uniform(-1, 1, 2) * self.shift - (CROP_SIZE - self.size) / 2
        warped = cv2.warpAffine(
            crop, matrix, (self.size, self.size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        return np.asarray(warped, np.uint8)

    def _lit(self, crop: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        contrast = float((1 + self.light) ** rng.uniform(-1, 1))
        mean = float(crop.mean())
        brightness = rng.uniform(-1, 1) * self.light / 2 * 255
        levels = (np.arange(256) - mean) * contrast + mean + brightness
        return np.clip(np.round(levels), 0, 255).astype(np.uint8)[crop]


def _erased(crop: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    side = crop.shape[0]
    area, aspect = rng.uniform(0.02, 0.2) * side * side, float(np.exp(rng.uniform(np.log(0.3), np.log(1 / 0.3))))
    height, width = (min(side, max(1, round((area * ratio) ** 0.5))) for ratio in (aspect, 1 / aspect))
    top, left = int(rng.integers(0, side - height + 1)), int(rng.integers(0, side - width + 1))
    crop = crop.copy()
    crop[top : top + height, left : left + width] = rng.integers(0, 256, (height, width), np.uint8)
    return crop
