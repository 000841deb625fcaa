"""csv: moments or a table, a row each, for spreadsheets and statistics; --table, --one-file, --excel."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from jobs.export.options import DEFAULTS, Options
from jobs.export.result import Result
from jobs.export.sheets import chosen_table, readable, sheet_writer, table_rows

SUFFIX: Final = ".csv"
HOLDS_A_TABLE: Final = True


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
            table = readable(chosen_table(result, options))
            names = table.column_names
            if header is None:
                header = names
                row(header)
            places = [names.index(name) if name in names else None for name in header]
            for values in table_rows(table):
                row(None if place is None else values[place] for place in places)
