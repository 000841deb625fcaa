"""Fades, dissolves, flashes, strobes and whips of the camera, made of pictures with details."""

from fractions import Fraction
from itertools import pairwise

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.scenes.boundaries import find_boundaries
from pipeline.scenes.gradual import Transition
from pipeline.scenes.looks import FrameLooks
from pipeline.scenes.shots import ChangeScorer
from pipeline.scenes.structure import CUT, DISSOLVE, FADE

Picture = NDArray[np.uint8]
BLACK, BRIGHT = (np.full((90, 160, 3), level, np.uint8) for level in (0, 255))


def view(seed: int, width: int = 160) -> Picture:
    """Return a picture with large and small details."""
    random = np.random.default_rng(seed)
    coarse = random.integers(20, 236, (6, width // 16, 3)).astype(np.float32)
    fine = random.normal(0, 12, (90, width, 3))
    return (cv2.resize(coarse, (width, 90), interpolation=cv2.INTER_CUBIC) + fine).clip(0, 255).astype(np.uint8)


A, B = view(1), view(2)


def mixed(first: Picture, last: Picture, frames: int) -> list[Picture]:
    """Return the pictures between two, without these."""
    parts = np.arange(1, frames + 1) / (frames + 1)
    return [cv2.addWeighted(first, 1 - part, last, part, 0).astype(np.uint8) for part in parts]


def boundaries(film: list[Picture], rate: int = 25) -> list[Transition]:
    looks, scorer = FrameLooks(), ChangeScorer()
    change = np.array([scorer.score(picture) for picture in film], np.float32)
    for picture in film:
        looks.add(picture)
    return find_boundaries(range(len(film)), Fraction(1, rate), change, looks.looks, looks.details)


def found(film: list[Picture], rate: int = 25) -> list[tuple[int, int]]:
    return [(one.kind, one.frame or 0) for one in boundaries(film, rate)]


@pytest.mark.parametrize("frames", [8, 25, 50, 74])
def test_a_dissolve_begins_a_shot_in_its_middle(frames: int) -> None:
    (one,) = boundaries([A] * 40 + mixed(A, B, frames) + [B] * 40)
    assert one.kind == DISSOLVE
    assert one.frame == pytest.approx(40 + frames / 2, abs=2)
    assert (one.start, one.end) == pytest.approx((39, 40 + frames), abs=max(3, frames / 10))


@pytest.mark.parametrize("colour", [BLACK, BRIGHT], ids=["black", "white"])
@pytest.mark.parametrize("frames", [8, 25, 50])
def test_a_fade_begins_a_shot_in_its_middle(colour: Picture, frames: int) -> None:
    (one,) = boundaries([A] * 40 + mixed(A, colour, frames) + [colour] * 5 + mixed(colour, B, frames) + [B] * 40)
    assert one.kind == FADE
    assert one.frame == pytest.approx(42.5 + frames, abs=2)


def test_a_fade_in_after_a_cut_to_black_and_the_other_way() -> None:
    assert found([A] * 40 + [BLACK] * 5 + mixed(BLACK, B, 15) + [B] * 40) == [(FADE, 40)]
    assert found([A] * 40 + mixed(A, BLACK, 15) + [BLACK] * 5 + [B] * 40) == [(FADE, 60)]


def test_a_movie_that_fades_in_and_out_is_one_shot() -> None:
    assert found([BLACK] * 5 + mixed(BLACK, A, 20) + [A] * 40 + mixed(A, BLACK, 20) + [BLACK] * 5) == []


def test_cuts_stay_where_they_are() -> None:
    assert found([A] * 40 + [B] * 40 + [A] * 40) == [(CUT, 40), (CUT, 80)]


def test_neither_a_flash_nor_a_strobe_begins_a_shot() -> None:
    assert found([A] * 40 + [BRIGHT] * 2 + [A] * 40) == []
    assert found([A] * 40 + ([BRIGHT] * 3 + [A] * 3) * 12 + [A] * 40) == []


@pytest.mark.parametrize("frames", [6, 15, 60])
def test_a_camera_that_pans_stays_in_its_shot(frames: int) -> None:
    wide = view(3, 480)
    pan = [wide[:, round(left) :][:, :160] for left in np.linspace(0, 320, frames + 2)]
    assert [kind for kind, _ in found([pan[0]] * 40 + pan + [pan[-1]] * 40) if kind != CUT] == []


@pytest.mark.parametrize("film", [[], [A], [BLACK] * 60, [A] * 60], ids=["nothing", "one frame", "black", "no cut"])
def test_what_has_one_shot(film: list[Picture]) -> None:
    assert found(film) == []


def test_nothing_but_dissolves() -> None:
    views = [view(seed) for seed in range(4)]
    film = [views[0]] * 20
    for before, after in pairwise(views):
        film += mixed(before, after, 30) + [after] * 3
    assert [kind for kind, _ in found(film)] == [DISSOLVE] * 3


@pytest.mark.parametrize("rate", [1, 2, 5])
def test_a_film_of_few_frames_a_second_has_its_cuts(rate: int) -> None:
    assert found([A] * 8 + [B] * 8, rate) == [(CUT, 8)]
