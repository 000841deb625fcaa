"""Pack the pictures for a machine that learns: framed alike, compressed, in pieces of some 20 MB."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from models.data import read_dataset
from models.data.faces import CROP_SIZE

FRAME: Final = 64
"""Side of a frame, px. Its middle :data:`CROP_SIZE` px are the face as the pipeline cuts it out; what lies around them
lets views be shifted, turned and enlarged without inventing pixels, where a picture shows more than the face."""

_LFW_SIDE: Final = 1.6
_CROP_SIDE: Final = 1.1
"""Side of a square in units of the detector's box: in the file of LFW, and as the pipeline cuts it."""

_PIECE: Final = 14_000
"""Pictures in a piece."""


def pack(data: Path, lfw: Path | None, film: Path | None, out: Path) -> None:
    """Write ``train-*.npz``, ``lfw-*.npz`` and ``dev.npz``.

    Args:
        data: FER2013 with FER+'s votes. Clean rows of Training are learned from, PublicTest is for choices.
        lfw: ``lfw_faces88.npz``; learned from.
        film: ``film_faces_dev.npz``; for choices alone.
        out: folder to write to.
    """
    out.mkdir(parents=True, exist_ok=True)
    splits = read_dataset(data)
    train = splits.split("train").only_clean()
    for number, start in enumerate(range(0, len(train), _PIECE)):
        some = train.only(slice(start, start + _PIECE))
        np.savez(out / f"train-{number}.npz", **_lossless(some.crops), labels=some.labels, votes=some.votes)
    if lfw:
        with np.load(lfw) as arrays:
            found = {name: arrays[name] for name in arrays.files}
        framed = _joined(_framed(found["jpg"], found["offset"]))
        np.savez(out / "lfw-0.npz", **framed, labels=found["label"], persons=found["person"])
    public = splits.split("public")
    dev = {"public": public.crops, "public_labels": public.labels, "public_votes": public.votes}
    if film:
        with np.load(film) as arrays:
            dev |= {"film": arrays["crops"], "film_votes": arrays["votes"]}
    np.savez_compressed(out / "dev.npz", **dev)


def _lossless(crops: NDArray[np.uint8]) -> dict[str, NDArray[np.generic]]:
    return _joined(cv2.imencode(".webp", crop, [cv2.IMWRITE_WEBP_QUALITY, 101])[1] for crop in crops)


def _framed(jpg: NDArray[np.uint8], offset: NDArray[np.int64]) -> Iterator[NDArray[np.uint8]]:
    for first, last in itertools.pairwise(offset):
        picture = cv2.imdecode(jpg[first:last], cv2.IMREAD_GRAYSCALE)
        side = picture.shape[0]
        edge = (side - side * _CROP_SIDE / _LFW_SIDE * FRAME / CROP_SIZE) / 2
        inside = picture[round(edge) : side - round(edge), round(edge) : side - round(edge)]
        framed = cv2.resize(inside, (FRAME, FRAME), interpolation=cv2.INTER_AREA)
        yield cv2.imencode(".jpg", framed, [cv2.IMWRITE_JPEG_QUALITY, 90])[1]


def _joined(pictures: Iterator[NDArray[np.uint8]]) -> dict[str, NDArray[np.generic]]:
    files = [picture.ravel() for picture in pictures]
    return {"files": np.concatenate(files), "offset": np.cumsum([0, *map(len, files)])}


def unpack(piece: Path) -> tuple[NDArray[np.uint8], dict[str, NDArray[np.generic]]]:
    """Return the frames of a piece, uint8 ``(n, 64, 64)``, and its other arrays."""
    with np.load(piece) as arrays:
        found = {name: arrays[name] for name in arrays.files}
    files, offset = found.pop("files"), found.pop("offset")
    frames = [cv2.imdecode(files[a:b], cv2.IMREAD_GRAYSCALE) for a, b in itertools.pairwise(offset)]
    return np.stack([_widened(frame) for frame in frames]), found


def _widened(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    edge = (FRAME - picture.shape[0]) // 2
    return np.pad(picture, edge, mode="edge") if edge else picture


def as_frame(crops: Tensor) -> Tensor:
    """Return uint8 crops ``(n, 48, 48)`` as frames, their edges repeated."""
    edge = (FRAME - CROP_SIZE) // 2
    return functional.pad(crops.unsqueeze(1).float(), (edge,) * 4, mode="replicate").squeeze(1).byte()
