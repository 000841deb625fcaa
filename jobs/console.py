"""Tables for people, on standard output."""

import sys

from rich.console import Console


def make_console() -> Console:
    """Return standard output for rich, without its markup: names of files may look like it."""
    # A terminal knows its width; a log has none.
    return Console(width=None if sys.stdout.isatty() else 120, highlight=False, markup=False, emoji=False)
