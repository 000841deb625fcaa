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

WINDOW: Final = 40
"""Pixels. Crops of a data set are framed so that a window may be cut from them at random; to be classified best, a
face must then be seen as large and as much of it as in training, that is, in the middle window."""


def seed(size: int = CROP_SIZE) -> keras.Model:
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


def default(size: int = CROP_SIZE) -> keras.Model:
    """Build the network that moodreel ships: 1.27 million parameters, 55.4 MMAC a face.

    It looks at the middle of a crop, :data:`WINDOW` px wide, or takes just that where ``size`` says so, as in training.

    Plain 3x3 convolutions, for those are what CPUs and GPUs do fastest; few of them at full size, where they cost
    most, and pooled at once, so that normalization, dear in training, sees a quarter of the pixels; skips where a stage
    repeats itself (He et al. 2015, arXiv:1512.03385); 512 features to tell emotions from. The output ``votes`` is for
    training: what ten people said of a picture teaches more than one noisy label.
    """
    inputs = keras.Input((size, size, 1), name="crop")
    x = inputs if size == WINDOW else layers.Cropping2D((size - WINDOW) // 2)(inputs)
    x = _convolved(x, 32, pooled=True)
    x = _convolved(x, 64, pooled=True)
    x = _convolved(x, 128)
    x = layers.Add()([x, _convolved(x, 128)])
    x = layers.MaxPooling2D(2)(x)
    x = _convolved(x, 256)
    x = layers.Add()([x, _convolved(x, 256)])
    x = _convolved(x, 512, kernel=1)
    x = layers.GlobalAveragePooling2D(name="features")(x)
    x = layers.Dropout(0.3)(x)
    outputs = {"emotion": _head("emotion", len(EMOTIONS), x), "votes": _head("votes", len(FERPLUS), x)}
    return keras.Model(inputs, outputs, name="default")


def _convolved(x: Any, filters: int, kernel: int = 3, pooled: bool = False) -> Any:
    x = layers.Conv2D(filters, kernel, padding="same", use_bias=False)(x)
    if pooled:
        x = layers.MaxPooling2D(2)(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    return layers.Activation("relu")(x)


def _head(name: str, classes: int, x: Any) -> Any:
    # float32 whatever the training policy: a softmax in half precision loses small probabilities.
    return layers.Dense(classes, activation="softmax", dtype="float32", name=name)(x)


NETWORKS: Final[dict[str, Callable[[int], keras.Model]]] = {"seed": seed, "default": default}


def build(name: str, size: int = CROP_SIZE) -> keras.Model:
    """Build the network called ``name``, untrained, for crops of ``size`` px.

    Raises:
        UnknownNetworkError: no network has this name.
    """
    try:
        make = NETWORKS[name]
    except KeyError:
        raise UnknownNetworkError(f"no network is called {name!r}; known networks: {', '.join(NETWORKS)}") from None
    return make(size)
