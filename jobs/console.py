"""Where tables for people are printed."""

import sys

from rich.console import Console


def make_console() -> Console:
    """Return standard output for rich, which must take names of files for nothing but text."""
    # A log has no width; a terminal's is its own.
    return Console(width=None if sys.stdout.isatty() else 120, highlight=False, markup=False, emoji=False)
