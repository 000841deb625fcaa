"""Classify with ONNX Runtime on the CPU."""

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from models.classifier import BATCH_SIZE, check_crops
from models.data.faces import CROP_SIZE, to_input
from models.emotions import EMOTIONS
from models.errors import WeightsError
from models.model_file import ModelFile


class OnnxClassifier:
    """A trained network in ONNX Runtime; see :class:`models.classifier.EmotionClassifier`.

    A crop's probabilities are the same bit by bit whatever stands beside it and on how many threads.
    """

    device = "cpu"

    def __init__(self, model: ModelFile, path: Path, threads: int = 0) -> None:
        """Load ``path``, which holds ``model``; ``threads`` bounds the library's, 0 leaves them to it.

        Raises:
            WeightsError: the file holds no network for such crops.
        """
        self.model = model
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 3
        # Threads that wait must sleep: others need the core.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its exceptions have no common base
            raise WeightsError(f"{path}: ONNX Runtime cannot load it: {error}") from error
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        shapes = [list(tensor.shape[1:]) for tensor in (*inputs, *outputs)]
        if shapes != [[CROP_SIZE, CROP_SIZE, 1], [len(EMOTIONS)]]:
            raise WeightsError(
                f"{path}: expected one input (n, {CROP_SIZE}, {CROP_SIZE}, 1) and one output (n, {len(EMOTIONS)}), "
                f"found {shapes}"
            )
        self._input = inputs[0].name

    def predict(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See :class:`models.classifier.EmotionClassifier`."""
        check_crops(crops)
        results = [np.zeros((0, len(EMOTIONS)), np.float32)]
        for start in range(0, len(crops), BATCH_SIZE):
            batch = to_input(crops[start : start + BATCH_SIZE])
            results.append(np.asarray(self._session.run(None, {self._input: batch})[0]))
        return np.concatenate(results)
