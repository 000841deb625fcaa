"""How a command ends that was asked for something it cannot do."""

import sys
from typing import NoReturn

import typer


def end(error: Exception) -> NoReturn:
    """Tell each line of the error on stderr and end with exit code 2."""
    for line in str(error).splitlines():
        print(f"moodreel: {line}", file=sys.stderr)
    raise typer.Exit(2) from None
