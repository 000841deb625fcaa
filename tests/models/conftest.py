"""The shipped networks, loaded once for all tests."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pytest

from models.classifier import EmotionClassifier, find_model


@pytest.fixture(scope="session", params=["default", "seed"])
def classifier(request: pytest.FixtureRequest) -> EmotionClassifier:
    return EmotionClassifier(find_model(request.param), device="cpu")
