"""Measuring networks on a data set, and what is written down."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from labelled import pictures, write_learnable_npz

from models.data import read_dataset
from models.emotions import EMOTIONS
from models.errors import DatasetError
from models.evaluation.evaluate import evaluate, save, ten_views
from models.evaluation.predictor import load_predictors
from models.model_file import find_model


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return read_dataset(write_learnable_npz(tmp_path_factory.mktemp("data") / "fer.npz"))


@pytest.fixture(scope="module")
def evaluation(dataset):
    seed = find_model("seed")
    return evaluate(load_predictors([seed, replace(seed, name="hot", temperature=5.0)], "cpu"), dataset, None)


def test_splits_but_train_row_sets_and_views(evaluation):
    assert list(evaluation.figures) == ["public"]
    assert list(evaluation.figures["public"]) == ["all", "clean", "uncalibrated"]
    assert list(evaluation.figures["public"]["all"]) == ["single", "ten"]
    rows = {name: views["single"][0].rows for name, views in evaluation.figures["public"].items()}
    assert rows == {"all": 12, "clean": 12, "uncalibrated": 6}


def test_temperature_changes_calibration_alone(evaluation):
    cold, hot = evaluation.figures["public"]["all"]["single"]
    assert cold.accuracy == hot.accuracy
    assert cold.ece != hot.ece


def test_table_has_a_row_for_every_emotion_and_the_spread(evaluation):
    table = evaluation.as_markdown()
    assert all(any(line.startswith(f"| {emotion}:") for line in table.splitlines()) for emotion in EMOTIONS)
    assert "±" in table


def test_files(evaluation, tmp_path):
    save(evaluation, [], tmp_path / "figures")
    names = {path.name for path in (tmp_path / "figures").iterdir()}
    assert names == {
        "evaluation.json",
        "evaluation.md",
        "confusion-public.csv",
        "confusion-public.png",
        "reliability-public.png",
    }
    with (tmp_path / "figures" / "confusion-public.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sum(int(row[emotion]) for row in rows for emotion in EMOTIONS) == 12
    found = json.loads((tmp_path / "figures" / "evaluation.json").read_text())
    assert found["models"] == ["seed", "hot"]
    assert found["splits"]["public"]["all"]["single"][0]["rows"] == 12


def test_one_split_by_name_and_one_that_is_not_there(dataset):
    predictors = load_predictors([find_model("seed")], "cpu")
    found = evaluate(predictors, dataset, "train")
    assert list(found.figures) == ["train"]
    with pytest.raises(DatasetError, match="expected a split 'private'"):
        evaluate(predictors, dataset, "private")


def test_only_train_must_be_named(dataset):
    alone = replace(dataset, splits={"train": dataset.split("train")})
    with pytest.raises(DatasetError, match="name one with --split"):
        evaluate([], alone, None)


def test_ten_views_are_shifted_and_mirrored():
    seen = []

    def predict(crops):
        seen.append(crops.copy())
        return np.full((len(crops), 7), len(seen), np.float32)

    crops = pictures(2)
    mean = ten_views(predict)(crops)
    assert len(seen) == 10
    assert len({view.tobytes() for view in seen}) == 10
    assert all(view.shape == crops.shape for view in seen)
    np.testing.assert_array_equal(seen[0], crops)
    np.testing.assert_array_equal(seen[1], crops[:, :, ::-1])
    np.testing.assert_array_equal(seen[2][:, :-2, :-2], crops[:, 2:, 2:])
    np.testing.assert_allclose(mean, 5.5)
