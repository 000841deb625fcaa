"""A network that is about to be measured: what it answers, and for which prior."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.inference.load import load_classifier
from models.model_file import ModelFile

Predict = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


@dataclass(frozen=True)
class Predictor:
    """A network that is about to be measured.

    Attributes:
        name: of the model, and of the prior if one was chosen.
        model: what it was loaded from.
        predict: from uint8 crops ``(n, 48, 48)`` to float32 ``(n, 7)``.
        note: what the user should know of it; may be empty.
    """

    name: str
    model: ModelFile
    predict: Predict
    note: str = ""


def load_predictors(models: Sequence[ModelFile], device: str = "auto", prior: str = "") -> list[Predictor]:
    """Load networks.

    Args:
        models: what to load.
        device: see :func:`models.inference.load.choose_device`.
        prior: how frequent emotions are thought to be: the name of one of a network's outputs, such as ``balanced``.
            Networks without such an output give their first one, and a note says so. Empty: the first output.

    Raises:
        DeviceError: the device is not there.
        WeightsError: a network cannot be loaded.
    """
    return [_load(model, device, prior) for model in models]


def _load(model: ModelFile, device: str, prior: str) -> Predictor:
    classifier = load_classifier(model, device)
    if not prior:
        return Predictor(model.name, model, classifier.predict)
    # Only the ONNX classifier can choose.
    if prior in getattr(classifier, "priors", ()):
        chosen = classifier.predict_for  # type: ignore[attr-defined]
        return Predictor(f"{model.name} ({prior})", model, lambda crops: chosen(crops, prior))
    note = f"{model.name}: has no output for --prior {prior}; its first output is measured"
    return Predictor(model.name, model, classifier.predict, note)
