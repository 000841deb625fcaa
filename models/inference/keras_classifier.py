"""Classify with TensorFlow: the reference, the way to use a GPU, and what runs models that were not exported."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.data.faces import CROP_SIZE, FERPLUS_OF_EMOTION, to_input
from models.emotions import EMOTIONS
from models.errors import WeightsError
from models.inference.base import BATCH_SIZE, GPU_BATCH_SIZE, check_crops
from models.inference.providers import is_out_of_memory
from models.model_file import ModelFile
from models.networks import build, network_names


def list_devices() -> list[str]:
    """Return the names of the devices that TensorFlow sees, such as ``CPU:0``."""
    return [str(device.name).removeprefix("/physical_device:") for device in tf.config.list_physical_devices()]


def sees_gpu() -> bool:
    """Return whether TensorFlow sees a GPU."""
    return bool(tf.config.list_physical_devices("GPU"))


class KerasClassifier:
    """A trained network in TensorFlow, compiled for one batch size and warmed up; see :class:`EmotionClassifier`."""

    runtime = "tensorflow"

    def __init__(self, model: ModelFile, device: str, threads: int = 0, padded: bool = True) -> None:
        """Load a network.

        Args:
            model: what to load.
            device: ``cpu`` or ``gpu``.
            threads: bound on TensorFlow's on the CPU; 0: none.
            padded: fill up batches, so that a crop's result does not depend on how many others came with it. Without,
                a few crops take only the time of a few, and results may differ in their last bits.

        Raises:
            WeightsError: the weights belong to another architecture.
        """
        self.model, self.device = model, device
        _configure(device, threads)
        self._batch_size = BATCH_SIZE if device == "cpu" else GPU_BATCH_SIZE
        self._padded = padded
        self.notes: list[str] = []
        with _half_precision(device):
            self._layers = load_network(model)
        self._network = self._compiled()
        self.predict(np.zeros((1, CROP_SIZE, CROP_SIZE), np.uint8))

    def predict(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See :class:`EmotionClassifier`."""
        check_crops(crops)
        results, start = [np.zeros((0, len(EMOTIONS)), np.float32)], 0
        while start < len(crops):
            batch = crops[start : start + self._batch_size]
            filled = np.zeros((self._batch_size if self._padded else len(batch), CROP_SIZE, CROP_SIZE), np.uint8)
            filled[: len(batch)] = batch
            try:
                found = np.asarray(self._network(to_input(filled)))
            except Exception as error:  # TensorFlow has several classes for it
                self._halve(error)
                continue
            results.append(found[: len(batch)])
            start += len(batch)
        return np.concatenate(results)

    def _compiled(self) -> Any:
        batch_size = self._batch_size if self._padded else None
        return compiled(self._layers, batch_size, self.device, self.model.chosen or "emotion")

    def _halve(self, error: Exception) -> None:
        """Take half as many crops at a time from now on, if it was a GPU's memory that was missing."""
        if self.device == "cpu" or self._batch_size == 1 or not is_out_of_memory(error):
            raise error
        self._batch_size //= 2
        self.notes.append(
            f"out of GPU memory with {2 * self._batch_size} faces: the network goes on with {self._batch_size}"
        )
        self._network = self._compiled()


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
    """Return the trained network; its output ``emotion`` is calibrated, and further ones have the names of priors.

    Raises:
        WeightsError: the weights belong to another architecture.
    """
    if model.network not in network_names():
        raise WeightsError(f"{model.name}: made for the network {model.network!r}, which this version does not have")
    network = build(model.network)
    try:
        network.load_weights(model.weights)
    except (ValueError, OSError, KeyError) as error:
        raise WeightsError(f"{model.weights}: not weights of the network {model.network!r}: {error}") from error
    # softmax(logits / T): the division moves into the layer that makes the logits, and costs nothing.
    head = network.get_layer("emotion")
    head.set_weights([weights / np.float32(model.temperature) for weights in head.get_weights()])
    return _combined(network, model) if model.priors else network


def _combined(network: keras.Model, model: ModelFile) -> keras.Model:
    """Return the network with an output for each prior; the first one is called ``emotion``."""
    label, votes = network.get_layer("emotion"), network.get_layer("votes")
    heads = [label.get_weights(), [weights[..., FERPLUS_OF_EMOTION] for weights in votes.get_weights()]]
    outputs = {}
    for place, prior in enumerate(model.priors):
        # Sums of logits are one layer's logits.
        kernel, bias = (prior.label * a + prior.votes * b / model.temperature for a, b in zip(*heads, strict=True))
        layer = keras.layers.Dense(len(EMOTIONS), activation="softmax", dtype="float32", name=prior.name)
        outputs["emotion" if place == 0 else prior.name] = layer(label.input)
        layer.set_weights([kernel, bias + np.array(prior.offset, np.float32) / model.temperature])
    return keras.Model(network.input, outputs, name=network.name)


def compiled(network: keras.Model, batch_size: int | None, device: str, output: str = "emotion") -> Any:
    """Compile a network into one function from a batch to one of its outputs.

    Args:
        network: takes float32 ``(n, 48, 48, 1)``.
        batch_size: of every batch; None: any.
        device: ``cpu`` or ``gpu``.
        output: its name.

    Returns:
        A function of float32 ``(batch_size, 48, 48, 1)`` that returns float32 ``(batch_size, 7)``.
    """

    @tf.function(  # type: ignore[untyped-decorator]  # tensorflow ships no types
        input_signature=[tf.TensorSpec((batch_size, CROP_SIZE, CROP_SIZE, 1), tf.float32)],
        jit_compile=device == "gpu",  # XLA fuses well for GPUs; its convolutions on CPUs are slow
    )
    def predict(crops: Any) -> Any:
        return network(crops, training=False)[output]

    return predict
