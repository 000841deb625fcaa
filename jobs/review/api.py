"""What the pages' scripts fetch, as JSON: at the resolution they need, never a whole table."""

from typing import Any, Final

import numpy as np
from flask import Blueprint, jsonify, request, url_for
from flask.typing import ResponseReturnValue
from numpy.typing import NDArray

from jobs.results.boxes import frame_chunk
from jobs.results.intervals import find_intervals, next_interval
from jobs.results.lanes import select_longest, visible
from jobs.results.rows import SCENE_COLUMNS, TRACK_COLUMNS, Scene, Track, scenes_of, tracks_of
from jobs.review.library import read_library
from jobs.review.query import query_filter, query_number, query_span
from jobs.review.result_store import ResultStore
from pipeline.schema import LABELS

_MOST_BINS: Final = 2_000
_SCENES_AT_ONCE: Final = 100
_FACES_AT_ONCE: Final = 60
_INTERVALS_AT_ONCE: Final = 100
_MOST_MARKS: Final = 3_000


def make_api(store: ResultStore) -> Blueprint:
    """Return the routes under ``/api/``; ``name`` is a movie's path below the input folder."""
    api = Blueprint("api", __name__, url_prefix="/api")

    @api.get("/state/<path:name>")
    def state(name: str) -> ResponseReturnValue:
        """Return how far a movie is."""
        found = read_library(store.out).find(name)
        if found is None:
            return jsonify(state="gone", percent=None)
        return jsonify(state=found.state, percent=found.percent)

    @api.get("/movie/<path:name>")
    def movie(name: str) -> ResponseReturnValue:
        """Return what the page needs first: start and end, scenes and cuts in ms, what can be played."""
        return jsonify(_movie(store, name))

    @api.get("/shares/<path:name>")
    def shares(name: str) -> ResponseReturnValue:
        """Return the chart of a span: per label the heights of ``bins`` equal parts, in thousandths.

        With ``of=probabilities`` mean probabilities; else shares, and ``sure``, the labels' mean confidence in percent.
        """
        index = store.index(name)
        start, end = query_span(index)
        bins = int(query_number("bins", 600, 1, _MOST_BINS))
        if request.args.get("of") == "probabilities":
            heights = store.probabilities(name).heights(start, end, bins)
            return jsonify({"from": start, "to": end, "heights": _whole(heights, 1000)})
        sure = _whole(index.confidences(start, end, bins), 100)
        return jsonify(
            {"from": start, "to": end, "heights": _whole(index.heights(start, end, bins), 1000), "sure": sure}
        )

    @api.get("/lanes/<path:name>")
    def lanes(name: str) -> ResponseReturnValue:
        """Return the tracks of a span; see :class:`jobs.results.lanes.VisibleLanes`."""
        start, end = query_span(store.index(name))
        seen = visible(store.lanes(name), start, end, int(query_number("pixels", 1000, 1, 8000)))
        return jsonify({"from": start, "to": end, **vars(seen)})

    @api.get("/frames/<path:name>")
    def frames(name: str) -> ResponseReturnValue:
        """Return times and boxes from ``frame``, or ``time`` in s, on; see :class:`jobs.results.boxes.FrameChunk`."""
        index = store.index(name)
        number = int(query_number("frame", index.frame_at(query_number("time", index.start)), 0, index.frames - 1))
        return jsonify(vars(frame_chunk(index, number)))

    @api.get("/scenes/<path:name>")
    def scenes(name: str) -> ResponseReturnValue:
        """Return some scenes, from the one at position ``first`` on."""
        table, names = store.rows(name, "scenes", SCENE_COLUMNS), store.changes(name).scene_names
        first = int(query_number("first", 0, 0, len(table)))
        some = scenes_of(table.slice(first, _SCENES_AT_ONCE))
        return jsonify(total=len(table), scenes=[_scene(scene, names) for scene in some])

    @api.get("/faces/<path:name>")
    def faces(name: str) -> ResponseReturnValue:
        """Return some tracks, those of most frames first, from the one at position ``first`` on."""
        table = store.rows(name, "tracks", TRACK_COLUMNS)
        table = table.sort_by([("frames", "descending"), ("track", "ascending")])
        first = int(query_number("first", 0, 0, len(table)))
        some = tracks_of(table.slice(first, _FACES_AT_ONCE))
        return jsonify(total=len(table), faces=[_rounded(track) for track in some])

    @api.get("/intervals/<path:name>")
    def intervals(name: str) -> ResponseReturnValue:
        """Return some of the intervals that a filter finds, and with the first ones marks in ms for all of them."""
        index = store.index(name)
        found = find_intervals(index, query_filter(index, store.persons(name)))
        first = int(query_number("first", 0, 0, len(found)))
        some = found.take(np.arange(first, min(first + _INTERVALS_AT_ONCE, len(found))))
        marks = found.take(select_longest(np.arange(len(found)), found.seconds, 0, _MOST_MARKS))
        columns: list[NDArray[Any]] = [np.round(marks.start * 1000), np.round(marks.end * 1000), marks.emotion]
        return jsonify(
            total=len(found),
            seconds=round(float(found.seconds.sum()), 3),
            intervals=[vars(interval) for interval in some],
            marks=np.stack(columns, axis=1).astype(int).tolist() if first == 0 else [],
        )

    @api.get("/next/<path:name>")
    def next_one(name: str) -> ResponseReturnValue:
        """Return the first interval that starts after ``after`` in s; after the last one, the first of all."""
        index = store.index(name)
        return jsonify(
            interval=next_interval(index, query_filter(index, store.persons(name)), query_number("after", index.start))
        )

    return api


def _movie(store: ResultStore, name: str) -> dict[str, Any]:
    index, lanes = store.index(name), store.lanes(name)
    table = store.rows(name, "scenes", SCENE_COLUMNS)
    scenes, changes = scenes_of(table), store.changes(name)
    shots = store.rows(name, "shots", ["start"])
    codes = {emotion: str(k) for k, emotion in enumerate(LABELS)}
    videos = []
    if store.annotated(name) is not None:
        videos.append({"kind": "annotated", "url": url_for("files.annotated", name=name)})
    has_original = store.original(name).path is not None
    if store.overlay(name) is not None and not has_original:  # the same pictures; boxes are drawn by the page
        videos.append({"kind": "copy", "url": url_for("files.overlay", name=name)})
    if has_original:
        videos.append({"kind": "original", "url": url_for("files.original", name=name)})
    return {
        "start": index.start,
        "end": index.end,
        "frames": index.frames,
        "width": index.facts.get("width"),
        "height": index.facts.get("height"),
        "scenes": _ms(table["start"]),
        "dominant": "".join("-" if scene.weak else codes.get(scene.dominant or "", "-") for scene in scenes),
        "seen": [round(100 * scene.coverage) for scene in scenes],
        "scene_names": changes.scene_names,
        "person_names": changes.person_names,
        "corrected": bool(changes.any_rows or changes.person_names),
        "cuts": _ms(shots["start"]),
        "lanes": lanes.count,
        "tracks": len(lanes.track),
        "videos": videos,
    }


def _whole(parts: NDArray[np.float64], unit: int) -> list[list[int]]:
    """Return parts of 1 as whole numbers of a unit, a list a column."""
    return np.round(parts * unit).astype(int).T.tolist()  # type: ignore[no-any-return]


def _scene(scene: Scene, names: dict[int, str]) -> dict[str, Any]:
    more = {"name": names.get(scene.scene, ""), "weak": scene.weak, "evidence": scene.evidence}
    return _rounded(scene) | more


def _ms(seconds: Any) -> list[int]:
    return np.round(seconds.to_numpy() * 1000).astype(int).tolist()  # type: ignore[no-any-return]


def _rounded(row: Scene | Track) -> dict[str, Any]:
    """Return a row for JSON, its numbers rounded to four places."""
    short = {key: round(value, 4) if isinstance(value, float) else value for key, value in vars(row).items()}
    return short | {"shares": None if row.shares is None else [round(share, 4) for share in row.shares]}
