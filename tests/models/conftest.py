"""The shipped networks, loaded once for all tests."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from dataclasses import replace

import pytest

from models.inference.base import EmotionClassifier
from models.inference.load import load_classifier
from models.model_file import find_model


@pytest.fixture(scope="session", params=["default in ONNX Runtime", "default in TensorFlow", "seed in TensorFlow"])
def classifier(request: pytest.FixtureRequest) -> EmotionClassifier:
    """Every implementation of the protocol, on its own weights."""
    name, _, library = request.param.partition(" in ")
    model = find_model(name)
    return load_classifier(model if library == "ONNX Runtime" else replace(model, onnx=None), "cpu")
