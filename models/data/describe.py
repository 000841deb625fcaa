"""A look at a data set before training on it: counts per class and split, and pictures."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.data.dataset import Dataset
from models.data.faces import FERPLUS
from models.emotions import EMOTIONS

_SAMPLES = 10


def count_table(dataset: Dataset) -> str:
    """Return a Markdown table: a row per emotion, a column per split, and what FER+ and duplicates say of the rows."""
    splits = dataset.splits
    lines = ["| | " + " | ".join(splits) + " |", "|---|" + "---:|" * len(splits)]

    def row(name: str, counts: list[int]) -> None:
        lines.append(f"| {name} | " + " | ".join(map(str, counts)) + " |")

    for k, emotion in enumerate(EMOTIONS):
        row(emotion, [int((faces.labels == k).sum()) for faces in splits.values()])
    row("all", [len(faces) for faces in splits.values()])
    row("clean (no copy in another split, a face)", [int(faces.clean.sum()) for faces in splits.values()])
    row("with FER+ votes", [int(faces.votes.any(axis=1).sum()) for faces in splits.values()])
    row("most votes for NF (no face)", [_majority(faces.votes, "NF") for faces in splits.values()])
    return "\n".join([*lines, "", *dataset.faults.lines()]).rstrip()


def _majority(votes: NDArray[np.float32], name: str) -> int:
    return int((votes.any(axis=1) & (votes.argmax(axis=1) == FERPLUS.index(name))).sum())


def draw_dataset(dataset: Dataset, path: Path) -> None:
    """Save a picture: samples of each class (always the same ones), and a bar chart of the counts by split."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 6), layout="constrained")
    left, right = np.asarray(figure.subfigures(1, 2, width_ratios=(3, 2)))
    grid = left.subplots(len(EMOTIONS), _SAMPLES)
    crops = np.concatenate([faces.crops for faces in dataset.splits.values()])
    labels = np.concatenate([faces.labels for faces in dataset.splits.values()])
    for k, (emotion, cells) in enumerate(zip(EMOTIONS, grid, strict=True)):
        rows = np.random.default_rng(0).permutation(np.flatnonzero(labels == k))
        for cell in cells:
            cell.set_xticks([])
            cell.set_yticks([])
            cell.set_frame_on(False)
        for cell, row in zip(cells, rows, strict=False):
            cell.imshow(crops[row], cmap="gray", vmin=0, vmax=255)
        cells[0].set_ylabel(emotion, rotation=0, ha="right", va="center")
    axes = right.subplots()
    height = 0.8 / len(dataset.splits)
    for n, (name, faces) in enumerate(dataset.splits.items()):
        counts = np.bincount(faces.labels, minlength=len(EMOTIONS))
        bars = axes.barh(np.arange(len(EMOTIONS)) + n * height, counts, height, label=name)
        axes.bar_label(bars, fontsize=8, padding=2)
    axes.set_yticks(np.arange(len(EMOTIONS)) + 0.4 - height / 2, EMOTIONS)
    axes.invert_yaxis()
    axes.set_xlabel("pictures")
    axes.margins(x=0.12)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=100)
