"""Videos by ranges, still pictures, and tables to take away."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from flask import Blueprint, Response, request, send_file
from flask.typing import ResponseReturnValue

from jobs.results import boxes, stills
from jobs.results.errors import NotFoundError
from jobs.results.intervals import Intervals, find_intervals
from jobs.results.stills import Spot
from jobs.results.tables import open_table, read_rows, read_table
from jobs.review.cache import Cache
from jobs.review.query import a_filter, a_number
from jobs.review.result_store import ResultStore
from pipeline import schema
from pipeline.media.movie import identity

_RANGE: Final = 4 << 20
"""Bytes at a time. Less than a player asks for may be given, and then no thread waits for a video that is paused."""

_PICTURE_BYTES: Final = 64 << 20
_STILL_WIDTH: Final = 320
_FACE_SIZE: Final = 128
_TYPES: Final = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/mp4",
    ".webm": "video/webm",
    ".ogv": "video/ogg",
}
"""What browsers are told; of the rest they find out themselves whether they can play it."""


def make_files(shelf: ResultStore) -> Blueprint:
    """Return the routes to what is not JSON; ``name`` is a movie's path below the input folder."""
    files = Blueprint("files", __name__)
    pictures: Cache[bytes] = Cache(_PICTURE_BYTES, cost=len)

    def picture(name: str, what: tuple[Any, ...], make: Any) -> ResponseReturnValue:
        key = (identity(shelf.table(name, "timeline")), identity(shelf.movie(name).path), what)
        return Response(
            pictures.get(key, make), mimetype="image/jpeg", headers={"Cache-Control": "private, max-age=300"}
        )

    @files.get("/video/annotated/<path:name>")
    def annotated(name: str) -> ResponseReturnValue:
        path = shelf.annotated(name)
        if path is None:
            raise NotFoundError("annotated.mp4 is not there (any more)")
        return _part(path)

    @files.get("/video/original/<path:name>")
    def original(name: str) -> ResponseReturnValue:
        found = shelf.original(name)
        if found.path is None:
            raise NotFoundError(found.why_not)
        return _part(found.path)

    @files.get("/picture/poster/<path:name>")
    def poster(name: str) -> ResponseReturnValue:
        made = shelf.poster(name)
        if made is not None:
            return send_file(made.absolute(), mimetype="image/jpeg", max_age=60)
        summary = shelf.summary(name)
        time = best_time(shelf, name)
        return picture(
            name, ("poster",), lambda: stills.still(Spot(shelf.movie(name), time or summary.start), _STILL_WIDTH)
        )

    @files.get("/picture/scene/<int:scene>/<path:name>")
    def scene_still(scene: int, name: str) -> ResponseReturnValue:
        rows = read_table(shelf.table(name, "scenes"), ["start", "end"])
        if scene >= len(rows):
            raise NotFoundError(f"{name}: no scene {scene}")
        middle = (rows["start"][scene].as_py() + rows["end"][scene].as_py()) / 2
        return picture(name, ("scene", scene), lambda: stills.still(Spot(shelf.movie(name), middle), _STILL_WIDTH))

    @files.get("/picture/face/<int:track>/<path:name>")
    def face(track: int, name: str) -> ResponseReturnValue:
        summary = shelf.summary(name)
        frame = shelf.best_frames(name).get(track)
        box = None if frame is None else boxes.box_of(summary, frame, track)
        if frame is None or box is None:
            raise NotFoundError(f"{name}: no face {track}")
        spot = Spot(shelf.movie(name), float(summary.time[frame]))
        return picture(name, ("face", track), lambda: stills.face(spot, box, _FACE_SIZE))

    @files.get("/picture/frame/<path:name>")
    def frame_still(name: str) -> ResponseReturnValue:
        summary = shelf.summary(name)
        frame = int(a_number("frame", 0, 0, summary.frames - 1))
        spot = Spot(shelf.movie(name), float(summary.time[frame]))
        return Response(stills.still(spot, 1280), mimetype="image/jpeg")

    @files.get("/csv/moments/<path:name>")
    def moments_csv(name: str) -> ResponseReturnValue:
        summary = shelf.summary(name)
        found = find_intervals(summary, a_filter(summary))
        return _download(_moment_lines(name, found), f"{Path(name).name}.moments.csv")

    @files.get("/csv/frames/<path:name>")
    def frames_csv(name: str) -> ResponseReturnValue:
        summary = shelf.summary(name)
        found = find_intervals(summary, a_filter(summary))
        return _download(_frame_lines(shelf.table(name, "timeline"), found), f"{Path(name).name}.frames.csv")

    return files


def best_time(shelf: ResultStore, name: str) -> float | None:
    """Return when in s the longest track shows its face best, for a poster; None in a movie without faces."""
    lanes = shelf.lanes(name)
    if len(lanes.track) == 0:
        return None
    longest = int(lanes.track[(lanes.end - lanes.start).argmax()])
    return float(shelf.summary(name).time[shelf.best_frames(name)[longest]])


def _part(path: Path) -> ResponseReturnValue:
    """Return a file, or the part of it that the request asks for."""
    kind = _TYPES.get(path.suffix.lower(), "application/octet-stream")
    asked = request.range
    try:
        size = path.stat().st_size
        span = asked.range_for_length(size) if asked is not None and asked.units == "bytes" else None
        if span is None:
            # Without a range, or with one that lies outside: Flask knows the answers.
            return send_file(path.absolute(), mimetype=kind, conditional=True)
        start, end = span[0], min(span[1], span[0] + _RANGE)
        with path.open("rb") as file:
            file.seek(start)
            content = file.read(end - start)
    except OSError:
        raise NotFoundError(f"{path.name} is not there (any more)") from None
    headers = {"Content-Range": f"bytes {start}-{start + len(content) - 1}/{size}", "Accept-Ranges": "bytes"}
    return Response(content, 206, headers, mimetype=kind)


def _download(lines: Iterator[str], name: str) -> Response:
    answer = Response(lines, mimetype="text/csv")
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    return answer


def _moment_lines(name: str, found: Intervals) -> Iterator[str]:
    columns = ["movie", "track", "emotion", "start", "end", "seconds", "first_frame", "last_frame"]
    columns += ["confidence_mean", "confidence_max"]
    text = io.StringIO()
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    for row in found.rows():
        writer.writerow({"movie": name, **row})
        yield text.getvalue()
        text.seek(0)
        text.truncate()
    yield text.getvalue()


def _frame_lines(path: Path, found: Intervals) -> Iterator[str]:
    """Yield the rows of the timeline that belong to moments, by row group."""
    yield ",".join(f'"{name}"' for name in schema.TIMELINE.names) + "\n"
    keys = pa.array(_keys(found))
    with open_table(path) as file:
        for group in range(file.num_row_groups):
            table = read_rows(file, path, schema.TIMELINE.names, [group])
            table = table.filter(table["track"].is_valid())
            key = pc.add(pc.multiply(pc.cast(table["track"], pa.int64()), _FRAMES), pc.cast(table["frame"], pa.int64()))
            table = table.filter(pc.is_in(key, value_set=keys))
            sink = io.BytesIO()
            pyarrow.csv.write_csv(
                table.cast(_plain(table.schema)), sink, pyarrow.csv.WriteOptions(include_header=False)
            )
            yield sink.getvalue().decode()


_FRAMES: Final = 1 << 32
"""More than a movie has: a track times this, plus a frame, is a key."""


def _keys(found: Intervals) -> list[int]:
    spans = zip(found.track.tolist(), found.first_frame.tolist(), found.last_frame.tolist(), strict=True)
    return [track * _FRAMES + frame for track, first, last in spans for frame in range(first, last + 1)]


def _plain(wanted: pa.Schema) -> pa.Schema:
    """Return a schema with text in place of dictionaries, which the CSV writer does not take."""
    return pa.schema(
        [(field.name, pa.string() if pa.types.is_dictionary(field.type) else field.type) for field in wanted]
    )
