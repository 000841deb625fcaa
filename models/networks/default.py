"""The network that moodreel ships, and how it is trained."""

from typing import TYPE_CHECKING, Any, Final

from models.data.augment import Augmentation
from models.data.distillation_targets import Teaching
from models.data.faces import FERPLUS
from models.emotions import EMOTIONS
from models.recipe import Cosine, Recipe

if TYPE_CHECKING:
    import keras

WINDOW: Final = 40
"""Pixels. Crops of a data set are framed so that a window may be cut from them at random; to be classified best, a
face must then be seen as large and as much of it as in training, that is, in the middle window."""

RECIPE: Final = Recipe(
    network="default",
    epochs=90,
    batch_size=128,
    optimizer="sgd",
    rate=0.1,
    schedule=Cosine(warmup=2),
    augmentation=Augmentation(size=WINDOW, rotation=10, scale=0.15, shift=3, light=0.3, blur=0.1, erase=0.15),
    weight_decay=5e-3,  # decoupled: without momentum's tenfold; as 5e-4 in the loss would be
    smoothing=0.1,
    votes=1.0,
    teaching=Teaching(share=0.7, hints=256, weight=40.0),
)


def build(size: int) -> "keras.Model":
    """Build the network that moodreel ships: 1.27 million parameters, 55.4 MMAC a face.

    It looks at the middle of a crop, :data:`WINDOW` px wide, or takes just that where ``size`` says so, as in training.

    Plain 3x3 convolutions, for those are what CPUs and GPUs do fastest; few of them at full size, where they cost
    most, and pooled at once, so that normalization, dear in training, sees a quarter of the pixels; skips where a stage
    repeats itself (He et al. 2015, arXiv:1512.03385); 512 features to tell emotions from. The output ``votes`` is for
    training: what ten people said of a picture teaches more than one noisy label.
    """
    import keras
    from keras import layers

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
    from keras import layers

    x = layers.Conv2D(filters, kernel, padding="same", use_bias=False)(x)
    if pooled:
        x = layers.MaxPooling2D(2)(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    return layers.Activation("relu")(x)


def _head(name: str, classes: int, x: Any) -> Any:
    from keras import layers

    # float32 whatever the training policy: a softmax in half precision loses small probabilities.
    return layers.Dense(classes, activation="softmax", dtype="float32", name=name)(x)
