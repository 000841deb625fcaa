"""Load a trained network and classify face crops with it in fixed-size batches."""

import hashlib
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.data.batches import to_input
from models.data.faces import CROP_SIZE
from models.emotions import EMOTIONS
from models.errors import DeviceError, WeightsError
from models.networks import NETWORKS, build

WEIGHTS_FOLDER: Final = Path(__file__).parent / "weights"
BATCH_SIZE: Final = 64
"""Every call of the network has this many crops, padded where needed: one shape is compiled once."""
GPU_BATCH_SIZE: Final = 512
"""The same on a GPU, which needs more to be busy."""


@dataclass(frozen=True)
class ModelFile:
    """What ``weights/<name>.json`` says of a trained network.

    Attributes:
        name: of the model.
        network: name in :data:`models.networks.NETWORKS`.
        weights: file of its weights.
        sha256: of that file, hexadecimal.
        temperature: the logits are divided by this before the softmax (Guo et al. 2017, arXiv:1706.04599).
        calibrated_on: the rows that the temperature was fitted on, in words.
    """

    name: str
    network: str
    weights: Path
    sha256: str
    temperature: float
    calibrated_on: str = ""


def find_model(name: str, folder: Path = WEIGHTS_FOLDER) -> ModelFile:
    """Find a model, and check that its weights are what they were when it was described.

    Args:
        name: of a model in ``folder``, or the path of a model's JSON file elsewhere, such as a training leaves.
        folder: where models that are named lie.

    Raises:
        WeightsError: there is no such model, or its weights are missing or altered.
    """
    card = Path(name) if name.endswith(".json") else folder / f"{name}.json"
    if not card.is_file():
        known = sorted(path.stem for path in folder.glob("*.json"))
        raise WeightsError(
            f"no model is called {name!r}; known models: {', '.join(known) or 'none'}, or the path of a model's .json"
        )
    folder, name = card.parent, card.stem
    try:
        fields = json.loads(card.read_text())
        network, sha256, temperature = str(fields["network"]), str(fields["sha256"]), float(fields["temperature"])
        weights, calibrated_on = folder / str(fields["weights"]), str(fields.get("calibrated_on", ""))
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{card}: expected network, weights, sha256 and temperature; {error!r}") from error
    if not 0 < temperature < math.inf:
        raise WeightsError(f"{card}: expected a temperature above 0, found {temperature}")
    if not weights.is_file():
        raise WeightsError(f"{weights}: the weights of {name!r} are missing; expected SHA-256 {sha256}")
    found = hashlib.sha256(weights.read_bytes()).hexdigest()
    if found != sha256:
        raise WeightsError(f"{weights}: the weights of {name!r} are altered: expected SHA-256 {sha256}, found {found}")
    return ModelFile(name, network, weights, sha256, temperature, calibrated_on)


def list_devices() -> list[str]:
    """Return the names of the devices that TensorFlow sees, such as ``CPU:0``."""
    return [str(device.name).removeprefix("/physical_device:") for device in tf.config.list_physical_devices()]


def choose_device(wanted: str) -> str:
    """Return ``gpu`` or ``cpu`` for ``auto``, ``gpu`` or ``cpu``.

    Raises:
        DeviceError: a GPU is wanted and TensorFlow sees none.
    """
    gpus = tf.config.list_physical_devices("GPU")
    if wanted == "gpu" and not gpus:
        raise DeviceError(
            "--device gpu: TensorFlow sees no GPU. It needs an NVIDIA driver and "
            "pip install 'tensorflow[and-cuda]'; --device auto uses the CPU"
        )
    return "gpu" if gpus and wanted != "cpu" else "cpu"


class EmotionClassifier:
    """A trained network, compiled for one batch size and warmed up."""

    def __init__(self, model: ModelFile, device: str = "auto", threads: int = 0, padded: bool = True) -> None:
        """Load ``model`` onto ``device``; ``threads`` bounds TensorFlow's on the CPU, 0 leaves them to it.

        With ``padded``, batches are filled up, so that a crop's result does not hang on how many others came with it;
        without, a few crops take as long as a few crops, and results may differ in their last bits.

        Raises:
            DeviceError: see :func:`choose_device`.
            WeightsError: the weights belong to another architecture.
        """
        self.emotions = EMOTIONS
        self.model = model
        self.device = choose_device(device)
        _configure(self.device, threads)
        self.batch_size = BATCH_SIZE if self.device == "cpu" else GPU_BATCH_SIZE
        self._padded = padded
        with _half_precision(self.device):
            self._network = compiled(load_network(model), self.batch_size if padded else None, self.device)
        self.predict(np.zeros((1, CROP_SIZE, CROP_SIZE), np.uint8))

    def predict(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return float32 ``(n, 7)`` calibrated probabilities for uint8 ``(n, 48, 48)`` grey crops.

        Raises:
            ValueError: the crops have another shape or type.
        """
        if crops.dtype != np.uint8 or crops.shape[1:] != (CROP_SIZE, CROP_SIZE):
            raise ValueError(f"expected uint8 crops (n, {CROP_SIZE}, {CROP_SIZE}), found {crops.dtype} {crops.shape}")
        results = [np.zeros((0, len(EMOTIONS)), np.float32)]
        for start in range(0, len(crops), self.batch_size):
            batch = crops[start : start + self.batch_size]
            filled = np.zeros((self.batch_size if self._padded else len(batch), CROP_SIZE, CROP_SIZE), np.uint8)
            filled[: len(batch)] = batch
            results.append(np.asarray(self._network(to_input(filled)))[: len(batch)])
        return np.concatenate(results)


@contextmanager
def _half_precision(device: str) -> Iterator[None]:
    """Build layers that compute in half precision on a GPU; the softmax stays in single precision."""
    before = keras.config.dtype_policy()
    if device == "gpu":
        keras.config.set_dtype_policy("mixed_float16")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _configure(device: str, threads: int) -> None:
    """Set up TensorFlow; only possible before its first computation in this process."""
    try:
        if device == "cpu":
            tf.config.set_visible_devices([], "GPU")
            if threads:
                tf.config.threading.set_intra_op_parallelism_threads(threads)
                tf.config.threading.set_inter_op_parallelism_threads(1)
        else:
            for gpu in tf.config.list_physical_devices("GPU"):
                tf.config.experimental.set_memory_growth(gpu, True)
    except RuntimeError:
        pass  # a second classifier in one process: TensorFlow keeps what the first one chose


def load_network(model: ModelFile) -> keras.Model:
    """Return the trained network; its output ``emotion`` is calibrated.

    Raises:
        WeightsError: the weights belong to another architecture.
    """
    if model.network not in NETWORKS:
        raise WeightsError(f"{model.name}: made for the network {model.network!r}, which this version does not have")
    network = build(model.network)
    try:
        network.load_weights(model.weights)
    except (ValueError, OSError, KeyError) as error:
        raise WeightsError(f"{model.weights}: not weights of the network {model.network!r}: {error}") from error
    # softmax(logits / T): the division moves into the layer that makes the logits, and costs nothing.
    head = network.get_layer("emotion")
    head.set_weights([weights / np.float32(model.temperature) for weights in head.get_weights()])
    return network


def compiled(network: keras.Model, batch_size: int | None, device: str) -> Any:
    """Compile a network into one function of a batch, None: of any size, that gives its output ``emotion``."""

    @tf.function(  # type: ignore[untyped-decorator]  # tensorflow ships no types
        input_signature=[tf.TensorSpec((batch_size, CROP_SIZE, CROP_SIZE, 1), tf.float32)],
        jit_compile=device == "gpu",  # XLA fuses well for GPUs; its convolutions on CPUs are slow
    )
    def predict(crops: Any) -> Any:
        return network(crops, training=False)["emotion"]

    return predict
