"""What identifies a trained network."""

from dataclasses import replace

import numpy as np
import pytest
from labelled import pictures

from models.errors import WeightsError
from models.inference.load import load_classifier
from models.model_file import find_model


def test_the_digest_follows_everything_that_changes_answers():
    model = find_model("default")
    first, *others = model.priors
    changed = [
        replace(model, sha256="0" * 64),
        replace(model, temperature=2.0),
        replace(model, priors=(replace(first, offset=(1.0, *first.offset[1:])), *others)),
        replace(model, priors=(*others, first)),
        replace(model, priors=()),
    ]
    assert len({one.digest for one in (model, *changed)}) == 6


def test_without_priors_the_digest_is_that_of_earlier_versions():
    model = find_model("seed")
    assert model.digest == f"{model.sha256}/{model.temperature}"


def test_a_prior_is_chosen_by_its_name():
    model = find_model("default")
    balanced = model.with_prior("balanced")
    assert (model.prior, balanced.prior, model.with_prior("film")) == ("film", "balanced", model)
    assert balanced.digest != model.digest
    crops = pictures(12)
    usual, chosen = load_classifier(model, "cpu").predict(crops), load_classifier(balanced, "cpu").predict(crops)
    assert np.abs(usual - chosen).max() > 0.05
    in_tensorflow = load_classifier(replace(balanced, onnx=None), "cpu").predict(crops)
    np.testing.assert_allclose(in_tensorflow, chosen, atol=1e-5)


def test_a_model_without_priors_goes_on_with_what_it_has():
    model = find_model("seed")
    assert model.with_prior("balanced") == model
    assert model.prior == ""


@pytest.mark.parametrize("name", ["my model.h5", "net.HDF5", "net.keras"])
def test_a_file_of_keras_is_told_what_to_do_with(tmp_path, name):
    (tmp_path / name).touch()
    with pytest.raises(WeightsError) as error:
        find_model(str(tmp_path / name))
    assert str(error.value).startswith(f"{tmp_path / name}: expected a model's .json or .onnx, found Keras' own")
    assert f'm.export("{(tmp_path / name).with_suffix(".onnx")}", format="onnx")' in str(error.value)
    (tmp_path / name.split(".")[0]).with_suffix(".json").touch()
    with pytest.raises(WeightsError, match=r"belongs to .*\.json: use --model"):
        find_model(str(tmp_path / name))


def test_a_file_of_keras_that_is_not_there(tmp_path):
    with pytest.raises(WeightsError, match="no model is called"):
        find_model(str(tmp_path / "net.h5"))
