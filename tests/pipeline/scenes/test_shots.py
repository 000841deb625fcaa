"""Cuts: PySceneDetect's own, though it sees scores instead of pictures, and these in pieces."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from scenedetect import FrameTimecode
from scenedetect.common import Timecode
from scenedetect.detectors import AdaptiveDetector

from pipeline.scenes.shots import MIN_CHANGE, MIN_SHOT, ChangeScorer, change_between, find_cuts

RATE = Fraction(1, 25)
MS = Fraction(1, 1000)
Picture = NDArray[np.uint8]


def scores(count: int, **peaks: float) -> NDArray[np.float32]:
    """Return ``count`` scores of 1 with peaks: ``at30=80``."""
    column = np.ones(count, np.float32)
    for name, value in peaks.items():
        column[int(name.removeprefix("at"))] = value
    return column


def film(cuts: Sequence[int], count: int, seed: int = 0, noise: float = 3) -> list[Picture]:
    """Return thumbnails whose colours change at ``cuts`` and whose grain changes always."""
    rng = np.random.default_rng(seed)
    pictures, base = [], rng.integers(0, 256, (9, 16, 3))
    for number in range(count):
        if number in cuts:
            base = rng.integers(0, 256, (9, 16, 3))
        large = np.kron(base, np.ones((10, 10, 1)))
        pictures.append(np.clip(large + rng.normal(0, noise, large.shape), 0, 255).astype(np.uint8))
    return pictures


@pytest.mark.parametrize(
    ("column", "cuts"),
    [
        (scores(0), []),
        (scores(1), []),
        (scores(2, at1=90), []),
        (scores(100), []),
        (scores(100, at30=90), [30]),
        (scores(100, at30=90, at60=90), [30, 60]),
        (scores(100, at30=90, at44=90, at60=90), [30, 60]),  # 14 frames are 0.56 s, less than a shot
        (scores(100, at30=90, at45=90), [30, 45]),  # 15 frames are 0.6 s
        (scores(100, at10=90), []),  # the first shot must be one too
        (scores(100, at15=90), [15]),
        (scores(100, at30=MIN_CHANGE - 0.5), []),
        (scores(100, at30=MIN_CHANGE), [30]),
        (scores(100, at30=90, at31=90, at32=90), []),  # a burst is no cut: its neighbours are as large
        (np.full(100, 50, np.float32), []),  # nor is endless unrest
        (scores(100, at97=90), [97]),
    ],
)
def test_cuts_of_scores(column: NDArray[np.float32], cuts: list[int]) -> None:
    assert find_cuts(range(len(column)), RATE, column) == cuts


def test_shots_are_measured_in_seconds_not_in_frames() -> None:
    column = scores(60, at20=90, at30=90, at40=90)
    steady = [40 * k for k in range(60)]
    assert find_cuts(steady, MS, column) == [20, 40]
    slow_then_fast = [100 * k if k < 30 else 3000 + 10 * (k - 30) for k in range(60)]
    assert find_cuts(slow_then_fast, MS, column) == [20, 30]


@pytest.mark.parametrize("shift", [0, 90_000_000, -500])
def test_where_the_clock_starts_does_not_matter(shift: int) -> None:
    pts = [shift + 40 * k for k in range(100)]
    assert find_cuts(pts, MS, scores(100, at30=90, at60=90)) == [30, 60]


def test_every_frame_needs_a_score() -> None:
    with pytest.raises(ValueError, match="shorter"):
        find_cuts(range(5), RATE, scores(4))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("noise", [0, 3, 40])
def test_the_library_finds_the_same_cuts_in_the_pictures(seed: int, noise: float) -> None:
    rng = np.random.default_rng(seed)
    pts = np.cumsum(rng.integers(1, 120, 240)).tolist()
    pictures = film(sorted(rng.choice(np.arange(1, 240), 12, replace=False).tolist()), 240, seed, noise)

    detector = AdaptiveDetector(min_scene_len=MIN_SHOT, min_content_val=MIN_CHANGE)
    theirs = []
    for p, picture in zip(pts, pictures, strict=True):
        theirs += detector.process_frame(FrameTimecode(Timecode(p, MS), Fraction(25)), picture)

    scorer = ChangeScorer()
    column = np.array([scorer.score(picture) for picture in pictures], np.float32)
    found = find_cuts(pts, MS, column)
    assert [pts[k] for k in found] == [cut.pts for cut in theirs]
    assert found or noise == 40


def test_the_change_across_a_seam_is_the_scorers() -> None:
    pictures = film([3], 6)
    scorer = ChangeScorer()
    column = [scorer.score(picture) for picture in pictures]
    assert column[0] == 0
    assert column[1:] == [change_between(a, b) for a, b in pairwise(pictures)]
    assert column.index(max(column)) == 3


def test_equal_pictures_do_not_differ() -> None:
    picture = film([], 1)[0]
    assert change_between(picture, picture) == 0
    assert 0 < change_between(np.zeros_like(picture), np.full_like(picture, 255)) <= 255
