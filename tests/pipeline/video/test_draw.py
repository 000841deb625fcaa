"""Drawing on the planes of real frames."""

import math
from itertools import combinations

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from pipeline.palette import EMOTION_COLOURS
from pipeline.video.draw import LabelledFace, Planes, draw_faces

Box = tuple[float, float, float, float]

PLATE_LUMA = 24
SIZES = [(256, 144), (638, 402), (1280, 720)]
GREY = 100


def grey(width: int, height: int) -> VideoFrame:
    """A grey frame; its padding, where there is any, holds 77."""
    frame = VideoFrame(width, height, "yuv420p")
    for plane in frame.planes:
        plane.update(bytes([77]) * plane.buffer_size)
    planes = Planes.of_frame(frame)
    for view, value in ((planes.y, GREY), (planes.u, 128), (planes.v, 128)):
        view[:] = value
    return frame


def face(box: Box, emotion: str = "happy", track: int = 1) -> LabelledFace:
    return LabelledFace(box, emotion, 0.93, track)


def drawn(width: int, height: int, *faces: LabelledFace) -> Planes:
    planes = Planes.of_frame(grey(width, height))
    draw_faces(planes, faces)
    return planes


def untouched(planes: Planes) -> bool:
    return bool((planes.y == GREY).all() and (planes.u == 128).all() and (planes.v == 128).all())


def changed(before: Planes, after: Planes) -> NDArray[np.bool_]:
    return np.asarray(before.y != after.y)


def plate(planes: Planes) -> tuple[int, int, int, int]:
    """Left, top, right, bottom (exclusive) of what has the plate's luma."""
    rows, columns = np.nonzero(planes.y == PLATE_LUMA)
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def chroma_by_ffmpeg(emotion: str) -> tuple[int, int]:
    """An emotion's u and v, as FFmpeg converts its colour."""
    rgb = np.full((16, 16, 3), list(bytes.fromhex(EMOTION_COLOURS[emotion][1:])), np.uint8)
    planes = Planes.of_frame(VideoFrame.from_ndarray(rgb, "rgb24").reformat(format="yuv420p"))
    return int(planes.u[4, 4]), int(planes.v[4, 4])


def test_no_faces_leave_the_picture_untouched() -> None:
    assert untouched(drawn(256, 144))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("emotion", EMOTION_COLOURS)
def test_rectangle_has_the_emotions_colour(size: tuple[int, int], emotion: str) -> None:
    width, height = size
    planes = drawn(width, height, face((width * 0.3, height * 0.4, width * 0.6, height * 0.8), emotion))
    u, v = chroma_by_ffmpeg(emotion)
    for row, column in ((0.8, 0.45), (0.6, 0.3), (0.6, 0.6)):  # bottom, left, right
        cell = np.s_[int(row * height / 2) - 3 : int(row * height / 2) + 3,
                     int(column * width / 2) - 3 : int(column * width / 2) + 3]  # fmt: skip
        close = (abs(planes.u[cell].astype(int) - u) <= 1) & (abs(planes.v[cell].astype(int) - v) <= 1)
        assert close.sum() >= 6


def test_inside_of_the_box_stays_as_it_was() -> None:
    planes = drawn(1280, 720, face((400, 200, 700, 600)))
    assert (planes.y[210:590, 410:690] == GREY).all()
    assert (planes.u[105:295, 205:345] == 128).all()


def test_luma_stays_in_limited_range() -> None:
    planes = drawn(
        1280, 720, *(face((k * 150, 200, k * 150 + 100, 400), name) for k, name in enumerate(EMOTION_COLOURS))
    )
    assert planes.y.min() >= 16
    assert planes.y.max() <= 235


def test_line_has_a_dark_edge_on_either_side() -> None:
    row = drawn(1280, 720, face((400, 200, 700, 600))).y[400, 390:410]
    assert row[9:13].tolist() == [16, row[10], row[10], 16]
    assert row[10] > GREY


@pytest.mark.parametrize(
    "box",
    [
        (-300, -300, -100, -100),
        (2000, 50, 2100, 90),
        (50, 500, 90, 600),
        (100, 100, 100, 100),
        (100, 50, 100, 90),
        (120, 90, 100, 50),
        (math.nan, 10, 50, 50),
        (10, 10, math.nan, 50),
    ],
)
def test_box_without_a_part_of_the_picture_is_left_out(box: Box) -> None:
    assert untouched(drawn(256, 144, face(box)))


@pytest.mark.parametrize(
    "box",
    [
        (-50, 40, 60, 120),
        (200, 40, 400, 120),
        (100, -60, 160, 50),
        (100, 100, 160, 300),
        (-50, -50, 400, 300),
        (-1e30, 20, 1e30, 60),
        (-math.inf, -math.inf, math.inf, math.inf),
        (100, 70, 100.2, 70.2),
        (255.9, 143.9, 300, 200),
    ],
)
def test_what_is_visible_of_a_box_is_drawn(box: Box) -> None:
    planes = drawn(256, 144, face(box))
    assert not untouched(planes)
    left, top, right, bottom = plate(planes)
    assert (planes.y[top:bottom, left:right] == 235).any()  # the text


def test_lines_reach_the_border_where_a_box_leaves_the_picture() -> None:
    for box, inside, rest in (
        ((-50, 40, 60, 120), np.s_[119, :60], np.s_[41:, 61:]),
        ((200, 40, 400, 120), np.s_[119, 200:], np.s_[41:, :199]),
        ((100, -60, 160, 50), np.s_[:50, 100], np.s_[:, :99]),
        ((100, 100, 160, 300), np.s_[100:, 100], np.s_[:, :99]),
    ):
        luma = drawn(256, 144, face(box)).y
        assert set(luma[inside].tolist()) == {int(luma[inside][0])} != {GREY}
        assert (luma[rest] == GREY).all()


@pytest.mark.parametrize("size", [*SIZES, (720, 1280)])
@pytest.mark.parametrize("x", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("y", [0.0, 0.5, 1.0])
def test_label_is_whole_wherever_the_box_is(size: tuple[int, int], x: float, y: float) -> None:
    def label(centre_x: float, centre_y: float) -> tuple[int, int]:
        side = 0.2 * size[1]
        box = (centre_x - side, centre_y - side, centre_x + side, centre_y + side)
        left, top, right, bottom = plate(drawn(*size, face(box)))
        return right - left, bottom - top

    assert label(x * size[0], y * size[1]) == label(size[0] / 2, size[1] / 2)


def test_label_is_above_then_below_then_beside_then_inside() -> None:
    assert plate(drawn(1280, 720, face((400, 200, 700, 600))))[3] == 200
    assert plate(drawn(1280, 720, face((400, 10, 700, 600))))[1] == 600
    assert plate(drawn(1280, 720, face((400, 10, 700, 710))))[0] >= 700
    assert plate(drawn(1280, 720, face((1000, 10, 1270, 710))))[2] == 1000
    inside = plate(drawn(1280, 720, face((10, 10, 1270, 710))))
    assert inside[1] >= 10
    assert inside[3] < 60


@pytest.mark.parametrize("size", SIZES)
def test_plates_of_faces_at_the_same_place_are_apart(size: tuple[int, int]) -> None:
    width, height = size
    box = (width * 0.3, height * 0.4, width * 0.6, height * 0.8)
    faces = [face(box, "happy", 1), face(box, "sad", 2), face(box, "fear", 3)]
    strips = [np.asarray(p.y == PLATE_LUMA) for p in (drawn(width, height, one) for one in faces)]
    together = np.asarray(drawn(width, height, *faces).y == PLATE_LUMA)
    assert together.sum() == sum(strip.sum() for strip in strips)


def test_label_goes_elsewhere_rather_than_over_another_face() -> None:
    alone = face((400, 300, 460, 380))
    assert plate(drawn(1280, 720, alone))[3] == 300
    both = drawn(1280, 720, alone, face((480, 200, 700, 320), track=2))
    assert (both.y[204:316, 484:696] == GREY).all()


def test_label_ends_with_its_box_rather_than_over_another_face() -> None:
    crowded = drawn(256, 144, face((90, 30, 110, 58)), face((140, 20, 170, 50), track=2))
    assert (crowded.y[22:48, 142:168] == GREY).all()
    assert (crowded.y[12:28, :110] == PLATE_LUMA).any()


def test_label_goes_beside_its_box_rather_than_over_its_face() -> None:
    above, below = face((300, 200, 640, 290), track=2), face((300, 390, 640, 480), track=3)
    crowded = drawn(1280, 720, above, below, face((400, 300, 460, 380)))
    assert (crowded.y[304:376, 404:456] == GREY).all()
    assert (crowded.y[300:320, 468:500] == PLATE_LUMA).any()
    assert (crowded.y[204:286, 304:636] == GREY).all()


@pytest.mark.parametrize("size", [(2, 2), (16, 16), (64, 16), (16, 64)])
def test_tiny_pictures(size: tuple[int, int]) -> None:
    assert not untouched(drawn(*size, face((-3, 1, 9, 12)), face((1, 1, 15, 15), "disgust", 1234567)))


def test_small_pictures_get_short_labels() -> None:
    long = LabelledFace((60, 60, 160, 120), "surprise", 1.0, 12345)
    left, _, right, _ = plate(drawn(256, 144, long))
    assert right - left <= 128


@pytest.mark.parametrize("confidence", [-0.5, 0.0, 1.0, 1.5])
def test_any_confidence_has_a_percentage(confidence: float) -> None:
    assert not untouched(drawn(256, 144, LabelledFace((60, 60, 160, 120), "sad", confidence, 1)))


def test_float32_boxes() -> None:
    x1, y1, x2, y2 = np.array([60.3, 60.7, 160.2, 120.9], np.float32)
    expected = drawn(256, 144, face((60.3, 60.7, 160.2, 120.9)))
    assert not changed(expected, drawn(256, 144, face((x1, y1, x2, y2)))).any()


@pytest.mark.parametrize("size", [(638, 402), (402, 638)])
def test_padded_frames_are_written_in_place(size: tuple[int, int]) -> None:
    frame = grey(*size)
    assert frame.planes[1].line_size > frame.planes[1].width
    draw_faces(Planes.of_frame(frame), [face((500, 50, 700, 420)), face((-20, 300, 100, 390), "sad", 2)])
    expected = drawn(*size, face((500, 50, 700, 420)), face((-20, 300, 100, 390), "sad", 2))
    stacked = np.concatenate([part.ravel() for part in (expected.y, expected.u, expected.v)])
    assert (frame.to_ndarray().ravel() == stacked).all()
    for plane in frame.planes:
        rows = np.frombuffer(bytes(plane), np.uint8).reshape(plane.height, plane.line_size)
        assert (rows[:, plane.width :] == 77).all()


def test_shared_memory_is_not_drawn_on(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Pictures that a decoder predicts others from must not change under it."""
    path = tmp_path_factory.mktemp("movie") / "movie.mp4"
    encode(str(path))

    def last(draw: bool) -> NDArray[np.uint8]:
        with av.open(str(path)) as movie:
            for frame in movie.decode(video=0):
                seen = frame.to_ndarray()
                if draw:
                    draw_faces(Planes.of_frame(frame), [face((20, 40, 100, 100))])
        return seen.astype(np.uint8, copy=False)

    assert (last(draw=True) == last(draw=False)).all()


def encode(path: str) -> None:
    """Write a still of noise: every picture but the first is predicted."""
    noise = np.random.default_rng(0).integers(16, 236, (144 * 3 // 2, 256), np.uint8)
    with av.open(path, "w") as movie:
        stream = movie.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 256, 144, "yuv420p"
        for _ in range(5):
            movie.mux(stream.encode(VideoFrame.from_ndarray(noise, "yuv420p")))
        movie.mux(stream.encode())


@pytest.mark.parametrize("name", ["rgb24", "yuv444p", "yuvj420p", "nv12", "yuv420p10le"])
def test_other_formats_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"expected a yuv420p frame, got {name}"):
        Planes.of_frame(VideoFrame(64, 48, name))


def test_lines_of_two_emotions_never_look_alike() -> None:
    box = (400, 200, 700, 600)
    colours = []
    for emotion in EMOTION_COLOURS:
        planes = drawn(1280, 720, face(box, emotion))
        colours.append((int(planes.y[400, 400]), int(planes.u[200, 200]), int(planes.v[200, 200])))
    assert min(math.dist(a, b) for a, b in combinations(colours, 2)) > 40


def test_an_unsure_face_has_a_thin_grey_box_and_no_word() -> None:
    box = (200, 200, 400, 400)
    unsure, sad = (drawn(1280, 720, LabelledFace(box, label, 0.4, 1)) for label in ("unsure", "sad"))
    changed, labelled = (picture.y != drawn(1280, 720).y for picture in (unsure, sad))
    assert 0 < changed.sum() < labelled.sum() / 2
    rows, columns = np.nonzero(changed)
    assert (rows.min() >= 198, rows.max() <= 401, columns.min() >= 198, columns.max() <= 401) == (True,) * 4
    assert not changed[210:390, 210:390].any()
