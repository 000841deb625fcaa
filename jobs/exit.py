"""How a command ends that cannot do what the user wants."""

import sys
from typing import NoReturn

import typer


def end(error: Exception) -> NoReturn:
    """Print each line of the error on stderr and end with exit code 2."""
    for line in str(error).splitlines():
        print(f"moodreel: {line}", file=sys.stderr)
    raise typer.Exit(2) from None
