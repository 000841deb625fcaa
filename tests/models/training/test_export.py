"""A finished training as a model: loads by its path, and gives the same probabilities in every format."""

import json
from dataclasses import replace

import keras
import numpy as np
import pytest
from labelled import faces, pictures

from models.data.faces import FERPLUS_OF_EMOTION
from models.errors import ExportError, WeightsError
from models.inference.keras_classifier import load_network
from models.inference.load import load_classifier
from models.model_file import Prior, find_model
from models.networks import build
from models.training.export import describe_model, export, temperature_of

# Keras converts its variables in a way that NumPy 2 is about to forbid.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A training's weights, sharp enough that a temperature matters."""
    folder = tmp_path_factory.mktemp("training")
    keras.utils.set_random_seed(0)
    network = build("default")
    head = network.get_layer("emotion")
    head.set_weights([head.get_weights()[0] * 20, head.get_weights()[1]])
    network.save_weights(folder / "best.weights.h5")
    return folder


@pytest.fixture(scope="module")
def model(folder):
    weights = folder / "best.weights.h5"
    temperature = temperature_of(weights, "default", faces(70))
    assert temperature != 1
    return describe_model(weights, "default", temperature, "these rows", folder / "export", "default")


def test_is_found_by_its_path_and_predicts(model, folder):
    found = find_model(str(folder / "export" / "default.json"))
    assert found == model
    assert (found.network, found.calibrated_on) == ("default", "these rows")
    assert load_classifier(found, "cpu").predict(pictures(3)).shape == (3, 7)


def test_every_format_gives_the_networks_probabilities(model, folder):
    pytest.importorskip("tf2onnx")
    lines = export(model, pictures(5), folder / "export")
    assert [line.split(":")[0] for line in lines] == ["default.keras", "default.tflite", "default.onnx"]
    assert all("within" in line for line in lines)
    # The file itself, read by another program, against what the pipeline uses.
    import onnxruntime

    session = onnxruntime.InferenceSession(str(folder / "export" / "default.onnx"))
    crops = pictures(9, seed=5)
    inputs = crops.astype(np.float32)[..., None] / 255
    (found,) = session.run(None, {session.get_inputs()[0].name: inputs})
    np.testing.assert_allclose(found, load_classifier(model, "cpu").predict(crops), atol=1e-5)


def test_the_architecture_is_readable(model, folder):
    export(model, pictures(2), folder / "export")
    text = (folder / "export" / "model.json").read_text()
    assert json.loads(text)["config"]["name"] == "default"
    assert keras.models.model_from_json(text).output_shape == (None, 7)


def test_a_file_that_differs_is_not_accepted(model, folder, monkeypatch):
    def other(_):
        return lambda inputs: np.full((len(inputs), 7), 1 / 7, np.float32)

    monkeypatch.setattr("models.training.export._read_keras", other)
    with pytest.raises(
        ExportError, match=r"default\.keras: expected the network's probabilities within 0\.0001, found"
    ):
        export(replace(model, temperature=0.1), pictures(5), folder / "export")


@pytest.fixture(scope="module")
def with_priors(folder):
    """The same training, its heads combined in two ways."""
    priors = (
        Prior("film", 0.1, 1.5, (0.5, 0, 0, 0, 0, 0, -0.5)),
        Prior("balanced", 1.0, 1.0, tuple(k / 10 for k in range(7))),
    )
    weights = folder / "best.weights.h5"
    return describe_model(weights, "default", 1.25, "these rows", folder / "both", "default", priors)


def test_priors_combine_both_heads(with_priors, folder):
    crops = pictures(5).astype(np.float32)[..., None] / 255
    raw = build("default")
    raw.load_weights(folder / "best.weights.h5")
    heads = {name: np.log(found) for name, found in raw.predict(crops, verbose=0).items()}
    found = load_network(with_priors).predict(crops, verbose=0)
    assert list(found) == ["emotion", "balanced"]
    for prior, probabilities in zip(with_priors.priors, found.values(), strict=True):
        logits = prior.label * heads["emotion"] + prior.votes * heads["votes"][:, FERPLUS_OF_EMOTION] + prior.offset
        expected = np.exp(logits / 1.25)
        np.testing.assert_allclose(probabilities, expected / expected.sum(1, keepdims=True), atol=1e-5)


def test_priors_are_in_the_description(with_priors, folder):
    path = folder / "both" / "default.json"
    assert replace(find_model(str(path)), onnx=None) == with_priors
    fields = json.loads(path.read_text())
    fields["priors"]["film"]["offset"] = [0.0]
    (folder / "both" / "short.json").write_text(json.dumps(fields))
    with pytest.raises(WeightsError, match="expected 7 offsets, found 1"):
        find_model(str(folder / "both" / "short.json"))


def test_an_onnx_file_has_an_output_for_each_prior(with_priors, folder):
    pytest.importorskip("tf2onnx")
    export(with_priors, pictures(5), folder / "both")
    model = find_model(str(folder / "both" / "default.json"))
    import onnxruntime

    session = onnxruntime.InferenceSession(str(model.onnx.path))
    assert [output.name for output in session.get_outputs()] == ["emotion", "balanced"]
    crops = pictures(9, seed=5)
    inputs = crops.astype(np.float32)[..., None] / 255
    expected = load_network(model).predict(inputs, verbose=0)
    for found, probabilities in zip(session.run(None, {"crop": inputs}), expected.values(), strict=True):
        np.testing.assert_allclose(found, probabilities, atol=1e-5)
    classifier = load_classifier(model, "cpu")
    np.testing.assert_allclose(classifier.predict(crops), expected["emotion"], atol=1e-5)
    assert classifier.predict_and_describe(crops)[1].shape == (9, 0)  # priors are no features
