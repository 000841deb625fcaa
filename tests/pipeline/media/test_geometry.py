"""Placing pictures of one shape in a picture of another; reading what frames say of their shape."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from clips import MATRICES, X264, Clip, decoded
from discs import Part, with_exif, write_changing

from pipeline.media.geometry import LONGEST_SIDE, Fit, Orientation, Shape, ShapeReader, even, fitted, upright_size
from pipeline.media.movie import Fits, open_movie

UPRIGHT = Orientation()


@pytest.mark.parametrize(
    ("size", "into", "place"),
    [
        ((480, 270), (480, 270), (0, 0, 480, 270)),
        ((270, 480), (480, 270), (164, 0, 152, 270)),
        ((1024, 576), (768, 576), (0, 72, 768, 432)),
        ((768, 576), (1024, 576), (128, 0, 768, 576)),
        ((320, 180), (1280, 720), (0, 0, 1280, 720)),
        ((1920, 1088), (1920, 1080), (0, 0, 1920, 1080)),  # bars of 4 px would be for nobody
        ((2, 16384), (640, 360), (318, 0, 2, 360)),
        ((16384, 2), (640, 360), (0, 178, 640, 2)),
    ],
)
def test_as_large_as_can_be_in_the_middle(
    size: tuple[int, int], into: tuple[int, int], place: tuple[int, int, int, int]
) -> None:
    fit = fitted(size, into, UPRIGHT)
    assert (fit.x, fit.y, fit.width, fit.height) == place
    assert fit.size == size


@pytest.mark.parametrize("size", [(w, h) for w in (2, 34, 638, 1920) for h in (2, 98, 480, 1080)], ids=str)
@pytest.mark.parametrize("into", [(2, 2), (640, 358), (1080, 1920), (16384, 92)], ids=str)
def test_every_picture_fits(size: tuple[int, int], into: tuple[int, int]) -> None:
    fit = fitted(size, into, UPRIGHT)
    assert all(value % 2 == 0 for value in (fit.x, fit.y, fit.width, fit.height))
    assert fit.x >= 0 <= fit.y
    assert 2 <= fit.width <= into[0] - fit.x
    assert 2 <= fit.height <= into[1] - fit.y


def test_boxes_go_there_and_back() -> None:
    fit = fitted((270, 480), (480, 270), UPRIGHT)
    boxes = np.array([[0, 0, 135, 240], [67.5, 120, 135, 240]], np.float32)
    moved = fit.to_movie(boxes, (135, 240))
    assert moved.tolist() == [[164, 0, 316, 270], [240, 135, 316, 270]]
    assert fit.from_movie(moved) == pytest.approx(boxes / [135, 240, 135, 240])


def test_a_picture_that_fills() -> None:
    fit = Fit.filling(640, 360, Orientation(transpose=True))
    boxes = np.array([[1, 2, 3, 4]], np.float32)
    assert (fit.to_movie(boxes, (640, 360)) == boxes).all()
    assert fit.stored(640, 360) == (360, 640)


@pytest.mark.parametrize(
    ("shape", "aspect", "size"),
    [
        (Shape(720, 576), Fraction(16, 15), (768, 576)),
        (Shape(720, 576, orientation=Orientation(transpose=True)), Fraction(16, 15), (576, 768)),
        (Shape(67, 45), Fraction(1), (68, 44)),
        (Shape(480, 270), Fraction(100), (LONGEST_SIDE, 92)),
        (Shape(270, 480, orientation=Orientation(transpose=True)), Fraction(1, 100), (480, 2)),
        (Shape(40_000, 20_000), Fraction(1), (LONGEST_SIDE, LONGEST_SIDE // 2)),
        (Shape(100, 65_535), Fraction(1), (26, LONGEST_SIDE)),
    ],
)
def test_upright_size(shape: Shape, aspect: Fraction, size: tuple[int, int]) -> None:
    assert upright_size(shape, aspect) == size


@pytest.mark.parametrize(("length", "expected"), [(0, 2), (1, 2), (2, 2), (3, 4), (5, 4), (Fraction(479, 3), 160)])
def test_even(length: Fraction, expected: int) -> None:
    assert even(Fraction(length)) == expected


ASPECTS = ["1", "4/3", "64/45", "16/15", "16/11", "12/11", "40/33", "118/81", "1/2", "2", "100", "1/100"]


@pytest.mark.parametrize("aspect", [Fraction(aspect) for aspect in ASPECTS], ids=ASPECTS)
def test_a_frame_tells_the_aspect_of_its_pixels(tmp_path: Path, aspect: Fraction) -> None:
    path = Clip(".ts", range(3), options=X264, size=(480, 270), aspect=aspect).write(tmp_path / "m")
    reader = ShapeReader()
    for frame in decoded(path):
        assert float(reader.read(frame).aspect) == pytest.approx(
            float(aspect), rel=0.03 if max(aspect, 1 / aspect) > 9 else 5e-4
        )


def test_the_containers_aspect_goes_first_until_the_decoders_changes(tmp_path: Path) -> None:
    parts = [Part((160, 120), 3, Fraction(4, 3)), Part((160, 120), 3, Fraction(2))]
    path = write_changing(tmp_path / "m.mp4", "mpeg4", parts, options={"flags": "-global_header"})
    movie = open_movie(path)
    assert movie.aspect == Fraction(4, 3)
    fits = Fits(movie)
    assert {fits.of(frame).size for frame in decoded(path)} >= {(214, 120)}


@pytest.mark.parametrize("way", MATRICES)
def test_a_frame_tells_its_way_up(tmp_path: Path, way: str) -> None:
    path = Clip(pts=range(3), options=X264, matrix=MATRICES[way]).write(tmp_path / "m")
    expected = open_movie(path).orientation
    reader = ShapeReader()
    assert [reader.read(frame).orientation for frame in decoded(path)] == [expected] * 3
    assert expected.is_upright is (way == "upright")


def test_side_data_without_a_name_hides_nothing(tmp_path: Path) -> None:
    """PyAV does not know EXIF."""
    path = write_changing(tmp_path / "m.mov", "mjpeg", [Part((64, 48), 2, wrap=with_exif(6))], "yuvj420p")
    frame = next(decoded(path))
    assert ShapeReader().read(frame).orientation == Orientation(transpose=True, flip_x=True)
    assert open_movie(path).size == (48, 64)


def test_a_frame_that_says_nothing_is_like_the_one_before(tmp_path: Path) -> None:
    turned = Orientation(transpose=True)
    path = Clip(pts=range(3), options=X264).write(tmp_path / "m")
    key, *others = decoded(path)
    assert ShapeReader(turned).read(others[0]).orientation == turned
    assert ShapeReader(turned).read(key).orientation == UPRIGHT
