"""Measuring networks on sets of faces: with votes, with labels, with groups alone."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from labelled import pictures, write_learnable_npz, write_seeing_teacher
from onnx import helper, load, save_model

from models.data import read_dataset
from models.data.face_set import FaceSet
from models.emotions import EMOTIONS
from models.evaluation.evaluate import as_markdown, evaluate_all, save
from models.evaluation.on_face_sets import NOTHING_TO_COMPARE, evaluate_set
from models.evaluation.predictor import Predictor, load_predictors
from models.evaluation.set_tables import set_as_csv, set_as_markdown
from models.model_file import find_model

NAMES = (*EMOTIONS, "unclear", "noface")
COUNT = 40


def face_set(**changes):
    """Return 40 faces of two kinds, on which two of three people agree; the last ten are unclear."""
    rows = np.arange(COUNT)
    votes = np.zeros((COUNT, 9))
    votes[rows, np.where(rows < 30, rows % 7, 7)] += 2
    votes[rows, 6] += 1
    kinds = np.where(rows % 2, "film", "tv")
    labels = np.full(COUNT, -1, np.int64)
    plain = FaceSet("ours", pictures(COUNT), votes, NAMES, labels, {"kind": kinds}, rows // 4, "clip")
    return replace(plain, **changes)


def predictor(name="made up", right=20):
    """Return a network that is right on the first faces, and says neutral of all others with less confidence."""

    def predict(crops):
        rows = np.arange(len(crops))
        sure = np.where(rows < right, 0.88, 0.52).astype(np.float32)
        found = np.repeat((1 - sure[:, None]) / 6, 7, axis=1)
        found[rows, np.where(rows < right, rows % 7, 6)] = sure
        return found

    return Predictor(name, find_model("seed"), predict)


def test_figures_against_the_verdict():
    found = evaluate_set([predictor()], face_set())
    assert (found.faces, found.decided, found.unclear, found.no_face) == (40, 30, 10, 0)
    assert found.judged_by == "more than half of the votes of 3 people"
    (figures,) = found.figures
    assert figures.figures.accuracy == pytest.approx(22 / 30)  # 20, and two neutral ones by chance
    low, high = figures.accuracy_interval
    assert low < 22 / 30 < high
    assert figures.f1_interval[0] < figures.figures.macro_f1 < figures.f1_interval[1]
    assert list(figures.strata["kind"]) == ["film", "tv"]
    assert sum(f.rows for f in figures.strata["kind"].values()) == 30
    sure = next(point for point in figures.curve if point.threshold == 0.7)
    assert (sure.shown, sure.right, sure.unclear) == (pytest.approx(2 / 3), 1.0, 0.0)
    assert figures.agreement.rows == 30


def test_a_set_without_votes_and_labels_has_rates_alone():
    found = evaluate_set([predictor()], face_set(votes=np.zeros((COUNT, 0)), names=()))
    (figures,) = found.figures
    assert figures.figures is None
    assert NOTHING_TO_COMPARE in found.notes
    text = set_as_markdown(found)
    assert "| kind: rate of each label, % |" in text
    assert "**The largest of all: " in text
    assert "accuracy" not in text
    json.dumps(found.as_json(), allow_nan=False)


def test_one_label_for_each_face():
    labels = np.where(np.arange(COUNT) < 5, np.arange(COUNT) % 7, -1)
    found = evaluate_set([predictor()], face_set(votes=np.zeros((COUNT, 0)), names=(), labels=labels))
    assert found.judged_by == "one label for each face"
    assert found.figures[0].figures.accuracy == 1
    assert found.figures[0].agreement is None
    assert "votes" not in set_as_markdown(found)


def test_votes_that_agree_on_nothing():
    votes = np.zeros((COUNT, 9))
    votes[:, :3] = 1
    found = evaluate_set([predictor()], face_set(votes=votes))
    assert found.decided == 0
    assert found.figures[0].agreement.rows == COUNT
    set_as_markdown(found)


def test_no_face_at_all():
    empty = FaceSet("none", pictures(0), np.zeros((0, 9)), NAMES, np.zeros(0, np.int64))
    found = evaluate_set([predictor()], empty)
    assert found.faces == 0
    set_as_markdown(found)
    json.dumps(found.as_json(), allow_nan=False)


def test_several_networks_stand_side_by_side_with_their_spread():
    text = set_as_markdown(evaluate_set([predictor("a"), predictor("b", 25)], face_set()))
    assert "| ours | a | b |" in text
    assert "Mean and standard deviation: accuracy 80.0 ± 9.4 %" in text


def test_files(tmp_path):
    dataset = read_dataset(write_learnable_npz(tmp_path / "fer.npz"))
    evaluation, sets = evaluate_all([predictor()], [dataset, face_set(), face_set()], None)
    assert [found.name for found in sets] == ["public-votes", "ours", "ours-2"]
    save(evaluation, sets, tmp_path / "figures")
    names = {path.name for path in (tmp_path / "figures").iterdir()}
    expected = {"coverage-ours.png", "confusion-ours.csv", "reliability-ours.png", "rates-ours-kind.png"}
    assert names >= expected | {"figures-ours.csv", "figures-ours-2.csv", "confusion-public.png", "evaluation.json"}
    assert as_markdown(evaluation, sets) in (tmp_path / "figures" / "evaluation.md").read_text()
    content = json.loads((tmp_path / "figures" / "evaluation.json").read_text())
    assert content["sets"]["ours"]["figures"][0]["verdict"]["rows"] == 30
    rows = list(csv.DictReader(set_as_csv(sets[1]).splitlines()))
    assert {row["figure"] for row in rows} >= {"accuracy", "ece", "shown", "rate_happy"}
    (accuracy,) = (row for row in rows if row["by"] == "all" and row["figure"] == "accuracy")
    assert float(accuracy["number"]) == pytest.approx(22 / 30)


def test_splits_of_several_data_sets_are_told_apart(tmp_path):
    several = [read_dataset(write_learnable_npz(tmp_path / name)) for name in ("a.npz", "b.npz")]
    evaluation, sets = evaluate_all([predictor()], several, "public")
    assert list(evaluation.figures) == ["a-public", "b-public"]
    assert [found.name for found in sets] == ["a-public-votes", "b-public-votes"]


def test_a_prior_is_an_output_of_the_network(tmp_path):
    plain = write_seeing_teacher(tmp_path / "plain.onnx")
    graph = load(plain)
    graph.graph.node.append(helper.make_node("Softmax", ["features7"], ["balanced"]))
    graph.graph.node.insert(2, helper.make_node("Neg", ["logits"], ["features7"]))
    graph.graph.node.sort(key=lambda node: node.output[0] in ("features7", "balanced"))
    graph.graph.node.sort(key=lambda node: node.output[0] == "balanced")
    graph.graph.output.append(helper.make_tensor_value_info("balanced", 1, ["n", 7]))
    save_model(graph, tmp_path / "both.onnx")
    crops = pictures(5)
    both = find_model(str(tmp_path / "both.onnx"))
    (first,), (balanced,) = load_predictors([both], "cpu"), load_predictors([both], "cpu", "balanced")
    assert (first.name, balanced.name) == ("both", "both (balanced)")
    inverse = 1 / first.predict(crops)
    np.testing.assert_allclose(balanced.predict(crops), inverse / inverse.sum(axis=1, keepdims=True), rtol=1e-4)
    (alone,) = load_predictors([find_model(str(plain))], "cpu", "balanced")
    assert alone.note == "plain: has no output for --prior balanced; its first output is measured"
    np.testing.assert_array_equal(alone.predict(crops), first.predict(crops))


def test_the_network_that_ships_has_both_priors():
    crops = pictures(5)
    names = {"": "default", "film": "default (film)", "balanced": "default (balanced)"}
    found = {prior: load_predictors([find_model("default")], "cpu", prior)[0] for prior in names}
    assert {prior: one.name for prior, one in found.items()} == names
    np.testing.assert_array_equal(found["film"].predict(crops), found[""].predict(crops))
    assert not np.allclose(found["balanced"].predict(crops), found[""].predict(crops))
