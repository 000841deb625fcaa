"""csv: moments or a table, a row each, for spreadsheets and statistics; --table, --one-file, --excel."""

from collections.abc import Iterable, Iterator
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any, Final

from jobs.export.options import DEFAULTS, Options
from jobs.export.result import Moment, Result
from jobs.export.sheets import readable, sheet_writer, table_rows

SUFFIX: Final = ".csv"
ALL: Final = "movies.csv"


def write(result: Result, path: Path, options: Options = DEFAULTS) -> None:
    """Write ``options.table`` of a movie.

    Args:
        result: of the movie.
        path: to write.
        options: what the user chose.
    """
    write_all([result], path, options)


def write_all(results: Iterable[Result], path: Path, options: Options = DEFAULTS) -> None:
    """Write ``options.table`` of all movies; a column that the first one lacks is left out.

    Args:
        results: of movies, one at a time.
        path: to write.
        options: what the user chose.
    """
    header: list[str] | None = None
    with sheet_writer(path, options.sheet) as row:
        for result in results:
            names, rows = _table(result, options)
            if header is None:
                header = names
                row(header)
            places = [names.index(name) if name in names else None for name in header]
            for values in rows:
                row(None if place is None else values[place] for place in places)


def _table(result: Result, options: Options) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
    if options.table == "moments":
        names = ["movie", *(field.name for field in fields(Moment))]
        return names, ((result.name, *astuple(moment)) for moment in result.moments if options.wants(moment))
    table = readable(getattr(result, options.table))
    return table.column_names, table_rows(table)
