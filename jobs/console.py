"""Text for people: any name, whatever the locale, without effect on a terminal; and tables."""

import io
import locale
import os
import re
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # loaded by those who print tables alone
    from rich.console import Console

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
