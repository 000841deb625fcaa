"""Hard cuts, by PySceneDetect: scores between neighbouring frames in the workers, decisions over the whole movie.

A segment does not know what came before it, and a detector that weighs neighbours needs both sides. So workers only
score (:class:`ChangeScorer`), and :func:`find_cuts` replays the movie's scores through the library's detector: the cuts
are those that it finds on the uncut movie.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scenedetect import FrameTimecode
from scenedetect.common import Timecode
from scenedetect.detectors import AdaptiveDetector, ContentDetector

THUMBNAIL_SIZE: Final = (160, 90)
"""Width and height in pixels of the pictures that are compared."""

MIN_SHOT: Final = 0.6
"""Seconds; of two cuts closer than this the second does not count. PySceneDetect's recommendation."""

MIN_CHANGE: Final = 20.0
"""Score that a cut must reach. The library's 15 takes the noise in the hues of a dark shot for a cut."""


class ChangeScorer(ContentDetector):  # type: ignore[misc]  # scenedetect ships no types
    """Says how much a picture differs from the one before: mean change of hue, saturation and value, 0..255."""

    def score(self, bgr: NDArray[np.uint8]) -> float:
        """Return the change of ``bgr`` ``(90, 160, 3)`` against the picture of the last call, 0 for the first."""
        # The time code is only used for statistics, which are off.
        return float(self._calculate_frame_score(FrameTimecode(0, 25.0), bgr))


def change_between(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> float:
    """Return the change from one thumbnail, uint8 ``(90, 160, 3)``, to the next, as :class:`ChangeScorer` does."""
    scorer = ChangeScorer()
    scorer.score(before)
    return scorer.score(after)


class CutSpotter:
    """Says of each picture at once whether it begins a new shot, knowing only what came before it.

    :func:`find_cuts` also knows the next two frames. Here a cut scores ``MIN_CHANGE`` or more and three times
    the mean of the two frames before it, at least ``MIN_SHOT`` after the last cut. A whip of the camera,
    which continues after it began, may pass for a cut.
    """

    _RATIO: Final = 3.0

    def __init__(self) -> None:
        self._before: deque[float] = deque(maxlen=2)
        self._last_cut: float | None = None

    def step(self, time: float, score: float) -> bool:
        """Take the next frame: its time in s, rising, and its change against the one before (ChangeScorer)."""
        mean = sum(self._before) / len(self._before) if self._before else float("inf")
        self._before.append(score)
        if self._last_cut is None:
            self._last_cut = time  # the first frame begins a shot
        is_cut = score >= MIN_CHANGE and score >= self._RATIO * mean and time - self._last_cut >= MIN_SHOT
        if is_cut:
            self._last_cut = time
        return is_cut


class _Replay(AdaptiveDetector):  # type: ignore[misc]
    """The library's detector, fed scores instead of pictures."""

    def _calculate_frame_score(self, _timecode: FrameTimecode, frame_img: Any) -> float:
        return float(frame_img)


def find_cuts(
    pts: Sequence[int], time_base: Fraction, scores: NDArray[np.float32], min_shot: float = MIN_SHOT
) -> list[int]:
    """Return the indices of the frames that begin a new shot, ascending, without 0.

    Args:
        pts: of every frame of the movie, rising.
        time_base: their unit in s.
        scores: float32 ``(f,)``, as long as ``pts``: change of each frame against the one before.
        min_shot: s; of two cuts closer than this the second does not count.
    """
    detector = _Replay(min_scene_len=min_shot, min_content_val=MIN_CHANGE)
    found: list[FrameTimecode] = []
    # The frame rate only serves to print frame numbers; time codes carry exact pts.
    times = (FrameTimecode(Timecode(int(p), time_base), Fraction(25)) for p in pts)
    last = None
    for last, score in zip(times, scores, strict=True):
        found += detector.process_frame(last, score)  # see _Replay: a score is its picture
    if last is not None:
        found += detector.post_process(last)
    return sorted({bisect_left(pts, cut.pts) for cut in found} - {0})
