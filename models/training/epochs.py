"""What happens around each epoch: the learning rate before, validation and the commit of its results after."""

from typing import Any

import keras
import numpy as np
from tqdm import tqdm

from models.evaluation.plots import draw_curves
from models.recipe import TrainingProgress
from models.training.folder import commit_weights, rounded, write_history
from models.training.plan import TrainingRun
from models.training.validate import validate


class EpochKeeper(keras.callbacks.Callback):  # type: ignore[misc]  # keras ships no types
    """Sets the learning rate, validates, and commits each epoch."""

    def __init__(self, run: TrainingRun, network: keras.Model, steps: int, show: bool) -> None:
        """Keep the epochs of ``run``.

        Args:
            run: what is trained.
            network: what is kept of it, without outputs for training alone.
            steps: batches of an epoch.
            show: whether to show a progress bar.
        """
        super().__init__()
        self._run, self._network, self._steps, self._show = run, network, steps, show
        self._rows = run.folder.rows()
        self._bar: tqdm[Any] | None = None

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Start a progress bar and all that is random."""
        _reseed(self._network, self._run.seed, epoch)
        label = f"epoch {epoch + 1} of {self._run.recipe.epochs}"
        self._bar = tqdm(total=self._steps, desc=label, unit="batch", disable=not self._show)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Set the learning rate."""
        recipe = self._run.recipe
        losses = [row["val_loss"] for row in self._rows]
        progress = TrainingProgress(recipe.epochs, len(self._rows) + batch / self._steps, losses)
        self.model.optimizer.learning_rate = recipe.schedule.rate(recipe.rate, progress)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Advance the progress bar."""
        assert self._bar is not None
        self._bar.update()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Validate, and commit history, weights and checkpoint."""
        assert self._bar is not None
        loss, accuracy = validate(self._network, self._run.validation)
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
        # Rounded as in the history: a training that resumes must see what this one does.
        row = {name: float(rounded(value)) for name, value in row.items()}
        best = max((old["val_accuracy"] for old in self._rows), default=-1.0)
        self._rows.append(row)
        if row["val_accuracy"] > best:
            commit_weights(folder.best, self._network)
        write_history(folder, self._rows)
        draw_curves(self._rows, folder.curves)
        older = folder.checkpoints()
        commit_weights(folder.root / f"checkpoint-{len(self._rows):04}.weights.h5", self.model)
        for _, path in older:
            path.unlink()


def _reseed(network: keras.Model, seed: int, epoch: int) -> None:
    """Make what is random inside the network (dropout) depend on seed and epoch alone, as the batches do."""
    generators = [layer.seed_generator for layer in network.layers if hasattr(layer, "seed_generator")]
    for k, generator in enumerate(generators):
        state = np.random.default_rng((seed, epoch, k)).integers(0, 1 << 31, 2)
        generator.state.assign(state.astype(np.uint32))
