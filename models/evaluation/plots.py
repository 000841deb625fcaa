"""Pictures of trainings and of what networks get right: PNG files."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from models.emotions import EMOTIONS
from models.evaluation.agreement import CoveragePoint
from models.evaluation.groups import GroupRates
from models.evaluation.measure import Figures


def draw_curves(rows: Sequence[dict[str, float]], path: Path) -> None:
    """Draw loss and accuracy, training and validation, over the rows of ``history.csv``."""
    figure = _figure(9, 3.5)
    epochs = [row["epoch"] for row in rows]
    for axes, name in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        axes.plot(epochs, [row[name] for row in rows], label="training", color="#999999")
        axes.plot(epochs, [row[f"val_{name}"] for row in rows], label="validation", color="#0072B2")
        axes.set_xlabel("epoch")
        axes.set_ylabel(name)
        axes.legend(frameon=False)
        axes.grid(alpha=0.3)
    _save(figure, path)


def draw_confusion(figures: Figures, path: Path) -> None:
    """Draw the confusion matrix: each row in percent of its label, with the counts' colours by percent."""
    figure = _figure(6, 5.5)
    axes = figure.subplots()
    percent = 100 * figures.confusion / np.maximum(figures.confusion.sum(axis=1, keepdims=True), 1)
    axes.imshow(percent, cmap="Blues", vmin=0, vmax=100)
    for i, j in np.ndindex(percent.shape):
        colour = "white" if percent[i, j] > 55 else "black"
        axes.text(j, i, f"{percent[i, j]:.0f}", ha="center", va="center", color=colour)
    axes.set_xticks(range(len(EMOTIONS)), EMOTIONS, rotation=45, ha="right")
    counts = figures.confusion.sum(axis=1)
    axes.set_yticks(range(len(EMOTIONS)), [f"{name} ({count})" for name, count in zip(EMOTIONS, counts, strict=True)])
    axes.set_xlabel("predicted, % of the label's pictures")
    axes.set_ylabel("label (pictures)")
    _save(figure, path)


def draw_reliability(figures: Figures, path: Path) -> None:
    """Draw accuracy over confidence: calibrated probabilities follow the diagonal."""
    figure = _figure(5, 5)
    upper, lower = figure.subplots(2, 1, height_ratios=(3, 1), sharex=True)
    filled = figures.bins[:, 0] > 0
    rows, confidence, accuracy = figures.bins[filled].T
    upper.plot([0, 1], [0, 1], color="#999999", linestyle="--")
    upper.plot(confidence, accuracy, marker="o", color="#0072B2")
    upper.set_ylabel("part that is right")
    upper.set_title(f"expected calibration error {100 * figures.ece:.1f} %", fontsize=10)
    upper.grid(alpha=0.3)
    lower.bar(confidence, rows, width=0.05, color="#56B4E9")
    lower.set_xlabel("highest probability")
    lower.set_ylabel("pictures")
    lower.set_xlim(0, 1)
    _save(figure, path)


def draw_coverage(curve: Sequence[CoveragePoint], path: Path) -> None:
    """Draw which part of the labels is right over the part that is shown, and how many unclear faces carry one."""
    figure = _figure(5.5, 4.5)
    axes = figure.subplots()
    shown = [100 * point.shown for point in curve]
    axes.plot(shown, [100 * point.right for point in curve], marker="o", color="#0072B2", label="right, of those shown")
    low, high = ([100 * point.interval[end] for point in curve] for end in (0, 1))
    axes.fill_between(shown, low, high, color="#0072B2", alpha=0.15, linewidth=0)
    if not math.isnan(curve[0].unclear):
        unclear = [100 * point.unclear for point in curve]
        axes.plot(shown, unclear, marker="s", color="#D55E00", label="unclear faces that carry a label")
    axes.set_xlabel("faces with a verdict that carry a label, %")
    axes.set_ylabel("%")
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 100)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    _save(figure, path)


def draw_rates(rates: GroupRates, path: Path) -> None:
    """Draw the rate of each label, a bar for each group."""
    figure = _figure(9, 4)
    axes = figure.subplots()
    width = 0.8 / len(rates.names)
    shades = [f"{0.15 + 0.65 * k / max(len(rates.names) - 1, 1):.2f}" for k in range(len(rates.names))]
    for k, (name, row) in enumerate(zip(rates.names, rates.rates, strict=True)):
        places = np.arange(len(EMOTIONS)) + k * width - 0.4 + width / 2
        axes.bar(places, 100 * row, width, label=f"{name} ({rates.rows[k]})", color=shades[k])
    axes.set_xticks(range(len(EMOTIONS)), EMOTIONS)
    axes.set_ylabel("faces with this label, %")
    axes.grid(alpha=0.3, axis="y")
    axes.legend(frameon=False, ncols=2, fontsize=8)
    _save(figure, path)


def _figure(width: float, height: float) -> Any:
    # Imported here: it takes a while, and only training and evaluation draw.
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def _save(figure: Any, path: Path) -> None:
    """Replace the picture whole: somebody may be looking at it."""
    temporary = path.with_name(f".tmp-{path.name}")
    figure.savefig(temporary, dpi=100)
    temporary.replace(path)
