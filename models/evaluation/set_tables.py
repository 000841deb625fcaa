"""Figures of sets of faces as Markdown and CSV."""

import csv
import io
import math
import statistics
from collections.abc import Callable, Iterator, Sequence

from models.emotions import EMOTIONS
from models.evaluation.measure import Figures
from models.evaluation.on_face_sets import SetEvaluation, SetFigures


def set_as_markdown(evaluation: SetEvaluation) -> str:
    """Return a heading, notes and tables: against the verdict, with votes, by coverage, by stratum, by group."""
    head = [f"## {evaluation.name}: {evaluation.faces} faces", ""]
    head += [f"- {line}" for line in _facts(evaluation)]
    blocks = ["\n".join(head), *_blocks(evaluation)]
    return "\n\n".join(block for block in blocks if block)


def _facts(evaluation: SetEvaluation) -> Iterator[str]:
    if evaluation.decided:
        yield f"Compared with {evaluation.judged_by}: {evaluation.decided} faces have such a verdict."
    if evaluation.unclear or evaluation.no_face:
        yield f"Most people found {evaluation.unclear} faces unclear and {evaluation.no_face} no face."
    if evaluation.clustered_by:
        yield f"Intervals by bootstrap draw whole values of `{evaluation.clustered_by}`."
    for note in evaluation.notes:
        yield note[0].upper() + note[1:] + "."


def _blocks(evaluation: SetEvaluation) -> Iterator[str]:
    figures = evaluation.figures
    if evaluation.decided:
        yield _main_table(evaluation)
        yield _coverage_table(figures)
        for name in figures[0].strata:
            yield _stratum_table(name, figures)
    for name, first in figures[0].rates.items():
        if not evaluation.decided or name == "group":
            yield _rates_table(name, figures)
            if first.differences:
                yield _differences(name, figures)


def _main_table(evaluation: SetEvaluation) -> str:
    names = evaluation.models
    lines = [f"| {evaluation.name} | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]

    def row(name: str, cell: Callable[[SetFigures], str]) -> None:
        lines.append(f"| {name} | " + " | ".join(cell(figures) for figures in evaluation.figures) + " |")

    def verdict(cell: Callable[[Figures], str]) -> Callable[[SetFigures], str]:
        return lambda figures: cell(figures.figures) if figures.figures else "-"

    row("accuracy, %", verdict(lambda f: _percent(f.accuracy)))
    row("95 % interval (Wilson)", verdict(lambda f: _interval(f.interval)))
    row("95 % interval (bootstrap)", lambda f: _interval(f.accuracy_interval))
    row("macro-F1", verdict(lambda f: f"{f.macro_f1:.3f}"))
    row("95 % interval (bootstrap)", lambda f: "-".join(f"{end:.3f}" for end in f.f1_interval))
    if evaluation.figures[0].agreement:
        for title, name, scale in (
            ("cross-entropy with votes, nats", "cross_entropy", 1),
            ("of it, people's own disagreement", "entropy", 1),
            ("Brier score against votes", "brier", 1),
            ("ECE against votes, %", "ece", 100),
        ):
            row(title, _agreement(name, scale))
    row("at 75 % shown: right, %", lambda f: _percent(f.at.right) if f.at else "-")
    row("at 75 % shown: threshold", lambda f: f"{f.at.threshold:.2f}" if f.at else "-")
    if evaluation.unclear:
        row("at 75 % shown: unclear faces that carry a label, %", lambda f: _percent(f.at.unclear) if f.at else "-")
    for k, emotion in enumerate(EMOTIONS):
        counts = evaluation.figures[0].figures
        count = int(counts.confusion[k].sum()) if counts else 0
        row(
            f"{emotion} ({count}): recall / precision, %",
            verdict(lambda f, k=k: f"{_percent(f.recall[k])} / {_percent(f.precision[k])}"),  # type: ignore[misc]
        )
    if len(names) > 1:
        lines += ["", _spread(evaluation.figures)]
    return "\n".join(lines)


def _agreement(name: str, scale: int) -> Callable[[SetFigures], str]:
    digits = 1 if scale > 1 else 3
    return lambda figures: f"{scale * getattr(figures.agreement, name):.{digits}f}" if figures.agreement else "-"


def _spread(several: Sequence[SetFigures]) -> str:
    found = [figures.figures for figures in several if figures.figures]
    accuracy, f1 = [100 * f.accuracy for f in found], [f.macro_f1 for f in found]
    return (
        f"Mean and standard deviation: accuracy {statistics.fmean(accuracy):.1f} ± {statistics.stdev(accuracy):.1f} %, "
        f"macro-F1 {statistics.fmean(f1):.3f} ± {statistics.stdev(f1):.3f}"
    )


def _coverage_table(several: Sequence[SetFigures]) -> str:
    lines = [
        "Labels below a threshold of the highest probability left out; means over the networks, in %:",
        "",
        "| threshold | faces with a verdict: labelled | right of these | 95 % interval | unclear faces: labelled |",
        "|---:|---:|---:|---|---:|",
    ]
    for points in zip(*(figures.curve for figures in several), strict=True):
        interval = tuple(_mean([point.interval[end] for point in points]) for end in (0, 1))
        cells = [_mean([getattr(point, name) for point in points]) for name in ("shown", "right", "unclear")]
        lines.append(
            f"| {points[0].threshold:.2f} | {_percent(cells[0])} | {_percent(cells[1])} "
            f"| {_interval(interval)} | {_percent(cells[2])} |"
        )
    return "\n".join(lines)


def _stratum_table(name: str, several: Sequence[SetFigures]) -> str:
    lines = [f"| {name} | faces | accuracy, % | 95 % interval (Wilson) | macro-F1 |", "|---|---:|---:|---|---:|"]
    for value in several[0].strata[name]:
        found = [figures.strata[name][value] for figures in several]
        interval = tuple(_mean([f.interval[end] for f in found]) for end in (0, 1))
        accuracy, f1 = _mean([f.accuracy for f in found]), _mean([f.macro_f1 for f in found])
        lines.append(f"| {value} | {found[0].rows} | {_percent(accuracy)} | {_interval(interval)} | {f1:.3f} |")
    return "\n".join(lines)


def _rates_table(name: str, several: Sequence[SetFigures]) -> str:
    lines = [f"| {name}: rate of each label, % | faces | " + " | ".join(EMOTIONS) + " |"]
    lines.append("|---|" + "---:|" * (len(EMOTIONS) + 1))
    first = several[0].rates[name]
    for k, (value, rows) in enumerate(zip(first.names, first.rows, strict=True)):
        means = [_mean([float(f.rates[name].rates[k, e]) for f in several]) for e in range(len(EMOTIONS))]
        lines.append(f"| {value} | {rows} | " + " | ".join(_percent(mean) for mean in means) + " |")
    return "\n".join(lines)


def _differences(name: str, several: Sequence[SetFigures]) -> str:
    """Return the largest difference of each label, and the largest of all, of the first network."""
    found = several[0].rates[name].differences
    lines = [f"Largest differences between values of {name} (points, 95 % interval by bootstrap):", ""]
    for one in found:
        low, high = (100 * end for end in one.interval)
        lines.append(
            f"- {one.emotion}: {100 * one.difference:.1f} ({low:.1f} to {high:.1f}), {one.high} over {one.low}"
        )
    largest = max(found, key=lambda one: one.difference)
    lines += ["", f"**The largest of all: {largest.emotion}, {100 * largest.difference:.1f} points.**"]
    lines += ["", "Rates also differ where the faces do: who collected them may have found more smiles in one group."]
    return "\n".join(lines)


def set_as_csv(evaluation: SetEvaluation) -> str:
    """Return tidy rows: model, part, value, figure, number; empty where a figure does not exist."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["set", "model", "by", "value", "figure", "number"])
    for model, figures in zip(evaluation.models, evaluation.figures, strict=True):
        for row in _csv_rows(figures):
            writer.writerow([evaluation.name, model, *(("" if _is_nan(cell) else cell) for cell in row)])
    return text.getvalue()


def _csv_rows(figures: SetFigures) -> Iterator[tuple[object, ...]]:
    if figures.figures:
        yield from (("all", "", *row) for row in _plain(figures.figures))
    if figures.agreement:
        yield from (("all", "", name, value) for name, value in vars(figures.agreement).items())
    for point in figures.curve:
        for name in ("shown", "right", "unclear"):
            yield "threshold", point.threshold, name, getattr(point, name)
    for stratum, values in figures.strata.items():
        for value, found in values.items():
            yield from ((stratum, value, *row) for row in _plain(found))
    for stratum, rates in figures.rates.items():
        for value, row in zip(rates.names, rates.rates.tolist(), strict=True):
            yield from ((stratum, value, f"rate_{e}", rate) for e, rate in zip(EMOTIONS, row, strict=True))


def _plain(figures: Figures) -> Iterator[tuple[str, float]]:
    yield from (("faces", figures.rows), ("accuracy", figures.accuracy), ("macro_f1", figures.macro_f1))
    yield from (("accuracy_low", figures.interval[0]), ("accuracy_high", figures.interval[1]))


def _mean(values: Sequence[float]) -> float:
    there = [value for value in values if not math.isnan(value)]
    return statistics.fmean(there) if there else math.nan


def _percent(share: float) -> str:
    return "-" if math.isnan(share) else f"{100 * share:.1f}"


def _interval(ends: Sequence[float]) -> str:
    return "-" if any(map(math.isnan, ends)) else "-".join(f"{100 * end:.1f}" for end in ends)


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)
