"""What a frame shows, in a few bytes: its light on a grid of 16 x 9, its colours on one of 8 x 3; and how much detail.

So coarse, the same view stays the same while people move in it, and a whole film fits into memory.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

LIGHT: Final = 16 * 9
"""Values of a look that are light (Y); the others are colours, Cr and Cb of a cell side by side."""

SIZE: Final = LIGHT + 8 * 3 * 2

KEY_FRAMES: Final = 4
"""Of a shot, whose looks together are the look of the shot."""


def look_of(thumbnail: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the look, uint8 ``(192,)``, of a thumbnail, uint8 ``(90, 160, 3)``, BGR."""
    cells = cv2.resize(thumbnail, (16, 9), interpolation=cv2.INTER_AREA)
    light_and_colour = cv2.cvtColor(cells, cv2.COLOR_BGR2YCrCb)
    colour = cv2.resize(light_and_colour[..., 1:], (8, 3), interpolation=cv2.INTER_AREA)
    return np.concatenate([light_and_colour[..., 0].reshape(-1), colour.reshape(-1)])


def detail_of(thumbnail: NDArray[np.uint8]) -> float:
    """Return the energy of a thumbnail's details: mean square between neighbouring pixels' grey levels.

    Where two pictures are mixed, their details do not add up: half of each has a quarter of its energy.
    """
    grey = cv2.cvtColor(thumbnail, cv2.COLOR_BGR2GRAY)
    down = cv2.norm(grey[1:], grey[:-1], cv2.NORM_L2SQR)
    across = cv2.norm(np.ascontiguousarray(grey[:, 1:]), np.ascontiguousarray(grey[:, :-1]), cv2.NORM_L2SQR)
    return float((down + across) / grey.size)


class FrameLooks:
    """Collects looks and details of frames."""

    def __init__(self) -> None:
        self._looks = bytearray()
        self._details: list[float] = []

    def add(self, thumbnail: NDArray[np.uint8]) -> None:
        """Take the next frame's thumbnail, uint8 ``(90, 160, 3)``, BGR."""
        self._looks += look_of(thumbnail).tobytes()
        self._details.append(detail_of(thumbnail))

    @property
    def looks(self) -> NDArray[np.uint8]:
        """Those of all frames, uint8 ``(f, 192)``."""
        return np.frombuffer(bytes(self._looks), np.uint8).reshape(-1, SIZE)

    @property
    def details(self) -> NDArray[np.float32]:
        """Those of all frames, float32 ``(f,)``."""
        return np.array(self._details, np.float32)
