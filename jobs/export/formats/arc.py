"""arc: a row a second as CSV, for figures over time; --one-file, --excel."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from jobs.export.options import DEFAULTS, Options
from jobs.export.result import Result
from jobs.export.sheets import sheet_writer, table_rows
from pipeline import schema

SUFFIX: Final = ".arc.csv"
ALL: Final = "arc.csv"


def write(result: Result, path: Path, options: Options = DEFAULTS) -> None:
    """Write the arc of a movie.

    Args:
        result: of the movie.
        path: to write.
        options: what the user chose.
    """
    write_all([result], path, options)


def write_all(results: Iterable[Result], path: Path, options: Options = DEFAULTS) -> None:
    """Write the arcs of all movies, one below the other.

    Args:
        results: of movies, one at a time.
        path: to write.
        options: what the user chose.
    """
    with sheet_writer(path, options.sheet) as row:
        row(schema.ARC.names)
        for result in results:
            for values in table_rows(result.arc):
                row(values)
