"""``yunet``: OpenCV's YuNet with an ONNX file that the user brings."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DetectorError
from pipeline.faces.detect import Detections, FaceDetector


def make(model: Path | None) -> FaceDetector:
    """Build the detector from the ONNX file ``model``.

    Raises:
        DetectorError: there is no file, or it is no YuNet.
    """
    if model is None:
        raise DetectorError("the detector 'yunet' needs --detector-model FILE.onnx; no package ships that file")
    return YunetDetector(model)


class YunetDetector:
    """``cv2.FaceDetectorYN`` with an ONNX file that the user brings."""

    name = "yunet"
    long_side = 640
    _CANDIDATE_SCORE = 0.5

    def __init__(self, model: Path) -> None:
        try:
            self._net = cv2.FaceDetectorYN.create(str(model), "", (320, 320), self._CANDIDATE_SCORE)
        except cv2.error as error:
            raise DetectorError(f"{model}: expected a YuNet ONNX file; OpenCV cannot load it: {error.err}") from error

    def detect(self, bgr: NDArray[np.uint8]) -> Detections:
        """See :class:`FaceDetector`."""
        self._net.setInputSize((bgr.shape[1], bgr.shape[0]))
        _, found = self._net.detect(bgr)
        if found is None:
            return Detections.from_xywh(np.zeros((0, 5), np.float32))
        # Columns 4..13 are landmarks, 14 is the score.
        return Detections.from_xywh(np.asarray(found, np.float32)[:, [*range(4), 14, *range(4, 14)]])
