"""A piece of a recording: some seconds of video, and the faces in them, on disk while the session lasts."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jobs.live.analysis import Analysed
from pipeline.faces.quality import Looks
from pipeline.faces.track import Sightings
from pipeline.tables.observations import RowValues


@dataclass(frozen=True)
class Rows:
    """The pictures of a piece and the faces on them, as columns.

    Attributes:
        pts: int64 ``(f,)``, rising, in the session's clock.
        shot: int32 ``(f,)``.
        frame: int32 ``(n,)``, rising: index into the pictures of this piece.
        track: int32 ``(n,)``.
        boxes: float32 ``(n, 4)``: x1, y1, x2, y2 in px.
        smoothed: float32 ``(n, 7)``.
        smoothed_quality: float32 ``(n,)``.
        scores: float32 ``(n,)``; NaN where the detector saw nothing.
        probabilities: float32 ``(n, 7)``; NaN likewise.
        size, yaw, sharpness, quality: float32 ``(n,)``: of :class:`Looks`; NaN likewise.
    """

    pts: NDArray[np.int64]
    shot: NDArray[np.int32]
    frame: NDArray[np.int32]
    track: NDArray[np.int32]
    boxes: NDArray[np.float32]
    smoothed: NDArray[np.float32]
    smoothed_quality: NDArray[np.float32]
    scores: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    size: NDArray[np.float32]
    yaw: NDArray[np.float32]
    sharpness: NDArray[np.float32]
    quality: NDArray[np.float32]

    @staticmethod
    def of(pictures: Sequence[Analysed]) -> "Rows":
        """Return the rows of these pictures, at least one."""
        return Rows(
            pts=np.array([a.pts for a in pictures], np.int64),
            shot=np.array([a.shot for a in pictures], np.int32),
            frame=np.repeat(np.arange(len(pictures), dtype=np.int32), [len(a.faces) for a in pictures]),
            track=np.concatenate([a.faces.track for a in pictures]),
            boxes=np.concatenate([a.faces.boxes for a in pictures]),
            smoothed=np.concatenate([a.faces.smoothed for a in pictures]),
            smoothed_quality=np.concatenate([a.faces.quality for a in pictures]),
            scores=np.concatenate([a.scores for a in pictures]),
            probabilities=np.concatenate([a.probabilities for a in pictures]),
            size=np.concatenate([a.looks.size for a in pictures]),
            yaw=np.concatenate([a.looks.yaw for a in pictures]),
            sharpness=np.concatenate([a.looks.sharpness for a in pictures]),
            quality=np.concatenate([a.looks.quality for a in pictures]),
        )

    @staticmethod
    def joined(pieces: Sequence["Rows"]) -> "Rows":
        """Join consecutive pieces, at least one."""
        offsets = np.cumsum([0, *(len(piece.pts) for piece in pieces)])
        columns = {f.name: np.concatenate([getattr(piece, f.name) for piece in pieces]) for f in fields(Rows)}
        frames = [piece.frame + np.int32(offset) for piece, offset in zip(pieces, offsets, strict=False)]
        return Rows(**columns | {"frame": np.concatenate(frames)})

    def save(self, path: Path) -> None:
        """Write to ``path``."""
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **{field.name: getattr(self, field.name) for field in fields(self)})
        path.write_bytes(buffer.getvalue())

    @staticmethod
    def load(path: Path) -> "Rows":
        """Read what :meth:`save` wrote."""
        with np.load(path) as columns:
            values = {field.name: columns[field.name] for field in fields(Rows) if field.name in columns}
        # Older versions wrote fewer columns.
        unknown = np.full(len(values["frame"]), np.nan, np.float32)
        values.setdefault("smoothed_quality", np.ones_like(unknown))
        return Rows(**{field.name: values.get(field.name, unknown) for field in fields(Rows)})

    def sightings(self) -> Sightings:
        """Return the faces as tables take them; the detection of a row is the row itself."""
        index = np.arange(len(self.frame), dtype=np.int32)
        detection = np.where(np.isnan(self.scores), -1, index).astype(np.int32)
        return Sightings(self.frame, self.track, detection, self.boxes, self.smoothed, self.smoothed_quality)

    def values(self) -> RowValues:
        """Return what was observed of the faces."""
        looks = Looks(self.size, self.yaw, self.sharpness, self.quality)
        return RowValues(self.scores, self.probabilities, looks)
