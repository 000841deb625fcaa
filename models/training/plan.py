"""Decide what a recipe trains and validates on, and in which precision."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf

from models.data.dataset import Dataset
from models.data.faces import Faces, in_fold
from models.errors import DatasetError, TrainingError
from models.model_file import ModelFile
from models.recipe import Recipe
from models.training.folder import TrainingFolder

DTYPES: Final = ("float32", "mixed_bfloat16", "mixed_float16")


@dataclass(frozen=True)
class TrainingRun:
    """What is trained on what, how, and where to.

    Attributes:
        recipe: how.
        train: what is learned from.
        validation: what each epoch is measured on.
        calibration: what the temperature is fitted on.
        calibrated_on: the same in words.
        folder: where to.
        seed: decides all that is random.
        dtype: Keras' policy.
        teachers: trained networks whose probabilities, the mean over all of them, are part of the targets: they say
            more about a picture than one person's label.
    """

    recipe: Recipe
    train: Faces
    validation: Faces
    calibration: Faces
    calibrated_on: str
    folder: TrainingFolder
    seed: int
    dtype: str = "float32"
    teachers: tuple[ModelFile, ...] = ()

    def in_words(self) -> str:
        """Return a line for the user."""
        teachers = " and ".join(teacher.name for teacher in self.teachers)
        return (
            f"{len(self.train)} pictures to train on, {len(self.validation)} to validate on; network "
            f"{self.recipe.network}, {self.recipe.epochs} epochs, seed {self.seed}, {self.dtype}"
            f"{', with FER+ votes' if self.recipe.votes else ''}"
            f"{f', taught by {teachers}' if teachers else ''}"
        )

    def describe(self) -> dict[str, Any]:
        """Return what must be equal for a training to resume from the checkpoint of another."""
        recipe = asdict(self.recipe)
        return {
            **recipe,
            "schedule": repr(self.recipe.schedule),
            "seed": self.seed,
            "dtype": self.dtype,
            "train_rows": len(self.train),
            "validation_rows": len(self.validation),
            "keras": keras.version(),
            "teachers": [teacher.sha256 for teacher in self.teachers],
        }


def plan(
    dataset: Dataset,
    recipe: Recipe,
    folder: TrainingFolder,
    seed: int,
    dtype: str,
    teachers: Sequence[ModelFile] = (),
) -> TrainingRun:
    """Decide what a recipe trains and validates on. Without FER+ votes in the data, it does without.

    Args:
        dataset: pictures and their splits.
        recipe: says which of them are used, and how.
        folder: where the training goes.
        seed: decides all that is random.
        dtype: Keras' policy; see :func:`choose_dtype`.
        teachers: networks to learn from as well.

    Raises:
        DatasetError: the data set lacks a split that is needed, or too little is left to learn from.
        TrainingError: there are teachers, but the recipe has no use for them.
    """
    if teachers and not recipe.teaching:
        raise TrainingError("this recipe has no teacher; the recipe default can have one")
    faces = dataset.split("train")
    if recipe.clean:
        faces = faces.only_clean()
    if recipe.validation == "fold":
        held_out = in_fold(faces.crops, fold=0)
        faces, validation = faces.only(~held_out), faces.only(held_out)
        calibration, calibrated_on = validation, "fold 0 of 10 of train"
    else:
        name, validation = dataset.validation()
        # Every second row is left for an honest look at the calibration.
        calibration, calibrated_on = validation.only(slice(None, None, 2)), f"even rows of {name}"
    if len(np.unique(faces.labels)) < 2 or not len(calibration):
        raise DatasetError(
            f"{dataset.path}: expected pictures of at least two emotions to train on, and some to validate on; "
            f"found {len(faces)} and {len(validation)}"
        )
    if not faces.votes.any():
        recipe = replace(recipe, votes=0.0)
    return TrainingRun(recipe, faces, validation, calibration, calibrated_on, folder, seed, dtype, tuple(teachers))


def choose_dtype(name: str) -> str:
    """Return Keras' policy for ``auto`` or a policy's name: mixed precision on GPUs, and on CPUs made for bfloat16.

    Raises:
        TrainingError: there is no such policy.
    """
    if name in DTYPES:
        return name
    if name != "auto":
        raise TrainingError(f"no dtype is called {name!r}; known: auto, {', '.join(DTYPES)}")
    if tf.config.list_physical_devices("GPU"):
        return "mixed_float16"
    flags = Path("/proc/cpuinfo")
    fast = flags.is_file() and any(flag in flags.read_text(encoding="utf-8") for flag in (" avx512_bf16", " amx_bf16"))
    return "mixed_bfloat16" if fast else "float32"
