"""Classify with ONNX Runtime: on the CPU, or on an accelerator that it was built for."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from models.data.faces import CROP_SIZE, to_input
from models.emotions import EMOTIONS
from models.errors import DeviceError, WeightsError
from models.inference.base import BATCH_SIZE, GPU_BATCH_SIZE, check_crops
from models.inference.providers import is_out_of_memory, provider_of
from models.model_file import ModelFile

PRIORS: Final = ("film", "balanced")
"""Names of priors: emotions as frequent as in films, or each one equally frequent."""


class OnnxClassifier:
    """A trained network in ONNX Runtime; see :class:`models.inference.base.EmotionClassifier`.

    The network takes float32 ``(n, 48, 48, 1)`` grey crops in 0..1 and gives ``(n, 7)`` probabilities. It may give
    features beside them, ``(n, k)``, for others to learn from. Outputs that are called as the model's priors are no
    features.
    On the CPU, a crop's probabilities are the same bit by bit whatever stands beside it and on how many threads.
    """

    runtime = "onnx"

    def __init__(self, model: ModelFile, path: Path, threads: int = 0, device: str = "cpu") -> None:
        """Load a network.

        Args:
            model: the description of what ``path`` holds.
            path: an ONNX file.
            threads: bound on the library's; 0 leaves them to it.
            device: ``cpu``, or one of :data:`models.inference.providers.PROVIDERS`.

        Raises:
            WeightsError: the file holds no network for such crops.
            DeviceError: the device cannot be used.
        """
        self.model, self.device = model, device
        self.batch_size = BATCH_SIZE if device == "cpu" else GPU_BATCH_SIZE
        self.notes: list[str] = []
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 3
        # Threads that wait must sleep: others need the core.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = _session(path, options, device)
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        shapes = [list(tensor.shape[1:]) for tensor in (*inputs, *outputs)]
        if shapes[:2] != [[CROP_SIZE, CROP_SIZE, 1], [len(EMOTIONS)]] or len(inputs) > 1:
            raise WeightsError(
                f"{path}: expected one input (n, {CROP_SIZE}, {CROP_SIZE}, 1) and a first output (n, {len(EMOTIONS)}), "
                f"found {shapes}"
            )
        names = [tensor.name for tensor in outputs]
        # A file without a description says by its names alone which outputs are for a prior.
        described = [prior.name for prior in model.priors] or [names[0], *(set(names[1:]) & set(PRIORS))]
        self._of_prior = {name: names[0] if k == 0 else name for k, name in enumerate(described)}
        self._input = inputs[0].name
        self._outputs = names[:1] + [name for name in names[1:] if name not in self._of_prior]
        self.priors = tuple(name for name in described if self._of_prior[name] in names)

    def predict(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See :class:`models.inference.base.EmotionClassifier`."""
        return self.predict_for(crops, self.model.chosen or self.priors[0])

    def predict_for(self, crops: NDArray[np.uint8], prior: str) -> NDArray[np.float32]:
        """Return float32 ``(n, 7)`` for one of ``self.priors``; else as :meth:`predict`."""
        check_crops(crops)
        found = [batch[0] for batch in self._run(crops, [self._of_prior[prior]])]
        return np.concatenate([np.zeros((0, len(EMOTIONS)), np.float32), *found])

    def predict_and_describe(self, crops: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return probabilities, and the features that the network gives beside them: float32 ``(n, k)``, k 0 if none.

        Raises:
            ValueError: the crops have another shape or type, or there are none.
        """
        check_crops(crops)
        probabilities, *features = (
            np.concatenate(parts) for parts in zip(*self._run(crops, self._outputs[:2]), strict=True)
        )
        return probabilities, features[0] if features else np.zeros((len(crops), 0), np.float32)

    def _run(self, crops: NDArray[np.uint8], outputs: list[str]) -> Iterator[list[NDArray[np.float32]]]:
        start = 0
        while start < len(crops):
            batch = to_input(crops[start : start + self.batch_size])
            try:
                found = self._session.run(outputs, {self._input: batch})
            except Exception as error:  # its exceptions have no common base
                self._halve(error)
                continue
            yield found
            start += len(batch)

    def _halve(self, error: Exception) -> None:
        """Take half as many crops at a time from now on, if it was a GPU's memory that was missing."""
        if self.device == "cpu" or not is_out_of_memory(error):
            raise error
        if self.batch_size == 1:
            raise DeviceError(f"--device {self.device}: no memory for a single face; --device cpu: {error}") from error
        self.notes.append(
            f"out of GPU memory with {self.batch_size} faces: the network goes on with {self.batch_size // 2}"
        )
        self.batch_size //= 2


def _session(path: Path, options: onnxruntime.SessionOptions, device: str) -> onnxruntime.InferenceSession:
    """Load a network, and on an accelerator make sure that it is used: ONNX Runtime would take the CPU unasked."""
    cpu = "CPUExecutionProvider"
    if device == "cpu":
        try:
            return onnxruntime.InferenceSession(str(path), options, providers=[cpu])
        except Exception as error:  # its exceptions have no common base
            raise WeightsError(f"{path}: ONNX Runtime cannot load it: {error}") from error
    provider = provider_of(device)
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=[provider, cpu])
        if session.get_providers()[0] != provider[0]:
            raise DeviceError(f"ONNX Runtime knows {provider[0]}, but cannot use it here")
        (tensor,) = session.get_inputs()
        session.run(None, {tensor.name: np.zeros((1, CROP_SIZE, CROP_SIZE, 1), np.float32)})
    except DeviceError:
        raise
    except Exception as error:
        raise DeviceError(f"ONNX Runtime cannot use {provider[0]}: {error}") from error
    return session
