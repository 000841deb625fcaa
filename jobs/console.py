"""Text for people: any name, whatever the locale, without effect on a terminal; and tables."""

import io
import locale
import os
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:  # it takes a tenth of a second, which commands without tables need not wait for
    from rich.console import Console

_SHORTEST: Final = 5
"""Columns that a beginning, dots and an end need."""

_NAME: Final = 24
"""Columns that a movie's name should have before anything else has any."""

_GAP: Final = 3
"""Columns between two columns of a table."""

_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What moves the cursor, colours, renames the window, begins a line or turns the direction of text."""


def visible(text: str) -> str:
    """Return ``text`` on one line and without effect on a terminal: names of files may hold its commands."""
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def say_error(error: object) -> None:
    """Print each line of an error on stderr."""
    for line in str(error).splitlines():
        print(f"moodreel: {visible(line)}", file=sys.stderr)


def take_all_names() -> None:
    """Let files have any name, and let it be printed: what a terminal has no letters for becomes an escape.

    Names of files are UTF-8, whatever the locale; in one that is not, Python is started once more to see them so.
    """
    if sys.getfilesystemencoding() != "utf-8" and not sys.flags.ignore_environment:
        shown = f"{locale.getpreferredencoding(False)}:backslashreplace"
        environment = os.environ | {"PYTHONUTF8": "1", "PYTHONIOENCODING": shown}
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def make_console() -> "Console":
    """Return standard output for rich, without its markup: names of files may look like it."""
    from rich.console import Console

    # A terminal knows its width; a log has none.
    return Console(width=None if sys.stdout.isatty() else 120, highlight=False, markup=False, emoji=False)


def shortened(name: str, width: int) -> str:
    """Return ``name`` in at most ``width`` columns, its middle left out: beginning and end tell movies apart."""
    from rich.cells import cell_len, set_cell_size

    if cell_len(name) <= width or width < _SHORTEST:
        return name if cell_len(name) <= width else set_cell_size(name, max(width, 1)).rstrip()
    end = (width - 1) // 2
    tail = name
    while cell_len(tail) > end:
        tail = tail[1:]
    head = name
    while cell_len(head) > width - 1 - cell_len(tail):
        head = head[:-1]
    return f"{head}…{tail}"


class NameTable:
    """A table of movies that is never without their names, however narrow the terminal: other columns go first."""

    def __init__(self, name: str, headings: Sequence[str], dropped: Sequence[str]) -> None:
        """Begin without rows.

        Args:
            name: heading of the names.
            headings: of the other columns; the first one is text, the others are numbers.
            dropped: those that a narrow terminal does without, the least important first.
        """
        self._headings = (name, *headings)
        self._dropped = dropped
        self._rows: list[tuple[str, ...]] = []
        self._total: tuple[str, ...] = ()

    def add(self, name: str, *cells: str) -> None:
        """Add a movie."""
        self._rows.append((visible(name), *cells))

    def add_total(self, name: str, *cells: str) -> None:
        """Set the last line."""
        self._total = (name, *cells)

    def print(self) -> None:
        """Print it on standard output."""
        from rich.box import SIMPLE
        from rich.cells import cell_len
        from rich.table import Table

        console = make_console()
        rows = [*self._rows, self._total]
        wanted = min(max((cell_len(row[0]) for row in rows), default=0), _NAME)
        columns = list(range(len(self._headings)))
        for heading in ("", *self._dropped):
            columns = [column for column in columns if self._headings[column] != heading]
            room = console.width - sum(self._width(rows, column) + _GAP for column in columns[1:]) - 2
            if room >= wanted:
                break
        table = Table(box=SIMPLE, pad_edge=False)
        for column in columns:
            side: Literal["left", "right"] = "left" if column < 2 else "right"
            fold = column == 0 and not console.is_terminal
            table.add_column(self._headings[column], justify=side, no_wrap=not fold, overflow="fold")
        for row in self._rows:
            name = shortened(row[0], max(room, 1)) if console.is_terminal else row[0]
            table.add_row(name, *(row[column] for column in columns[1:]))
        table.add_section()
        table.add_row(*(self._total[column] for column in columns))
        console.print(table)

    def _width(self, rows: Sequence[tuple[str, ...]], column: int) -> int:
        from rich.cells import cell_len

        return max(cell_len(text) for text in (self._headings[column], *(row[column] for row in rows)))
