"""What identifies a trained network."""

from dataclasses import replace

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
