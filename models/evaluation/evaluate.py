"""Measure trained networks on labelled pictures they never saw, and write down what came out."""

import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.data.dataset import Dataset
from models.data.faces import Faces
from models.emotions import EMOTIONS
from models.errors import DatasetError
from models.evaluation.measure import Figures, measure
from models.evaluation.plots import draw_confusion, draw_reliability
from models.inference.base import EmotionClassifier
from models.inference.load import load_classifier
from models.model_file import ModelFile

Predict = Callable[[NDArray[np.uint8]], NDArray[np.float32]]

_SHIFTS: Final = ((0, 0), (-2, -2), (-2, 2), (2, -2), (2, 2))
"""px down and right; with the mirrored crops these are ten views."""


@dataclass(frozen=True)
class Evaluation:
    """The figures of one or several trainings of a network.

    Attributes:
        models: names.
        figures: by split, by row set (``all``, ``clean``, perhaps ``uncalibrated``), by view (``single``, ``ten``):
            one for each model.
    """

    models: tuple[str, ...]
    figures: dict[str, dict[str, dict[str, tuple[Figures, ...]]]]

    def as_json(self) -> dict[str, Any]:
        """Return everything for a JSON file."""
        return {
            "models": list(self.models),
            "emotions": list(EMOTIONS),
            "splits": {
                split: {
                    rows: {view: [f.as_json() for f in figures] for view, figures in views.items()}
                    for rows, views in sets.items()
                }
                for split, sets in self.figures.items()
            },
        }

    def as_markdown(self) -> str:
        """Return tables, one for each split."""
        return "\n\n".join(_table(split, sets) for split, sets in self.figures.items())


def evaluate(models: Sequence[ModelFile], dataset: Dataset, split: str | None, device: str = "auto") -> Evaluation:
    """Measure each model.

    Single crop, and the mean over ten views (shifted by 2 px, mirrored). On all rows; on the clean ones; and, where
    a model's temperature was fitted on every second row of the split, on the others.

    Args:
        models: at least one.
        dataset: to measure on.
        split: its name; None for every split but ``train``.
        device: see :func:`models.inference.load.choose_device`.

    Raises:
        DatasetError: there is no such split.
    """
    names = [split] if split else [name for name in dataset.splits if name != "train"]
    if not names:
        raise DatasetError(f"{dataset.path}: expected a split other than train; name one with --split")
    classifiers = [load_classifier(model, device) for model in models]
    return Evaluation(
        tuple(model.name for model in models),
        {name: _evaluate_split(classifiers, dataset.split(name), name) for name in names},
    )


def _evaluate_split(
    classifiers: Sequence[EmotionClassifier], faces: Faces, split: str
) -> dict[str, dict[str, tuple[Figures, ...]]]:
    row_sets = {"all": np.ones(len(faces), np.bool_), "clean": faces.clean}
    if any(classifier.model.calibrated_on == f"even rows of {split}" for classifier in classifiers):
        row_sets["uncalibrated"] = np.arange(len(faces)) % 2 == 1
    views: dict[str, Callable[[Predict], Predict]] = {"single": lambda predict: predict, "ten": ten_views}
    found: dict[str, dict[str, tuple[Figures, ...]]] = {name: {} for name in row_sets}
    for view, through in views.items():
        answers = [through(classifier.predict)(faces.crops) for classifier in classifiers]
        for name, rows in row_sets.items():
            if rows.any():
                found[name][view] = tuple(measure(answer[rows], faces.labels[rows]) for answer in answers)
    return {name: figures for name, figures in found.items() if figures}


def ten_views(predict: Predict) -> Predict:
    """Return a function that predicts the mean over ten views of each crop: shifted by 2 px or not, mirrored or not."""

    def mean(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        reach = max(max(abs(down), abs(right)) for down, right in _SHIFTS)
        height, width = crops.shape[1:]
        padded = np.pad(crops, ((0, 0), (reach, reach), (reach, reach)), mode="edge")
        shifted = [
            padded[:, reach - down : reach - down + height, reach - right : reach - right + width]
            for down, right in _SHIFTS
        ]
        views = [view for crop in shifted for view in (crop, crop[:, :, ::-1])]
        return np.asarray(np.mean([predict(np.ascontiguousarray(view)) for view in views], axis=0), np.float32)

    return mean


def _table(split: str, sets: dict[str, dict[str, tuple[Figures, ...]]]) -> str:
    columns = {f"{rows}, {view}": figures for rows, views in sets.items() for view, figures in views.items()}
    lines = [f"| {split} | " + " | ".join(columns) + " |", "|---|" + "---|" * len(columns)]

    def row(name: str, cell: Callable[[tuple[Figures, ...]], str]) -> None:
        lines.append(f"| {name} | " + " | ".join(cell(figures) for figures in columns.values()) + " |")

    row("rows", lambda figures: str(figures[0].rows))
    row("accuracy, %", lambda figures: _spread([100 * f.accuracy for f in figures], 1))
    row("95 % interval", lambda figures: ", ".join("{:.1f}-{:.1f}".format(*_percent(f.interval)) for f in figures))
    row("macro-F1", lambda figures: _spread([f.macro_f1 for f in figures], 3))
    row("ECE, %", lambda figures: _spread([100 * f.ece for f in figures], 1))
    for k, emotion in enumerate(EMOTIONS):
        row(
            f"{emotion}: recall / precision, %",
            lambda figures, k=k: (  # type: ignore[misc]
                f"{_mean([100 * f.recall[k] for f in figures])} / {_mean([100 * f.precision[k] for f in figures])}"
            ),
        )
    return "\n".join(lines)


def _percent(shares: Sequence[float]) -> list[float]:
    return [100 * share for share in shares]


def _mean(values: Sequence[float]) -> str:
    return f"{statistics.fmean(values):.1f}"


def _spread(values: Sequence[float], digits: int) -> str:
    """Return a value, or the mean of several with their standard deviation and the values themselves."""
    if len(values) == 1:
        return f"{values[0]:.{digits}f}"
    each = ", ".join(f"{value:.{digits}f}" for value in values)
    return f"{statistics.fmean(values):.{digits}f} ± {statistics.stdev(values):.{digits}f} ({each})"


def save(evaluation: Evaluation, folder: Path) -> None:
    """Write ``evaluation.json`` and ``.md``, and for each split the first model's confusion and reliability."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "evaluation.json").write_text(json.dumps(evaluation.as_json(), indent=1) + "\n")
    (folder / "evaluation.md").write_text(f"{', '.join(evaluation.models)}\n\n{evaluation.as_markdown()}\n")
    for split, sets in evaluation.figures.items():
        figures = sets["all"]["single"][0]
        draw_confusion(figures, folder / f"confusion-{split}.png")
        draw_reliability(figures, folder / f"reliability-{split}.png")
        rows = [
            ",".join([emotion, *map(str, counts)])
            for emotion, counts in zip(EMOTIONS, figures.confusion.tolist(), strict=True)
        ]
        header = ",".join(["label", *EMOTIONS])
        (folder / f"confusion-{split}.csv").write_text("\n".join([header, *rows]) + "\n")
