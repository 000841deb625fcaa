"""What teachers say of pictures."""

import numpy as np
import pytest
from labelled import pictures, write_seeing_teacher

from models.data.distillation_targets import Teaching
from models.inference.load import load_classifier
from models.inference.onnx_classifier import OnnxClassifier
from models.model_file import find_model
from models.training.teaching import main_directions, make_targets

# Keras converts its variables in a way that NumPy 2 is about to forbid.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

CROPS = pictures(70)


def teaching(hints: int) -> Teaching:
    return Teaching(share=0.5, hints=hints, weight=1.0)


class TestAsk:
    def test_the_mean_over_picture_and_mirror_image_and_all_teachers(self):
        teachers = [find_model(name) for name in ("default", "seed")]
        said = make_targets(teachers, CROPS, teaching(5))
        views = [
            load_classifier(teacher).predict(crops) for teacher in teachers for crops in (CROPS, CROPS[:, :, ::-1])
        ]
        np.testing.assert_allclose(said.probabilities, np.mean(views, axis=0), atol=1e-6)
        assert said.hints.shape == (70, 0)

    def test_a_mirrored_picture_is_the_same(self, tmp_path):
        eyes = find_model(str(write_seeing_teacher(tmp_path / "eyes.onnx")))
        here, there = (
            make_targets([eyes], CROPS, teaching(3)),
            make_targets([eyes], np.ascontiguousarray(CROPS[:, :, ::-1]), teaching(3)),
        )
        assert here.hints.shape == (70, 3)
        np.testing.assert_allclose(here.probabilities, there.probabilities, atol=1e-6)
        np.testing.assert_allclose(here.hints, there.hints, atol=1e-4)

    def test_one_that_sees_beside_one_that_only_says(self, tmp_path):
        eyes, mouth = find_model(str(write_seeing_teacher(tmp_path / "eyes.onnx"))), find_model("default")
        both, one = make_targets([eyes, mouth], CROPS, teaching(6)), make_targets([eyes], CROPS, teaching(6))
        np.testing.assert_array_equal(both.hints, one.hints)
        assert not np.allclose(both.probabilities, one.probabilities, atol=1e-3)


def test_features_come_beside_probabilities(tmp_path):
    model = find_model(str(write_seeing_teacher(tmp_path / "eyes.onnx")))
    classifier = load_classifier(model)
    assert isinstance(classifier, OnnxClassifier)
    probabilities, features = classifier.predict_and_describe(CROPS)
    np.testing.assert_array_equal(probabilities, classifier.predict(CROPS))
    assert (features.shape, features.dtype) == ((70, 6), np.float32)
    blind = load_classifier(find_model("default"), "cpu")
    assert blind.predict_and_describe(CROPS)[1].shape == (70, 0)


class TestMainDirections:
    def test_what_differs_most_comes_first(self):
        rng = np.random.default_rng(0)
        cause = rng.normal(size=(500, 1))
        # Four features that say the same, and two of their own.
        features = np.hstack([cause + rng.normal(0, 0.1, (500, 4)), rng.normal(size=(500, 2))]).astype(np.float32)
        found = main_directions(features * [1, 10, 100, 1, 5, 1] + 7, 3)
        assert (found.shape, found.dtype) == ((500, 3), np.float32)
        spread = found.std(axis=0)
        assert spread[0] > 1.5 * spread[1] >= 1.5 * spread[2]
        assert abs(np.corrcoef(found[:, 0], cause[:, 0])[0, 1]) > 0.99
        assert abs(found.std() - 1) < 1e-3
        assert abs(np.corrcoef(found.T) - np.eye(3)).max() < 1e-2

    def test_no_more_directions_than_features(self):
        features = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
        assert main_directions(features, 9).shape == (50, 4)
        assert main_directions(features[:, :0], 9).shape == (50, 0)

    def test_a_feature_that_never_changes(self):
        features = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)
        features[:, 2] = 3
        assert np.isfinite(main_directions(features, 4)).all()
