"""Follow faces through the shots of a whole movie, offline: a label may use the future as well as the past."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.faces.detect import Detections


@dataclass(frozen=True)
class TrackOptions:
    """What makes detections one face.

    Attributes:
        min_iou: overlap (intersection over union) from which a detection continues a track.
        max_gap: s for which a face may be lost; the boxes in between are interpolated.
        max_overlap: overlap with a face that is seen from which an unseen one is not shown: it is the same face, or it
            is behind the other.
        min_detections: tracks with fewer are false alarms, unless the shot has fewer frames.
        min_peak: a track's best detection must score this much, 0..1.
        smoothing: width in s of the window over which probabilities are averaged.
        stay: s for which a label lasts on average (:mod:`pipeline.tables.decode`); 0 takes each frame's averaged
            probabilities by themselves.
    """

    min_iou: float = 0.2
    max_gap: float = 0.5
    max_overlap: float = 0.3
    min_detections: int = 3
    min_peak: float = 0.8
    smoothing: float = 1.0
    stay: float = 2.0


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
    """
    values = np.column_stack([probabilities, np.ones(len(faces), np.float32) if quality is None else quality])
    tracks = [
        track
        for track in _linked(time, shot, face_frame, faces.boxes, options)
        if _is_face(track, shot, face_frame, faces.scores, options)
    ]
    columns = [
        _sightings(number, np.array(track), time, face_frame, faces.boxes, values, options.smoothing)
        for number, track in enumerate(tracks)
    ]
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


def iou(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the intersections over unions ``(n, m)`` of boxes ``(n, 4)`` with boxes ``(m, 4)``; 0 for empty ones.

    >>> iou(np.array([[0, 0, 2, 2]], np.float32), np.array([[1, 0, 3, 2]], np.float32)).round(3).tolist()
    [[0.3330000042915344]]
    """
    corners = np.minimum(a[:, None, 2:], b[None, :, 2:]) - np.maximum(a[:, None, :2], b[None, :, :2])
    intersection = np.clip(corners, 0, None).prod(axis=2)
    areas = [np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(axis=1) for boxes in (a, b)]
    union = areas[0][:, None] + areas[1][None, :] - intersection
    ratio: NDArray[np.float32] = np.divide(intersection, union, out=np.zeros_like(intersection), where=union > 0)
    return ratio


def _linked(
    time: NDArray[np.float64],
    shot: NDArray[np.int32],
    face_frame: NDArray[np.int32],
    boxes: NDArray[np.float32],
    options: TrackOptions,
) -> list[list[int]]:
    """Return tracks as lists of detections, in the order in which they begin."""
    tracks: list[list[int]] = []
    open_tracks: list[list[int]] = []
    frames, starts = np.unique(face_frame, return_index=True)
    for frame, start, end in zip(frames, starts, np.append(starts, len(face_frame))[1:], strict=True):
        open_tracks = [t for t in open_tracks if _continues(face_frame[t[-1]], frame, time, shot, options.max_gap)]
        here = list(range(start, end))
        for track, detection in _matches(open_tracks, here, boxes, options.min_iou):
            track.append(detection)
            here.remove(detection)
        begun = [[detection] for detection in here]
        tracks += begun
        open_tracks += begun
    return tracks


def _continues(last: int, frame: int, time: NDArray[np.float64], shot: NDArray[np.int32], max_gap: float) -> bool:
    """Say whether a face seen at frame ``last`` may be the one in ``frame``; neighbours always may, however slow."""
    return bool(shot[last] == shot[frame] and (frame - last == 1 or time[frame] - time[last] <= max_gap))


def _matches(
    tracks: list[list[int]], detections: list[int], boxes: NDArray[np.float32], min_iou: float
) -> list[tuple[list[int], int]]:
    """Assign detections to tracks."""
    last = np.array([track[-1] for track in tracks], np.int64)
    pairs = match(boxes[last], boxes[np.array(detections, np.int64)], min_iou)
    return [(tracks[row], detections[column]) for row, column in pairs]


def match(before: NDArray[np.float32], now: NDArray[np.float32], min_iou: float) -> list[tuple[int, int]]:
    """Pair boxes with later boxes of the same faces, each at most once, largest overlap first.

    Args:
        before: float32 ``(n, 4)``: x1, y1, x2, y2 in px.
        now: float32 ``(m, 4)``, likewise.
        min_iou: overlap (intersection over union) that a pair must have.

    Returns:
        Pairs of rows of ``before`` and ``now``.
    """
    if len(before) == 0 or len(now) == 0:
        return []
    overlap = iou(before, now)
    pairs = []
    while overlap.max() >= min_iou:
        row, column = np.unravel_index(overlap.argmax(), overlap.shape)
        pairs.append((int(row), int(column)))
        overlap[row, :] = overlap[:, column] = -1
    return pairs


def _is_face(
    track: list[int],
    shot: NDArray[np.int32],
    face_frame: NDArray[np.int32],
    scores: NDArray[np.float32],
    options: TrackOptions,
) -> bool:
    """Tell faces from false alarms, which flicker and never score high."""
    shot_length = int((shot == shot[face_frame[track[0]]]).sum()) if len(track) < options.min_detections else 0
    long_enough = len(track) >= options.min_detections or len(track) == shot_length
    return long_enough and bool(scores[track].max() >= options.min_peak)


def _sightings(
    number: int,
    track: NDArray[np.int64],
    time: NDArray[np.float64],
    face_frame: NDArray[np.int32],
    boxes: NDArray[np.float32],
    values: NDArray[np.float32],
    smoothing: float,
) -> Sightings:
    """Return a track's rows, one for every frame from its first to its last detection, hidden or not.

    ``values``, float32 ``(n, 8)``, are probabilities and quality.
    """
    seen = face_frame[track]
    frames = np.arange(seen[0], seen[-1] + 1, dtype=np.int32)
    detection = np.full(len(frames), -1, np.int32)
    detection[seen - seen[0]] = track
    coordinates = [np.interp(time[frames], time[seen], boxes[track, k]) for k in range(4)]
    smoothed = smooth(time[frames], time[seen], values[track], smoothing)
    return Sightings(
        frame=frames,
        track=np.full(len(frames), number, np.int32),
        detection=detection,
        boxes=np.stack(coordinates, axis=1).astype(np.float32),
        smoothed=smoothed[:, :-1],
        quality=smoothed[:, -1],
    )


def smooth(
    at: NDArray[np.float64], time: NDArray[np.float64], values: NDArray[np.float32], window: float
) -> NDArray[np.float32]:
    """Average ``values`` over the ``window`` seconds around each moment of ``at``.

    Args:
        at: float64 ``(m,)``, s.
        time: float64 ``(n,)``, s, rising, n > 0.
        values: float32 ``(n, k)``.
        window: s. Where it holds no value the nearest one counts.

    Returns:
        float32 ``(m, k)``.
    """
    # Half a microsecond: whether a frame just at the edge counts must not depend on the last bit of its time.
    reach = window / 2 + 5e-7
    first, last = np.searchsorted(time, at - reach, "left"), np.searchsorted(time, at + reach, "right")
    sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0, dtype=np.float64)])
    count = last - first
    means = (sums[last] - sums[first]) / np.maximum(count, 1)[:, None]
    return np.asarray(np.where((count == 0)[:, None], values[_nearest(at, time)], means), np.float32)


def _nearest(at: NDArray[np.float64], time: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return for each moment of ``at`` ``(m,)`` the index of the nearest of ``time`` ``(n,)``, the earlier of two."""
    after = np.searchsorted(time, at).clip(max=len(time) - 1)
    before = (after - 1).clip(min=0)
    return np.where(np.abs(at - time[before]) <= np.abs(at - time[after]), before, after)
