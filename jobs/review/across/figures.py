"""Figures for a paper: labels or probabilities over time, of one film or several, as SVG, PDF or PNG.

Light, with text as text, in colours that colour-blind people tell apart and hatches that survive a grey printer.
"""

import io
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from jobs.results.wording import timecode
from pipeline.palette import LABEL_COLOURS
from pipeline.schema import LABELS

KINDS: Final = {"svg": "image/svg+xml", "pdf": "application/pdf", "png": "image/png"}
LEFT, RIGHT = 0.07, 0.985
"""Where the axes begin and end, in parts of the width: a page lays its cursor over them."""

_HATCHES: Final = ("///", "...", "xxx", "oo", "\\\\\\", "---", "", "++")
_TEXT: Final[Any] = {
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
    "font.size": 8,
    "hatch.linewidth": 0.35,
    "svg.hashsalt": "moodreel",
    "text.parse_math": False,  # a film may be called $100$
}
_lock = threading.Lock()  # matplotlib's settings are global


@dataclass(frozen=True)
class Arc:
    """What is drawn of one film.

    Attributes:
        name: of the film.
        start, end: of the span, s.
        heights: float64 ``(bins, 7 or 8)``, 0..1.
    """

    name: str
    start: float
    end: float
    heights: NDArray[np.float64]


def draw_arcs(arcs: Sequence[Arc], kind: str, true_time: bool, what: str, origin: str) -> bytes:
    """Return a figure with a row for each film.

    Args:
        arcs: of the films, from the top.
        kind: one of KINDS.
        true_time: a common axis in s; otherwise each film from its start to its end.
        what: the colours stand for.
        origin: model and version, below the figure.
    """
    import matplotlib  # takes most of a second, and only figures need it
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    with _lock, matplotlib.rc_context(_TEXT):
        height = 0.9 + 1.15 * len(arcs)
        figure = Figure(figsize=(7.2, height))
        longest = max(arc.end - arc.start for arc in arcs)
        axes: Any = figure.subplots(len(arcs), 1, squeeze=False)[:, 0]
        figure.subplots_adjust(left=LEFT, right=RIGHT, top=1 - 0.38 / height, bottom=0.62 / height, hspace=0.75)
        for axis, arc in zip(axes, arcs, strict=True):
            _draw(axis, arc, longest if true_time else arc.end - arc.start)
        shown = arcs[0].heights.shape[1]
        patches = [
            Patch(facecolor=LABEL_COLOURS[name], hatch=hatch, edgecolor="black", linewidth=0.4, label=name)
            for name, hatch in list(zip(LABELS, _HATCHES, strict=True))[:shown]
        ]
        figure.legend(handles=patches, loc="lower center", ncols=shown, frameon=False, fontsize=7, handlelength=1.6)
        figure.text(RIGHT, 0.004, origin, ha="right", va="bottom", fontsize=4.5, color="#555555")
        figure.text(LEFT, 1 - 0.03 / height, what, ha="left", va="top", fontsize=7, color="#333333")
        sink = io.BytesIO()
        metadata = {"Date": None} if kind == "svg" else {"CreationDate": None} if kind == "pdf" else {}
        figure.savefig(sink, format=kind, dpi=300, metadata=metadata)
        return sink.getvalue()


def _draw(axis: Any, arc: Arc, span: float) -> None:
    bins = len(arc.heights)
    edges = np.linspace(arc.start, arc.end, bins + 1)
    base = np.zeros(bins)
    for k, column in enumerate(arc.heights.T):
        top = base + 100 * column
        if column.any():
            axis.fill_between(
                np.repeat(edges, 2)[1:-1],
                np.repeat(base, 2),
                np.repeat(top, 2),
                facecolor=LABEL_COLOURS[LABELS[k]],
                hatch=_HATCHES[k],
                edgecolor="black",
                linewidth=0.15,
            )
        base = top
    axis.set_xlim(arc.start, arc.start + span)
    axis.set_ylim(0, 100)
    axis.set_yticks([0, 50, 100], ["0", "50%", "100%"])
    axis.set_title(arc.name, fontsize=8, loc="left", pad=3)
    ticks = [tick for tick in axis.get_xticks() if arc.start <= tick <= arc.start + 0.98 * span]
    axis.set_xticks(ticks, [timecode(float(tick), span < 20) for tick in ticks])
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
