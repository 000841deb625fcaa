"""What a classifier of face crops is: the protocol, and what all implementations share."""

from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from models.data.faces import CROP_SIZE
from models.model_file import ModelFile

BATCH_SIZE: Final = 64
"""Crops that the network sees at a time on a CPU."""

GPU_BATCH_SIZE: Final = 512
"""On a GPU, which needs more to be busy; halved where its memory is too small."""


class EmotionClassifier(Protocol):
    """A trained network, ready to classify.

    Attributes:
        model: what it was loaded from.
        device: ``cpu``, ``gpu`` (TensorFlow's), or one of :data:`models.inference.providers.PROVIDERS`.
        runtime: ``onnx`` or ``tensorflow``.
        notes: what the user should know of its work, such as that a GPU's memory was too small.
    """

    model: ModelFile
    device: str
    runtime: str
    notes: list[str]

    def predict(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return float32 ``(n, 7)`` calibrated probabilities for uint8 ``(n, 48, 48)`` grey crops.

        Columns are in the order of :data:`models.emotions.EMOTIONS`.

        Raises:
            ValueError: the crops have another shape or type.
        """
        ...


def check_crops(crops: NDArray[np.uint8]) -> None:
    """Refuse what is no array of crops.

    Raises:
        ValueError: the crops have another shape or type.
    """
    if crops.dtype != np.uint8 or crops.shape[1:] != (CROP_SIZE, CROP_SIZE):
        raise ValueError(f"expected uint8 crops (n, {CROP_SIZE}, {CROP_SIZE}), found {crops.dtype} {crops.shape}")
