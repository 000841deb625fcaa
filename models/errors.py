"""What can go wrong with a model or its data.

::

    ModelError
    ├── UnknownNetworkError    no network has this name
    ├── UnknownRecipeError     no recipe has this name
    ├── WeightsError           weights missing, altered, or made for another architecture
    ├── DeviceError            a GPU is required and TensorFlow sees none
    ├── DatasetError           training or test data missing or malformed
    ├── TrainingError          a training cannot begin or resume
    └── ExportError            an exported file does not do what the network does
"""


class ModelError(Exception):
    """Base of all errors of the ``models`` package."""


class UnknownNetworkError(ModelError):
    """No network has this name."""


class UnknownRecipeError(ModelError):
    """No recipe has this name."""


class WeightsError(ModelError):
    """Weights are missing, altered, or made for another architecture."""


class DeviceError(ModelError):
    """The device that is required is not there."""


class DatasetError(ModelError):
    """Training or test data are missing or malformed."""


class TrainingError(ModelError):
    """A training cannot begin or resume."""


class ExportError(ModelError):
    """An exported file does not do what the network does."""
