"""Shots to scenes: made-up places, each a picture of its own."""

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.scenes.grouping import Cast, Wanted, cast_of, group, scene_remarks
from pipeline.scenes.looks import KEY_FRAMES, LIGHT, SIZE


def looks(shots: str) -> NDArray[np.uint8]:
    """Return the looks of shots; each letter is a view."""
    views = {view: np.random.default_rng(ord(view)).integers(0, 256, SIZE, dtype=np.uint8) for view in set(shots)}
    return np.array([np.tile(views[view], KEY_FRAMES) for view in shots], np.uint8).reshape(len(shots), -1)


@pytest.mark.parametrize(
    ("shots", "wanted", "scenes"),
    [
        ("A", "auto", "0"),
        ("AA", "auto", "00"),
        ("ABAB", "auto", "0000"),
        ("ABABCDCD", "auto", "00001111"),
        ("ABABCDCDABAB", "auto", "000011112222"),  # one room at other times
        ("ABAB", "shots", "0123"),
        ("ABABCDCD", 1, "00000000"),
        ("ABABCDCD", 2, "00001111"),
        ("ABC", 9, "012"),
    ],
)
def test_scenes(shots: str, wanted: Wanted, scenes: str) -> None:
    found = group(looks(shots), np.ones(len(shots), np.int8), wanted)
    assert "".join(map(str, found)) == scenes


def test_what_is_not_known_is_not_grouped() -> None:
    assert group(np.zeros((3, 0), np.uint8), np.ones(3, np.int8)).tolist() == [0, 1, 2]


def test_too_many_scenes_are_remarked() -> None:
    assert scene_remarks(9, 3) == ["scenes wanted: 9, but the movie has 3 shots; each is a scene"]
    assert scene_remarks(3, 3) == scene_remarks("auto", 1) == []


def rearranged(shots: str) -> NDArray[np.uint8]:
    """Return looks whose light and colours are spread alike; each letter is a view that is far from the others."""
    ramp = np.concatenate([np.linspace(100, 190, LIGHT), np.tile([120, 130], (SIZE - LIGHT) // 2)]).astype(np.uint8)
    views = {}
    for view in set(shots):
        light = np.random.default_rng(ord(view)).permutation(LIGHT)
        views[view] = np.concatenate([ramp[light], ramp[LIGHT:]])
    return np.array([np.tile(views[view], KEY_FRAMES) for view in shots], np.uint8).reshape(len(shots), -1)


def scenes_with(shots: str, *cast: str, contrast: float = 1.0) -> str:
    looks = rearranged(shots)
    stretched = ((looks.astype(np.float32) - 128) * contrast + 128).clip(0, 255).astype(np.uint8)
    people: Cast | None = [frozenset(map(int, one)) for one in cast] or None
    return "".join(map(str, group(stretched, np.ones(len(shots), np.int8), "auto", people)))


def test_colours_alone_link_two_views_of_one_place() -> None:
    assert scenes_with("ABCD") == "0000"


def test_colours_do_not_link_views_that_are_far_apart() -> None:
    """Two films in black and white have the same colours."""
    assert scenes_with("ABCD", contrast=2.5) == "0123"


def test_colours_do_not_link_different_persons() -> None:
    """Two groups of people before the same grey wall."""
    assert scenes_with("ABABCDCD", "0", "1", "0", "1", "2", "3", "2", "3") == "00001111"
    assert scenes_with("ABCD", "0", "", "1", "") == "0000"  # who is in the others is not known


def test_the_view_links_whoever_is_in_it() -> None:
    assert scenes_with("ABAB", "0", "1", "2", "3") == "0000"


def test_the_same_persons_link_what_looks_otherwise() -> None:
    assert scenes_with("ABC", "0", "", "0", contrast=2.5) == "000"
    assert scenes_with("ABC", "", "", "0", contrast=2.5) == "012"


def test_a_person_who_goes_elsewhere_does_not_take_the_scene_along() -> None:
    looks_of_two = looks("AB")
    assert group(looks_of_two, np.ones(2, np.int8), "auto", [frozenset({0})] * 2).tolist() == [0, 1]


def test_two_conversations_in_one_room_at_other_times_are_two() -> None:
    cast = ["0", "1", "0", "1", "2", "3", "2", "3", "0", "1", "0", "1"]
    assert scenes_with("ABABCDCDABAB", *cast) == "000011112222"


def test_so_many_scenes_as_are_wanted_are_divided_by_who_is_in_them() -> None:
    cast = [frozenset({k}) for k in (0, 0, 1, 1)]
    assert group(rearranged("ABCD"), np.ones(4, np.int8), 2, cast).tolist() == [0, 0, 1, 1]


def test_who_is_in_which_shot() -> None:
    shot, person = np.array([0, 0, 0, 2, 2], np.int32), np.array([3, -1, 3, 0, 1], np.int32)
    assert cast_of(shot, person, 4) == [{3}, set(), {0, 1}, set()]
    assert cast_of(shot[:0], person[:0], 1) == [set()]
