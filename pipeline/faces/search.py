"""Decoded pictures -> the faces in them: scaled for the detector, many at a time where it can, and boxes moved back."""

from collections.abc import Sequence
from itertools import takewhile
from typing import Final

import av.video.frame
import numpy as np
from av.video.reformatter import Interpolation
from numpy.typing import NDArray

from pipeline.faces.detect import BatchFaceDetector, Detections, FaceDetector
from pipeline.media.colour import Converter
from pipeline.media.geometry import Fit
from pipeline.media.movie import Fits, Movie
from pipeline.scenes.shots import THUMBNAIL_SIZE

_HELD_BYTES: Final = 256_000_000
"""Bytes of decoded pictures that a worker holds to fill a batch."""

_INTERVAL_FRAMES: Final = 3
"""Frames from one search to the next, about, at usual settings."""


def find_faces(picture: av.video.frame.VideoFrame, scaler: "Scaler", detector: FaceDetector, fit: Fit) -> Detections:
    """Find the faces of one decoded picture; boxes are in pixels of the movie's picture.

    Args:
        picture: as decoded.
        scaler: of its movie, for that detector.
        detector: finds the faces.
        fit: where the picture lies in the movie's.
    """
    bgr = scaler.upright_bgr(picture, fit)
    return _in_movie(detector.detect(bgr), fit, bgr)


def _in_movie(found: Detections, fit: Fit, bgr: NDArray[np.uint8]) -> Detections:
    """Move faces found on ``bgr`` to the movie's picture."""
    height, width = bgr.shape[:2]
    # Points move as the corners of boxes do.
    points = np.tile(found.landmarks.reshape(-1, 2), 2)
    landmarks = fit.to_movie(points, (width, height))[:, :2].reshape(found.landmarks.shape)
    return Detections(fit.to_movie(found.boxes, (width, height)), found.scores, landmarks)


def find_many(
    pictures: Sequence[av.video.frame.VideoFrame], scaler: "Scaler", detector: FaceDetector, fits: Sequence[Fit]
) -> list[Detections]:
    """Find the faces of decoded pictures, many at a time where the detector can; see :func:`find_faces`.

    Args:
        pictures: as decoded.
        scaler: of their movie, for that detector.
        detector: finds the faces.
        fits: where each picture lies in the movie's.
    """
    if not isinstance(detector, BatchFaceDetector):
        return [find_faces(picture, scaler, detector, fit) for picture, fit in zip(pictures, fits, strict=True)]
    scaled = [scaler.upright_bgr(picture, fit) for picture, fit in zip(pictures, fits, strict=True)]
    found: list[Detections] = []
    while len(found) < len(scaled):  # as many as have the size of the first
        rest = scaled[len(found) :]
        some = list(takewhile(lambda one, size=rest[0].shape: one.shape == size, rest))  # type: ignore[misc]
        for one, faces in zip(some, detector.detect_many(some), strict=True):
            found.append(_in_movie(faces, fits[len(found)], one))
    return found


class Scaler:
    """Scales decoded pictures for the detector, colour and size in one pass, and its boxes back.

    Each picture is searched, compared and cut in its own shape, unstretched and without bars; boxes are in the geometry
    of the movie's picture.
    """

    def __init__(self, movie: Movie, long_side: int) -> None:
        """Scale the pictures of ``movie`` to ``long_side`` px at most; 0 leaves them as large as they are."""
        self._long_side = long_side
        self._fits = Fits(movie)
        # Each keeps its tables from one picture to the next.
        self._to_search, self._to_compare = Converter(Interpolation.AREA), Converter(Interpolation.AREA)

    def fit(self, picture: av.video.frame.VideoFrame) -> Fit:
        """Return where the next picture lies in the movie's: see :class:`pipeline.media.movie.Fits`."""
        return self._fits.of(picture)

    def upright_bgr(self, picture: av.video.frame.VideoFrame, fit: Fit) -> NDArray[np.uint8]:
        """Return the picture upright, uint8 ``(h, w, 3)``, BGR, contiguous."""
        width, height = fit.size
        scale = min(1.0, self._long_side / max(width, height)) if self._long_side else 1.0
        size = max(1, round(width * scale)), max(1, round(height * scale))
        return self._scaled(self._to_search, picture, fit, size)

    def thumbnail(self, picture: av.video.frame.VideoFrame, fit: Fit) -> NDArray[np.uint8]:
        """Return the picture upright, uint8 ``(90, 160, 3)``, BGR, contiguous: for comparison with its neighbours.

        Whatever its shape, it fills the thumbnail: a scene whose size changes on the way is still the same scene.
        """
        return self._scaled(self._to_compare, picture, fit, THUMBNAIL_SIZE)

    @staticmethod
    def _scaled(
        converter: Converter, picture: av.video.frame.VideoFrame, fit: Fit, size: tuple[int, int]
    ) -> NDArray[np.uint8]:
        return fit.orientation.apply(converter.bgr(picture, fit.stored(*size)))


def intervals_ahead(movie: Movie, detector: FaceDetector) -> int:
    """Return how many intervals between searches are to wait for each other: as fill a batch and memory holds."""
    if not isinstance(detector, BatchFaceDetector):
        return 1
    picture = 1.5 * movie.width * movie.height
    return max(1, min(detector.batch_size, int(_HELD_BYTES / picture / _INTERVAL_FRAMES)))
