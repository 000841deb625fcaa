"""arc: a row a second as CSV, for figures over time; --one-file, --excel."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

from jobs.export.formats import csv
from jobs.export.options import DEFAULTS, Options
from jobs.export.result import Result

SUFFIX: Final = ".arc.csv"
ALL: Final = "arc.csv"


def write(result: Result, path: Path, options: Options = DEFAULTS) -> None:
    """Write the arc of a movie.

    Args:
        result: of the movie.
        path: to write.
        options: what the user chose.
    """
    csv.write(result, path, replace(options, table="arc"))


def write_all(results: Iterable[Result], path: Path, options: Options = DEFAULTS) -> None:
    """Write the arcs of all movies, one below the other.

    Args:
        results: of movies, one at a time.
        path: to write.
        options: what the user chose.
    """
    csv.write_all(results, path, replace(options, table="arc"))
