"""Which faces of a segment are described for comparison, and their descriptions.

A face looks much the same for a while, so each is described at intervals, not on every frame. Which frames those are
must not depend on how a movie is cut: the first one after each place where it might be cut, and from there on the first
one of each interval of the movie's clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.faces.candidate_filter import Verdict
from pipeline.faces.detect import Detections
from pipeline.people.align import align

DIMENSIONS: Final = 128
"""Numbers in a description."""

EVERY: Final = Fraction(2, 5)
"""s between descriptions of a face: less than the shortest shot lasts."""

_UNIT: Final = 127
"""A component of 1 as int8."""

_BATCH: Final = 64
"""Faces that are described at once."""


class Embedder(Protocol):
    """Describes faces so that those of one person are alike."""

    def embed(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return float32 ``(n, 128)``, of length 1, for uint8 ``(n, 40, 40)`` grey pictures of :func:`align`."""
        ...


@dataclass(frozen=True)
class Embedded:
    """Descriptions of some of a segment's or a movie's faces.

    Attributes:
        face: int32 ``(m,)``, rising: the face that is described, an index into the observed ones.
        vectors: int8 ``(m, 128)``: its description, of length 127.
    """

    face: NDArray[np.int32]
    vectors: NDArray[np.int8]

    @staticmethod
    def none() -> "Embedded":
        """Return no descriptions."""
        return Embedded(np.zeros(0, np.int32), np.zeros((0, DIMENSIONS), np.int8))


class Sampler:
    """Describes faces at intervals. Faces are numbered by the caller, who says late which of them count."""

    def __init__(self, embedder: Embedder | None, time_base: Fraction, joints: Sequence[int] = ()) -> None:
        """Describe with ``embedder``, or nothing without one.

        Args:
            embedder: describes aligned pictures.
            time_base: of pts, in s.
            joints: pts within the segment at which the movie might have been cut, rising.
        """
        self._embedder = embedder
        self._interval = EVERY / time_base
        self._joints = list(joints)
        self._last: int | None = None  # the interval that was last described; None where a segment begins or might
        self._waiting: dict[int, NDArray[np.uint8]] = {}
        self._queue: list[tuple[int, NDArray[np.uint8]]] = []
        self._done: list[tuple[NDArray[np.int64], NDArray[np.int8]]] = []

    def add(self, pts: int, numbers: Sequence[int], faces: Detections, crops: NDArray[np.uint8]) -> None:
        """Take the faces of the next frame.

        Args:
            pts: of the frame.
            numbers: of its faces.
            faces: with landmarks; those without are not described.
            crops: uint8 ``(n, 48, 48)``.
        """
        if self._embedder is None or not self._is_due(pts):
            return
        known = np.flatnonzero(np.isfinite(faces.landmarks).all(axis=(1, 2)))
        if len(known):
            some = Detections(faces.boxes[known], faces.scores[known], faces.landmarks[known])
            self._waiting.update(zip([numbers[k] for k in known.tolist()], align(crops[known], some), strict=True))

    def settle(self, verdict: Verdict) -> None:
        """Leave out faces that do not count, and describe those that do, many at once."""
        for number in verdict.ruled_out:
            self._waiting.pop(number, None)
        self._queue += [(number, self._waiting.pop(number)) for number in verdict.possible if number in self._waiting]
        if len(self._queue) >= _BATCH:
            self._describe()

    def finish(self, kept: NDArray[np.int64]) -> Embedded:
        """Return what was described; faces are then named by their place in ``kept`` ``(n,)``, their numbers, rising.

        All faces that count are in ``kept``.
        """
        self._describe()
        if not self._done:
            return Embedded.none()
        numbers = np.concatenate([some for some, _ in self._done])
        order = np.argsort(numbers)
        vectors = np.concatenate([vectors for _, vectors in self._done])[order]
        return Embedded(np.searchsorted(kept, numbers[order]).astype(np.int32), vectors)

    def _describe(self) -> None:
        if self._queue and self._embedder:
            numbers, pictures = zip(*self._queue, strict=True)
            vectors = self._embedder.embed(np.stack(pictures))
            self._done.append((np.array(numbers, np.int64), np.round(vectors * _UNIT).astype(np.int8)))
            self._queue = []

    def _is_due(self, pts: int) -> bool:
        while self._joints and self._joints[0] <= pts:
            del self._joints[0]
            self._last = None
        interval = pts // self._interval
        due = interval != self._last
        self._last = int(interval)
        return due
