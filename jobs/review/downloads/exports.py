"""The Download menus: each format of :mod:`jobs.export.formats`, for a film or for all, with corrections applied."""

import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from mimetypes import guess_type
from pathlib import Path
from threading import Lock
from typing import Final

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest

from jobs.export.formats import (
    collected,
    collected_name,
    ending_of,
    find_format,
    format_names,
    holds_a_table,
    summary_of,
)
from jobs.export.options import TABLES, Options, Sheet
from jobs.export.result import Result, read_result
from jobs.results.errors import NotFoundError, NotReadyError, ResultError
from jobs.review.downloads.attachment import file_name, made
from jobs.review.library import read_library
from jobs.review.result_store import ResultStore

_TYPES: Final = {".srt": "application/x-subrip", ".vtt": "text/vtt", ".csv": "text/csv", ".json": "application/json"}
_ORDER: Final = ("srt", "vtt", "ass", "eaf", "json")
"""In the menus; any other format follows."""
_OF_TABLES: Final = {
    "moments": "a row for each span in which a face keeps one label",
    "timeline": "a row per face per frame",
    "tracks": "a row per face that was followed",
    "shots": "a row per shot",
    "scenes": "a row per scene",
    "people": "a row per person",
    "scene_people": "a row per person and scene",
    "relative": "each picture against how that person usually looks",
    "arc": "a row per second",
}
_LEFT_OUT: Final = "left-out.txt"


@dataclass(frozen=True)
class Link:
    """A file to download: its format, what the URL says beside it, what the link says."""

    kind: str
    query: dict[str, str]
    text: str


@dataclass(frozen=True)
class Entry:
    """A line of a Download menu: what is in it, and in which formats it can be had."""

    name: str
    about: str
    links: tuple[Link, ...]


def menu() -> tuple[list[Entry], list[Entry]]:
    """Return the entries of a Download menu: first the tables, then all other formats."""
    tables = [
        Entry(
            table,
            _OF_TABLES[table],
            (
                Link("csv", {"table": table}, "CSV"),
                Link("csv", {"table": table, "excel": "."}, "Excel"),
                Link("parquet", {"table": table}, "Parquet"),
            ),
        )
        for table in TABLES
    ]
    others = [name for name in format_names() if name not in ("csv", "parquet", "arc")]
    others.sort(key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER))
    return tables, [Entry(kind, _about(kind), (Link(kind, {}, kind),)) for kind in others]


def _about(kind: str) -> str:
    """Return what a format is for, without the options of the command."""
    return summary_of(kind).partition("; --")[0].rstrip(".")


def make_exports(store: ResultStore) -> Blueprint:
    """Return the routes; they write nothing into the results."""
    exports = Blueprint("exports", __name__)
    turn = Lock()

    def read(name: str) -> Result:
        store.facts(name)
        folder = store.folder(name)
        for path in folder.tables:
            if path.exists():
                store.inside(path)  # refuses what leads out of the folder
        return read_result(folder)

    @exports.get("/export/<kind>/<path:name>")
    def one(kind: str, name: str) -> ResponseReturnValue:
        """Return a film in a format."""
        options, result = _options(kind), read(name)
        ending = ending_of(kind, options)
        form = find_format(kind)
        return made(name, ending, _type(ending), lambda path: form.write(result, path, options))

    @exports.get("/exports/<kind>")
    def everything(kind: str) -> ResponseReturnValue:
        """Return all films in a format, as a ZIP file; ``left-out.txt`` in it names those that could not be read."""
        options = _options(kind)
        names = [row.movie.name for row in read_library(store.out).rows if row.ready]
        if not names:
            raise NotFoundError("no film has results to export yet")
        if not turn.acquire(blocking=False):
            raise NotReadyError("another export of all films is in progress; try again when it has finished")
        left_out: list[str] = []

        def results() -> Iterator[tuple[str, Result]]:
            for name in names:
                try:
                    found = read(name)
                except ResultError as error:
                    left_out.append(f"{name}: {error}")
                    continue
                yield name, found

        def write(path: Path) -> None:
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as pack:
                _fill(pack, path.with_name("part"), kind, options, results())
                if left_out:
                    pack.writestr(_LEFT_OUT, "".join(f"{line}\n" for line in left_out).encode(errors="replace"))

        try:
            table = f".{options.table}" if holds_a_table(kind) else ""
            return made(store.out.resolve().name, f"{table}.{kind}.zip", "application/zip", write)
        finally:
            turn.release()

    return exports


def _fill(
    pack: zipfile.ZipFile, part: Path, kind: str, options: Options, results: Iterable[tuple[str, Result]]
) -> None:
    """Pack one file of all films where the format has such, else one a film; ``part`` is a name for a while."""
    if hasattr(find_format(kind), "write_all"):
        form = collected(kind)
        form.write_all((result for _, result in results), part, options)
        pack.write(part, collected_name(kind, options))
        return
    for name, result in results:
        find_format(kind).write(result, part, options)
        folder = "/".join(file_name(one, "") for one in name.split("/")[:-1])
        pack.write(part, f"{folder}{'/' if folder else ''}{file_name(name, ending_of(kind, options))}")


def _options(kind: str) -> Options:
    if kind not in format_names():
        raise NotFoundError(f"{kind[:40]!r}: expected one of {', '.join(format_names())}")
    table = request.args.get("table") or "moments"
    if table not in TABLES:
        raise BadRequest(f"table: expected one of {', '.join(TABLES)}, found {table[:40]!r}")
    decimal = request.args.get("excel")
    if decimal not in (None, ".", ","):
        raise BadRequest(f"excel: expected . or , as the decimal mark, found {decimal[:40]!r}")
    return Options(table=table, sheet=Sheet() if decimal is None else Sheet.for_decimal(decimal), beside=True)


def _type(ending: str) -> str:
    suffix = Path(f"x{ending}").suffix
    return _TYPES.get(suffix) or guess_type(f"x{suffix}")[0] or "application/octet-stream"
