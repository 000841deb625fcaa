"""READ FIRST. One segment of a movie -> observations: decode, detect, crop, classify, score changes.

Nothing here depends on other segments, so any number of workers may analyze them in any order.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import av.video.frame
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from pipeline.crops import cut_crops
from pipeline.decode import Faults, decode
from pipeline.detect import Detections, FaceDetector
from pipeline.movie import Movie
from pipeline.observations import Observations
from pipeline.schema import EMOTIONS
from pipeline.segments import Segment
from pipeline.shots import ChangeScorer, thumbnail

_CLASSIFY_AT = 512
"""Crops that are collected, over as many frames as it takes, before the network is called: a full batch of a GPU."""


class Classifier(Protocol):
    """Turns face crops into probabilities."""

    def predict(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return float32 ``(n, 7)`` in the order of EMOTIONS for uint8 ``(n, 48, 48)`` grey crops."""
        ...


def analyze(
    movie: Movie,
    segment: Segment,
    detector: FaceDetector,
    classifier: Classifier,
    threads: int = 1,
    on_frame: Callable[[], None] = lambda: None,
) -> Observations:
    """Observe every frame of ``segment``; ``threads`` bounds the decoder's, ``on_frame`` is called after each.

    Raises:
        InputError: the movie cannot be read.
    """
    scaler = Scaler(movie, detector.long_side)
    scorer, faults = ChangeScorer(), Faults()
    crops = _CropQueue(classifier)
    pts: list[int] = []
    change: list[float] = []
    counts: list[int] = []
    found: list[Detections] = []
    ends: list[NDArray[np.uint8]] = []
    for frame in decode(movie, segment, faults, threads):
        seen = look(frame.picture, movie, scaler, detector)
        ends = [*ends[:1], seen.small]
        crops.add(seen.crops)
        pts.append(frame.pts)
        change.append(scorer.score(seen.small))
        counts.append(len(seen.faces))
        found.append(seen.faces)
        on_frame()
    if len(ends) == 1:
        ends *= 2  # a lone frame is both the first and the last
    no_face = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))
    found.append(no_face)  # so that there is something to concatenate
    return Observations(
        pts=np.array(pts, np.int64),
        change=np.array(change, np.float32),
        ends=np.array(ends, np.uint8),
        face_frame=np.repeat(np.arange(len(pts), dtype=np.int32), counts),
        boxes=np.concatenate([faces.boxes for faces in found]),
        scores=np.concatenate([faces.scores for faces in found]),
        probabilities=crops.finish(),
        refused=faults.refused,
        damaged=faults.damaged,
    )


@dataclass(frozen=True)
class Look:
    """What one picture shows before anything is classified.

    Attributes:
        small: uint8 ``(90, 160, 3)``: its thumbnail, BGR.
        faces: boxes in pixels of the upright picture.
        crops: uint8 ``(n, 48, 48)``: the faces, grey.
    """

    small: NDArray[np.uint8]
    faces: Detections
    crops: NDArray[np.uint8]


def look(picture: av.video.frame.VideoFrame, movie: Movie, scaler: "Scaler", detector: FaceDetector) -> Look:
    """Find the faces of one decoded picture and cut them out."""
    bgr = scaler.upright_bgr(picture)
    faces = scaler.to_upright(detector.detect(bgr), bgr)
    return Look(thumbnail(bgr), faces, cut_crops(picture, faces.boxes, movie))


class Scaler:
    """Scales decoded pictures for the detector, colour and size in one pass, and its boxes back."""

    def __init__(self, movie: Movie, long_side: int) -> None:
        self._movie = movie
        width, height = movie.stored_size
        scale = min(1.0, long_side / max(width, height)) if long_side else 1.0
        self._size = max(1, round(width * scale)), max(1, round(height * scale))
        self._reformatter = VideoReformatter()

    def upright_bgr(self, picture: av.video.frame.VideoFrame) -> NDArray[np.uint8]:
        """Return the picture upright, uint8 ``(h, w, 3)``, BGR, contiguous."""
        width, height = self._size
        scaled = self._reformatter.reformat(picture, width, height, "bgr24", interpolation=Interpolation.AREA)
        return self._movie.orientation.apply(np.ascontiguousarray(scaled.to_ndarray(), np.uint8))

    def to_upright(self, faces: Detections, bgr: NDArray[np.uint8]) -> Detections:
        """Scale boxes found on ``bgr`` to the movie's upright, square-pixel picture."""
        scale = np.array([self._movie.width / bgr.shape[1], self._movie.height / bgr.shape[0]] * 2, np.float32)
        return Detections(faces.boxes * scale, faces.scores)


class _CropQueue:
    """Collects crops over many frames, so that the network sees full batches."""

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier
        self._waiting: list[NDArray[np.uint8]] = []
        self._waiting_count = 0
        self._done: list[NDArray[np.float32]] = []

    def add(self, crops: NDArray[np.uint8]) -> None:
        if len(crops) == 0:
            return
        self._waiting.append(crops)
        self._waiting_count += len(crops)
        if self._waiting_count >= _CLASSIFY_AT:
            self._classify()

    def finish(self) -> NDArray[np.float32]:
        if self._waiting:
            self._classify()
        return np.concatenate([np.zeros((0, len(EMOTIONS)), np.float32), *self._done])

    def _classify(self) -> None:
        self._done.append(self._classifier.predict(np.concatenate(self._waiting)))
        self._waiting, self._waiting_count = [], 0
