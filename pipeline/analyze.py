"""READ FIRST. One segment of a movie -> observations: decode, detect, crop, classify, score changes.

Nothing here depends on other segments, so any number of workers may analyze them in any order.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import av.video.frame
import numpy as np
from numpy.typing import NDArray

from pipeline.faces.appearance import MINIATURE_SIZE, miniatures_of
from pipeline.faces.candidate_filter import CandidateFilter, Verdict
from pipeline.faces.crops import cut_crops
from pipeline.faces.detect import Detections, FaceDetector
from pipeline.faces.quality import contrast_of, sharpness_of, yaw_of
from pipeline.faces.search import Scaler, find_faces, find_many, intervals_ahead
from pipeline.faces.sparse_detection import FrameFaces, SparseDetector
from pipeline.faces.track import TrackOptions
from pipeline.media.decode import DecodeFaults, Reader
from pipeline.media.frames import frames_of
from pipeline.media.geometry import Fit
from pipeline.media.movie import Movie
from pipeline.media.segments import Segment
from pipeline.people.embed import Embedder, Sampler
from pipeline.scenes.shots import ChangeScorer
from pipeline.schema import EMOTIONS
from pipeline.tables.observations import Observations


class Classifier(Protocol):
    """Turns face crops into probabilities."""

    def predict(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return float32 ``(n, 7)`` in the order of EMOTIONS for uint8 ``(n, 48, 48)`` grey crops."""
        ...


@dataclass(frozen=True)
class Analysis:
    """How pictures are analyzed: by what, and how often.

    Attributes:
        detector: finds faces.
        classifier: says what they express, on each frame.
        interval: s between searches for faces, 0 for every frame; boxes in between are interpolated
            (:mod:`pipeline.faces.sparse_detection`).
        tracking: what candidates must reach to count as faces; those that cannot are left out without being classified
            (:mod:`pipeline.faces.candidate_filter`). Without it, all detections are kept.
        embedder: describes faces, so that persons can be told apart; without it they are not.
        overlapped: classify beside decoding, in a thread: on an accelerator, which leaves the processor to that.
        batch_size: crops that are collected, over as many frames as it takes, before the classifier is called. The
            default fills a GPU.
    """

    detector: FaceDetector
    classifier: Classifier
    interval: float = 0.0
    tracking: TrackOptions | None = None
    embedder: Embedder | None = None
    batch_size: int = 512
    overlapped: bool = False


def analyze(
    movie: Movie,
    segment: Segment,
    analysis: Analysis,
    threads: int = 1,
    on_frame: Callable[[], None] = lambda: None,
    reader: Reader | None = None,
) -> Observations:
    """Observe every frame of ``segment``.

    Args:
        movie: that the segment is of.
        segment: its span.
        analysis: detector, classifier and how to use them.
        threads: bound on those of the decoder and of the deinterlacer.
        on_frame: called after each frame.
        reader: keeps the movie open for the next segment.

    Returns:
        What it holds; the same wherever the movie is cut, but for ``change`` of the first frame, scored later.

    Raises:
        InputError: the movie cannot be read.
    """
    detector, faults = analysis.detector, DecodeFaults()
    scaler, scorer = Scaler(movie, detector.long_side), ChangeScorer()
    faces = _FaceCollector(analysis, Sampler(analysis.embedder, movie.time_base, segment.joints))
    pts: list[int] = []
    change: list[float] = []
    ends: list[NDArray[np.uint8]] = []
    shapes: list[tuple[int, int, int]] = []
    fits: dict[int, Fit] = {}  # by id of the pictures whose faces are not known yet
    sparse = SparseDetector(
        lambda pictures: find_many(pictures, scaler, detector, [fits[id(picture)] for picture in pictures]),
        analysis.interval,
        movie.time_base,
        segment.joints,
        ahead=intervals_ahead(movie, detector),
    )

    def keep(searched: Iterator[FrameFaces]) -> None:
        for one in searched:
            assert one.faces is not None
            crops = cut_crops(one.frame.picture, one.faces.boxes, fits.pop(id(one.frame.picture)))
            faces.add(one.frame.pts, movie.time_of(one.frame.pts), one.faces, crops)
            on_frame()

    for frame in frames_of(movie, segment, faults, threads, reader):
        fits[id(frame.picture)] = fit = scaler.fit(frame.picture)
        small = scaler.thumbnail(frame.picture, fit)
        ends = [*ends[:1], small]
        pts.append(frame.pts)
        if not shapes or shapes[-1][1:] != fit.size:
            shapes.append((frame.pts, *fit.size))
        change.append(scorer.score(small))
        keep(sparse.add(frame, change[-1]))
    keep(sparse.finish())
    if len(ends) == 1:
        ends *= 2  # a lone frame is both the first and the last
    return Observations(
        pts=np.array(pts, np.int64),
        change=np.array(change, np.float32),
        ends=np.array(ends, np.uint8),
        **vars(faces.finish()),
        shapes=np.array(shapes, np.int64).reshape(-1, 3),
        **vars(faults),
    )


@dataclass(frozen=True)
class PictureFaces:
    """The faces of one picture before they are classified.

    Attributes:
        thumbnail: uint8 ``(90, 160, 3)``, BGR: of the picture.
        faces: boxes in pixels of the movie's picture.
        crops: uint8 ``(n, 48, 48)``: the faces, grey.
    """

    thumbnail: NDArray[np.uint8]
    faces: Detections
    crops: NDArray[np.uint8]


def crop_faces(picture: av.video.frame.VideoFrame, scaler: "Scaler", detector: FaceDetector) -> PictureFaces:
    """Find the faces of one picture and cut them out.

    Args:
        picture: as decoded.
        scaler: of its movie, for that detector.
        detector: finds the faces.
    """
    fit = scaler.fit(picture)
    faces = find_faces(picture, scaler, detector, fit)
    return PictureFaces(scaler.thumbnail(picture, fit), faces, cut_crops(picture, faces.boxes, fit))


@dataclass(frozen=True)
class _FaceColumns:
    """The faces of a segment, in order of frames, as :class:`Observations` has them."""

    face_frame: NDArray[np.int32]
    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    yaw: NDArray[np.float32]
    sharpness: NDArray[np.float32]
    contrast: NDArray[np.float32]
    miniatures: NDArray[np.uint8]
    embedded: NDArray[np.int32]
    embeddings: NDArray[np.int8]


class _FaceCollector:
    """Collects the faces of a segment, and their crops over many frames, so that the network sees full batches."""

    def __init__(self, analysis: Analysis, sampler: Sampler) -> None:
        self._sampler = sampler
        self._classifier, self._batch_size = analysis.classifier, analysis.batch_size
        self._candidates = CandidateFilter(analysis.tracking) if analysis.tracking else None
        self._frame_count = 0
        self._frames: list[int] = []  # of each face
        self._found = [Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))]
        self._undecided: dict[int, NDArray[np.uint8]] = {}  # crops by the face's number
        self._kept: list[int] = []
        self._queue: list[NDArray[np.uint8]] = []
        self._beside = ThreadPoolExecutor(1) if analysis.overlapped else None
        self._done: list[Callable[[], NDArray[np.float32]]] = []
        self._measured = [np.zeros((2, 0), np.float32)]  # sharpness and contrast
        self._miniatures = [np.zeros((0, MINIATURE_SIZE, MINIATURE_SIZE), np.uint8)]

    def add(self, pts: int, time: float, faces: Detections, crops: NDArray[np.uint8]) -> None:
        """Take the faces of the next frame, shown at ``time`` in s, and their crops, uint8 ``(n, 48, 48)``."""
        first = len(self._frames)
        numbers = list(range(first, first + len(faces)))
        self._undecided.update(zip(numbers, crops, strict=True))
        self._frames += [self._frame_count] * len(faces)
        self._frame_count += 1
        self._found.append(faces)
        self._sampler.add(pts, numbers, faces, crops)
        self._settle(self._candidates.add(time, faces) if self._candidates else Verdict(numbers, []))

    def finish(self) -> _FaceColumns:
        """Classify the rest and return all faces."""
        if self._candidates:
            self._settle(self._candidates.finish())
        self._classify()
        done = [np.zeros((0, len(EMOTIONS)), np.float32), *(result() for result in self._done)]
        if self._beside:
            self._beside.shutdown()
        numbers = np.array(self._kept, np.int64)
        order = np.argsort(numbers)
        kept = numbers[order]
        sharpness, contrast = np.concatenate(self._measured, axis=1)[:, order]
        embedded = self._sampler.finish(kept)
        return _FaceColumns(
            face_frame=np.array(self._frames, np.int32)[kept],
            boxes=np.concatenate([faces.boxes for faces in self._found])[kept],
            scores=np.concatenate([faces.scores for faces in self._found])[kept],
            probabilities=np.concatenate(done)[order],
            yaw=yaw_of(np.concatenate([faces.landmarks for faces in self._found])[kept]),
            sharpness=sharpness,
            contrast=contrast,
            miniatures=np.concatenate(self._miniatures)[order],
            embedded=embedded.face,
            embeddings=embedded.vectors,
        )

    def _settle(self, verdict: Verdict) -> None:
        for number in verdict.ruled_out:
            del self._undecided[number]
        self._sampler.settle(verdict)
        self._kept += verdict.possible
        self._queue += [self._undecided.pop(number) for number in verdict.possible]
        if len(self._queue) >= self._batch_size:
            self._classify()

    def _classify(self) -> None:
        if self._queue:
            crops = np.stack(self._queue)
            if self._beside:
                self._done.append(self._beside.submit(self._classifier.predict, crops).result)
            else:
                found = self._classifier.predict(crops)
                self._done.append(lambda: found)
            self._measured.append(np.stack([sharpness_of(crops), contrast_of(crops)]))
            self._miniatures.append(miniatures_of(crops))
            self._queue = []
