"""The commands about networks, as a user types them."""

from pathlib import Path

import numpy as np
import pytest
from labelled import pictures, write_learnable_npz
from typer.testing import CliRunner, Result

from jobs.cli import app

# Keras converts its variables in a way that NumPy 2 is about to forbid.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def cli(*arguments: object) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_learnable_npz(tmp_path_factory.mktemp("data") / "fer.npz")


@pytest.fixture(scope="module")
def training(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that ``moodreel train`` left."""
    folder = tmp_path_factory.mktemp("run") / "training"
    result = cli("train", "--data", data, "--out", folder, "--epochs", 1, "--dtype", "float32")
    assert result.exit_code == 0, result.stderr
    assert f"model: {folder}/export/default.json" in result.stdout
    return folder


def test_train_leaves_a_model_that_a_run_can_use(training):
    names = {path.name for path in (training / "export").iterdir()}
    assert names >= {"default.json", "default.weights.h5", "default.keras", "default.tflite", "model.json"}
    from models.inference.load import load_classifier
    from models.model_file import find_model

    classifier = load_classifier(find_model(str(training / "export" / "default.json")), "cpu")
    assert classifier.predict(np.zeros((2, 48, 48), np.uint8)).shape == (2, 7)


def test_train_again_needs_resume(training, data):
    result = cli("train", "--data", data, "--out", training, "--epochs", 1, "--dtype", "float32")
    assert result.exit_code == 2
    assert "holds a training already; resume it with --resume" in result.stderr
    assert (
        cli("train", "--data", data, "--out", training, "--epochs", 1, "--dtype", "float32", "--resume").exit_code == 0
    )


def test_evaluate_prints_a_table_and_writes_files(training, data, tmp_path):
    model = training / "export" / "default.json"
    result = cli("evaluate", "--data", data, "--model", model, "--model", "seed", "--out", tmp_path)
    assert result.exit_code == 0, result.stderr
    assert "| macro-F1 |" in result.stdout
    assert (tmp_path / "evaluation.md").read_text().startswith("default, seed\n")
    assert (tmp_path / "confusion-public.png").exists()


def test_evaluate_takes_several_sets_at_once(data, tmp_path):
    rows = np.arange(20)
    np.savez(tmp_path / "groups.npz", crops=pictures(20), group=np.where(rows % 2, "north", "south"))
    np.savez(tmp_path / "weak.npz", crops=pictures(20), label=rows % 9 - 1, person=rows // 2)
    sets = ("--data", data, "--data", tmp_path / "groups.npz", "--data", tmp_path / "weak.npz")
    result = cli("evaluate", *sets, "--model", "seed", "--prior", "balanced", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    assert "seed: has no output for --prior balanced; its first output is measured" in result.stdout
    assert "## public-votes: 12 faces" in result.stdout
    assert "| group: rate of each label, % |" in result.stdout
    assert "Labels other than 0 to 6 are left out: 3 with -1, 2 with 7" in result.stdout
    assert (tmp_path / "out" / "rates-groups-group.png").exists()
    assert (tmp_path / "out" / "coverage-weak.png").exists()


def test_describe_prints_counts_and_saves_a_picture(data, tmp_path):
    result = cli("data", "describe", data, "--picture", tmp_path / "look.png")
    assert result.exit_code == 0
    assert "| all | 48 | 12 |" in result.stdout
    assert (tmp_path / "look.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("train", "--data", "DATA", "--recipe", "magic"), "no recipe is called 'magic'; known recipes: default, seed"),
        (("train", "--data", "DATA", "--dtype", "int4"), "no dtype is called 'int4'"),
        (("train", "--data", "gone.csv"), "gone.csv: no such file or folder; expected FER2013"),
        (("train", "--data", "."), "expected labelled pictures, found none"),
        (("evaluate", "--data", "DATA", "--model", "best"), "no model is called 'best'; known models: "),
        (("evaluate", "--data", "DATA", "--model", "seed", "--split", "private"), "expected a split 'private'"),
        (("evaluate", "--data", "DATA", "--ferplus", "votes.csv"), "FER+ votes go with FER2013's csv"),
        (("evaluate", "--data", "DATA", "--prior", "sad"), "--prior sad: expected film or balanced"),
        (("evaluate", "--data", "DATA", "--side", "fer=wide"), "--side fer=wide: expected NAME=NUMBER"),
        (("evaluate", "--data", "DATA", "--side", "lfw=1.6"), "--side: no --data is called lfw"),
        (("data", "describe", "gone.npz"), "gone.npz: no such file or folder"),
    ],
)
def test_wrong_usage_is_reported_in_a_line_before_any_training(data, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    result = cli(*(data if argument == "DATA" else argument for argument in arguments))
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith("moodreel: ")
    assert words in line
    assert list(tmp_path.iterdir()) == []
