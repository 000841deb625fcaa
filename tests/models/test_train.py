"""Training, on a handful of made-up pictures: it runs, and leaves weights that load."""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest

from models.emotions import EMOTIONS
from models.errors import DatasetError
from models.networks import build
from models.train import main

# Keras converts its variables in a way that NumPy 2 is about to forbid.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(autouse=True)
def same_policy_after() -> Iterator[None]:
    policy = keras.config.dtype_policy()
    yield
    keras.config.set_dtype_policy(policy)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rows = np.arange(16)
    np.savez(
        tmp_path / "fer.npz",
        images=np.random.default_rng(0).integers(0, 256, (16, 48, 48), np.uint8),
        label=rows % 7,
        usage=(rows >= 12).astype(np.uint8),
        near_dup=rows == 0,
        not_a_face=rows == 1,
        label_names=np.array(EMOTIONS),
    )
    return tmp_path / "fer.npz"


def train(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", ["train", *map(str, arguments)])
    main()


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_an_epoch_leaves_weights_and_history(monkeypatch, data, tmp_path):
    out = tmp_path / "run" / "1"
    train(monkeypatch, "--data", data, "--out", out, "--epochs", 1, "--dtype", "float32", "--schedule", "cosine")
    (row,) = rows_of(out / "history.csv")
    assert np.isfinite(float(row["val_accuracy"]))
    assert float(row["learning_rate"]) == pytest.approx(5e-4)
    network = build("seed")
    fresh = [weight.copy() for weight in network.get_weights()]
    network.load_weights(out / "best.weights.h5")
    assert any(not np.array_equal(a, b) for a, b in zip(network.get_weights(), fresh, strict=True))


def test_missing_data_are_said_before_anything_is_written(monkeypatch, tmp_path):
    with pytest.raises(DatasetError, match="no such file"):
        train(monkeypatch, "--data", tmp_path / "gone.npz", "--out", tmp_path / "run", "--dtype", "float32")
    assert not (tmp_path / "run").exists()
