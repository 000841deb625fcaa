"""The folder of a training: what is in it, and how each file gets there, whole or not at all."""

import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import keras

COLUMNS: Final = ("epoch", "rate", "loss", "accuracy", "val_loss", "val_accuracy")
"""Of ``history.csv``: loss is the mean of what was minimized; val_loss the cross-entropy of the labels alone."""


@dataclass(frozen=True)
class TrainingFolder:
    """What a training leaves.

    A checkpoint is one file, ``checkpoint-<epochs done>.weights.h5``, with the weights and the optimizer's state. It is
    renamed to that name once it is on the disk, after ``history.csv`` has the epoch's row; so the checkpoint's name and
    the rows up to it are all that a training needs to resume, and they never disagree.
    """

    root: Path

    @property
    def run(self) -> Path:
        """Recipe, seed and data of the training."""
        return self.root / "run.json"

    @property
    def history(self) -> Path:
        """A row per epoch."""
        return self.root / "history.csv"

    @property
    def curves(self) -> Path:
        """Loss and accuracy as a picture, redrawn each epoch."""
        return self.root / "curves.png"

    @property
    def targets(self) -> Path:
        """The teachers' targets for each picture, where there are teachers."""
        return self.root / "taught.npz"

    @property
    def best(self) -> Path:
        """Weights of the epoch with the best validation accuracy."""
        return self.root / "best.weights.h5"

    @property
    def export(self) -> Path:
        """The finished model in all formats."""
        return self.root / "export"

    def checkpoints(self) -> list[tuple[int, Path]]:
        """Return the checkpoints with the epochs they have done, oldest first."""
        found = self.root.glob("checkpoint-*.weights.h5")
        return sorted((int(path.name.split("-")[1].split(".")[0]), path) for path in found)

    def rows(self) -> list[dict[str, float]]:
        """Return the history's rows."""
        if not self.history.is_file():
            return []
        with self.history.open(newline="", encoding="utf-8") as file:
            return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def write_history(folder: TrainingFolder, rows: Sequence[dict[str, float]]) -> None:
    """Replace the history by ``rows``."""
    lines = [",".join(COLUMNS), *(",".join(rounded(row[name]) for name in COLUMNS) for row in rows)]
    commit_text(folder.history, "\n".join(lines) + "\n")


def rounded(value: float) -> str:
    """Return a number as the history has it."""
    return f"{value:.6g}"


def commit_text(path: Path, text: str) -> None:
    """Write a text file."""
    temporary = path.with_name(f".tmp-{path.name}")
    temporary.write_text(text, encoding="utf-8")
    commit(temporary, path)


def commit_weights(path: Path, model: keras.Model) -> None:
    """Write a model's weights; the optimizer's state too, if it is compiled."""
    temporary = path.with_name(f".tmp-{path.name}")
    model.save_weights(temporary)
    commit(temporary, path)


def commit(temporary: Path, path: Path) -> None:
    """Rename a finished file into place, once it is on the disk."""
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(temporary, path)
