"""Train a network by a recipe: batches in, a folder with weights, history and curves out; interrupted, it goes on."""

import csv
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tqdm import tqdm

from models.data.batches import TrainingBatches
from models.data.dataset import Dataset
from models.data.distillation_targets import Taught
from models.data.faces import Faces, in_fold, to_input
from models.errors import DatasetError, TrainingError
from models.evaluation.plots import draw_curves
from models.model_file import ModelFile
from models.networks import build
from models.training.recipes import Recipe, TrainingProgress
from models.training.teaching import ask

COLUMNS: Final = ("epoch", "rate", "loss", "accuracy", "val_loss", "val_accuracy")
"""Of ``history.csv``: loss is the mean of what was minimized; val_loss the cross-entropy of the labels alone."""

DTYPES: Final = ("float32", "mixed_bfloat16", "mixed_float16")


@dataclass(frozen=True)
class TrainingFolder:
    """What a run leaves.

    A checkpoint is one file, ``checkpoint-<epochs done>.weights.h5``, with the weights and the optimizer's state. It is
    renamed to that name once it is on the disk, after ``history.csv`` has the epoch's row; so the checkpoint's name and
    the rows up to it are all that a run needs to go on, and there is no moment at which they disagree.
    """

    root: Path

    @property
    def run(self) -> Path:
        """Recipe, seed and data of the run."""
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
    def taught(self) -> Path:
        """What the teachers say of each picture, where there are any."""
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
        with self.history.open(newline="") as file:
            return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


@dataclass(frozen=True)
class TrainingRun:
    """A run: what is trained on what, how, where to.

    ``calibration`` is what the temperature is fitted on; ``teachers`` are trained networks whose probabilities, the
    mean over all of them, are part of the targets: they tell more of a picture than one person's label.
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
        """Return what must be equal for a run to go on with another one's checkpoint."""
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
    """Decide what a recipe trains and validates on. Without FER+ votes in the data, it goes without.

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


def choose_dtype(wanted: str) -> str:
    """Return Keras' policy for ``auto`` or a policy's name: mixed precision on GPUs, and on CPUs made for bfloat16.

    Raises:
        TrainingError: there is no such policy.
    """
    if wanted in DTYPES:
        return wanted
    if wanted != "auto":
        raise TrainingError(f"no dtype is called {wanted!r}; known: auto, {', '.join(DTYPES)}")
    if tf.config.list_physical_devices("GPU"):
        return "mixed_float16"
    flags = Path("/proc/cpuinfo")
    fast = flags.is_file() and any(flag in flags.read_text() for flag in (" avx512_bf16", " amx_bf16"))
    return "mixed_bfloat16" if fast else "float32"


def train(run: TrainingRun, resume: bool = False, show: bool = True) -> None:
    """Train, and leave in the folder what :class:`TrainingFolder` names; ``resume`` goes on after the last checkpoint.

    Raises:
        TrainingError: the folder holds another run, or there is nothing to go on with.
    """
    _claim(run, resume)
    taught = _taught(run)
    keras.utils.set_random_seed(run.seed)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(run.dtype)
    try:
        _fit(run, taught, resume, show)
    finally:
        keras.config.set_dtype_policy(before)


def _taught(run: TrainingRun) -> Taught | None:
    """Return what the teachers say of the pictures to train on; asked once, since that takes minutes.

    What a folder holds of another question, a file that was copied there, say, is asked anew.
    """
    teaching = run.recipe.teaching
    if not run.teachers or teaching is None:
        return None
    path, question = run.folder.taught, _question(run, teaching.hints)
    if path.is_file():
        with np.load(path) as file:
            if str(file["question"]) == question:
                return Taught(teaching, file["probabilities"], file["hints"])
    taught = ask(run.teachers, run.train.crops, teaching)
    temporary = path.with_name(f".tmp-{path.name}")
    np.savez(temporary, question=question, probabilities=taught.probabilities, hints=taught.hints)
    _commit(temporary, path)
    return taught


def _question(run: TrainingRun, hints: int) -> str:
    """Return a digest of what teachers are asked, and of whom."""
    teachers = ",".join(teacher.sha256 for teacher in run.teachers)
    digest = hashlib.sha256(f"{teachers} {hints}".encode())
    digest.update(run.train.crops.tobytes())
    return digest.hexdigest()


def _fit(run: TrainingRun, taught: Taught | None, resume: bool, show: bool) -> None:
    recipe = run.recipe
    network = build(recipe.network, recipe.augmentation.size)
    outputs = {name: network.output[name] for name in recipe.outputs}
    losses: dict[str, keras.losses.Loss] = {name: keras.losses.CategoricalCrossentropy() for name in outputs}
    weights = {"emotion": 1.0, "votes": recipe.votes}
    if taught is not None and taught.hints.shape[1]:
        # An output for training alone: the network that is kept does not have it.
        hints = keras.layers.Dense(taught.hints.shape[1], dtype="float32", name="hints")
        outputs["hints"] = hints(network.get_layer("features").output)
        losses["hints"], weights["hints"] = keras.losses.MeanSquaredError(), taught.teaching.weight
    model = keras.Model(network.input, outputs)
    model.compile(
        _optimizer(recipe),
        loss=losses,
        loss_weights={name: weights[name] for name in outputs},
        weighted_metrics={"emotion": ["accuracy"]},
    )
    model.optimizer.build(model.trainable_variables)
    done = _restore(model, run.folder) if resume else 0
    batches = TrainingBatches(
        run.train,
        recipe.batch_size,
        run.seed,
        recipe.augmentation,
        tuple(outputs),
        recipe.smoothing,
        done,
        taught,
    )
    keeper = _Keeper(run, network, len(batches), show)
    # The batches shuffle themselves, as the epoch says; Keras would shuffle them as its own history says.
    model.fit(batches, shuffle=False, initial_epoch=done, epochs=recipe.epochs, verbose=0, callbacks=[keeper])


def _claim(run: TrainingRun, resume: bool) -> None:
    """Write the run's description, or check that the folder's run is this one."""
    folder, described = run.folder, json.loads(json.dumps(run.describe()))
    if resume:
        if not folder.run.is_file():
            raise TrainingError(f"{folder.root}: nothing to resume: expected run.json of an earlier training")
        found = json.loads(folder.run.read_text())
        other = [
            f"{name} was {found.get(name)!r}, not {value!r}"
            for name, value in described.items()
            if found.get(name) != value
        ]
        if other:
            raise TrainingError(f"{folder.run}: cannot go on with other settings: {'; '.join(other)}")
        return
    if folder.run.exists():
        raise TrainingError(f"{folder.root}: holds a training already; go on with --resume, or choose another folder")
    folder.root.mkdir(parents=True, exist_ok=True)
    _commit_text(folder.run, json.dumps(described, indent=2) + "\n")


def _optimizer(recipe: Recipe) -> keras.optimizers.Optimizer:
    decay = recipe.weight_decay or None
    if recipe.optimizer == "adam":
        optimizer = keras.optimizers.Adam(recipe.rate, weight_decay=decay)
    else:
        optimizer = keras.optimizers.SGD(recipe.rate, momentum=0.9, nesterov=True, weight_decay=decay)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def _restore(model: keras.Model, folder: TrainingFolder) -> int:
    """Load the last checkpoint, cut the history to it, and return how many epochs it has done."""
    checkpoints = folder.checkpoints()
    if not checkpoints:
        _write_history(folder, [])
        return 0
    done, path = checkpoints[-1]
    try:
        model.load_weights(path)
    except (ValueError, OSError, KeyError) as error:
        raise TrainingError(f"{path}: cannot resume from it: {error}") from error
    _write_history(folder, folder.rows()[:done])
    return done


class _Keeper(keras.callbacks.Callback):  # type: ignore[misc]  # keras ships no types
    """Sets the learning rate, validates, and commits each epoch."""

    def __init__(self, run: TrainingRun, network: keras.Model, steps: int, show: bool) -> None:
        super().__init__()
        self._run, self._network, self._steps, self._show = run, network, steps, show
        self._rows = run.folder.rows()
        self._bar: tqdm[Any] | None = None

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
        _reseed(self._network, self._run.seed, epoch)
        label = f"epoch {epoch + 1} of {self._run.recipe.epochs}"
        self._bar = tqdm(total=self._steps, desc=label, unit="batch", disable=not self._show)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
        recipe = self._run.recipe
        losses = [row["val_loss"] for row in self._rows]
        progress = TrainingProgress(recipe.epochs, len(self._rows) + batch / self._steps, losses)
        self.model.optimizer.learning_rate = recipe.schedule.rate(recipe.rate, progress)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
        assert self._bar is not None
        self._bar.update()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        assert self._bar is not None
        loss, accuracy = _validate(self._network, self._run.validation)
        row = {
            "epoch": epoch + 1,
            "rate": float(np.asarray(self.model.optimizer.learning_rate)),
            "loss": float(logs["loss"]),
            "accuracy": float(next(value for name, value in logs.items() if name.endswith("accuracy"))),
            "val_loss": loss,
            "val_accuracy": accuracy,
        }
        self._bar.set_postfix(val_accuracy=f"{accuracy:.3f}", val_loss=f"{loss:.3f}")
        self._bar.close()
        self._commit(row)

    def _commit(self, row: dict[str, float]) -> None:
        folder = self._run.folder
        # Rounded as the history is: a run that goes on must see what this one does.
        row = {name: float(_rounded(value)) for name, value in row.items()}
        best = max((old["val_accuracy"] for old in self._rows), default=-1.0)
        self._rows.append(row)
        if row["val_accuracy"] > best:
            _commit_weights(folder.best, self._network)
        _write_history(folder, self._rows)
        draw_curves(self._rows, folder.curves)
        older = folder.checkpoints()
        _commit_weights(folder.root / f"checkpoint-{len(self._rows):04}.weights.h5", self.model)
        for _, path in older:
            path.unlink()


def _reseed(network: keras.Model, seed: int, epoch: int) -> None:
    """Let what is random inside the network (dropout) depend on seed and epoch alone, as the batches do."""
    generators = [layer.seed_generator for layer in network.layers if hasattr(layer, "seed_generator")]
    for k, generator in enumerate(generators):
        state = np.random.default_rng((seed, epoch, k)).integers(0, 1 << 31, 2)
        generator.state.assign(state.astype(np.uint32))


def _validate(network: keras.Model, faces: Faces) -> tuple[float, float]:
    """Return cross-entropy and accuracy of the labels."""
    probabilities = predict(network, faces.crops)
    chosen = np.maximum(probabilities[np.arange(len(faces)), faces.labels], 1e-12)
    return float(-np.log(chosen).mean()), float((probabilities.argmax(axis=1) == faces.labels).mean())


def predict(network: keras.Model, crops: NDArray[np.uint8], output: str = "emotion") -> NDArray[np.float32]:
    """Return float32 ``(n, k)`` probabilities of one output of a network, uncalibrated.

    A network for smaller crops than these sees their middle.
    """
    edge = (crops.shape[1] - network.input_shape[1]) // 2
    inside = slice(edge, crops.shape[1] - edge)
    return np.asarray(network.predict(to_input(crops[:, inside, inside]), batch_size=256, verbose=0)[output])


def _write_history(folder: TrainingFolder, rows: Sequence[dict[str, float]]) -> None:
    lines = [",".join(COLUMNS), *(",".join(_rounded(row[name]) for name in COLUMNS) for row in rows)]
    _commit_text(folder.history, "\n".join(lines) + "\n")


def _rounded(value: float) -> str:
    return f"{value:.6g}"


def _commit_text(path: Path, text: str) -> None:
    temporary = path.with_name(f".tmp-{path.name}")
    temporary.write_text(text)
    _commit(temporary, path)


def _commit_weights(path: Path, model: keras.Model) -> None:
    temporary = path.with_name(f".tmp-{path.name}")
    model.save_weights(temporary)
    _commit(temporary, path)


def _commit(temporary: Path, path: Path) -> None:
    """Put a file in place for good, whole or not at all."""
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(temporary, path)
