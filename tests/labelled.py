"""Small made-up data sets of labelled faces, in every format that people have."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from models.data.faces import CROP_SIZE, FERPLUS, Faces, faces_of
from models.emotions import EMOTIONS

TRAIN, PUBLIC = 0, 1


def pictures(count: int, seed: int = 0) -> NDArray[np.uint8]:
    """Return uint8 ``(n, 48, 48)`` pictures of smooth noise, each with a look of its own."""
    coarse = np.random.default_rng(seed).integers(0, 256, (count, 8, 8), np.uint8)
    return np.array([cv2.resize(picture, (48, 48)) for picture in coarse], np.uint8).reshape(count, 48, 48)


def faces(count: int, seed: int = 0) -> Faces:
    """Return faces whose labels go round through the emotions."""
    return faces_of(pictures(count, seed), np.arange(count) % len(EMOTIONS))


def npz_columns(count: int = 10) -> dict[str, Any]:
    """Return FER2013's columns in small: every third row is of the public split; picture k is all k."""
    rows = np.arange(count)
    return {
        "images": np.broadcast_to(rows[:, None, None], (count, 48, 48)).astype(np.uint8),
        "label": (rows % 7).astype(np.uint8),
        "usage": np.where(rows % 3 == 2, PUBLIC, TRAIN).astype(np.uint8),
        "near_dup": rows == 3,
        "not_a_face": rows == 4,
        "label_names": np.array(EMOTIONS),
    }


def write_npz(path: Path, columns: dict[str, Any] | None = None, **changes: Any) -> Path:
    """Write an npz; a change to None leaves a column out."""
    content = (columns or npz_columns()) | changes
    np.savez(path, **{name: value for name, value in content.items() if value is not None})
    return path


def write_learnable_npz(path: Path, count: int = 60) -> Path:
    """Write an npz of smooth noise with votes, a fifth of it public."""
    rows = np.arange(count)
    votes = np.zeros((count, len(FERPLUS)), np.uint8)
    votes[rows, rows % len(FERPLUS)] = 10
    columns = npz_columns(count) | {
        "images": pictures(count),
        "usage": (rows % 5 == 0).astype(np.uint8),
        "ferplus_votes": votes,
        "row_uncertain": rows == 7,
    }
    return write_npz(path, columns)


def write_csv(
    path: Path, rows: Sequence[Sequence[object]], header: Sequence[str] = ("emotion", "pixels", "Usage")
) -> Path:
    """Write rows as a csv."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def pixels(crop: NDArray[np.uint8]) -> str:
    """Return a crop as Kaggle's csv has it."""
    return " ".join(map(str, crop.ravel()))


def write_seeing_teacher(path: Path) -> Path:
    """Write a network of made-up weights that gives probabilities and, beside them, six features, as ONNX."""
    rng = np.random.default_rng(0)
    weights = {
        "seeing": rng.normal(0, 0.05, (CROP_SIZE**2, 6)),
        "saying": rng.normal(0, 1, (6, len(EMOTIONS))),
    }
    nodes = [
        helper.make_node("Flatten", ["crop"], ["flat"]),
        helper.make_node("MatMul", ["flat", "seeing"], ["features"]),
        helper.make_node("MatMul", ["features", "saying"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["emotion"]),
    ]
    tensors = {
        name: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", *shape])
        for name, shape in (("crop", (CROP_SIZE, CROP_SIZE, 1)), ("emotion", (len(EMOTIONS),)), ("features", (6,)))
    }
    stored = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "teacher", [tensors["crop"]], [tensors["emotion"], tensors["features"]], stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path.write_bytes(model.SerializeToString())
    return path
