"""Searching some frames: which ones, what the others get, and that nothing depends on how a movie is cut."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from pipeline.faces.detect import Detections
from pipeline.faces.sparse_detection import FrameFaces, SparseDetector
from pipeline.media.decode import Frame
from pipeline.scenes.shots import MIN_CHANGE

MS = Fraction(1, 1000)
Faces = Sequence[tuple[float, float]]
"""Left side of a box of 100 px, and score."""


def detections(faces: Faces) -> Detections:
    boxes = np.array([(left, 0, left + 100, 100) for left, _ in faces], np.float32).reshape(-1, 4)
    return Detections(boxes, np.array([score for _, score in faces], np.float32))


class Film:
    """Frames at 25/s whose faces are known, and which of them were searched."""

    def __init__(self, faces: Callable[[int], Faces], frames: int = 40, cuts: Sequence[int] = ()) -> None:
        self.faces, self.frames, self.cuts = faces, frames, cuts
        self.searched: list[int] = []
        self.calls = 0

    def find(self, pictures: Any) -> list[Detections]:
        self.searched += pictures
        self.calls += 1
        return [detections(self.faces(picture)) for picture in pictures]

    def run(
        self,
        every: float,
        joints: Sequence[int] = (),
        start: int = 0,
        end: int | None = None,
        most: int = 8,
        ahead: int = 1,
    ) -> list[FrameFaces]:
        search = SparseDetector(self.find, every, MS, joints, most, ahead)
        found: list[FrameFaces] = []
        for number in range(start, self.frames if end is None else end):
            picture: Any = number
            found += search.add(Frame(40 * number, picture), MIN_CHANGE if number in self.cuts else 0.0)
        return [*found, *search.finish()]


def lefts(found: Sequence[FrameFaces]) -> list[list[float]]:
    return [one.faces.boxes[:, 0].tolist() for one in found if one.faces is not None]


def walking(number: int) -> Faces:
    return [(float(number), 0.9)]


@pytest.mark.parametrize("every", [0, 0.04, 0.12, 0.5])
def test_every_frame_comes_back_once_in_order_with_its_faces(every: float) -> None:
    found = Film(walking).run(every)
    assert [one.frame.pts for one in found] == [40 * k for k in range(40)]
    np.testing.assert_allclose(lefts(found), [[k] for k in range(40)], atol=1e-4)
    assert all(one.faces.scores == pytest.approx([0.9]) for one in found if one.faces is not None)


def test_none_is_left_out_at_intervals_of_zero() -> None:
    film = Film(walking)
    film.run(0)
    assert film.searched == list(range(40))


def test_steady_faces_are_searched_at_intervals() -> None:
    film = Film(walking)
    film.run(0.12)
    # 0.12 s are three frames; the last frame is searched, too, for nothing comes after it.
    assert sorted(film.searched) == [*range(0, 40, 3)]


def test_frames_without_faces_are_searched_at_intervals() -> None:
    film = Film(lambda _: [])
    assert lefts(film.run(0.12)) == [[]] * 40
    assert len(film.searched) == 14


@pytest.mark.parametrize("first", range(10, 16))
def test_a_face_is_found_in_the_very_frame_in_which_it_appears(first: int) -> None:
    found = Film(lambda k: [(5, 0.9)] if k >= first else []).run(0.24)
    assert [bool(boxes) for boxes in lefts(found)] == [k >= first for k in range(40)]


@pytest.mark.parametrize("score", [0.2, 0.9])
def test_one_that_leaves_beside_one_that_stays(score: float) -> None:
    found = Film(lambda k: [(5, 0.9), (300, score)] if k <= 17 else [(5, 0.9)]).run(0.24)
    assert [len(boxes) for boxes in lefts(found)] == [2 if k <= 17 else 1 for k in range(40)]


def test_a_jump_is_not_smoothed_over() -> None:
    found = Film(lambda k: [(5 if k < 20 else 60, 0.9)]).run(0.24)
    assert lefts(found) == [[5 if k < 20 else 60] for k in range(40)]


def test_faces_on_both_sides_of_a_cut_are_not_taken_for_one() -> None:
    film = Film(lambda k: [(5 if k < 20 else 8, 0.9)], cuts=[20])
    assert lefts(film.run(0.24)) == [[5 if k < 20 else 8] for k in range(40)]
    assert {19, 20} <= set(film.searched)


@pytest.mark.parametrize("joint", [1, 7, 8, 20, 39])
def test_a_cut_at_a_joint_changes_nothing(joint: int) -> None:
    def bouncing(k: int) -> Faces:
        return [(50 + 20 * np.sin(k), 0.9), *([(300, 0.5)] if k % 7 else [])]

    whole = Film(bouncing)
    expected = lefts(whole.run(0.2, joints=[40 * joint]))
    cut = Film(bouncing)
    assert lefts(cut.run(0.2, end=joint)) + lefts(cut.run(0.2, start=joint)) == expected
    assert sorted(cut.searched) == sorted(whole.searched)
    assert {joint - 1, joint} <= set(whole.searched)


def test_joints_at_which_no_frame_is_count_for_the_next_frame() -> None:
    film = Film(walking)
    film.run(0.5, joints=[41, 42, 279])
    assert {1, 2, 6, 7} <= set(film.searched)


def test_few_frames_are_held_however_long_the_interval() -> None:
    film = Film(walking)
    film.run(60, most=5)
    assert max(np.diff(sorted(film.searched))) == 5


def test_a_segment_without_frames_and_one_of_a_single_frame() -> None:
    assert Film(walking, frames=0).run(0.12) == []
    lone = Film(walking, frames=1)
    assert lefts(lone.run(0.12)) == [[0.0]]
    assert lone.searched == [0]


@pytest.mark.parametrize("ahead", [2, 5, 64])
def test_whoever_takes_many_pictures_at_a_time_searches_the_same_ones(ahead: int) -> None:
    def jumping(number: int) -> Faces:
        return [(float(number + 300 * (number > 17)), 0.9)] if number > 4 else []

    one, many = Film(jumping, cuts=[30]), Film(jumping, cuts=[30])
    found, joints = one.run(0.12, [800]), [800]
    assert lefts(many.run(0.12, joints, ahead=ahead)) == lefts(found)
    assert sorted(many.searched) == sorted(one.searched)
    assert len(set(many.searched)) == len(many.searched)
    assert many.calls < one.calls


def test_times_below_zero() -> None:
    search = SparseDetector(lambda pictures: [detections([(1, 0.9)])] * len(pictures), 0.12, MS)
    picture: Any = None
    frames = [Frame(pts, picture) for pts in range(-400, 400, 40)]
    found = [one for frame in frames for one in search.add(frame, 0.0)]
    assert len([*found, *search.finish()]) == len(frames)
