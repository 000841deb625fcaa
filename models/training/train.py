"""Train a network by a recipe: batches in, a folder with weights, history and curves out; it can be resumed."""

import hashlib
import json

import keras
import numpy as np

from models.data.batches import TrainingBatches
from models.data.distillation_targets import DistillationTargets
from models.errors import TrainingError
from models.networks import build
from models.recipe import Recipe
from models.training.epochs import EpochKeeper
from models.training.folder import TrainingFolder, commit, commit_text, write_history
from models.training.plan import TrainingRun
from models.training.teaching import make_targets


def train(run: TrainingRun, resume: bool = False, show: bool = True) -> None:
    """Train, and leave in the folder what :class:`TrainingFolder` names.

    Args:
        run: see :func:`models.training.plan.plan`.
        resume: continue after the last checkpoint in the folder.
        show: whether to show a progress bar.

    Raises:
        TrainingError: the folder holds another training, or there is nothing to resume.
    """
    _claim(run, resume)
    targets = _targets(run)
    keras.utils.set_random_seed(run.seed)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(run.dtype)
    try:
        _fit(run, targets, resume, show)
    finally:
        keras.config.set_dtype_policy(before)


def _targets(run: TrainingRun) -> DistillationTargets | None:
    """Return the teachers' targets for the pictures to train on; computed once, since that takes minutes.

    A file of targets for other pictures or of other teachers, copied into the folder, say, is replaced.
    """
    teaching = run.recipe.teaching
    if not run.teachers or teaching is None:
        return None
    path, origin = run.folder.targets, _origin(run, teaching.hints)
    if path.is_file():
        with np.load(path) as file:
            if str(file["question"]) == origin:
                return DistillationTargets(teaching, file["probabilities"], file["hints"])
    targets = make_targets(run.teachers, run.train.crops, teaching)
    temporary = path.with_name(f".tmp-{path.name}")
    np.savez(temporary, question=origin, probabilities=targets.probabilities, hints=targets.hints)
    commit(temporary, path)
    return targets


def _origin(run: TrainingRun, hints: int) -> str:
    """Return a digest of what targets are made from: teachers, their number of hints and the pictures."""
    teachers = ",".join(teacher.sha256 for teacher in run.teachers)
    digest = hashlib.sha256(f"{teachers} {hints}".encode())
    digest.update(run.train.crops.tobytes())
    return digest.hexdigest()


def _fit(run: TrainingRun, targets: DistillationTargets | None, resume: bool, show: bool) -> None:
    recipe = run.recipe
    network = build(recipe.network, recipe.augmentation.size)
    outputs = {name: network.output[name] for name in recipe.outputs}
    losses: dict[str, keras.losses.Loss] = {name: keras.losses.CategoricalCrossentropy() for name in outputs}
    weights = {"emotion": 1.0, "votes": recipe.votes}
    if targets is not None and targets.hints.shape[1]:
        # An output for training alone: the network that is kept does not have it.
        hints = keras.layers.Dense(targets.hints.shape[1], dtype="float32", name="hints")
        outputs["hints"] = hints(network.get_layer("features").output)
        losses["hints"], weights["hints"] = keras.losses.MeanSquaredError(), targets.teaching.weight
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
        targets,
    )
    keeper = EpochKeeper(run, network, len(batches), show)
    # The batches shuffle themselves by the epoch; Keras would shuffle them by its own history.
    model.fit(batches, shuffle=False, initial_epoch=done, epochs=recipe.epochs, verbose=0, callbacks=[keeper])


def _claim(run: TrainingRun, resume: bool) -> None:
    """Write the training's description, or check that the folder's training is this one."""
    folder, described = run.folder, json.loads(json.dumps(run.describe()))
    if resume:
        if not folder.run.is_file():
            raise TrainingError(f"{folder.root}: nothing to resume: expected run.json of an earlier training")
        found = json.loads(folder.run.read_text(encoding="utf-8"))
        other = [
            f"{name} was {found.get(name)!r}, not {value!r}"
            for name, value in described.items()
            if found.get(name) != value
        ]
        if other:
            raise TrainingError(f"{folder.run}: cannot resume with other settings: {'; '.join(other)}")
        return
    if folder.run.exists():
        raise TrainingError(
            f"{folder.root}: holds a training already; resume it with --resume, or choose another folder"
        )
    folder.root.mkdir(parents=True, exist_ok=True)
    commit_text(folder.run, json.dumps(described, indent=2) + "\n")


def _optimizer(recipe: Recipe) -> keras.optimizers.Optimizer:
    decay = recipe.weight_decay or None
    if recipe.optimizer == "adam":
        optimizer = keras.optimizers.Adam(recipe.rate, weight_decay=decay)
    else:
        optimizer = keras.optimizers.SGD(recipe.rate, momentum=0.9, nesterov=True, weight_decay=decay)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def _restore(model: keras.Model, folder: TrainingFolder) -> int:
    """Load the last checkpoint, cut the history back to it, and return how many epochs are done."""
    checkpoints = folder.checkpoints()
    if not checkpoints:
        write_history(folder, [])
        return 0
    done, path = checkpoints[-1]
    try:
        model.load_weights(path)
    except (ValueError, OSError, KeyError) as error:
        raise TrainingError(f"{path}: cannot resume from it: {error}") from error
    write_history(folder, folder.rows()[:done])
    return done
