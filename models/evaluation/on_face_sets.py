"""Measure trained networks on faces that several people judged, or of which only the group is known."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.data.face_set import FaceSet
from models.emotions import EMOTIONS
from models.evaluation.agreement import (
    SHOWN,
    Agreement,
    CoveragePoint,
    agree,
    coverage_at,
    coverage_curve,
    threshold_for,
    verdicts,
)
from models.evaluation.groups import GroupRates, in_order, rates_by_group
from models.evaluation.measure import Figures, measure
from models.evaluation.predictor import Predictor
from models.evaluation.resample import bootstrap

NOTHING_TO_COMPARE: Final = "neither votes nor labels: only how often each label is given can be measured"


@dataclass(frozen=True)
class SetFigures:
    """What one network does on a set of faces.

    Attributes:
        figures: against the verdict of most people, or the one label; None where no face has one.
        accuracy_interval, f1_interval: 95 % bootstrap, whole clips or persons drawn where they are known.
        agreement: with votes; None without.
        curve: accuracy against coverage; empty without verdicts.
        at: the point of the curve at which three quarters of the faces with a verdict carry a label.
        strata: figures by stratum and its value, where faces have verdicts.
        rates: labels by stratum.
    """

    figures: Figures | None
    accuracy_interval: tuple[float, float]
    f1_interval: tuple[float, float]
    agreement: Agreement | None
    curve: tuple[CoveragePoint, ...]
    at: CoveragePoint | None
    strata: dict[str, dict[str, Figures]]
    rates: dict[str, GroupRates]

    def as_json(self) -> dict[str, Any]:
        """Return everything for a JSON file."""
        return {
            "verdict": self.figures and self.figures.as_json(),
            "accuracy_interval_95_bootstrap": list(self.accuracy_interval) if self.figures else None,
            "macro_f1_interval_95_bootstrap": list(self.f1_interval) if self.figures else None,
            "agreement": self.agreement and self.agreement.as_json(),
            "coverage": [point.as_json() for point in self.curve],
            "at_three_quarters_shown": self.at and self.at.as_json(),
            "strata": {
                name: {value: figures.as_json() for value, figures in values.items()}
                for name, values in self.strata.items()
            },
            "rates": {name: rates.as_json() for name, rates in self.rates.items()},
        }


@dataclass(frozen=True)
class SetEvaluation:
    """The figures of one or several networks on a set of faces.

    Attributes:
        name: of the set.
        models: names.
        faces: how many there are.
        decided, unclear, no_face: how many have a verdict for an emotion, for unclear, for no face.
        judged_by: what the figures compare with, in words.
        clustered_by: what intervals resample whole, such as ``clip``; empty: faces.
        notes: what could not be used, and what was assumed.
        figures: one for each model.
    """

    name: str
    models: tuple[str, ...]
    faces: int
    decided: int
    unclear: int
    no_face: int
    judged_by: str
    clustered_by: str
    notes: tuple[str, ...]
    figures: tuple[SetFigures, ...]

    def as_json(self) -> dict[str, Any]:
        """Return everything for a JSON file."""
        plain = {key: value for key, value in vars(self).items() if key not in ("models", "figures", "notes")}
        return plain | {
            "models": list(self.models),
            "notes": list(self.notes),
            "figures": [figures.as_json() for figures in self.figures],
        }


def evaluate_set(predictors: Sequence[Predictor], faces: FaceSet) -> SetEvaluation:
    """Measure each network, single crop, on all faces of the set."""
    found = verdicts(faces.shares())
    voted = bool(faces.votes.any())
    labels = found.labels if voted else faces.labels
    notes = list(faces.notes)
    if not voted and not (labels >= 0).any():
        notes.append(NOTHING_TO_COMPARE)
    figures = []
    for predictor in predictors:
        probabilities = predictor.predict(faces.crops)
        figures.append(_figures(probabilities, labels, found.unclear, found.target, faces))
    return SetEvaluation(
        faces.name,
        tuple(predictor.name for predictor in predictors),
        len(faces),
        int((labels >= 0).sum()),
        int(found.unclear.sum()),
        int(found.no_face.sum()),
        _judged_by(faces, voted),
        faces.clustered_by,
        tuple(notes),
        tuple(figures),
    )


def _judged_by(faces: FaceSet, voted: bool) -> str:
    if voted:
        people = faces.votes.sum(axis=1)
        people = people[people > 0]
        if np.allclose(people, 1):
            return "more than half of the votes"
        low, high = int(people.min()), int(people.max())
        return f"more than half of the votes of {low if low == high else f'{low} to {high}'} people"
    return "one label for each face" if (faces.labels >= 0).any() else "nothing"


def _figures(
    probabilities: NDArray[np.float32],
    labels: NDArray[np.int64],
    unclear: NDArray[np.bool_],
    target: NDArray[np.float64],
    faces: FaceSet,
) -> SetFigures:
    decided = np.flatnonzero(labels >= 0)
    predicted = probabilities.argmax(axis=1).astype(np.int64)
    rates = {name: rates_by_group(predicted, words) for name, words in faces.strata.items()} if len(faces) else {}
    nothing = (float("nan"), float("nan"))
    if len(decided) == 0:
        return SetFigures(None, nothing, nothing, agree(probabilities, target), (), None, {}, rates)
    hit = predicted[decided] == labels[decided]
    cluster = faces.cluster[decided] if len(faces.cluster) else decided

    def figures_of(rows: NDArray[np.int64]) -> Figures:
        return measure(probabilities[rows], labels[rows])

    strata = {
        name: {value: figures_of(decided[words[decided] == value]) for value in in_order(words[decided])}
        for name, words in faces.strata.items()
    }
    threshold = threshold_for(SHOWN, probabilities, labels)
    return SetFigures(
        figures_of(decided),
        bootstrap(lambda rows: float(hit[rows].mean()), cluster),
        bootstrap(_macro_f1(predicted[decided], labels[decided]), cluster),
        agree(probabilities, target),
        tuple(coverage_curve(probabilities, labels, unclear)),
        coverage_at(threshold, probabilities, labels, unclear),
        strata,
        rates,
    )


def _macro_f1(predicted: NDArray[np.int64], labels: NDArray[np.int64]) -> Callable[[NDArray[np.int64]], float]:
    """Return a function from rows to their macro-F1, over the emotions that are there or predicted, as `measure`."""
    k = len(EMOTIONS)
    cell = labels * k + predicted

    def of(rows: NDArray[np.int64]) -> float:
        confusion = np.bincount(cell[rows], minlength=k * k).reshape(k, k)
        total = confusion.sum(axis=0) + confusion.sum(axis=1)
        there = total > 0
        return float((2 * confusion.diagonal()[there] / total[there]).mean())

    return of
