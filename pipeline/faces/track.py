"""Follow faces through the shots of a whole movie, offline: a label may use the future as well as the past."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.faces.detect import Detections
from pipeline.faces.linking.boxes import iou
from pipeline.faces.linking.candidates import Candidates, Track
from pipeline.faces.linking.link import link
from pipeline.faces.linking.options import TrackOptions as TrackOptions
from pipeline.faces.linking.smooth import smooth


@dataclass(frozen=True)
class Sightings:
    """Faces of a movie in order of frames, then of tracks.

    Attributes:
        frame: int32 ``(n,)``, index into the movie's frames.
        track: int32 ``(n,)``.
        detection: int32 ``(n,)``, index of the detection; -1 where the box is interpolated.
        boxes: float32 ``(n, 4)``: x1, y1, x2, y2 in px.
        smoothed: float32 ``(n, 7)``: probabilities averaged along the track.
        quality: float32 ``(n,)``, 0..1: averaged likewise.
    """

    frame: NDArray[np.int32]
    track: NDArray[np.int32]
    detection: NDArray[np.int32]
    boxes: NDArray[np.float32]
    smoothed: NDArray[np.float32]
    quality: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.frame)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> "Sightings":
        """Return those that ``rows`` selects: a mask ``(n,)`` or indices."""
        return Sightings(**{name: column[rows] for name, column in vars(self).items()})


def follow(
    time: NDArray[np.float64],
    shot: NDArray[np.int32],
    face_frame: NDArray[np.int32],
    faces: Detections,
    probabilities: NDArray[np.float32],
    options: TrackOptions,
    quality: NDArray[np.float32] | None = None,
    appearance: NDArray[np.float32] | None = None,
) -> Sightings:
    """Join detections to tracks, bridge gaps, drop false alarms and smooth.

    Args:
        time: float64 ``(f,)``, s, rising: of every frame.
        shot: int32 ``(f,)``, rising: a track never leaves its shot.
        face_frame: int32 ``(n,)``, rising: the frame of each detection.
        faces: the detections.
        probabilities: float32 ``(n, 7)``.
        options: see there.
        quality: float32 ``(n,)``, 0..1: of each detection; None for faces that are all shown well.
        appearance: float32 ``(n, k)``: see :mod:`pipeline.faces.appearance`; None where it is not known.
    """
    if appearance is None:
        appearance = np.zeros((len(faces), 0), np.float32)
    values = np.column_stack([probabilities, np.ones(len(faces), np.float32) if quality is None else quality])
    found = Candidates(time, shot, face_frame, faces.boxes, faces.scores, appearance)
    length = np.bincount(shot)[shot[face_frame]]
    tracks = [track for track in link(found, options) if _is_face(track, length, faces.scores, options)]
    columns = [_sightings(number, track, found, values, options) for number, track in enumerate(tracks)]
    if not columns:
        none = np.zeros(0, np.int32)
        return Sightings(none, none, none, faces.boxes[:0], probabilities[:0], faces.scores[:0])
    seen = Sightings(**{name: np.concatenate([getattr(c, name) for c in columns]) for name in vars(columns[0])})
    return drop_hidden(seen.take(np.lexsort((seen.track, seen.frame))), options.max_overlap)


def drop_hidden(seen: Sightings, max_overlap: float) -> Sightings:
    """Return the sightings without unseen ones that overlap a seen one in their frame by more than ``max_overlap``."""
    unseen = np.flatnonzero(seen.detection < 0)
    starts, ends = (np.searchsorted(seen.frame, seen.frame[unseen], side) for side in ("left", "right"))
    kept = np.ones(len(seen), np.bool_)
    for place, start, end in zip(unseen, starts, ends, strict=True):
        others = seen.boxes[start:end][seen.detection[start:end] >= 0]
        kept[place] = not (iou(seen.boxes[place : place + 1], others) > max_overlap).any()
    return seen.take(kept)


def _is_face(track: Track, length: NDArray[np.int64], scores: NDArray[np.float32], options: TrackOptions) -> bool:
    """Tell faces from false alarms, which flicker and never score high.

    Args:
        track: its detections.
        length: int64 ``(n,)``: frames in the shot of each detection.
        scores: float32 ``(n,)``: of each detection.
        options: see there.
    """
    long_enough = len(track) >= min(options.min_detections, length[track[0]])
    return long_enough and bool(scores[track].max() >= options.min_peak)


def _sightings(
    number: int, track: Track, found: Candidates, values: NDArray[np.float32], options: TrackOptions
) -> Sightings:
    """Return a track's rows, one for every frame from its first to its last detection but in gaps over ``max_gap``.

    ``values``, float32 ``(n, 8)``, are probabilities and quality.
    """
    time, seen = found.time, found.frame[track]
    frames = np.arange(seen[0], seen[-1] + 1, dtype=np.int32)
    detection = np.full(len(frames), -1, np.int32)
    detection[seen - seen[0]] = track
    gap = (
        np.diff(time[seen])[np.searchsorted(seen, frames, "right").clip(max=len(seen) - 1) - 1] if len(seen) > 1 else 0
    )
    shown = (detection >= 0) | (gap <= options.max_gap)
    frames, detection = frames[shown], detection[shown]
    coordinates = [np.interp(time[frames], time[seen], found.boxes[track, k]) for k in range(4)]
    smoothed = smooth(time[frames], time[seen], values[track], options.smoothing)
    return Sightings(
        frame=frames,
        track=np.full(len(frames), number, np.int32),
        detection=detection,
        boxes=np.stack(coordinates, axis=1).astype(np.float32),
        smoothed=smoothed[:, :-1],
        quality=smoothed[:, -1],
    )
