"""Two to six films side by side: as a page, a figure and a table. The chart of one film as a figure."""

import csv
import io
from dataclasses import dataclass
from importlib import metadata
from pathlib import PurePosixPath
from typing import Any, Final

import numpy as np
from flask import Blueprint, Response, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest, NotFound

from jobs.csv_cells import safe_row
from jobs.results.rows import SHARE_COLUMNS
from jobs.review.across.figures import KINDS, LEFT, RIGHT, Arc, draw_arcs
from jobs.review.library import read_library
from jobs.review.query import query_span
from jobs.review.result_store import ResultStore
from pipeline.schema import UNSURE

_KEYS: Final = "abcdef"
_BINS: Final = 240
_WHAT: Final = {
    "labels": "Height: part of the time with a face; colours: share of face-time with each label",
    "probabilities": "Height: part of the time with a face; colours: mean probabilities",
}


@dataclass(frozen=True)
class Compared:
    """A film of a comparison: its name, length in s, coverage 0..1, shares in the order of LABELS or None."""

    name: str
    length: float
    coverage: float
    shares: list[float] | None


def make_compare(store: ResultStore) -> Blueprint:
    """Return the routes of comparisons and figures; films are the parameters ``a`` to ``f``."""
    compare = Blueprint("compare", __name__)

    def names() -> list[str]:
        return [name for key in _KEYS if (name := request.args.get(key))]

    def film(name: str) -> Compared:
        index = store.index(name)
        length = index.end - index.start
        covered = float(index.covered[-1]) / length if length > 0 else 0.0
        return Compared(name, length, covered, index.shares(index.start, index.end))

    def arc(name: str, whole: bool) -> Arc:
        index = store.index(name)
        start, end = (index.start, index.end) if whole else query_span(index)
        bins = max(1, min(_BINS, index.frames))
        source: Any = store.probabilities(name) if _of() == "probabilities" else index
        return Arc(name, start, end, source.heights(start, end, bins))

    @compare.get("/compare")
    def page() -> ResponseReturnValue:
        library = [row.movie.name for row in read_library(store.out).rows if row.ready]
        films = [film(name) for name in names()]
        return render_template(
            "review/compare.html",
            films=films,
            names=library,
            keys=_KEYS,
            chosen=request.args,
            true_time=request.args.get("time") == "true",
            of=_of(),
            query=request.query_string.decode(),
            left=LEFT,
            right=RIGHT,
        )

    @compare.get("/api/compare")
    def numbers() -> ResponseReturnValue:
        """Return the films' charts in thousandths, and ``span``: s of the common axis, None where it is normalised."""
        films = [film(name) for name in names()]
        charts = [np.round(arc(name, True).heights * 1000).astype(int).T.tolist() for name in names()]
        span = max((one.length for one in films), default=0.0) if request.args.get("time") == "true" else None
        rows = [{**vars(one), "heights": heights} for one, heights in zip(films, charts, strict=True)]
        return jsonify(films=rows, span=span)

    @compare.get("/csv/compare")
    def table() -> ResponseReturnValue:
        """Return a row a film: length, coverage, the part that is sure, and shares of all face-time."""
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(["movie", "seconds", "coverage", "sure", *SHARE_COLUMNS])
        for one in (film(name) for name in names()):
            shares = [None] * len(SHARE_COLUMNS) if one.shares is None else [round(share, 6) for share in one.shares]
            sure = None if one.shares is None else round(1 - one.shares[UNSURE], 6)
            writer.writerow(safe_row([one.name, round(one.length, 6), round(one.coverage, 6), sure, *shares]))
        return _download(text.getvalue().encode(), "text/csv", "comparison.csv")

    @compare.get("/figure.<kind>")
    def figure(kind: str) -> ResponseReturnValue:
        """Return a figure: of one film its span ``from`` to ``to``, of several all of each."""
        wanted = names()
        if kind not in KINDS:
            raise NotFound(f"expected one of {', '.join(KINDS)}")
        if not wanted:
            raise BadRequest("a: expected the name of a film")
        arcs = [arc(name, len(wanted) > 1) for name in wanted]
        models = sorted({store.facts(name).model or "unknown" for name in wanted})
        origin = f"moodreel {metadata.version('moodreel')}, network {', '.join(models)}"
        content = draw_arcs(arcs, kind, request.args.get("time") == "true", _WHAT[_of()], origin)
        name = PurePosixPath(wanted[0]).name if len(wanted) == 1 else "comparison"
        return _download(content, KINDS[kind], f"{name}.{kind}")

    return compare


def _of() -> str:
    return "probabilities" if request.args.get("of") == "probabilities" else "labels"


def _download(content: bytes, kind: str, name: str) -> Response:
    answer = Response(content, mimetype=kind)
    answer.headers.set("Content-Disposition", "inline", filename=name)
    return answer
