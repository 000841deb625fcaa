"""Follow faces while they are being filmed, knowing the past alone.

The offline tracker (:mod:`pipeline.faces.track`) sees the whole movie. This one shares the first of its steps, which
follows faces by their course and their looks, and its thresholds. It differs where it must: what takes the whole of a
track is left out, such as merging boxes on one head and bridging gaps over 0.5 s; a face counts only from the detection
that makes it one, not from its first; the box of a face that is lost stays where it was instead of being interpolated;
and probabilities are averaged over the past half of the offline window.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.faces.detect import Detections
from pipeline.faces.linking.boxes import best_pairs, iou
from pipeline.faces.linking.candidates import velocity_near
from pipeline.faces.linking.follow import COURSE, LOOKS, affinity
from pipeline.faces.track import Sightings, TrackOptions, drop_hidden
from pipeline.schema import EMOTIONS

_UNNUMBERED: Final = -1


@dataclass
class _Track:
    """A face, or what may turn out to be one.

    Attributes:
        box: float32 ``(4,)``, where it was last seen.
        seen: time in s of the last detection.
        frame: that of the last detection.
        detections: how many.
        peak: the best one's score.
        recent: times in s, and probabilities and quality ``(8,)``, of the last detections, for smoothing.
        path: times in s, and boxes ``(4,)``, of the last 16 detections.
        appearance: float32 ``(k,)``: what it looked like when it was last seen.
        number: _UNNUMBERED until it counts as a face.
    """

    box: NDArray[np.float32]
    seen: float
    frame: int
    detections: int = 0
    peak: float = 0.0
    recent: deque[tuple[float, NDArray[np.float32]]] = field(default_factory=deque)
    path: deque[tuple[float, NDArray[np.float32]]] = field(default_factory=lambda: deque(maxlen=16))
    appearance: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    number: int = _UNNUMBERED

    def expected(self, time: float) -> NDArray[np.float32]:
        """Return the box ``(4,)`` that it will have at ``time`` if it keeps its course."""
        times = np.array([one for one, _ in self.path])
        shift = velocity_near(self.seen, times, np.stack([box for _, box in self.path]), COURSE) * (time - self.seen)
        return np.asarray(self.box + np.tile(shift, 2), np.float32)


class OnlineTracker:
    """Follows faces from picture to picture."""

    def __init__(self, options: TrackOptions) -> None:
        self._options = options
        self._tracks: list[_Track] = []
        self._numbers = 0

    def step(
        self,
        frame: int,
        time: float,
        faces: Detections,
        probabilities: NDArray[np.float32],
        new_shot: bool = False,
        quality: NDArray[np.float32] | None = None,
        appearance: NDArray[np.float32] | None = None,
    ) -> Sightings:
        """Take the next picture and return the faces to be shown on it.

        Args:
            frame: its number, rising.
            time: of it in s, rising.
            faces: those found on it.
            probabilities: float32 ``(n, 7)``, of ``faces``.
            new_shot: whether it begins a new shot: no track continues into it.
            quality: float32 ``(n,)``, 0..1: of ``faces``; None for faces that are all shown well.
            appearance: float32 ``(n, k)``: see :mod:`pipeline.faces.appearance`; None where it is not known.

        Returns:
            A row per face, in the order of tracks; ``detection`` is an index into ``faces``, or -1 where the face went
            unseen and its box is that of the last detection.
        """
        values = np.column_stack([probabilities, np.ones(len(faces), np.float32) if quality is None else quality])
        self._tracks = [] if new_shot else [track for track in self._tracks if self._continues(track, frame, time)]
        pairs = self._pairs(time, faces, appearance)
        detection_of = {id(self._tracks[row]): column for row, column in pairs}
        for column in sorted(set(range(len(faces))) - {column for _, column in pairs}):
            track = _Track(faces.boxes[column], time, frame)
            self._tracks.append(track)
            detection_of[id(track)] = column
        for track in self._tracks:
            if id(track) in detection_of:
                self._take(track, frame, time, detection_of[id(track)], faces, values)
                if appearance is not None:
                    track.appearance = appearance[detection_of[id(track)]]
        numbered = sorted((t for t in self._tracks if t.number != _UNNUMBERED), key=lambda track: track.number)
        smoothed = np.array([self._smoothed(track) for track in numbered], np.float32).reshape(-1, len(EMOTIONS) + 1)
        sightings = Sightings(
            frame=np.full(len(numbered), frame, np.int32),
            track=np.array([track.number for track in numbered], np.int32),
            detection=np.array([detection_of.get(id(track), -1) for track in numbered], np.int32),
            boxes=np.array([track.box for track in numbered], np.float32).reshape(-1, 4),
            smoothed=smoothed[:, :-1],
            quality=smoothed[:, -1],
        )
        return drop_hidden(sightings, self._options.max_overlap)

    def _pairs(self, time: float, faces: Detections, appearance: NDArray[np.float32] | None) -> list[tuple[int, int]]:
        """Return which tracks the faces continue, as pairs of rows of both."""
        tracks = self._tracks

        def fit(rows: list[int]) -> NDArray[np.float32]:
            near = iou(np.stack([tracks[row].expected(time) for row in rows]), faces.boxes)
            if appearance is None:
                return near
            alike = np.stack([tracks[row].appearance for row in rows]) @ appearance.T
            return np.asarray(near + LOOKS * alike, np.float32)

        last = np.array([track.box for track in tracks], np.float32).reshape(-1, 4)
        return best_pairs(affinity(last, faces.boxes, self._options.min_iou, fit))

    def _continues(self, track: _Track, frame: int, time: float) -> bool:
        """Say whether a track may have its face in this frame; neighbours always may, however slow the pictures."""
        return frame - track.frame == 1 or time - track.seen <= self._options.max_gap

    def _take(
        self,
        track: _Track,
        frame: int,
        time: float,
        detection: int,
        faces: Detections,
        values: NDArray[np.float32],
    ) -> None:
        track.box, track.seen, track.frame = faces.boxes[detection], time, frame
        track.path.append((time, track.box))
        track.detections += 1
        track.peak = max(track.peak, float(faces.scores[detection]))
        track.recent.append((time, values[detection]))
        while track.recent[0][0] < time - self._options.smoothing / 2:
            track.recent.popleft()
        is_face = track.detections >= self._options.min_detections and track.peak >= self._options.min_peak
        if is_face and track.number == _UNNUMBERED:
            track.number = self._numbers
            self._numbers += 1

    def _smoothed(self, track: _Track) -> NDArray[np.float32]:
        return np.asarray(np.mean([values for _, values in track.recent], axis=0), np.float32)
