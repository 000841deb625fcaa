"""A trained network: found, checked, loaded, and the same answer for a face whatever stands beside it."""

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray
from shared_data import SHARED

from models.data import read_dataset
from models.data.face_set import read_face_set
from models.data.faces import FERPLUS_OF_EMOTION, Faces
from models.emotions import EMOTIONS
from models.errors import DeviceError, WeightsError
from models.evaluation.agreement import verdicts
from models.inference.base import BATCH_SIZE
from models.inference.keras_classifier import KerasClassifier
from models.inference.load import choose_device, load_classifier
from models.inference.onnx_classifier import OnnxClassifier
from models.model_file import find_model

# Keras converts its variables in a way that NumPy 2 is about to forbid.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

FER2013 = SHARED / "fer2013" / "fer2013_train_public.npz"
FILM_FACES = SHARED / "faces" / "film_faces_dev.npz"


def crops(count: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, 48, 48), np.uint8)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_card(folder: Path, name: str, weights: Path, **changes: Any) -> None:
    fields = {"network": "seed", "weights": weights.name, "sha256": sha256(weights), "temperature": 1.0}
    (folder / f"{name}.json").write_text(json.dumps(fields | changes))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of models with one whose card is right, though its weights are nonsense."""
    weights = tmp_path / "fine.weights.h5"
    weights.write_bytes(b"weights")
    write_card(tmp_path, "fine", weights)
    return tmp_path


class TestPredict:
    @pytest.mark.parametrize("count", [0, 1, 63, 64, 65])
    def test_gives_probabilities(self, classifier, count):
        probabilities = classifier.predict(crops(count))
        assert probabilities.shape == (count, 7)
        assert probabilities.dtype == np.float32
        assert (probabilities >= 0).all()
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)

    @pytest.mark.parametrize("count", [0, 1, 3, 65])
    def test_batches_that_are_not_filled_up_say_the_same_but_for_rounding(self, classifier, count):
        bare = KerasClassifier(classifier.model, "cpu", padded=False)
        probabilities = bare.predict(crops(count))
        assert probabilities.shape == (count, 7)
        np.testing.assert_allclose(probabilities, classifier.predict(crops(count)), atol=1e-4)

    def test_a_face_gets_the_same_answer_wherever_it_stands(self, classifier):
        faces = crops(BATCH_SIZE + 6)
        together = classifier.predict(faces)
        assert len(np.unique(together, axis=0)) > 1
        for position in (0, 1, BATCH_SIZE - 1, BATCH_SIZE, len(faces) - 1):
            np.testing.assert_array_equal(classifier.predict(faces[position : position + 1])[0], together[position])
        np.testing.assert_array_equal(classifier.predict(faces[::-1])[::-1], together)

    def test_leaves_the_crops_alone(self, classifier):
        faces = crops(3)
        faces.flags.writeable = False
        classifier.predict(faces)
        np.testing.assert_array_equal(faces, crops(3))

    @pytest.mark.parametrize(
        ("wrong", "found"),
        [
            (np.zeros((2, 48, 48), np.float32), "float32"),
            (np.zeros((2, 48, 47), np.uint8), r"\(2, 48, 47\)"),
            (np.zeros((48, 48), np.uint8), r"\(48, 48\)"),
            (np.zeros((2, 48, 48, 1), np.uint8), r"\(2, 48, 48, 1\)"),
            (np.zeros((0, 24, 24), np.uint8), r"\(0, 24, 24\)"),
        ],
        ids=["float", "narrow", "single", "channels", "none"],
    )
    def test_refuses_other_shapes_and_types(self, classifier, wrong, found):
        with pytest.raises(ValueError, match=rf"expected uint8 crops \(n, 48, 48\), found .*{found}"):
            classifier.predict(wrong)

    def test_temperature_flattens_and_keeps_the_order(self, classifier):
        cold = classifier.predict(crops(16))
        hotter = replace(classifier.model, temperature=3.0 * classifier.model.temperature)
        hot = load_classifier(hotter, "cpu").predict(crops(16))
        assert (hot.max(axis=1) < cold.max(axis=1)).all()
        np.testing.assert_array_equal(hot.argmax(axis=1), cold.argmax(axis=1))
        # softmax(logits / 3) in double precision, from the probabilities of the first
        expected = cold.astype(np.float64) ** (1 / 3)
        np.testing.assert_allclose(hot, expected / expected.sum(axis=1, keepdims=True), atol=1e-4)


class TestFindModel:
    def test_reads_the_card(self, folder):
        model = find_model("fine", folder)
        assert (model.name, model.network, model.temperature) == ("fine", "seed", 1.0)
        assert model.weights == folder / "fine.weights.h5"
        assert model.sha256 == hashlib.sha256(b"weights").hexdigest()

    def test_unknown_name_lists_the_known_ones(self, folder):
        write_card(folder, "another", folder / "fine.weights.h5")
        with pytest.raises(
            WeightsError, match="no model is called 'best'; known models: another, fine, or the path of"
        ):
            find_model("best", folder)

    def test_unknown_name_where_there_is_none(self, tmp_path):
        with pytest.raises(WeightsError, match="known models: none"):
            find_model("best", tmp_path / "no such folder")

    def test_missing_weights_are_named_with_their_digest(self, folder):
        weights = folder / "fine.weights.h5"
        expected = sha256(weights)
        weights.unlink()
        with pytest.raises(WeightsError, match=rf"{weights}: .* missing; expected SHA-256 {expected}"):
            find_model("fine", folder)

    def test_altered_weights_are_named_with_both_digests(self, folder):
        weights = folder / "fine.weights.h5"
        expected = sha256(weights)
        weights.write_bytes(b"Weights")
        with pytest.raises(WeightsError, match=rf"{weights}: .* expected SHA-256 {expected}, found {sha256(weights)}"):
            find_model("fine", folder)

    @pytest.mark.parametrize(
        "card",
        [
            *("", "{", "[]", "7", "{}", '{"network": "seed"}', b"\xff"),
            '{"network": "seed", "weights": "fine.weights.h5", "sha256": "0", "temperature": "warm"}',
        ],
    )
    def test_malformed_card(self, folder, card):
        path = folder / "fine.json"
        path.write_bytes(card if isinstance(card, bytes) else card.encode())
        with pytest.raises(WeightsError, match=f"{path}: expected network, weights, sha256 and temperature"):
            find_model("fine", folder)

    @pytest.mark.parametrize("temperature", [0, -1, float("nan"), float("inf")])
    def test_impossible_temperature(self, folder, temperature):
        write_card(folder, "fine", folder / "fine.weights.h5", temperature=temperature)
        with pytest.raises(WeightsError, match="temperature"):
            find_model("fine", folder)

    def test_a_path_elsewhere(self, folder):
        assert find_model(str(folder / "fine.json")).weights == folder / "fine.weights.h5"
        with pytest.raises(WeightsError, match="no model is called"):
            find_model(str(folder / "gone.json"))


class TestLoad:
    @pytest.mark.filterwarnings("ignore:Skipping nested container")  # Keras's own hint; an error follows
    def test_weights_of_another_architecture(self, tmp_path):
        inputs = keras.Input((48, 48, 1))
        outputs = keras.layers.Dense(7, activation="softmax")(keras.layers.Flatten()(inputs))
        weights = tmp_path / "small.weights.h5"
        keras.Model(inputs, outputs).save_weights(weights)
        write_card(tmp_path, "small", weights)
        with pytest.raises(WeightsError, match=f"{weights}: not weights of the network 'seed'"):
            load_classifier(find_model("small", tmp_path), "cpu")

    def test_weights_that_are_no_weights(self, folder):
        with pytest.raises(WeightsError, match=r"fine\.weights\.h5: not weights of the network 'seed'"):
            load_classifier(find_model("fine", folder), "cpu")

    def test_network_of_a_later_version(self, folder):
        write_card(folder, "fine", folder / "fine.weights.h5", network="transformer")
        with pytest.raises(WeightsError, match="fine: made for the network 'transformer'"):
            load_classifier(find_model("fine", folder), "cpu")


class TestOnnx:
    def test_says_what_tensorflow_says(self):
        model = find_model("default")
        faces = crops(70)
        found = OnnxClassifier(model, model.onnx.path, threads=1).predict(faces)
        np.testing.assert_allclose(found, KerasClassifier(model, "cpu").predict(faces), atol=1e-5)

    def test_threads_change_no_bit(self):
        model = find_model("default")
        one, two = (OnnxClassifier(model, model.onnx.path, threads) for threads in (1, 2))
        np.testing.assert_array_equal(one.predict(crops(130)), two.predict(crops(130)))

    def test_a_cpu_uses_it_where_there_is_one_for_this_temperature(self):
        model = find_model("default")
        assert isinstance(load_classifier(model, "cpu"), OnnxClassifier)
        assert isinstance(load_classifier(replace(model, temperature=2.0), "cpu"), KerasClassifier)
        assert isinstance(load_classifier(replace(model, onnx=None), "cpu"), KerasClassifier)

    def test_it_needs_no_tensorflow(self):
        script = (
            "import sys; from models.inference.load import load_classifier; from models.model_file import find_model; "
            "load_classifier(find_model('default')); print({'tensorflow', 'keras'} & set(sys.modules))"
        )
        if choose_device("auto") == "gpu":
            pytest.skip("this machine has a GPU")
        found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        assert found.stdout.strip() == "set()"

    @pytest.mark.parametrize("field", ["file", "sha256", "temperature"])
    def test_a_card_that_names_half_of_it(self, folder, field):
        onnx = {"file": "fine.onnx", "sha256": "0", "temperature": 1.0}
        del onnx[field]
        write_card(folder, "fine", folder / "fine.weights.h5", onnx=onnx)
        with pytest.raises(WeightsError, match=field):
            find_model("fine", folder)

    def test_an_altered_file(self, folder):
        (folder / "fine.onnx").write_bytes(b"network")
        write_card(
            folder,
            "fine",
            folder / "fine.weights.h5",
            onnx={"file": "fine.onnx", "sha256": "0", "temperature": 1.0},
        )
        with pytest.raises(WeightsError, match=r"fine\.onnx: .* altered: expected SHA-256 0, found"):
            find_model("fine", folder)

    def test_a_network_of_other_tools_needs_no_card(self, tmp_path):
        shipped = find_model("default")
        foreign = tmp_path / "mine.onnx"
        foreign.write_bytes(shipped.onnx.path.read_bytes())
        model = find_model(str(foreign))
        assert (model.name, model.network, model.temperature) == ("mine", "", 1.0)
        for device in ("auto", "cpu"):
            found = load_classifier(model, device)
            assert found.device == "cpu"
            np.testing.assert_array_equal(
                found.predict(crops(5)), OnnxClassifier(shipped, shipped.onnx.path).predict(crops(5))
            )
        with pytest.raises(DeviceError, match="--device gpu: this ONNX Runtime was built for no GPU"):
            load_classifier(model, "gpu")
        with pytest.raises(
            WeightsError, match=r"no model is called '.*other\.onnx'; .* path of a model's \.json or \.onnx"
        ):
            find_model(str(tmp_path / "other.onnx"))

    def test_a_file_that_is_no_network(self, folder):
        (folder / "fine.onnx").write_bytes(b"network")
        with pytest.raises(WeightsError, match=r"fine\.onnx: ONNX Runtime cannot load it"):
            OnnxClassifier(find_model("fine", folder), folder / "fine.onnx")


class TestDevice:
    def test_cpu_is_cpu(self, classifier):
        assert choose_device("cpu") == "cpu"
        assert classifier.device == "cpu"

    def test_gpu_where_there_is_none(self):
        if tf.config.list_physical_devices("GPU"):
            pytest.skip("this machine has a GPU")
        assert choose_device("auto") == "cpu"
        with pytest.raises(DeviceError, match="--device gpu: TensorFlow sees no GPU"):
            load_classifier(find_model("seed"), "gpu")


@pytest.fixture(scope="module")
def faces() -> Faces:
    """Return 400 pictures of PublicTest."""
    if not FER2013.exists():
        pytest.skip(f"no FER2013 at {FER2013}")
    public = read_dataset(FER2013).split("public")
    return public.only(np.random.default_rng(0).permutation(len(public))[:400])


def test_shipped_networks_read_faces(classifier, faces):
    found = classifier.predict(faces.crops).argmax(axis=1)
    assert (found == faces.labels).mean() >= 0.58


def test_each_output_of_the_shipped_network_is_best_where_it_belongs(faces):
    network = load_classifier(find_model("default"), "cpu")
    votes = faces.votes[:, FERPLUS_OF_EMOTION]
    agreed = votes.max(axis=1) > 0.5
    film, balanced = (network.predict_for(faces.crops, prior).argmax(axis=1) for prior in ("film", "balanced"))
    assert (balanced == faces.labels).mean() >= 0.69
    assert np.mean([(balanced == k)[faces.labels == k].mean() for k in range(7)]) >= 0.69
    assert (film == votes.argmax(axis=1))[agreed].mean() >= 0.86


@pytest.mark.skipif(not FILM_FACES.exists(), reason=f"no film faces at {FILM_FACES}")
def test_the_shipped_network_finds_rare_emotions_in_films():
    faces = read_face_set(FILM_FACES)
    told = verdicts(faces.shares()).labels
    said = load_classifier(find_model("default"), "cpu").predict(faces.crops).argmax(axis=1)[told >= 0]
    told = told[told >= 0]
    both = np.bincount(told, minlength=7) + np.bincount(said, minlength=7)
    assert (said == told).mean() >= 0.82
    assert (2 * np.bincount(told[said == told], minlength=7) / both).mean() >= 0.6
    assert (said[told == EMOTIONS.index("fear")] == EMOTIONS.index("fear")).any()
