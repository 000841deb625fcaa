"""The networks by name: each a function that builds an untrained Keras model.

Every network takes float32 ``(n, size, size, 1)`` grey crops in 0..1 and has the output ``emotion``: float32 ``(n, 7)``
softmax probabilities in the order of :data:`models.emotions.EMOTIONS`. ``default`` has a second one, ``votes``:
``(n, 10)`` in the order of :data:`models.data.faces.FERPLUS`.
"""

from collections.abc import Callable
from typing import Any, Final

import keras
from keras import layers

from models.data.faces import CROP_SIZE, FERPLUS
from models.emotions import EMOTIONS
from models.errors import UnknownNetworkError


def seed(size: int | None = CROP_SIZE) -> keras.Model:
    """Build the CNN of the project's origin: 4,478,727 parameters, 4,474,759 of them trainable; 48 px only."""
    inputs = keras.Input((size, size, 1), name="crop")
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
    return keras.Model(inputs, {"emotion": _head("emotion", len(EMOTIONS), x)}, name="seed")


def default(size: int | None = CROP_SIZE) -> keras.Model:
    """Build the network that moodreel ships: 0.97 million parameters, 56.6 MMAC for a crop of 48 px, any size.

    Plain 3x3 convolutions, for those are what CPUs and GPUs do fastest; few of them at full size, where they cost
    most; skips where a stage repeats itself (He et al. 2015, arXiv:1512.03385). The output ``votes`` is for training:
    what ten people said of a picture teaches more than one noisy label.
    """
    inputs = keras.Input((size, size, 1), name="crop")
    x = inputs
    for stage, (filters, depth) in enumerate(((32, 1), (48, 1), (96, 2), (192, 3))):
        if stage:
            x = layers.MaxPooling2D(2)(x)
        for repeat in range(depth):
            y = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
            y = layers.BatchNormalization(momentum=0.9)(y)
            y = layers.Activation("relu")(y)
            x = layers.Add()([x, y]) if repeat else y
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(0.3)(x)
    outputs = {"emotion": _head("emotion", len(EMOTIONS), x), "votes": _head("votes", len(FERPLUS), x)}
    return keras.Model(inputs, outputs, name="default")


def _head(name: str, classes: int, x: Any) -> Any:
    # float32 whatever the training policy: a softmax in half precision loses small probabilities.
    return layers.Dense(classes, activation="softmax", dtype="float32", name=name)(x)


NETWORKS: Final[dict[str, Callable[[int | None], keras.Model]]] = {"seed": seed, "default": default}


def build(name: str, size: int | None = CROP_SIZE) -> keras.Model:
    """Build the network called ``name``, untrained, for crops of ``size`` px, or of any size where ``size`` is None.

    Raises:
        UnknownNetworkError: no network has this name.
    """
    try:
        make = NETWORKS[name]
    except KeyError:
        raise UnknownNetworkError(f"no network is called {name!r}; known networks: {', '.join(NETWORKS)}") from None
    return make(size)
