"""Which frames are searched for faces, and where faces are on the frames between.

Searching a picture costs nearly as much as decoding it, and in a tenth of a second a face moves little. So frames are
searched at intervals, and boxes that match are interpolated. Where they do not match (a face appears, vanishes or
jumps) or the picture changes as at a cut, the frame in the middle is searched too, and so on down to each frame.

Frames on both sides of every place where a movie may be cut into segments are searched, so that no segment needs to
know another one and results do not depend on how a movie is cut.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Final

import av.video.frame
import numpy as np

from pipeline.faces.detect import Detections
from pipeline.faces.linking.boxes import match
from pipeline.media.decode import Frame
from pipeline.scenes.shots import MIN_CHANGE

_MIN_IOU: Final = 0.9
"""Overlap of two boxes from which on one face may have moved from the one to the other in a straight line."""


@dataclass
class FrameFaces:
    """A frame with its faces, in pixels of the upright picture.

    ``change`` is the picture's against the one before, as :class:`pipeline.scenes.shots.ChangeScorer` says it;
    ``faces`` is None until they are known.
    """

    frame: Frame
    change: float
    faces: Detections | None = None


class SparseDetector:
    """Takes the frames of a segment one by one and gives them back, in order, with their faces."""

    def __init__(
        self,
        find: Callable[[list[av.video.frame.VideoFrame]], list[Detections]],
        every: float,
        time_base: Fraction,
        joints: Sequence[int] = (),
        most: int = 8,
        ahead: int = 1,
    ) -> None:
        """Search with ``find``.

        Args:
            find: searches pictures.
            every: s between searches; 0 searches every frame.
            time_base: of pts, in s.
            joints: pts within the segment at which the movie might have been cut, rising.
            most: frames from one search to the next at most; each is held in memory until then.
            ahead: intervals that are held in memory together, so that ``find`` gets many pictures at a time. The same
                ones are searched, however many that is.
        """
        self._ahead = ahead
        self._borders: list[int] = []  # places in self._waiting between which frames may be interpolated
        self._most = most
        self._find = find
        self._interval = Fraction(every) / time_base
        self._joints = list(joints)
        self._waiting: list[FrameFaces] = []  # the first one is searched already

    def add(self, frame: Frame, change: float) -> Iterator[FrameFaces]:
        """Take the next frame; yield those whose faces are known now."""
        if self._passes_joint(frame.pts):
            yield from self.finish()
        due = not self._waiting or self._is_due(self._waiting[-1].frame.pts, frame.pts)
        self._waiting.append(FrameFaces(frame, change))
        if due:
            self._borders.append(len(self._waiting) - 1)
            if len(self._borders) >= self._ahead:
                yield from self._settle()

    def finish(self) -> Iterator[FrameFaces]:
        """Yield the frames that are left."""
        yield from self._settle()
        yield from self._waiting
        self._waiting = []

    def _passes_joint(self, pts: int) -> bool:
        passed = False
        while self._joints and self._joints[0] <= pts:
            del self._joints[0]
            passed = True
        return passed

    def _is_due(self, before: int, now: int) -> bool:
        since = len(self._waiting) - (self._borders[-1] if self._borders else 0)
        if not self._interval or since >= self._most:
            return True
        return before // self._interval != now // self._interval

    def _settle(self) -> Iterator[FrameFaces]:
        """Find the faces of all that wait, and yield all but the last, which the next interval begins with."""
        if not self._waiting:
            return
        self._fill(sorted({0, *self._borders, len(self._waiting) - 1}))
        self._borders = []
        yield from self._waiting[:-1]
        self._waiting = self._waiting[-1:]

    def _search(self, frames: Sequence[FrameFaces]) -> None:
        unknown = [one for one in frames if one.faces is None]
        if unknown:
            for one, faces in zip(unknown, self._find([one.frame.picture for one in unknown]), strict=True):
                one.faces = faces

    def _fill(self, borders: Sequence[int]) -> None:
        """Find the faces at ``borders``, places among those that wait, and between them."""
        self._search([self._waiting[place] for place in borders])
        spans = list(pairwise(borders))
        while spans:
            halves = []
            for start, end in spans:
                span = self._waiting[start : end + 1]
                if len(span) > 2 and not _interpolated(span):
                    middle = start + len(span) // 2
                    halves += [(start, middle), (middle, end)]
            self._search([self._waiting[end] for _, end in halves[::2]])
            spans = halves


def _interpolated(span: Sequence[FrameFaces]) -> bool:
    """Interpolate faces between the first and the last frame of ``span``, unless they do not match."""
    first, last = span[0].faces, span[-1].faces
    assert first is not None
    assert last is not None
    pairs = match(first.boxes, last.boxes, _MIN_IOU)
    all_matched = len(pairs) == len(first) == len(last)
    if not all_matched or max(step.change for step in span[1:]) >= MIN_CHANGE:
        return False
    _interpolate(span, first, last, pairs)
    return True


def _interpolate(
    span: Sequence[FrameFaces], first: Detections, last: Detections, pairs: Sequence[tuple[int, int]]
) -> None:
    before = np.array([i for i, _ in sorted(pairs)], np.int64)
    after = np.array([j for _, j in sorted(pairs)], np.int64)
    start, end = span[0].frame.pts, span[-1].frame.pts
    for searched in span[1:-1]:
        part = np.float32((searched.frame.pts - start) / (end - start))
        searched.faces = Detections(
            first.boxes[before] + (last.boxes[after] - first.boxes[before]) * part,
            first.scores[before] + (last.scores[after] - first.scores[before]) * part,
            first.landmarks[before] + (last.landmarks[after] - first.landmarks[before]) * part,
        )
