"""Frames -> shots -> scenes, and the share of each emotion in a span of time.

As yet a scene is a shot; the columns are there for grouping.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.schema import EMOTIONS, LABELS, UNSURE


@dataclass(frozen=True)
class FaceRows:
    """The faces of a movie, a row per face per frame.

    Attributes:
        group: int ``(n,)``: the span (shot, scene, track) of the row.
        frame: int32 ``(n,)``.
        track: int32 ``(n,)``.
        emotion: int ``(n,)``: index into LABELS.
        probabilities: float32 ``(n, 7)``; NaN where the network saw no crop.
        seconds: float64 ``(n,)``: for how long the row's frame is shown.
    """

    group: NDArray[np.int32]
    frame: NDArray[np.int32]
    track: NDArray[np.int32]
    emotion: NDArray[np.int32]
    probabilities: NDArray[np.float32]
    seconds: NDArray[np.float64]


def emotion_columns(rows: FaceRows, groups: int) -> dict[str, Any]:
    """Return share, mean probability and dominant emotion of each of ``groups`` spans as columns; None without a face.

    share_e = (time of rows labelled e) / (time of all rows that are labelled with an emotion), share_unsure = (time of
    the other rows) / (time of all rows); mean_e = time-weighted mean of the network's
    probabilities over the rows that have them.
    """
    k = len(LABELS)
    labelled = _sums(rows.group * k + rows.emotion, rows.seconds, groups * k).reshape(groups, k)
    sure = labelled[:, :UNSURE]
    share, unsure = _ratio(sure, sure.sum(axis=1)), _ratio(labelled[:, UNSURE:], labelled.sum(axis=1))[:, 0]
    classified = ~np.isnan(rows.probabilities[:, 0])
    group, seconds = rows.group[classified], rows.seconds[classified]
    weighted = [_sums(group, seconds * rows.probabilities[classified, e], groups) for e in range(len(EMOTIONS))]
    mean = _ratio(np.stack(weighted, axis=1), _sums(group, seconds, groups))
    dominant = [None if np.isnan(whole) else _dominant(row) for row, whole in zip(share, unsure, strict=True)]
    columns: dict[str, Any] = {f"share_{name}": share[:, e] for e, name in enumerate(EMOTIONS)}
    columns["share_unsure"] = unsure
    columns |= {f"mean_{name}": mean[:, e] for e, name in enumerate(EMOTIONS)}
    return columns | {"dominant": dominant}


def _dominant(share: NDArray[np.float64]) -> str:
    """Return the label with the largest of the shares ``(7,)``, which are NaN where no label is sure."""
    return LABELS[UNSURE] if np.isnan(share[0]) else EMOTIONS[int(share.argmax())]


def face_columns(
    rows: FaceRows, groups: int, frame_group: NDArray[np.int32], seconds: NDArray[np.float64]
) -> dict[str, Any]:
    """Return how much of each span shows faces, and how many, as columns.

    Args:
        rows: all faces of the movie.
        groups: number of spans.
        frame_group: int32 ``(f,)``: the span of each frame of the movie.
        seconds: float64 ``(f,)``: for how long each is shown.
    """
    faces_on = np.bincount(rows.frame, minlength=len(frame_group))
    with_face = faces_on > 0
    shown = _sums(frame_group, seconds, groups)
    covered = _sums(frame_group, seconds * with_face, groups)
    faces_max = np.zeros(groups, np.int32)
    np.maximum.at(faces_max, frame_group, faces_on.astype(np.int32))
    pairs = np.unique(np.stack([rows.group, rows.track]), axis=1)
    return {
        "frames": np.bincount(frame_group, minlength=groups).astype(np.int32),
        "face_frames": np.bincount(frame_group[with_face], minlength=groups).astype(np.int32),
        "coverage": np.divide(covered, shown, out=np.zeros(groups), where=shown > 0).clip(0, 1),
        "faces_max": faces_max,
        "tracks": np.bincount(pairs[0], minlength=groups).astype(np.int32),
    }


def _sums(group: NDArray[np.int32], values: NDArray[np.float64], groups: int) -> NDArray[np.float64]:
    """Sum ``values`` by their group; numpy alone would return integers where there are none."""
    return np.bincount(group, weights=values, minlength=groups).astype(np.float64)


def _ratio(numerator: NDArray[np.float64], denominator: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide rows, NaN where there is nothing to divide by."""
    result = np.full_like(numerator, np.nan)
    return np.divide(numerator, denominator[:, None], out=result, where=denominator[:, None] > 0)
