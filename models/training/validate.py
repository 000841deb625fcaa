"""What a network under training says of pictures, and how right it is."""

import keras
import numpy as np
from numpy.typing import NDArray

from models.data.faces import Faces, to_input


def validate(network: keras.Model, faces: Faces) -> tuple[float, float]:
    """Return cross-entropy and accuracy, 0..1, of the labels of ``faces``."""
    probabilities = predict(network, faces.crops)
    chosen = np.maximum(probabilities[np.arange(len(faces)), faces.labels], 1e-12)
    return float(-np.log(chosen).mean()), float((probabilities.argmax(axis=1) == faces.labels).mean())


def predict(network: keras.Model, crops: NDArray[np.uint8], output: str = "emotion") -> NDArray[np.float32]:
    """Return the probabilities of one output of a network, uncalibrated.

    Args:
        network: with outputs by name.
        crops: uint8 ``(n, 48, 48)``, grey. A network for smaller crops sees their middle.
        output: name of the output.

    Returns:
        float32 ``(n, k)``, rows of sum 1.
    """
    edge = (crops.shape[1] - network.input_shape[1]) // 2
    inside = slice(edge, crops.shape[1] - edge)
    return np.asarray(network.predict(to_input(crops[:, inside, inside]), batch_size=256, verbose=0)[output])
