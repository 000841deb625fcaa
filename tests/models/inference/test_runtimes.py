"""Which runtime computes a network, on what, and how it goes on when a GPU's memory is too small."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from models.errors import DeviceError, WeightsError
from models.inference import onnx_classifier, providers
from models.inference.keras_classifier import KerasClassifier
from models.inference.load import load_classifier
from models.inference.onnx_classifier import OnnxClassifier
from models.model_file import find_model

# Keras converts its variables in a way that NumPy 2 is about to forbid.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

STAND_IN = ("AzureExecutionProvider", {})
"""Of ONNX Runtime; it leaves everything to the CPU, and so stands in for an accelerator."""


def crops(count: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (count, 48, 48), np.uint8)


class ShortOfMemory:
    """An ONNX Runtime session on a GPU with room for some crops."""

    def __init__(self, session: Any, room: int) -> None:
        self.session, self.room, self.batches = session, room, []

    def run(self, outputs: Any, inputs: Any) -> Any:
        (batch,) = inputs.values()
        if len(batch) > self.room:
            raise RuntimeError("Non-zero status code: BFCArena::AllocateRawInternal Failed to allocate memory")
        self.batches.append(len(batch))
        return self.session.run(outputs, inputs)


@pytest.fixture
def accelerated(monkeypatch) -> OnnxClassifier:
    """A network on an accelerator, for which the CPU stands in."""
    monkeypatch.setattr(onnx_classifier, "provider_of", lambda _: STAND_IN)
    model = find_model("default")
    return OnnxClassifier(model, model.onnx.path, 1, "cuda")


def test_what_is_chosen_is_said():
    model = find_model("default")
    onnx = load_classifier(model, "cpu")
    assert (onnx.device, onnx.runtime, onnx.notes) == ("cpu", "onnx", [])
    keras = load_classifier(model, "cpu", runtime="tensorflow")
    assert isinstance(keras, KerasClassifier)
    assert (keras.device, keras.runtime) == ("cpu", "tensorflow")
    assert load_classifier(model, "auto", runtime="onnx").runtime == "onnx"


def test_runtimes_that_do_not_have_the_network(tmp_path):
    with pytest.raises(WeightsError, match="--runtime onnx: the model seed has no ONNX file"):
        load_classifier(find_model("seed"), "cpu", runtime="onnx")
    foreign = Path(tmp_path / "mine.onnx")
    foreign.write_bytes(find_model("default").onnx.path.read_bytes())
    with pytest.raises(WeightsError, match=r"--runtime tensorflow: .*mine\.onnx is ONNX alone"):
        load_classifier(find_model(str(foreign)), "cpu", runtime="tensorflow")


@pytest.mark.parametrize("device", providers.PROVIDERS)
def test_a_device_that_is_not_there_is_refused_and_never_replaced_by_the_cpu(device):
    if providers.PROVIDERS[device] in onnxruntime.get_available_providers():
        pytest.skip("this ONNX Runtime was built for it")
    with pytest.raises(DeviceError, match=rf"--device {device}: this ONNX Runtime was not built for it.*docs/gpu\.md"):
        load_classifier(find_model("default"), device)


@pytest.mark.filterwarnings("ignore:Specified provider:UserWarning")
def test_a_provider_that_is_built_in_but_does_not_work_is_refused(monkeypatch):
    """As with onnxruntime-gpu on a machine without a GPU: ONNX Runtime would take the CPU without a word."""
    monkeypatch.setattr(providers, "candidates", lambda device: [] if device == "cpu" else ["cuda"])
    with pytest.raises(DeviceError, match="--device cuda: ONNX Runtime knows CUDAExecutionProvider, but cannot use it"):
        load_classifier(find_model("default"), "cuda", runtime="onnx")
    assert load_classifier(find_model("default"), "auto", runtime="onnx").device == "cpu"


def test_an_accelerator_sees_large_batches(accelerated):
    session = accelerated._session = ShortOfMemory(accelerated._session, 10_000)
    accelerated.predict(crops(1100))
    assert session.batches == [512, 512, 76]


def test_out_of_memory_the_batch_is_halved_and_it_is_said(accelerated):
    expected = accelerated.predict(crops(600))
    session = accelerated._session = ShortOfMemory(accelerated._session, 130)
    np.testing.assert_allclose(accelerated.predict(crops(600)), expected, atol=1e-6)
    assert session.batches == [128, 128, 128, 128, 88]
    assert accelerated.notes == [
        "out of GPU memory with 512 faces: the network goes on with 256",
        "out of GPU memory with 256 faces: the network goes on with 128",
    ]
    accelerated._session = ShortOfMemory(session.session, 0)
    with pytest.raises(DeviceError, match="no memory for a single face"):
        accelerated.predict(crops(3))


def test_another_failure_is_no_lack_of_memory(accelerated):
    class Broken:
        def run(self, *_: Any) -> Any:
            raise RuntimeError("the cable was pulled")

    accelerated._session = Broken()
    with pytest.raises(RuntimeError, match="the cable"):
        accelerated.predict(crops(3))
    assert accelerated.batch_size == 512


def test_in_half_precision_labels_are_the_same(tmp_path):
    """The bar for devices: 99.5 % of labels. The graph is the shipped one with weights and sums of 16 bits."""
    onnx = pytest.importorskip("onnx")
    from onnxruntime.transformers.float16 import convert_float_to_float16

    model = find_model("default")
    half = tmp_path / "half.onnx"
    onnx.save(convert_float_to_float16(onnx.load(model.onnx.path), keep_io_types=True), half)
    assert half.stat().st_size < 0.6 * model.onnx.path.stat().st_size
    faces = faces_of_portraits()
    full, other = (OnnxClassifier(model, path).predict(faces) for path in (model.onnx.path, half))
    assert len(set(full.argmax(axis=1).tolist())) > 1
    assert np.abs(full - other).max() > 0
    assert (full.argmax(axis=1) == other.argmax(axis=1)).mean() >= 0.995


def faces_of_portraits() -> NDArray[np.uint8]:
    """Cut the portraits that scikit-image and matplotlib ship in many ways."""
    import cv2

    skimage = pytest.importorskip("skimage")
    import matplotlib

    astronaut = cv2.imread(str(Path(skimage.__file__).parent / "data" / "astronaut.png"), cv2.IMREAD_GRAYSCALE)
    hopper = cv2.imread(str(Path(matplotlib.__file__).parent / "mpl-data/sample_data/grace_hopper.jpg"), 0)
    found = []
    for picture, (x, y, side) in ((astronaut, (170, 60, 110)), (hopper, (190, 70, 200))):
        for dx in range(-16, 20, 4):
            for dy in range(-16, 20, 4):
                for grown in (0, 15, 30, 45):
                    top, left = y + dy - grown // 2, x + dx - grown // 2
                    cut = picture[max(top, 0) : top + side + grown, max(left, 0) : left + side + grown]
                    found.append(cv2.resize(cut, (48, 48), interpolation=cv2.INTER_AREA))
    return np.array(found, np.uint8)
