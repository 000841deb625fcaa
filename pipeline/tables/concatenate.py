"""Observations of neighbouring segments -> those of the whole."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.scenes.shots import change_between
from pipeline.tables.observations import Observations


def concatenated(parts: Sequence[Observations]) -> Observations:
    """Join the observations of neighbouring segments, at least one, scoring the change from each to the next."""
    if len(parts) == 1:
        return parts[0]
    full = [part for part in parts if len(part.pts)] or list(parts[:1])
    change = [part.change.copy() for part in full]
    for before, after, scores in zip(full, full[1:], change[1:], strict=False):
        scores[0] = change_between(before.ends[-1], after.ends[0])
    offsets = np.cumsum([0, *(len(part.pts) for part in full)])
    faces_before = np.cumsum([0, *(len(part.face_frame) for part in full)])
    embedded = [part.embedded + np.int32(before) for part, before in zip(full, faces_before, strict=False)]
    return Observations(
        pts=np.concatenate([part.pts for part in full]),
        change=np.concatenate(change),
        look=np.concatenate([part.look for part in full]),
        detail=np.concatenate([part.detail for part in full]),
        ends=np.concatenate([full[0].ends[:1], full[-1].ends[-1:]]),
        face_frame=np.concatenate(
            [part.face_frame + np.int32(offset) for part, offset in zip(full, offsets, strict=False)]
        ),
        boxes=np.concatenate([part.boxes for part in full]),
        scores=np.concatenate([part.scores for part in full]),
        probabilities=np.concatenate([part.probabilities for part in full]),
        yaw=np.concatenate([part.yaw for part in full]),
        sharpness=np.concatenate([part.sharpness for part in full]),
        contrast=np.concatenate([part.contrast for part in full]),
        miniatures=np.concatenate([part.miniatures for part in full]),
        embedded=np.concatenate(embedded),
        embeddings=np.concatenate([part.embeddings for part in full]),
        shapes=_changes(np.concatenate([part.shapes for part in full])),
        refused=sum(part.refused for part in parts),
        damaged=sum(part.damaged for part in parts),
        missing=sum(part.missing for part in parts),
        leading=sum(part.leading for part in parts),
    )


def _changes(shapes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows of :attr:`Observations.shapes` whose size differs from that of the row before."""
    differs = np.any(shapes[1:, 1:] != shapes[:-1, 1:], axis=1)
    return np.asarray(shapes[np.append(np.ones(min(len(shapes), 1), np.bool_), differs)])
