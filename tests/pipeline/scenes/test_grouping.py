"""Shots to scenes: made-up places, each a picture of its own."""

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.scenes.grouping import Wanted, group, scene_remarks
from pipeline.scenes.looks import KEY_FRAMES, SIZE


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
