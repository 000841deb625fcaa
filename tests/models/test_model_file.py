"""What identifies a trained network."""

from dataclasses import replace

import numpy as np
from labelled import pictures

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
