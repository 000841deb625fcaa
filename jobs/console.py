"""Text for people on a terminal, and tables on standard output."""

import re
import sys
from typing import Final

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


def make_console() -> Console:
    """Return standard output for rich, without its markup: names of files may look like it."""
    # A terminal knows its width; a log has none.
    return Console(width=None if sys.stdout.isatty() else 120, highlight=False, markup=False, emoji=False)
