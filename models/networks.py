"""The networks by name: each a function that builds an untrained Keras model.

Every network takes ``float32 (n, 48, 48, 1)`` grey crops in 0..1 and returns ``float32 (n, 7)``
softmax probabilities in the order of :data:`models.emotions.EMOTIONS`.
"""

from collections.abc import Callable
from typing import Final

import keras
from keras import layers

from models.emotions import EMOTIONS
from models.errors import UnknownNetworkError

CROP_SIZE: Final = 48
"""Side of the square grey crop, in pixels."""


def seed() -> keras.Model:
    """Build the CNN of the project's origin: 4,478,727 parameters, 4,474,759 of them trainable."""
    inputs = keras.Input((CROP_SIZE, CROP_SIZE, 1), name="crop")
    x = inputs
    for filters, kernel in ((64, 3), (128, 5), (512, 3), (512, 3)):
        x = layers.Conv2D(filters, kernel, padding="same")(x)
        x = layers.BatchNormalization()(x)
        x = layers.Activation("relu")(x)
        x = layers.MaxPooling2D(2)(x)
        x = layers.Dropout(0.25)(x)
    x = layers.Flatten()(x)
    for units in (256, 512):
        x = layers.Dense(units)(x)
        x = layers.BatchNormalization()(x)
        x = layers.Activation("relu")(x)
        x = layers.Dropout(0.25)(x)
    # float32 whatever the training policy: a softmax in half precision loses small probabilities.
    outputs = layers.Dense(len(EMOTIONS), activation="softmax", dtype="float32")(x)
    return keras.Model(inputs, outputs, name="seed")


NETWORKS: Final[dict[str, Callable[[], keras.Model]]] = {"seed": seed}


def build(name: str) -> keras.Model:
    """Build the network called ``name``, untrained.

    Raises:
        UnknownNetworkError: no network has this name.
    """
    try:
        return NETWORKS[name]()
    except KeyError:
        raise UnknownNetworkError(f"no network is called {name!r}; known networks: {', '.join(NETWORKS)}") from None
