"""The formats of exports, each a file in this folder that is named as the user names it.

Such a file has

- a docstring whose first line says what the format is for,
- ``SUFFIX``, the ending of its files,
- ``write(result, path, options)``, which writes one movie.

A format that can hold many movies also has ``write_all(results, path, options)`` and ``ALL``, the name of that file.
Where the user chooses a table, it has ``HOLDS_A_TABLE`` instead of ``ALL``: its files are named after their table.
"""

import pkgutil
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from jobs.errors import UsageError
from jobs.export.options import Options
from jobs.export.result import Result


class Format(Protocol):
    """What a file in this folder holds."""

    SUFFIX: str

    def write(self, result: Result, path: Path, options: Options) -> None:
        """Write a movie; OSError where ``path`` cannot be written.

        Args:
            result: of the movie.
            path: to write.
            options: what the user chose.
        """


class Collected(Format, Protocol):
    """A format that can hold many movies."""

    def write_all(self, results: Iterable[Result], path: Path, options: Options) -> None:
        """Write movies one after the other; only one is held at a time.

        Args:
            results: of movies, one at a time.
            path: to write.
            options: what the user chose.
        """


def format_names() -> list[str]:
    """Return the names of all formats: those of the files in this folder."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def find_format(name: str) -> Format:
    """Return the format that is called ``name``.

    Raises:
        UsageError: there is none.
    """
    if name not in format_names():
        raise UsageError(f"--format {name}: expected one of {', '.join(format_names())}")
    return cast(Format, import_module(f"{__name__}.{name}"))


def collected(name: str) -> Collected:
    """Return the format that is called ``name``, for many movies in one file.

    Raises:
        UsageError: there is none, or it holds one movie a file.
    """
    chosen = find_format(name)
    if not hasattr(chosen, "write_all"):
        able = [one for one in format_names() if hasattr(find_format(one), "write_all")]
        raise UsageError(f"--one-file: {name} holds one movie a file; expected one of {', '.join(able)}")
    return cast(Collected, chosen)


def ending_of(name: str, options: Options) -> str:
    """Return the ending of a movie's file; where the user chooses a table, it says which."""
    suffix = find_format(name).SUFFIX
    return f".{options.table}{suffix}" if holds_a_table(name) else suffix


def collected_name(name: str, options: Options) -> str:
    """Return the name of a file that holds many movies."""
    chosen = collected(name)
    return f"{options.table}{chosen.SUFFIX}" if holds_a_table(name) else str(getattr(chosen, "ALL"))  # noqa: B009


def holds_a_table(name: str) -> bool:
    """Return whether the user chooses a table for a format."""
    return bool(getattr(find_format(name), "HOLDS_A_TABLE", False))


def summary_of(name: str) -> str:
    """Return what a format is for, in a line."""
    text = (find_format(name).__doc__ or "").splitlines()[0]
    return text.partition(": ")[2] or text
