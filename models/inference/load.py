"""Choose what computes a trained network.

On a CPU that is ONNX Runtime, which starts in a tenth of a second and needs a sixth of TensorFlow's memory; on a GPU,
and for models without an ONNX file, TensorFlow, which is only imported then.
"""

from pathlib import Path
from typing import Final

from models.errors import DeviceError
from models.inference.base import EmotionClassifier
from models.model_file import ModelFile

_GPU_FILES: Final = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")
"""There where Linux has a GPU that TensorFlow could use: NVIDIA's, one of Windows' below WSL, AMD's."""


def load_classifier(model: ModelFile, device: str = "auto", threads: int = 0, padded: bool = True) -> EmotionClassifier:
    """Load a model onto ``device``: ``auto``, ``cpu`` or ``gpu``.

    Args:
        model: what to load.
        device: see :func:`choose_device`.
        threads: bound on the library's threads on a CPU; 0 leaves them to it.
        padded: see :class:`models.inference.keras_classifier.KerasClassifier`. ONNX Runtime needs no such thing.

    Raises:
        DeviceError: see :func:`choose_device`; or a GPU is required for a network that is ONNX alone.
        WeightsError: the weights belong to another architecture.
    """
    if not model.network:
        if device == "gpu":
            raise DeviceError(f"--device gpu: {model.weights} is ONNX alone, which runs on the CPU")
        device = "cpu"
    device = choose_device(device)
    if device == "cpu" and model.onnx is not None and model.onnx.temperature == model.temperature:
        from models.inference.onnx_classifier import OnnxClassifier

        return OnnxClassifier(model, model.onnx.path, threads)
    from models.inference.keras_classifier import KerasClassifier

    return KerasClassifier(model, device, threads, padded)


def choose_device(name: str) -> str:
    """Return ``gpu`` or ``cpu`` for ``auto``, ``gpu`` or ``cpu``.

    Raises:
        DeviceError: a GPU is required and TensorFlow sees none.
    """
    # TensorFlow takes seconds to say, so it is only loaded where there may be a GPU.
    if name == "cpu" or (name == "auto" and not any(Path(file).exists() for file in _GPU_FILES)):
        return "cpu"
    from models.inference.keras_classifier import sees_gpu

    if sees_gpu():
        return "gpu"
    if name == "gpu":
        raise DeviceError(
            "--device gpu: TensorFlow sees no GPU. It needs an NVIDIA driver and "
            "pip install 'tensorflow[and-cuda]'; --device auto uses the CPU"
        )
    return "cpu"
