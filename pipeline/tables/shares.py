"""The share of each emotion in a span of time, and how much of it shows faces."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.schema import EMOTIONS, LABELS, UNSURE, VIEWS


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
    share, unsure = _label_shares(rows.group, rows.emotion, rows.seconds, groups)
    classified = ~np.isnan(rows.probabilities[:, 0])
    group, seconds = rows.group[classified], rows.seconds[classified]
    weighted = [_sums(group, seconds * rows.probabilities[classified, e], groups) for e in range(len(EMOTIONS))]
    mean = _ratio(np.stack(weighted, axis=1), _sums(group, seconds, groups))
    dominant = [None if np.isnan(whole) else _dominant(row) for row, whole in zip(share, unsure, strict=True)]
    columns: dict[str, Any] = {f"share_{name}": share[:, e] for e, name in enumerate(EMOTIONS)}
    columns["share_unsure"] = unsure
    columns |= {f"mean_{name}": mean[:, e] for e, name in enumerate(EMOTIONS)}
    return columns | {"dominant": dominant}


def view_columns(
    rows: FaceRows, groups: int, face: NDArray[np.int32], area: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Return the shares of :func:`emotion_columns` weighted otherwise, as columns.

    face_share_e = mean over the faces of a span of the share that e has of the face's own sure time, each face alike;
    those without any do not count. face_share_unsure = mean over all its faces. size_share_e and size_share_unsure are
    share_e and share_unsure with each row weighted by time x area.

    Args:
        rows: all faces of the movie.
        groups: number of spans.
        face: int32 ``(n,)``, >= 0: whose face each row shows; a face in two spans counts in both.
        area: float64 ``(n,)``: of each row's box, in any unit.
    """
    faces = int(face.max(initial=-1)) + 1
    pairs, of_pair = np.unique(rows.group.astype(np.int64) * faces + face, return_inverse=True)
    sure, unsure = _label_shares(of_pair, rows.emotion, rows.seconds, len(pairs))
    group = pairs // max(faces, 1)
    some = ~np.isnan(sure[:, 0])
    by_face = np.stack([_sums(group[some], sure[some, e], groups) for e in range(len(EMOTIONS))], axis=1)
    sure = _ratio(by_face, _sums(group[some], np.ones(some.sum()), groups))
    unsure = _ratio(_sums(group, unsure, groups)[:, None], _sums(group, np.ones(len(group)), groups))[:, 0]
    views = (sure, unsure), _label_shares(rows.group, rows.emotion, rows.seconds * area, groups)
    columns: dict[str, NDArray[np.float64]] = {}
    for view, (sure, unsure) in zip(VIEWS, views, strict=True):
        columns |= {f"{view}share_{name}": sure[:, e] for e, name in enumerate(EMOTIONS)}
        columns[f"{view}share_unsure"] = unsure
    return columns


def _label_shares(
    group: NDArray[Any], emotion: NDArray[np.int32], weight: NDArray[np.float64], groups: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each emotion's part of the sure weight of a group, ``(g, 7)``, and that of the unsure weight, ``(g,)``."""
    k = len(LABELS)
    labelled = _sums(group * k + emotion, weight, groups * k).reshape(groups, k)
    sure = labelled[:, :UNSURE]
    return _ratio(sure, sure.sum(axis=1)), _ratio(labelled[:, UNSURE:], labelled.sum(axis=1))[:, 0]


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


def _sums(group: NDArray[Any], values: NDArray[np.float64], groups: int) -> NDArray[np.float64]:
    """Sum ``values`` by their group; numpy alone would return integers where there are none."""
    return np.bincount(group, weights=values, minlength=groups).astype(np.float64)


def _ratio(numerator: NDArray[np.float64], denominator: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide rows, NaN where there is nothing to divide by."""
    result = np.full_like(numerator, np.nan)
    return np.divide(numerator, denominator[:, None], out=result, where=denominator[:, None] > 0)
