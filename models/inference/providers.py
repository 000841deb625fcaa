"""ONNX Runtime's ways to accelerators: by the names that users give, tried, never assumed."""

from typing import Final

import onnxruntime

PROVIDERS: Final = {
    "cuda": "CUDAExecutionProvider",
    "rocm": "MIGraphXExecutionProvider",
    "directml": "DmlExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
}
"""By the name of a device; in the order in which ``gpu`` tries them."""

_BOUND_BYTES: Final = 1 << 30
"""Of a GPU's memory that a session may take: each worker has one for the network and one for the detector."""

Provider = tuple[str, dict[str, str]]
"""ONNX Runtime's name, and options."""


def provider_of(device: str) -> Provider:
    """Return the provider of a device, one of ``PROVIDERS``, and make its libraries known if pip installed them."""
    if device != "cuda":
        return PROVIDERS[device], {}
    preload = getattr(onnxruntime, "preload_dlls", None)
    if preload is not None and PROVIDERS[device] in onnxruntime.get_available_providers():
        preload()  # finds CUDA and cuDNN in the wheels nvidia-*; says nothing where they come from the system
    options = {"gpu_mem_limit": str(_BOUND_BYTES), "arena_extend_strategy": "kSameAsRequested"}
    return PROVIDERS[device], {**options, "cudnn_conv_algo_search": "HEURISTIC"}


def candidates(device: str) -> list[str]:
    """Return the devices to try for ``auto``, ``gpu`` or a name: those that this ONNX Runtime was built for.

    ``auto`` takes CUDA alone: it is what tables were compared on; others are used when they are asked for.
    """
    wanted = {"auto": ["cuda"], "gpu": list(PROVIDERS), "cpu": []}.get(device, [device])
    built_for = onnxruntime.get_available_providers()
    return [name for name in wanted if PROVIDERS[name] in built_for]


def is_out_of_memory(error: Exception) -> bool:
    """Whether a library says that memory was missing; ONNX Runtime has no class for that."""
    text = f"{type(error).__name__} {error}".lower()
    words = ("out of memory", "failed to allocate", "cuda_error_out_of", "bfcarena", "resourceexhausted", "oom when")
    return any(word in text for word in words)
