"""What is made of a captured picture: faces, labels, an annotated picture, a JPEG."""

from dataclasses import dataclass
from typing import Final

import av.video.frame
import cv2
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from jobs.live.capture import Captured
from jobs.live.clock import TIME_BASE
from pipeline.analyze import Classifier, crop_faces
from pipeline.faces.appearance import appearance_of, miniatures_of
from pipeline.faces.detect import FaceDetector
from pipeline.faces.online import OnlineTracker
from pipeline.faces.quality import Looks, contrast_of, looks_of, sharpness_of, yaw_of
from pipeline.faces.search import Scaler
from pipeline.faces.track import Sightings, TrackOptions
from pipeline.media.movie import Movie
from pipeline.scenes.shots import ChangeScorer, CutSpotter
from pipeline.schema import EMOTIONS, LABELS
from pipeline.tables.labels import labels_of
from pipeline.video.draw import LabelledFace, Planes, draw_faces
from pipeline.video.render import Upright

_LONGEST_SIDE: Final = 1280
"""Pixels of the JPEG's longer side: twenty viewers of 4K pictures would need a gigabit a second."""
_QUALITY: Final = 80


@dataclass(frozen=True)
class Analysed:
    """The faces of one picture as they are shown.

    Attributes:
        number: of the picture, counted from 0 over those that were analysed.
        pts: in the session's clock.
        shot: counted from 0.
        faces: a row each.
        scores: float32 ``(n,)``: the detector's; NaN where it saw nothing.
        probabilities: float32 ``(n, 7)``: the network's; NaN likewise.
        looks: how they are shown; NaN likewise.
        sure: support from which labels are shown, 0..1.
    """

    number: int
    pts: int
    shot: int
    faces: Sightings
    scores: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    looks: Looks
    sure: float = 0.0

    @property
    def time(self) -> float:
        """Seconds since the session's first picture."""
        return float(self.pts * TIME_BASE)

    def labelled(self) -> list[LabelledFace]:
        """Return the faces with the labels that are drawn."""
        faces = self.faces
        labels, confidence = labels_of(faces.smoothed, faces.quality, self.sure), faces.smoothed.max(axis=1, initial=0)
        rows = zip(faces.boxes.tolist(), labels.tolist(), confidence.tolist(), faces.track.tolist(), strict=True)
        return [
            LabelledFace((x1, y1, x2, y2), LABELS[label], part, track) for (x1, y1, x2, y2), label, part, track in rows
        ]


class Analyst:
    """Analyses the pictures of a session one after another; for one thread."""

    def __init__(
        self, detector: FaceDetector, classifier: Classifier, options: TrackOptions, sure: float = 0.0
    ) -> None:
        """Prepare for a session.

        Args:
            detector: finds faces.
            classifier: labels them.
            options: how they are followed.
            sure: support from which labels are shown, 0..1; see :mod:`pipeline.tables.labels`.
        """
        self._sure = sure
        self._detector = detector
        self._classifier = classifier
        self._tracker = OnlineTracker(options)
        self._scaler: Scaler | None = None
        self._connection = 0
        self._number = 0
        self._shot = 0

    def analyse(self, captured: Captured) -> Analysed:
        """Find, classify and follow the faces of the next picture.

        The first picture of a new connection begins a new shot: the source may show something else by then.
        """
        new_connection = captured.connection != self._connection or self._scaler is None
        if new_connection:
            self._connection = captured.connection
            self._scaler = Scaler(captured.movie, self._detector.long_side)
            self._scorer, self._spotter = ChangeScorer(), CutSpotter()
        assert self._scaler is not None
        seen = crop_faces(captured.frame, self._scaler, self._detector)
        probabilities = self._classifier.predict(seen.crops)
        yaw, sharpness = yaw_of(seen.faces.landmarks), sharpness_of(seen.crops)
        looks = looks_of(seen.faces.boxes, yaw, sharpness, contrast_of(seen.crops))
        time = float(captured.pts * TIME_BASE)
        is_cut = self._spotter.step(time, self._scorer.score(seen.thumbnail)) or (new_connection and self._number > 0)
        self._shot += is_cut
        appearance = appearance_of(miniatures_of(seen.crops))
        faces = self._tracker.step(self._number, time, seen.faces, probabilities, is_cut, looks.quality, appearance)
        found = faces.detection >= 0
        scores = np.where(found, np.append(seen.faces.scores, np.nan)[faces.detection], np.nan)
        rows = np.concatenate([probabilities, np.full((1, len(EMOTIONS)), np.nan, np.float32)])[faces.detection]
        self._number += 1
        return Analysed(
            number=self._number - 1,
            pts=captured.pts,
            shot=self._shot,
            faces=faces,
            scores=np.asarray(scores, np.float32),
            probabilities=rows.astype(np.float32),
            looks=looks.picked(faces.detection),
            sure=self._sure,
        )


class Painter:
    """Makes the pictures that are shown and recorded; for one geometry and one thread."""

    def __init__(self, movie: Movie) -> None:
        self.movie = movie
        self._upright = Upright(movie)
        self._reformatter = VideoReformatter()
        scale = min(1.0, _LONGEST_SIDE / max(movie.width, movie.height))
        self.shown_size = max(2, round(movie.width * scale)), max(2, round(movie.height * scale))

    def paint(self, captured: Captured, analysed: Analysed) -> av.video.frame.VideoFrame:
        """Return the picture upright, as yuv420p, with its faces drawn."""
        picture = self._upright.yuv420p(captured.frame)
        draw_faces(Planes.of_frame(picture), analysed.labelled())
        return picture

    def jpeg(self, picture: av.video.frame.VideoFrame) -> bytes:
        """Encode a painted picture for browsers."""
        width, height = self.shown_size
        bgr = self._reformatter.reformat(picture, width, height, "bgr24", interpolation=Interpolation.AREA).to_ndarray()
        done, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        assert done, "OpenCV cannot encode a JPEG"
        return bytes(data)
