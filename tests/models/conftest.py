"""The shipped network, loaded once for all tests."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pytest

from models.classifier import EmotionClassifier, find_model


@pytest.fixture(scope="session")
def seed() -> EmotionClassifier:
    return EmotionClassifier(find_model("seed"), device="cpu")


@pytest.fixture(scope="session")
def bare_seed() -> EmotionClassifier:
    return EmotionClassifier(find_model("seed"), device="cpu", padded=False)
