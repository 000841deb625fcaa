"""The faces of one picture, and the protocol of what finds them: see :mod:`pipeline.faces.detectors`."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Detections:
    """The faces of one picture as columns.

    Attributes:
        boxes: float32 ``(n, 4)``: x1, y1, x2, y2 in pixels of the picture that was searched.
        scores: float32 ``(n,)``, 0..1.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.boxes.shape != (len(self.scores), 4):
            raise ValueError(f"expected boxes of shape ({len(self.scores)}, 4), found {self.boxes.shape}")

    def __len__(self) -> int:
        return len(self.scores)

    @staticmethod
    def from_xywh(rows: NDArray[np.float32]) -> "Detections":
        """Build from float32 ``(n, 5)`` rows of left, top, width, height, score."""
        rows = np.asarray(rows, np.float32).reshape(-1, 5)
        corners = np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:4]], axis=1)
        return Detections(corners, rows[:, 4])


class FaceDetector(Protocol):
    """Finds faces.

    Attributes:
        name: as the user names it.
        long_side: pixels of the longer side that a picture should be scaled down to first; 0 for no scaling.
    """

    name: str
    long_side: int

    def detect(self, bgr: NDArray[np.uint8]) -> Detections:
        """Find the faces of a contiguous uint8 ``(h, w, 3)`` picture in BGR order; boxes are in pixels of it.

        The same picture always gives the same faces, whatever was searched before: tables do not depend on the order in
        which segments are analyzed.
        """
        ...
