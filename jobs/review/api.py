"""What the pages' scripts fetch, as JSON: at the resolution that is needed, never a whole table."""

from typing import Any, Final

import numpy as np
from flask import Blueprint, jsonify, url_for
from flask.typing import ResponseReturnValue
from numpy.typing import NDArray

from jobs.results import boxes, lanes
from jobs.results.intervals import find_intervals, next_interval
from jobs.results.tables import read_table
from jobs.results.wording import shares_of
from jobs.review.library import read_library
from jobs.review.query import a_filter, a_number, a_span
from jobs.review.result_store import ResultStore
from pipeline.schema import EMOTIONS

_MOST_BINS: Final = 2_000
_SCENES_AT_ONCE: Final = 100
_FACES_AT_ONCE: Final = 60
_MOMENTS_AT_ONCE: Final = 100
_MOST_MARKS: Final = 3_000
_SHARES: Final = [f"share_{emotion}" for emotion in EMOTIONS]


def make_api(shelf: ResultStore) -> Blueprint:
    """Return the routes under ``/api/``; ``name`` is a movie's path below the input folder."""
    api = Blueprint("api", __name__, url_prefix="/api")

    @api.get("/state/<path:name>")
    def state(name: str) -> ResponseReturnValue:
        """Tell how far a movie is."""
        found = next((row for row in read_library(shelf.out).rows if row.movie.name == name), None)
        if found is None:
            return jsonify(state="gone", percent=None)
        return jsonify(state=found.movie.state, percent=found.movie.percent)

    @api.get("/movie/<path:name>")
    def movie(name: str) -> ResponseReturnValue:
        """Tell what the page needs first: the clock, scenes and cuts in ms, what can be played."""
        return jsonify(_facts(shelf, name))

    @api.get("/shares/<path:name>")
    def shares(name: str) -> ResponseReturnValue:
        """Give the chart of a span: per emotion the heights of ``bins`` equal parts, in thousandths."""
        summary = shelf.summary(name)
        start, end = a_span(summary)
        bins = int(a_number("bins", 600, 1, _MOST_BINS))
        heights = np.round(summary.heights(start, end, bins) * 1000).astype(int)
        return jsonify({"from": start, "to": end, "heights": heights.T.tolist()})

    @api.get("/lanes/<path:name>")
    def lanes_of(name: str) -> ResponseReturnValue:
        """Give the tracks of a span; see :func:`jobs.results.lanes.visible`."""
        start, end = a_span(shelf.summary(name))
        return jsonify(lanes.visible(shelf.lanes(name), start, end, int(a_number("pixels", 1000, 1, 8000))))

    @api.get("/frames/<path:name>")
    def frames(name: str) -> ResponseReturnValue:
        """Give times and boxes of the frames at ``time`` in s, or around ``frame``; see :func:`boxes.chunk`."""
        summary = shelf.summary(name)
        number = int(a_number("frame", summary.frame_at(a_number("time", summary.start)), 0, summary.frames - 1))
        return jsonify(boxes.chunk(summary, number))

    @api.get("/scenes/<path:name>")
    def scenes(name: str) -> ResponseReturnValue:
        """List some scenes from number ``first`` on."""
        columns = ["scene", "start", "end", "coverage", "faces_max", "tracks", *_SHARES]
        rows = read_table(shelf.table(name, "scenes"), columns)
        first = int(a_number("first", 0, 0, len(rows)))
        some = [_spoken(row) for row in rows.slice(first, _SCENES_AT_ONCE).to_pylist()]
        return jsonify(total=len(rows), scenes=some)

    @api.get("/faces/<path:name>")
    def faces(name: str) -> ResponseReturnValue:
        """List some tracks, those of most frames first."""
        columns = ["track", "scene", "start", "end", "frames", "score", "dominant", *_SHARES]
        rows = read_table(shelf.table(name, "tracks"), columns).sort_by(
            [("frames", "descending"), ("track", "ascending")]
        )
        first = int(a_number("first", 0, 0, len(rows)))
        some = [_spoken(row) for row in rows.slice(first, _FACES_AT_ONCE).to_pylist()]
        return jsonify(total=len(rows), faces=some)

    @api.get("/moments/<path:name>")
    def moments(name: str) -> ResponseReturnValue:
        """List some of the moments that a filter finds, and mark all (in ms) as far as they can be told apart."""
        summary = shelf.summary(name)
        found = find_intervals(summary, a_filter(summary))
        first = int(a_number("first", 0, 0, len(found)))
        some = found.take(np.arange(first, min(first + _MOMENTS_AT_ONCE, len(found))))
        marks = found.take(lanes.longest(np.arange(len(found)), found.seconds, 0, _MOST_MARKS))
        columns: list[NDArray[Any]] = [np.round(marks.start * 1000), np.round(marks.end * 1000), marks.emotion]
        return jsonify(
            total=len(found),
            seconds=round(float(found.seconds.sum()), 3),
            moments=list(some.rows()),
            marks=np.stack(columns, axis=1).astype(int).tolist() if first == 0 else [],
        )

    @api.get("/next/<path:name>")
    def next_one(name: str) -> ResponseReturnValue:
        """Tell the first moment of an emotion that begins after ``after`` in s; behind the last, the first of all."""
        summary = shelf.summary(name)
        return jsonify(moment=next_interval(summary, a_filter(summary), a_number("after", summary.start)))

    return api


def _facts(shelf: ResultStore, name: str) -> dict[str, Any]:
    summary = shelf.summary(name)
    scenes = read_table(shelf.table(name, "scenes"), ["start", "dominant"])
    shots = read_table(shelf.table(name, "shots"), ["start"])
    codes = {emotion: str(k) for k, emotion in enumerate(EMOTIONS)}
    videos = []
    if shelf.annotated(name) is not None:
        videos.append({"kind": "annotated", "url": url_for("files.annotated", name=name)})
    if shelf.original(name).path is not None:
        videos.append({"kind": "original", "url": url_for("files.original", name=name)})
    return {
        "start": summary.start,
        "end": summary.end,
        "frames": summary.frames,
        "width": summary.facts.get("width"),
        "height": summary.facts.get("height"),
        "scenes": _ms(scenes["start"]),
        "dominant": "".join(codes.get(emotion, "-") for emotion in scenes["dominant"].to_pylist()),
        "cuts": _ms(shots["start"]),
        "lanes": shelf.lanes(name).count,
        "tracks": len(shelf.lanes(name).track),
        "videos": videos,
    }


def _ms(seconds: Any) -> list[int]:
    return np.round(seconds.to_numpy() * 1000).astype(int).tolist()  # type: ignore[no-any-return]


def _spoken(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of a table with its shares as one list, short."""
    shares = shares_of(row)
    rest = {
        key: round(value, 4) if isinstance(value, float) else value for key, value in row.items() if key not in _SHARES
    }
    return rest | {"shares": None if shares is None else [round(share, 4) for share in shares]}
