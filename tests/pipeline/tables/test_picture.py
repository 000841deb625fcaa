"""The picture that a movie gets, boxes in it, and what is said of it."""

import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pipeline.media.geometry import Orientation, Shape, fitted
from pipeline.media.movie import UNSPECIFIED, Colour, Movie
from pipeline.tables.observations import Observations
from pipeline.tables.picture import in_one_picture, picture_remarks

MOVIE = Movie(
    Path("m"), 0, "h264", Fraction(1, 10), Fraction(0), 480, 270, Orientation(), Fraction(10), UNSPECIFIED,
    shape=Shape(480, 270),
)  # fmt: skip
BOX = [0.25, 0.25, 0.75, 0.5]
"""Of each face, in units of its picture's sides."""


def seen(*spans: tuple[int, int, int]) -> Observations:
    """Observe a face on each frame: ``frames, width, height`` of each span; boxes in the first frame's picture."""
    frames = sum(count for count, _, _ in spans)
    boxes, shapes, begun = [], [], 0
    for count, width, height in spans:
        fit = fitted((width, height), MOVIE.size, Orientation())
        boxes += [fit.to_movie(np.array([BOX], np.float32), (1, 1))[0]] * count
        shapes.append((begun, width, height))
        begun += count
    return Observations(
        pts=np.arange(frames, dtype=np.int64),
        change=np.zeros(frames, np.float32),
        ends=np.zeros((2, 90, 160, 3), np.uint8),
        face_frame=np.arange(frames, dtype=np.int32),
        boxes=np.array(boxes, np.float32),
        scores=np.ones(frames, np.float32),
        probabilities=np.full((frames, 7), 1 / 7, np.float32),
        miniatures=np.zeros((frames, 8, 8), np.uint8),
        **{name: np.zeros(frames, np.float32) for name in ("yaw", "sharpness", "contrast")},
        refused=0,
        damaged=0,
        shapes=np.array(shapes, np.int64),
    )


@pytest.mark.parametrize(
    ("spans", "picture"),
    [
        ([(10, 480, 270)], (480, 270)),
        ([(10, 480, 270), (10, 270, 480)], (480, 270)),
        ([(10, 480, 270), (11, 270, 480)], (270, 480)),
        ([(10, 480, 270), (11, 270, 480), (2, 480, 270)], (480, 270)),
        ([(5, 480, 270), (5, 960, 540), (90, 640, 360)], (960, 540)),  # of one shape, the largest
        ([(5, 480, 270), (20, 1920, 1088), (5, 1920, 1080)], (1920, 1088)),
        ([(5, 480, 270), (1, 16384, 2), (1, 2, 16384)], (480, 270)),  # damage
    ],
    ids=str,
)
def test_the_picture_is_that_of_most_frames(spans: list[tuple[int, int, int]], picture: tuple[int, int]) -> None:
    before = seen(*spans)
    movie, after = in_one_picture(MOVIE, before)
    assert movie.size == picture
    begun = 0
    for count, width, height in spans:
        fit = fitted((width, height), picture, Orientation())
        for box in after.boxes[begun : begun + count]:
            assert fit.from_movie(box[None])[0] == pytest.approx(BOX, abs=1e-4)
        begun += count


def test_an_ordinary_movie_is_left_as_it_is() -> None:
    before = seen((10, 480, 270))
    movie, after = in_one_picture(MOVIE, before)
    assert movie is MOVIE
    assert after is before
    assert picture_remarks(MOVIE, before.shapes) == []


def test_what_is_said_of_changes() -> None:
    two = seen((20, 480, 270), (20, 270, 480))
    assert picture_remarks(MOVIE, two.shapes) == [
        "the shape of the picture changes: 480x270, then 270x480 from 2.0 s; "
        "boxes and video are 480x270, with bars where a frame is of another shape"
    ]
    many = seen(*[(1, 480 - 2 * k, 270) for k in range(20)])
    (remark,) = picture_remarks(MOVIE, many.shapes)
    assert "and 15 more changes" in remark
    assert len(remark) < 250


@pytest.mark.parametrize(
    ("changes", "remark"),
    [
        ({"hdr": 16}, r"HDR \(PQ\) was mapped to BT\.709"),
        ({"hdr": 18}, r"HDR \(HLG\) was mapped to BT\.709"),
        ({"colour": Colour(8, 1, 1)}, r"does not convert the colour matrix of the picture \(H\.273: 8\)"),
        ({"shape": Shape(480, 270), "aspect": Fraction(100), "width": 16384, "height": 92}, "scaled to 16384x92"),
    ],
)
def test_what_is_said_of_odd_pictures(changes: dict[str, object], remark: str) -> None:
    (found,) = picture_remarks(replace(MOVIE, **changes), seen((2, 480, 270)).shapes)  # type: ignore[arg-type]
    assert re.search(remark, found)
