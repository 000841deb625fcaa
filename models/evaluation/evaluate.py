"""Measure trained networks on labelled pictures they never saw, and write down what came out."""

import json
import statistics
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.data.dataset import Dataset
from models.data.face_set import FaceSet, face_set_of
from models.data.faces import Faces
from models.emotions import EMOTIONS
from models.errors import DatasetError
from models.evaluation.measure import Figures, measure
from models.evaluation.on_face_sets import SetEvaluation, evaluate_set
from models.evaluation.plots import draw_confusion, draw_coverage, draw_rates, draw_reliability
from models.evaluation.predictor import Predict, Predictor
from models.evaluation.set_tables import set_as_csv, set_as_markdown

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


def evaluate(predictors: Sequence[Predictor], dataset: Dataset, split: str | None) -> Evaluation:
    """Measure each network.

    Single crop, and the mean over ten views (shifted by 2 px, mirrored). On all rows; on the clean ones; and, where
    a model's temperature was fitted on every second row of the split, on the others.

    Args:
        predictors: at least one.
        dataset: to measure on.
        split: its name; None for every split but ``train``.

    Raises:
        DatasetError: there is no such split.
    """
    return Evaluation(
        tuple(predictor.name for predictor in predictors),
        {name: _evaluate_split(predictors, dataset.split(name), name) for name in splits_to_measure(dataset, split)},
    )


def evaluate_all(
    predictors: Sequence[Predictor], several: Sequence[Dataset | FaceSet], split: str | None
) -> tuple[Evaluation, list[SetEvaluation]]:
    """Measure each network on everything: splits with labels, and sets of faces.

    Splits with FER+'s votes are measured as sets, too. Where there are several data sets, the names of their splits
    begin with the names of their files.

    Args:
        predictors: at least one.
        several: data sets and sets of faces.
        split: see :func:`evaluate`; of data sets.

    Raises:
        DatasetError: a data set has no such split.
    """
    datasets = [dataset for dataset in several if isinstance(dataset, Dataset)]
    figures: dict[str, dict[str, dict[str, tuple[Figures, ...]]]] = {}
    sets = []
    for dataset in datasets:
        before = f"{dataset.path.stem}-" if len(datasets) > 1 else ""
        for name, found in evaluate(predictors, dataset, split).figures.items():
            figures[_new(before + name, figures)] = found
            voted = face_set_of(f"{before}{name}-votes", dataset.split(name))
            if len(voted):
                sets.append(evaluate_set(predictors, voted))
    sets += [evaluate_set(predictors, faces) for faces in several if isinstance(faces, FaceSet)]
    named: dict[str, SetEvaluation] = {}
    for evaluation in sets:
        name = _new(evaluation.name, named)
        named[name] = replace(evaluation, name=name)
    return Evaluation(tuple(predictor.name for predictor in predictors), figures), list(named.values())


def _new(name: str, taken: Container[str]) -> str:
    """Return the name, with a number if it is taken."""
    return next(found for found in chain([name], (f"{name}-{k}" for k in count(2))) if found not in taken)


def splits_to_measure(dataset: Dataset, split: str | None) -> list[str]:
    """Return the names of the splits that are measured: the one that is asked for, or all but ``train``.

    Raises:
        DatasetError: there is none but ``train``.
    """
    names = [split] if split else [name for name in dataset.splits if name != "train"]
    if not names:
        raise DatasetError(f"{dataset.path}: expected a split other than train; name one with --split")
    return names


def _evaluate_split(
    predictors: Sequence[Predictor], faces: Faces, split: str
) -> dict[str, dict[str, tuple[Figures, ...]]]:
    row_sets = {"all": np.ones(len(faces), np.bool_), "clean": faces.clean}
    if any(predictor.model.calibrated_on == f"even rows of {split}" for predictor in predictors):
        row_sets["uncalibrated"] = np.arange(len(faces)) % 2 == 1
    views: dict[str, Callable[[Predict], Predict]] = {"single": lambda predict: predict, "ten": ten_views}
    found: dict[str, dict[str, tuple[Figures, ...]]] = {name: {} for name in row_sets}
    for view, through in views.items():
        answers = [through(predictor.predict)(faces.crops) for predictor in predictors]
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


def save(evaluation: Evaluation, sets: Sequence[SetEvaluation], folder: Path) -> None:
    """Write ``evaluation.json`` and ``.md`` over everything, and tables and pictures of the first model.

    Args:
        evaluation: of splits: confusion and reliability of each.
        sets: accuracy against coverage, rates of labels, and all figures as CSV.
        folder: where to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    content = evaluation.as_json() | {"sets": {found.name: found.as_json() for found in sets}}
    (folder / "evaluation.json").write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    (folder / "evaluation.md").write_text(
        f"{', '.join(evaluation.models)}\n\n{as_markdown(evaluation, sets)}\n", encoding="utf-8"
    )
    for split, row_sets in evaluation.figures.items():
        _save_figures(row_sets["all"]["single"][0], split, folder)
    for found in sets:
        (folder / f"figures-{found.name}.csv").write_text(set_as_csv(found), encoding="utf-8")
        first = found.figures[0]
        if first.figures:
            _save_figures(first.figures, found.name, folder)
            draw_coverage(first.curve, folder / f"coverage-{found.name}.png")
        for stratum, rates in first.rates.items():
            draw_rates(rates, folder / f"rates-{found.name}-{stratum.replace(' ', '-')}.png")


def as_markdown(evaluation: Evaluation, sets: Sequence[SetEvaluation]) -> str:
    """Return the tables of splits, then those of sets of faces."""
    tables = [evaluation.as_markdown(), *map(set_as_markdown, sets)]
    return "\n\n".join(table for table in tables if table)


def _save_figures(figures: Figures, name: str, folder: Path) -> None:
    draw_confusion(figures, folder / f"confusion-{name}.png")
    draw_reliability(figures, folder / f"reliability-{name}.png")
    rows = [
        ",".join([emotion, *map(str, counts)])
        for emotion, counts in zip(EMOTIONS, figures.confusion.tolist(), strict=True)
    ]
    header = ",".join(["label", *EMOTIONS])
    (folder / f"confusion-{name}.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
