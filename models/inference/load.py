"""Choose what computes a trained network.

On a CPU that is ONNX Runtime, which starts in a tenth of a second and needs a sixth of TensorFlow's memory. On a GPU it
is ONNX Runtime where it was built for one and can use it, else TensorFlow; models without an ONNX file need TensorFlow
anywhere. It is only imported then.
"""

from pathlib import Path
from typing import Final

from models.errors import DeviceError, WeightsError
from models.inference.base import EmotionClassifier
from models.model_file import ModelFile

_GPU_FILES: Final = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")
"""There where Linux has a GPU that TensorFlow could use: NVIDIA's, one of Windows' below WSL, AMD's."""


def load_classifier(
    model: ModelFile, device: str = "auto", threads: int = 0, padded: bool = True, runtime: str = "auto"
) -> EmotionClassifier:
    """Load a model onto a device.

    Args:
        model: what to load.
        device: ``auto``, ``cpu``, ``gpu``, or one of :data:`models.inference.providers.PROVIDERS`.
        threads: bound on the library's threads on a CPU; 0 leaves them to it.
        padded: see :class:`models.inference.keras_classifier.KerasClassifier`. ONNX Runtime needs no such thing.
        runtime: ``onnx``, ``tensorflow``, or ``auto`` for the first that can.

    Raises:
        DeviceError: the device, or the runtime on it, is not there; with what each that was tried said.
        WeightsError: the weights belong to another architecture, or the runtime has no file of this model.
    """
    has_onnx = model.onnx is not None and model.onnx.temperature == model.temperature
    if runtime == "tensorflow" and not model.network:
        raise WeightsError(f"--runtime tensorflow: {model.weights} is ONNX alone")
    if runtime == "onnx" and not has_onnx:
        raise WeightsError(f"--runtime onnx: the model {model.name} has no ONNX file; --runtime tensorflow runs it")
    reasons: list[str] = []
    if device != "cpu" and runtime != "tensorflow" and has_onnx:
        found = _accelerated(model, device, threads, reasons)
        if found is not None:
            return found
    if device not in ("auto", "cpu", "gpu"):
        raise DeviceError(_refusal(device, reasons or ["this ONNX Runtime was not built for it, or is not used"]))
    if device == "gpu" and (runtime == "onnx" or not model.network):
        raise DeviceError(_refusal(device, reasons or ["this ONNX Runtime was built for no GPU"]))
    chosen = "cpu" if runtime == "onnx" or not model.network else choose_device(device, reasons)
    if chosen == "cpu" and runtime != "tensorflow" and has_onnx:
        from models.inference.onnx_classifier import OnnxClassifier

        assert model.onnx is not None
        return OnnxClassifier(model, model.onnx.path, threads)
    from models.inference.keras_classifier import KerasClassifier

    return KerasClassifier(model, chosen, threads, padded)


def _accelerated(model: ModelFile, device: str, threads: int, reasons: list[str]) -> EmotionClassifier | None:
    """Try ONNX Runtime's providers; what those say that fail goes to ``reasons``."""
    from models.inference.onnx_classifier import OnnxClassifier
    from models.inference.providers import candidates

    assert model.onnx is not None
    for name in candidates(device):
        try:
            return OnnxClassifier(model, model.onnx.path, threads, name)
        except DeviceError as error:
            reasons.append(str(error))
    return None


def _refusal(device: str, reasons: list[str]) -> str:
    return f"--device {device}: {'; '.join(reasons)}. docs/gpu.md says what to install; --device auto uses the CPU"


def choose_device(name: str, reasons: list[str] | None = None) -> str:
    """Return ``gpu`` or ``cpu``, where TensorFlow is to compute, for ``auto``, ``gpu`` or ``cpu``.

    Args:
        name: what was asked for.
        reasons: why other ways to a GPU failed.

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
            "; ".join(
                [
                    "--device gpu: TensorFlow sees no GPU",
                    *(reasons or ["this ONNX Runtime was not built for one"]),
                    "docs/gpu.md says what to install; --device auto uses the CPU",
                ]
            )
        )
    return "cpu"
