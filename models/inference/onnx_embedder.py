"""Describe faces, so that those of one person can be found, with ONNX Runtime on the CPU."""

from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from models.errors import WeightsError
from models.model_file import WEIGHTS_FOLDER, sha256_of

PERSONS: Final = WEIGHTS_FOLDER / "persons.onnx"
"""The network that ships; persons.md says what it is."""

_SIDE: Final = 40
_BATCH: Final = 64


class OnnxEmbedder:
    """A network that takes float32 ``(n, 1, 40, 40)`` grey pictures, 0..255, and gives ``(n, 128)`` directions.

    A picture's description is the same bit by bit whatever stands beside it and on how many threads.

    Attributes:
        digest: SHA-256 of its file, hexadecimal.
    """

    def __init__(self, path: Path = PERSONS, threads: int = 0) -> None:
        """Load a network.

        Args:
            path: an ONNX file.
            threads: bound on the library's; 0 leaves them to it.

        Raises:
            WeightsError: the file holds no network for such pictures.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self.digest = sha256_of(path)
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its exceptions have no common base
            raise WeightsError(f"{path}: ONNX Runtime cannot load it: {error}") from error
        shapes = [list(tensor.shape[1:]) for tensor in (*self._session.get_inputs(), *self._session.get_outputs())]
        if shapes != [[1, _SIDE, _SIDE], [128]]:
            raise WeightsError(f"{path}: expected input (n, 1, {_SIDE}, {_SIDE}) and output (n, 128), found {shapes}")
        self._input = self._session.get_inputs()[0].name

    def embed(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return float32 ``(n, 128)``, of length 1, for uint8 ``(n, 40, 40)`` grey pictures.

        Each is described together with its mirror image, which makes the description steadier.
        """
        if pictures.dtype != np.uint8 or pictures.shape[1:] != (_SIDE, _SIDE):
            raise ValueError(f"expected uint8 (n, {_SIDE}, {_SIDE}), found {pictures.dtype} {pictures.shape}")
        found = [np.zeros((0, 128), np.float32)]
        for start in range(0, len(pictures), _BATCH):
            batch = pictures[start : start + _BATCH, None].astype(np.float32)
            sides = [
                _unit(self._session.run(None, {self._input: some})[0]) for some in (batch, batch[..., ::-1].copy())
            ]
            found.append(_unit(sides[0] + sides[1]))
        return np.concatenate(found)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12), np.float32)
