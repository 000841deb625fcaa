"""The faces of one picture, and the protocol of what finds them: see :mod:`pipeline.faces.detectors`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

LANDMARKS: Final = 5
"""The eyes, the nose and the corners of the mouth; of eyes and corners the one further left in the picture first."""


def _none() -> NDArray[np.float32]:
    return np.zeros((0, LANDMARKS, 2), np.float32)


@dataclass(frozen=True)
class Detections:
    """The faces of one picture as columns.

    Attributes:
        boxes: float32 ``(n, 4)``: x1, y1, x2, y2 in pixels of the picture that was searched.
        scores: float32 ``(n,)``, 0..1.
        landmarks: float32 ``(n, 5, 2)``: x and y in pixels of LANDMARKS; NaN where the detector finds none, which is
            what it becomes if it is left out.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    landmarks: NDArray[np.float32] = field(default_factory=_none)

    def __post_init__(self) -> None:
        n = len(self.scores)
        if self.boxes.shape != (n, 4):
            raise ValueError(f"expected boxes of shape ({n}, 4), found {self.boxes.shape}")
        if len(self.landmarks) == 0:
            object.__setattr__(self, "landmarks", np.full((n, LANDMARKS, 2), np.nan, np.float32))
        if self.landmarks.shape != (n, LANDMARKS, 2):
            raise ValueError(f"expected landmarks of shape ({n}, {LANDMARKS}, 2), found {self.landmarks.shape}")

    def __len__(self) -> int:
        return len(self.scores)

    @staticmethod
    def from_xywh(rows: NDArray[np.float32]) -> "Detections":
        """Build from float32 ``(n, 5)`` rows of left, top, width, height, score; or ``(n, 15)``, landmarks behind."""
        rows = np.asarray(rows, np.float32)
        rows = rows.reshape(-1, rows.shape[-1] if rows.ndim == 2 else 5)
        corners = np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:4]], axis=1)
        return Detections(corners, rows[:, 4], rows[:, 5 : 5 + 2 * LANDMARKS].reshape(-1, LANDMARKS, 2))


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


@runtime_checkable
class BatchFaceDetector(FaceDetector, Protocol):
    """Finds faces in many pictures at a time, as a GPU must to be busy.

    Attributes:
        batch_size: pictures that it sees at a time.
        notes: what the user should know of its work, such as that its memory was too small.
    """

    @property
    def batch_size(self) -> int: ...  # noqa: D102

    @property
    def notes(self) -> list[str]: ...  # noqa: D102

    def detect_many(self, pictures: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        """As :meth:`detect`, for pictures of one size."""
        ...
