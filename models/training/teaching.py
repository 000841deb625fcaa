"""What teachers say of pictures, and what they see in them: targets for a network that learns from them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.data.distillation_targets import DistillationTargets, Teaching
from models.inference.load import load_classifier
from models.inference.onnx_classifier import OnnxClassifier
from models.model_file import ModelFile


def make_targets(teachers: Sequence[ModelFile], crops: NDArray[np.uint8], teaching: Teaching) -> DistillationTargets:
    """Run teachers on pictures.

    Args:
        teachers: at least one.
        crops: uint8 ``(n, 48, 48)``, grey.
        teaching: how many hints are wanted.
    """
    answers = [_answers(teacher, crops) for teacher in teachers]
    features = np.concatenate([features for _, features in answers], axis=1)
    probabilities = _mean([probabilities for probabilities, _ in answers])
    return DistillationTargets(teaching, probabilities, main_directions(features, teaching.hints))


def _answers(teacher: ModelFile, crops: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return probabilities ``(n, 7)`` and features ``(n, k)``, the mean over picture and mirror image."""
    classifier = load_classifier(teacher)

    def answer(pictures: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        if isinstance(classifier, OnnxClassifier):
            return classifier.predict_and_describe(pictures)
        return classifier.predict(pictures), np.zeros((len(pictures), 0), np.float32)

    both = answer(crops), answer(np.ascontiguousarray(crops[:, :, ::-1]))
    return _mean([probabilities for probabilities, _ in both]), _mean([features for _, features in both])


def _mean(answers: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.asarray(np.mean(answers, axis=0), np.float32)


def main_directions(features: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Return where features ``(n, k)`` lie along their ``count`` main directions: float32 ``(n, min(k, count))``.

    The principal components of the standardized features, of the largest variance first, all in one unit: a network
    then learns first what pictures differ in most.
    """
    if not features.shape[1]:
        return features
    standard = (features - features.mean(axis=0)) / (features.std(axis=0) + np.float32(1e-3))
    _, directions = np.linalg.eigh(standard.T @ standard)  # of the smallest variance first
    found = standard @ directions[:, ::-1][:, :count]
    return np.asarray(found / found.std(), np.float32)
