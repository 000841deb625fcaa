"""Videos by ranges, stills, and tables to download."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import numpy as np
from flask import Blueprint, Response, request, send_file
from flask.typing import ResponseReturnValue

from jobs.results.boxes import box_of
from jobs.results.csv_export import frame_lines, interval_lines
from jobs.results.errors import NotFoundError
from jobs.results.intervals import Intervals, find_intervals
from jobs.results.stills.contact_sheet import contact_sheet
from jobs.results.stills.spot_stills import Spot, face_still, frame_still
from jobs.results.wording import called, timecode
from jobs.review.cache import Cache
from jobs.review.downloads.attachment import attach
from jobs.review.query import query_filter, query_number
from jobs.review.result_store import ResultStore
from pipeline.media.movie import identity

_RANGE: Final = 4 << 20
"""Most bytes of one answer. A server may send less than asked for, and then no thread waits for a paused player."""

_STILL_BYTES: Final = 64 << 20
_STILL_WIDTH: Final = 320
_FRAME_WIDTH: Final = 1280
_FACE_SIZE: Final = 128
_MOST_TILES: Final = 24
_TYPES: Final = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/mp4",
    ".webm": "video/webm",
    ".ogv": "video/ogg",
}
"""Types that browsers are told; with any other file they find out on their own whether they can play it."""


def make_files(store: ResultStore) -> Blueprint:
    """Return the routes to what is not JSON; ``name`` is a movie's path below the input folder."""
    files = Blueprint("files", __name__)
    kept: Cache[bytes] = Cache(_STILL_BYTES, cost=len)

    def cached(name: str, kind: str, number: int, make: Callable[[], bytes]) -> Response:
        # Stills depend on the tables, which say where they are, and on the video.
        key = (store.state(name), identity(store.movie(name).path), kind, number)
        headers = {"Cache-Control": "private, max-age=300"}
        return Response(kept.get(key, make), mimetype="image/jpeg", headers=headers)

    def found(name: str) -> Intervals:
        index = store.index(name)
        return find_intervals(index, query_filter(index, store.persons(name)))

    @files.get("/video/annotated/<path:name>")
    def annotated(name: str) -> ResponseReturnValue:
        path = store.annotated(name)
        if path is None:
            raise NotFoundError("annotated.mp4 is missing")
        return _send_range(path)

    @files.get("/video/copy/<path:name>")
    def overlay(name: str) -> ResponseReturnValue:
        path = store.overlay(name)
        if path is None:
            raise NotFoundError("annotated.mkv is missing")
        return _send_range(path)

    @files.get("/video/original/<path:name>")
    def original(name: str) -> ResponseReturnValue:
        source = store.original(name)
        if source.path is None:
            raise NotFoundError(source.why_not)
        return _send_range(source.path)

    @files.get("/still/poster/<path:name>")
    def poster(name: str) -> ResponseReturnValue:
        made = store.poster(name)
        if made is not None:
            return send_file(made.absolute(), mimetype="image/jpeg", max_age=60)
        time = store.poster_time(name)
        return cached(name, "poster", 0, lambda: frame_still(Spot(store.movie(name), time), _STILL_WIDTH))

    @files.get("/still/scene/<int:scene>/<path:name>")
    def scene(scene: int, name: str) -> ResponseReturnValue:
        rows = store.rows(name, "scenes", ["start", "end"])
        if scene >= len(rows):
            raise NotFoundError(f"{name}: no scene {scene}")
        middle = (rows["start"][scene].as_py() + rows["end"][scene].as_py()) / 2
        return cached(name, "scene", scene, lambda: frame_still(Spot(store.movie(name), middle), _STILL_WIDTH))

    @files.get("/still/face/<int:track>/<path:name>")
    def face(track: int, name: str) -> ResponseReturnValue:
        index = store.index(name)
        best = store.best_frames(name).get(track)
        box = None if best is None else box_of(index, best, track)
        if best is None or box is None:
            raise NotFoundError(f"{name}: no face {track}")
        spot = Spot(store.movie(name), float(index.time[best]))
        return cached(name, "face", track, lambda: face_still(spot, box, _FACE_SIZE))

    @files.get("/still/frame/<path:name>")
    def frame(name: str) -> ResponseReturnValue:
        index = store.index(name)
        number = int(query_number("frame", 0, 0, index.frames - 1))
        spot = Spot(store.movie(name), float(index.time[number]))
        return Response(frame_still(spot, _FRAME_WIDTH), mimetype="image/jpeg")

    @files.get("/still/sheet/<path:name>")
    def sheet(name: str) -> ResponseReturnValue:
        """Return a contact sheet of what the filter finds; of many moments, an even selection."""
        index, moments = store.index(name), found(name)
        if len(moments) == 0:
            raise NotFoundError(f"{name}: the filter finds nothing to make a contact sheet of")
        some = moments.take(
            np.unique(np.linspace(0, len(moments) - 1, min(_MOST_TILES, len(moments))).astype(np.int64))
        )
        middle = [float(index.time[(one.first_frame + one.last_frame) // 2]) for one in some]
        persons, names = store.persons(name), store.changes(name).person_names
        words = [
            f"{one.emotion} {one.confidence_mean:.0%}  {timecode(one.start, True)}  {_who(one.track, persons, names)}"
            for one in some
        ]
        content = contact_sheet([Spot(store.movie(name), time) for time in middle], words)
        return attach(Response(content, mimetype="image/jpeg"), name, ".sheet.jpg")

    @files.get("/csv/intervals/<path:name>")
    def intervals_csv(name: str) -> ResponseReturnValue:
        return _csv(interval_lines((name, one) for one in found(name)), name, "moments")

    @files.get("/csv/frames/<path:name>")
    def frames_csv(name: str) -> ResponseReturnValue:
        return _csv(frame_lines(store.index(name), found(name)), name, "frames")

    return files


def _send_range(path: Path) -> ResponseReturnValue:
    """Return a file, or the part of it that the request asks for."""
    kind = _TYPES.get(path.suffix.lower(), "application/octet-stream")
    wanted = request.range
    try:
        size = path.stat().st_size
        span = wanted.range_for_length(size) if wanted is not None and wanted.units == "bytes" else None
        if span is None:
            # No range, or one that cannot be satisfied: Flask knows the answers.
            return send_file(path.absolute(), mimetype=kind, conditional=True)
        start, end = span[0], min(span[1], span[0] + _RANGE)
        with path.open("rb") as file:
            file.seek(start)
            content = file.read(end - start)
    except OSError:
        raise NotFoundError(f"{path.name} is missing") from None
    headers = {"Content-Range": f"bytes {start}-{start + len(content) - 1}/{size}", "Accept-Ranges": "bytes"}
    return Response(content, 206, headers, mimetype=kind)


def _csv(lines: Iterator[str], name: str, what: str) -> Response:
    """Return a CSV file; its name says of which span it is if it is not of the whole movie."""
    span = [request.args.get(end, "") for end in ("from", "to")]
    part = f".{query_number('from', 0):.1f}-{query_number('to', 0):.1f}s" if all(span) else ""
    return attach(Response(lines, mimetype="text/csv"), name, f".{what}{part}.csv")


def _who(track: int, persons: Mapping[int, int], names: Mapping[int, str]) -> str:
    """Return what to call a face on a contact sheet, whose font has ASCII alone."""
    person = persons.get(track)
    if person is None:
        return f"#{track}"
    name = called(person, names)
    return name if name.isascii() else called(person, {})
