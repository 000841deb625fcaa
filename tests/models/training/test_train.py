"""Training, on a handful of made-up pictures: what it leaves, and that it resumes exactly after a kill."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from labelled import write_learnable_npz, write_seeing_teacher

from models import networks
from models.data import read_dataset
from models.errors import DatasetError, TrainingError
from models.model_file import find_model
from models.networks import build, find_recipe
from models.training.folder import COLUMNS, TrainingFolder
from models.training.plan import TrainingRun, choose_dtype, plan
from models.training.train import train

# Keras converts its variables in a way that NumPy 2 is about to forbid.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def know_small() -> None:
    """Add a network of the tests' own: with `default`, nine tenths of the time went into its compilation."""
    networks.__path__ = [*networks.__path__, str(Path(__file__).with_name("networks"))]


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "__path__", networks.__path__)
    know_small()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_learnable_npz(tmp_path / "fer.npz")


def planned(data: Path, out: Path, epochs: int = 1, seed: int = 0, dtype: str = "float32") -> TrainingRun:
    recipe = replace(find_recipe("small"), epochs=epochs)
    return plan(read_dataset(data), recipe, TrainingFolder(out), seed, dtype)


def test_an_epoch_leaves_weights_history_and_curves(data, tmp_path):
    out = tmp_path / "run" / "1"
    run = planned(data, out)
    train(run, show=False)
    (row,) = run.folder.rows()
    assert tuple(row) == COLUMNS
    assert all(np.isfinite(value) for value in row.values())
    assert run.folder.curves.stat().st_size > 1000
    assert json.loads(run.folder.run.read_text())["seed"] == 0
    network = build("small")
    fresh = [weight.copy() for weight in network.get_weights()]
    network.load_weights(run.folder.best)
    assert any(not np.array_equal(a, b) for a, b in zip(network.get_weights(), fresh, strict=True))
    assert not list(out.glob(".tmp*"))


def test_mixed_precision_is_over_after_training(data, tmp_path):
    train(planned(data, tmp_path / "run", dtype="mixed_bfloat16"), show=False)
    assert keras.config.dtype_policy().name == "float32"


def test_a_killed_run_resumes_as_if_nothing_had_happened(data, tmp_path):
    run = planned(data, tmp_path / "alone", epochs=4)
    train(run, show=False)
    killed = TrainingFolder(tmp_path / "killed")
    command = [sys.executable, "-c", _CHILD, str(data), str(killed.root)]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=Path(__file__).parent)
    deadline = time.monotonic() + 120
    while not any(done >= 2 for done, _ in killed.checkpoints()):
        assert child.poll() is None, "the training ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    assert len(killed.rows()) == 2
    train(replace(run, folder=killed), resume=True, show=False)
    assert killed.history.read_text() == run.folder.history.read_text()
    pair = [build("small"), build("small")]
    for network, folder in zip(pair, (run.folder, killed), strict=True):
        network.load_weights(folder.best)
    for ours, theirs in zip(*(network.get_weights() for network in pair), strict=True):
        np.testing.assert_array_equal(ours, theirs)


_CHILD = """
import sys, threading
from pathlib import Path
sys.path[:0] = [".", "../..", "../../.."]
from models.training.epochs import EpochKeeper
from models.training.train import train
from test_train import know_small, planned
know_small()
begin = EpochKeeper.on_epoch_begin
def stuck(self, epoch, logs=None):
    if epoch == 2:
        threading.Event().wait()  # for the kill
    begin(self, epoch, logs)
EpochKeeper.on_epoch_begin = stuck
train(planned(Path(sys.argv[1]), Path(sys.argv[2]), epochs=4), show=False)
"""


def test_a_history_ahead_of_its_checkpoint_is_cut(data, tmp_path):
    run = planned(data, tmp_path / "run", epochs=2)
    train(run, show=False)
    before = run.folder.history.read_text()
    with run.folder.history.open("a") as file:  # killed between the history and the checkpoint
        file.write("3,0,0,0,0,0\n")
    train(run, resume=True, show=False)
    assert run.folder.history.read_text() == before


def test_a_run_that_was_killed_before_its_first_epoch_begins(data, tmp_path):
    run = planned(data, tmp_path / "run")
    run.folder.root.mkdir()
    run.folder.run.write_text(json.dumps(run.describe()))
    train(run, resume=True, show=False)
    assert len(run.folder.rows()) == 1


def test_another_run_is_not_overwritten_nor_continued(data, tmp_path):
    run = planned(data, tmp_path / "run")
    run.folder.root.mkdir()
    run.folder.run.write_text(json.dumps(run.describe()))
    with pytest.raises(
        TrainingError, match=r"holds a training already; resume it with --resume, or choose another folder"
    ):
        train(run, show=False)
    with pytest.raises(TrainingError, match=r"run\.json: cannot resume with other settings: seed was 0, not 1"):
        train(planned(data, tmp_path / "run", seed=1), resume=True, show=False)
    with pytest.raises(TrainingError, match=r"none: nothing to resume"):
        train(planned(data, tmp_path / "none"), resume=True, show=False)


def test_a_torn_checkpoint_is_named(data, tmp_path):
    run = planned(data, tmp_path / "run")
    run.folder.root.mkdir()
    run.folder.run.write_text(json.dumps(run.describe()))
    (run.folder.root / "checkpoint-0001.weights.h5").write_bytes(b"torn")
    with pytest.raises(TrainingError, match=r"checkpoint-0001\.weights\.h5: cannot resume from it"):
        train(run, resume=True, show=False)


class TestPlan:
    def test_a_fold_is_held_out_and_calibrates(self, data, tmp_path):
        dataset = read_dataset(data)
        run = plan(dataset, find_recipe("default"), TrainingFolder(tmp_path), 0, "float32")
        assert len(run.train) + len(run.validation) == len(dataset.split("train").only_clean())
        assert run.calibration is run.validation
        assert run.calibrated_on == "fold 0 of 10 of train"

    def test_public_validates_where_the_recipe_says_so(self, data, tmp_path):
        dataset = read_dataset(data)
        run = plan(dataset, find_recipe("seed"), TrainingFolder(tmp_path), 0, "float32")
        assert len(run.validation) == len(dataset.split("public"))
        np.testing.assert_array_equal(run.calibration.crops, dataset.split("public").crops[::2])
        assert run.calibrated_on == "even rows of public"

    def test_seed_trains_on_all_rows_as_its_origin_did(self, data, tmp_path):
        dataset = read_dataset(data)
        everything = dataset.split("train")
        assert not everything.clean.all()
        run = plan(dataset, find_recipe("seed"), TrainingFolder(tmp_path), 0, "float32")
        assert len(run.train) == len(everything)

    def test_without_votes_in_the_data_the_recipe_goes_without(self, tmp_path):
        path = write_learnable_npz(tmp_path / "fer.npz")
        dataset = read_dataset(path)
        assert plan(dataset, find_recipe("default"), TrainingFolder(tmp_path), 0, "float32").recipe.votes > 0
        bare = replace(dataset, splits={n: replace(f, votes=f.votes * 0) for n, f in dataset.splits.items()})
        assert plan(bare, find_recipe("default"), TrainingFolder(tmp_path), 0, "float32").recipe.votes == 0

    def test_too_little_to_learn_from(self, data, tmp_path):
        dataset = read_dataset(data)
        few = replace(dataset, splits={"train": dataset.split("train").only(slice(0, 1))})
        with pytest.raises(DatasetError, match="expected pictures of at least two emotions to train on"):
            plan(few, find_recipe("default"), TrainingFolder(tmp_path), 0, "float32")


def test_dtype():
    assert choose_dtype("float32") == "float32"
    assert choose_dtype("auto") in ("float32", "mixed_bfloat16", "mixed_float16")
    with pytest.raises(TrainingError, match="no dtype is called 'int8'; known: auto, float32"):
        choose_dtype("int8")


class TestTeacher:
    def taught(self, data: Path, out: Path, epochs: int, *names: str) -> TrainingRun:
        recipe = replace(find_recipe("small"), epochs=epochs)
        teachers = [find_model(name) for name in names or ("default",)]
        return plan(read_dataset(data), recipe, TrainingFolder(out), 0, "float32", teachers)

    def test_its_targets_are_made_once_and_used(self, data, tmp_path):
        run = self.taught(data, tmp_path / "taught", 1)
        train(run, show=False)
        said = np.load(run.folder.targets)["probabilities"]
        assert said.shape == (len(run.train), 7)
        np.testing.assert_allclose(said.sum(axis=1), 1, atol=1e-5)
        assert json.loads(run.folder.run.read_text())["teachers"] == [find_model("default").sha256]
        assert "taught by default" in run.in_words()
        alone = planned(data, tmp_path / "alone")
        train(alone, show=False)
        assert alone.folder.rows()[0]["loss"] != run.folder.rows()[0]["loss"]
        assert not alone.folder.targets.exists()

        before = run.folder.targets.stat().st_ino
        longer = self.taught(data, tmp_path / "taught", 2)
        described = longer.describe() | {"epochs": 2}
        longer.folder.run.write_text(json.dumps(described))
        train(longer, resume=True, show=False)
        assert len(longer.folder.rows()) == 2
        assert longer.folder.targets.stat().st_ino == before

    def test_of_several_the_mean_is_used(self, data, tmp_path):
        said = []
        for number, names in enumerate((("default",), ("seed",), ("default", "seed"))):
            run = self.taught(data, tmp_path / str(number), 1, *names)
            train(run, show=False)
            said.append(np.load(run.folder.targets)["probabilities"])
        assert not np.allclose(said[0], said[1], atol=1e-3)
        np.testing.assert_allclose(said[2], (said[0] + said[1]) / 2, atol=1e-6)
        assert "taught by default and seed" in run.in_words()

    def test_targets_may_be_copied_from_a_training_with_the_same_teacher_alone(self, data, tmp_path):
        first = self.taught(data, tmp_path / "first", 1)
        train(first, show=False)
        same, other = (self.taught(data, tmp_path / name, 1, name) for name in ("default", "seed"))
        for run in (same, other):
            run.folder.root.mkdir()
            shutil.copy(first.folder.targets, run.folder.targets)
        train(other, show=False)
        made = [np.load(run.folder.targets)["probabilities"] for run in (first, other)]
        assert not np.allclose(*made, atol=1e-3)
        before = same.folder.targets.stat().st_ino
        train(same, show=False)
        assert same.folder.targets.stat().st_ino == before
        np.testing.assert_array_equal(np.load(same.folder.targets)["probabilities"], made[0])

    def test_what_it_sees_is_predicted_from_the_features(self, data, tmp_path):
        eyes = write_seeing_teacher(tmp_path / "eyes.onnx")
        run, blind = (
            self.taught(data, tmp_path / name, 2, *names) for name, names in (("run", (str(eyes),)), ("blind", ()))
        )
        for each in (run, blind):
            train(each, show=False)
        hints = np.load(run.folder.targets)["hints"]
        assert hints.shape == (len(run.train), 6)
        assert np.load(blind.folder.targets)["hints"].shape == (len(run.train), 0)
        # A training that resumes has them, too; what is kept of the network does not.
        broken = self.taught(data, tmp_path / "broken", 1, str(eyes))
        train(broken, show=False)
        longer = self.taught(data, tmp_path / "broken", 2, str(eyes))
        longer.folder.run.write_text(json.dumps(longer.describe()))
        train(longer, resume=True, show=False)
        network = build("small")
        network.load_weights(longer.folder.best)
        assert set(network.output) == {"emotion", "votes"}

    def test_with_another_one_it_cannot_resume(self, data, tmp_path):
        train(self.taught(data, tmp_path / "run", 1), show=False)
        with pytest.raises(TrainingError, match=r"teachers was \['[0-9a-f]{64}'\], not \['[0-9a-f]{64}'\]"):
            train(self.taught(data, tmp_path / "run", 1, "seed"), resume=True, show=False)

    def test_a_recipe_without_one_says_so(self, data, tmp_path):
        recipe, teacher = find_recipe("seed"), find_model("default")
        with pytest.raises(TrainingError, match="this recipe has no teacher"):
            plan(read_dataset(data), recipe, TrainingFolder(tmp_path), 0, "float32", [teacher])
