"""Cutting faces out: the right place, the right way up, the right levels, whatever the pixel format."""

from pathlib import Path

import av
import av.video.frame
import numpy as np
import pytest
from av.video.reformatter import ColorRange
from clips import MATRICES, X264, Clip, decoded
from numpy.typing import NDArray

from pipeline.faces.crops import BOX_SCALE, CROP_SIZE, cut_crops
from pipeline.media.geometry import Fit, Orientation
from pipeline.media.movie import Fits, open_movie

Grey = NDArray[np.uint8]

ORIENTATIONS = [Orientation(t, x, y) for t in (False, True) for x in (False, True) for y in (False, True)]
WIDTH, HEIGHT = 160, 120


def filling(width: int = WIDTH, height: int = HEIGHT, orientation: Orientation | None = None) -> Fit:
    """Return the fit of a picture that fills a movie's picture."""
    return Fit.filling(width, height, orientation)


def grey_frame(grey: Grey) -> av.video.frame.VideoFrame:
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(grey), "gray")
    frame.color_range = ColorRange.JPEG
    return frame


def flat(level: int, pixels: str, colour_range: int | None = None) -> av.video.frame.VideoFrame:
    """Return a frame whose first plane holds ``level`` and whose others hold no colour."""
    frame = av.VideoFrame(WIDTH, HEIGHT, pixels)
    for number, plane in enumerate(frame.planes):
        plane.update(bytes([128 if number else level]) * plane.buffer_size)
    if colour_range is not None:
        frame.color_range = colour_range
    return frame


def boxes(*rows: tuple[float, float, float, float]) -> NDArray[np.float32]:
    return np.array(rows, np.float32).reshape(-1, 4)


def around(x: float, y: float, side: float) -> tuple[float, float, float, float]:
    """Return the box that is cut out as the square of ``side`` around a point."""
    half = side / BOX_SCALE / 2
    return (x - half, y - half, x + half, y + half)


def slope(width: int = WIDTH, height: int = HEIGHT) -> Grey:
    """Return a picture whose level gives the place: it rises by 1 a pixel to the right, by 0.5 a pixel downwards."""
    return np.clip(np.arange(width)[None, :] + np.arange(height)[:, None] / 2, 0, 255).astype(np.uint8)


def scene() -> Grey:
    """Return a smooth picture without any symmetry."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return np.asarray(120 + 60 * np.sin(x / 9) + 50 * np.cos(y / 13 + x / 40) + y / 10, np.uint8)


def test_no_box_gives_no_crop() -> None:
    crops = cut_crops(grey_frame(scene()), boxes(), filling())
    assert crops.shape == (0, CROP_SIZE, CROP_SIZE)
    assert crops.dtype == np.uint8


def test_crops_come_in_the_order_of_their_boxes() -> None:
    picture = np.zeros((HEIGHT, WIDTH), np.uint8)
    picture[:, :40], picture[:, 40:80], picture[:, 80:] = 10, 20, 30
    crops = cut_crops(
        grey_frame(picture), boxes(around(100, 60, 20), around(20, 60, 20), around(60, 60, 20)), filling()
    )
    assert crops.shape == (3, CROP_SIZE, CROP_SIZE)
    assert [np.unique(crop).tolist() for crop in crops] == [[30], [10], [20]]


@pytest.mark.parametrize("side", [12, 48, 96])
def test_the_square_is_the_box_enlarged_about_its_middle(side: int) -> None:
    picture = np.zeros((HEIGHT, WIDTH), np.uint8)
    x, y = 80, 60
    picture[y - side // 2 : y + side // 2, x - side // 2 : x + side // 2] = 255
    exact, larger = cut_crops(grey_frame(picture), boxes(around(x, y, side), around(x, y, side * 4 / 3)), filling())
    assert (exact == 255).all()
    assert (larger[0] == 0).all()
    assert (larger[:, -1] == 0).all()
    assert (larger > 127).mean() == pytest.approx(9 / 16, abs=0.06)


def test_a_crop_of_crop_size_is_the_picture_itself() -> None:
    crop = cut_crops(grey_frame(scene()), boxes(around(80, 60, CROP_SIZE)), filling())[0]
    assert (crop == scene()[60 - 24 : 60 + 24, 80 - 24 : 80 + 24]).all()


def test_a_long_box_is_cut_as_a_square_of_its_area() -> None:
    half = CROP_SIZE / BOX_SCALE / 2
    tall = (80 - half / 2, 60 - half * 2, 80 + half / 2, 60 + half * 2)
    square = cut_crops(grey_frame(scene()), boxes(around(80, 60, CROP_SIZE), tall), filling())
    assert (square[0] == square[1]).all()


def test_large_faces_are_averaged_not_sampled() -> None:
    stripes = np.zeros((240, 240), np.uint8)
    stripes[:, ::4] = 200
    crop = cut_crops(grey_frame(stripes), boxes(around(120, 120, 4 * CROP_SIZE)), filling(240, 240))[0]
    assert np.unique(crop).tolist() == [50]


@pytest.mark.parametrize("orientation", ORIENTATIONS, ids=str)
@pytest.mark.parametrize("box", [around(50.2, 70.3, 41), around(120.1, 30.2, 80), around(2.2, 117.4, 50)])
def test_a_turned_picture_gives_the_crop_of_the_upright_one(
    orientation: Orientation, box: tuple[float, float, float, float]
) -> None:
    stored = scene()
    upright = orientation.apply(stored)
    height, width = upright.shape
    box = box if not orientation.transpose else (box[1], box[0], box[3], box[2])
    found = cut_crops(grey_frame(stored), boxes(box), filling(width, height, orientation))
    expected = cut_crops(grey_frame(upright), boxes(box), filling(width, height))
    assert np.abs(found.astype(int) - expected).max() <= 1
    assert found.flags.c_contiguous


@pytest.mark.parametrize("matrix", MATRICES.values(), ids=MATRICES)
def test_so_does_a_turned_whole(tmp_path: Path, matrix: tuple[int, int, int, int]) -> None:
    clip = Clip(pts=[0], options={**X264, "crf": "1"}, size=(WIDTH, HEIGHT), paint=lambda *_: scene(), matrix=matrix)
    opened = open_movie(clip.write(tmp_path / "m"))
    upright = opened.orientation.apply(scene())
    box = boxes(around(40, 50, 40), around(90, 90, 60))
    picture = next(decoded(opened.path))
    found = cut_crops(picture, box, Fits(opened).of(picture))
    expected = cut_crops(grey_frame(upright), box, filling(opened.width, opened.height))
    assert np.abs(found.astype(int) - expected).mean() < 3


@pytest.mark.parametrize(
    ("pixels", "colour_range", "levels"),
    [
        *((p, None, (0, 128, 255)) for p in ("yuv420p", "yuv422p", "yuv444p", "yuva420p", "nv12", "nv21")),
        ("yuv420p", ColorRange.MPEG, (0, 128, 255)),
        ("yuv420p", ColorRange.JPEG, (16, 126, 235)),
        ("yuvj420p", None, (16, 126, 235)),
        ("yuvj444p", None, (16, 126, 235)),
    ],
)
def test_limited_range_is_stretched_and_full_range_is_not(
    pixels: str, colour_range: int | None, levels: tuple[int, int, int]
) -> None:
    found = [cut_crops(flat(v, pixels, colour_range), boxes(around(80, 60, 50)), filling()) for v in (16, 126, 235)]
    assert [np.unique(crop).tolist() for crop in found] == [[v] for v in levels]


def test_grey_without_a_tag_is_full_range() -> None:
    found = [cut_crops(flat(v, "gray"), boxes(around(80, 60, 50)), filling()).max() for v in (16, 126, 235)]
    assert found == [16, 126, 235]


def test_what_limited_range_leaves_out_is_cut_off() -> None:
    assert cut_crops(flat(3, "yuv420p"), boxes(around(80, 60, 50)), filling()).max() == 0
    assert cut_crops(flat(250, "yuv420p"), boxes(around(80, 60, 50)), filling()).min() == 255


@pytest.mark.parametrize(
    "pixels",
    "yuv420p yuvj420p yuv444p nv12 yuv420p10le yuv422p12le p010le gray gray10le rgb24 bgr24 bgra gbrp ya8".split(),
)
def test_pixel_formats_agree(pixels: str) -> None:
    limited = grey_frame(scene()).reformat(format="yuv420p")
    other = limited.reformat(format=pixels)
    box = boxes(around(80, 60, 48), around(30, 100, 90))
    found, expected = (cut_crops(frame, box, filling()).astype(int) for frame in (other, limited))
    assert expected.std() > 20
    assert np.abs(found - expected).max() <= 2


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [("yuv420p10le", (0, 128, 255)), ("p010le", (0, 128, 255)), ("rgb24", (16, 126, 235)), ("bgra", (16, 126, 235))],
)
def test_levels_of_other_formats(pixels: str, expected: tuple[int, int, int]) -> None:
    for level, wanted in zip((16, 126, 235), expected, strict=True):
        frame = av.VideoFrame(WIDTH, HEIGHT, pixels)
        for number, plane in enumerate(frame.planes):
            if pixels == "yuv420p10le":
                data = np.full(plane.buffer_size // 2, (128 if number else level) << 2, "<u2").tobytes()
            elif pixels == "p010le":
                data = np.full(plane.buffer_size // 2, (128 if number else level) << 8, "<u2").tobytes()
            else:
                data = bytes([level]) * plane.buffer_size
            plane.update(data)
        crop = cut_crops(frame, boxes(around(80, 60, 50)), filling())
        assert np.abs(crop.astype(int) - wanted).max() <= 1


@pytest.mark.parametrize("width", [WIDTH, 86, 1])
def test_padding_is_no_part_of_the_picture(width: int) -> None:
    frame = av.VideoFrame(width, 48, "yuv420p")
    for plane in frame.planes:
        plane.update(bytes([200]) * plane.buffer_size)
    plane = frame.planes[0]
    lines = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)  # type: ignore[call-overload]
    lines[:48, :width] = 16
    assert cut_crops(frame, boxes(around(width, 24, 40)), filling(width, 48)).max() == 0


@pytest.mark.parametrize(
    ("x", "y", "level"),
    [(-500, -500, 1), (500, -500, 2), (-500, 500, 3), (500, 500, 4)],
)
def test_far_outside_the_nearest_corner_is_repeated(x: float, y: float, level: int) -> None:
    picture = np.zeros((HEIGHT, WIDTH), np.uint8)
    picture[0, 0], picture[0, -1], picture[-1, 0], picture[-1, -1] = 1, 2, 3, 4
    crop = cut_crops(grey_frame(picture), boxes(around(x, y, 48)), filling())[0]
    assert np.unique(crop).tolist() == [level]


def test_partly_outside_the_edge_is_repeated() -> None:
    picture = slope()
    crop = cut_crops(grey_frame(picture), boxes(around(0, 60, 48)), filling())[0]
    assert (crop[:, :24] == crop[:, :1]).all()
    assert (crop[:, 24:] == picture[36:84, :24]).all()
    crop = cut_crops(grey_frame(picture), boxes(around(80, HEIGHT, 48)), filling())[0]
    assert (crop[24:] == crop[-1:]).all()
    assert (crop[:24] == picture[-24:, 56:104]).all()


def test_a_box_larger_than_the_picture() -> None:
    crop = cut_crops(grey_frame(np.full((HEIGHT, WIDTH), 77, np.uint8)), boxes(around(80, 60, 1000)), filling())[0]
    assert np.unique(crop).tolist() == [77]


@pytest.mark.parametrize("box", [(50, 50, 50, 50), (50, 50, 50, 90), (60, 60, 50, 50), (160, 120, 160, 120)])
def test_a_box_without_area_gives_a_crop_all_the_same(box: tuple[float, float, float, float]) -> None:
    assert cut_crops(grey_frame(scene()), boxes(box), filling()).shape == (1, CROP_SIZE, CROP_SIZE)


@pytest.mark.parametrize("orientation", [Orientation(), Orientation(transpose=True, flip_x=True)], ids=str)
def test_pixels_that_are_not_square(orientation: Orientation) -> None:
    """Stored at half its width, a picture gives nearly the crops of the whole one."""
    whole = scene()
    squeezed = whole.reshape(HEIGHT, WIDTH // 2, 2).mean(axis=2).astype(np.uint8)
    upright = orientation.apply(whole)
    height, width = upright.shape
    box = boxes(around(60, 60, 48), around(70, 80, 70))
    found = cut_crops(grey_frame(squeezed), box, filling(width, height, orientation))
    expected = cut_crops(grey_frame(upright), box, filling(width, height))
    assert np.abs(found.astype(int) - expected).mean() < 3
