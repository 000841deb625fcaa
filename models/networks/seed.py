"""The network of the project's origin, and how it was trained there."""

from typing import TYPE_CHECKING, Final

from models.emotions import EMOTIONS
from models.recipe import Plateau, Recipe

if TYPE_CHECKING:
    import keras

RECIPE: Final = Recipe(
    network="seed",
    epochs=15,
    batch_size=64,
    optimizer="adam",
    rate=5e-4,
    schedule=Plateau(),
    validation="public",
    clean=False,  # the origin took all rows as they are
)


def build(size: int) -> "keras.Model":
    """Build the CNN of the project's origin: 4,478,727 parameters, 4,474,759 of them trainable; 48 px only."""
    import keras
    from keras import layers

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
    head = layers.Dense(len(EMOTIONS), activation="softmax", dtype="float32", name="emotion")(x)
    return keras.Model(inputs, {"emotion": head}, name="seed")
