"""What one segment holds: the result of analyze, the input of assemble."""

import io
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.faces.appearance import MINIATURE_SIZE
from pipeline.faces.quality import Looks
from pipeline.people.embed import Embedded
from pipeline.scenes.looks import SIZE as LOOK_SIZE
from pipeline.schema import EMOTIONS


@dataclass(frozen=True)
class Observations:
    """A segment's frames and the faces found in them, as columns. Frames are counted within the segment.

    Attributes:
        pts: int64 ``(f,)``, rising, in the movie's time base.
        change: float32 ``(f,)``: difference to the frame before (:mod:`pipeline.scenes.shots`); 0 for the first.
        look: uint8 ``(f, 192)``: what each frame shows (:mod:`pipeline.scenes.looks`).
        detail: float32 ``(f,)``: energy of its details.
        ends: uint8 ``(2, 90, 160, 3)``: thumbnails of the first and last frame, BGR; ``(0, ...)`` without frames.
        face_frame: int32 ``(n,)``, rising: the frame on which a face was found.
        boxes: float32 ``(n, 4)``: x1, y1, x2, y2 in pixels of the movie's picture.
        scores: float32 ``(n,)``, 0..1.
        probabilities: float32 ``(n, 7)``.
        yaw, sharpness, contrast: float32 ``(n,)``: see :mod:`pipeline.faces.quality`.
        miniatures: uint8 ``(n, 8, 8)``: the crops, scaled down, by which a face is known again
            (:mod:`pipeline.faces.appearance`).
        refused: packets that could not be decoded.
        damaged: frames that the decoder marked as damaged.
        shapes: int64 ``(k, 3)``: pts, width and height of the first frame and of each one whose upright, square-pixel
            picture has another size than the frame before; none without frames.
        missing: frames that the file promises and that were not found.
        leading: frames at the start that need others which are not in the file.
        embedded, embeddings: int32 ``(m,)`` and int8 ``(m, 128)``: see :class:`pipeline.people.embed.Embedded`.
    """

    pts: NDArray[np.int64]
    change: NDArray[np.float32]
    look: NDArray[np.uint8]
    detail: NDArray[np.float32]
    ends: NDArray[np.uint8]
    face_frame: NDArray[np.int32]
    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    yaw: NDArray[np.float32]
    sharpness: NDArray[np.float32]
    contrast: NDArray[np.float32]
    miniatures: NDArray[np.uint8]
    refused: int
    damaged: int
    shapes: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 3), np.int64))
    missing: int = 0
    leading: int = 0
    embedded: NDArray[np.int32] = field(default_factory=lambda: Embedded.none().face)
    embeddings: NDArray[np.int8] = field(default_factory=lambda: Embedded.none().vectors)

    def __post_init__(self) -> None:
        faces = len(self.face_frame)
        per_face = (self.scores, self.yaw, self.sharpness, self.contrast)
        per_frame = (self.change, self.look, self.detail)
        columns = (*per_frame, self.boxes, self.probabilities, self.miniatures, *per_face)
        found = [column.shape for column in columns]
        frames = len(self.pts)
        expected = [
            (frames,),
            (frames, LOOK_SIZE),
            (frames,),
            (faces, 4),
            (faces, len(EMOTIONS)),
            (faces, MINIATURE_SIZE, MINIATURE_SIZE),
            *[(faces,)] * len(per_face),
        ]
        if found != expected:
            raise ValueError(f"expected columns of shapes {expected}, found {found}")

    def to_bytes(self) -> bytes:
        """Serialize; equal observations give equal bytes."""
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **{field.name: getattr(self, field.name) for field in fields(self)})
        return buffer.getvalue()

    @staticmethod
    def load(path: Path) -> "Observations":
        """Read what :meth:`to_bytes` wrote."""
        with np.load(path) as columns:
            values: dict[str, Any] = {field.name: columns[field.name] for field in fields(Observations)}
        return Observations(**values | {name: int(values[name]) for name in _COUNTS})


_COUNTS: Final = ("refused", "damaged", "missing", "leading")


@dataclass(frozen=True)
class RowValues:
    """What was observed of each row of :class:`pipeline.faces.track.Sightings`; NaN where the detector saw nothing.

    Attributes:
        scores: float32 ``(n,)``: the detector's.
        probabilities: float32 ``(n, 7)``: the network's.
        looks: how the face is shown.
    """

    scores: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    looks: Looks

    @staticmethod
    def of(whole: Observations, looks: Looks, detection: NDArray[np.int32]) -> "RowValues":
        """Return the values of the rows whose detections are ``detection`` ``(n,)``, NaN for -1.

        Args:
            whole: the movie's observations.
            looks: of each of its detections.
            detection: int32 ``(n,)``, index of a detection.
        """
        return RowValues(
            scores=_picked(whole.scores, detection),
            probabilities=_picked(whole.probabilities, detection),
            looks=looks.picked(detection),
        )


def _picked(values: NDArray[np.float32], detection: NDArray[np.int32]) -> NDArray[np.float32]:
    picked = np.full((len(detection), *values.shape[1:]), np.nan, np.float32)
    picked[detection >= 0] = values[detection[detection >= 0]]
    return picked
