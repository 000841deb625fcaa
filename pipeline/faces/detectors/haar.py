"""``haar``: OpenCV's frontal-face cascade."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DetectorError
from pipeline.faces.detect import Detections, FaceDetector


def make() -> FaceDetector:
    """Build the detector."""
    return HaarDetector()


class HaarDetector:
    """OpenCV's frontal-face cascade as the project's origin used it: scale 1.3, 5 neighbours, full picture.

    The cascade gives no score; every box counts as certain.
    """

    name = "haar"
    long_side = 0

    def __init__(self) -> None:
        folder = Path(cv2.data.haarcascades)  # type: ignore[attr-defined]  # there below OpenCV 5
        path = folder / "haarcascade_frontalface_default.xml"
        self._cascade = cv2.CascadeClassifier(str(path))
        if self._cascade.empty():
            raise DetectorError(f"{path}: OpenCV cannot load its frontal-face cascade; opencv-python below 5 ships it")

    def detect(self, bgr: NDArray[np.uint8]) -> Detections:
        """See :class:`FaceDetector`."""
        grey = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
        found = self._cascade.detectMultiScale(grey, scaleFactor=1.3, minNeighbors=5)
        rows = np.array([(*box, 1.0) for box in found], np.float32)
        return Detections.from_xywh(rows)
