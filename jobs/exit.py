"""How a command ends that cannot do what the user wants."""

from typing import NoReturn

import typer

from jobs.console import say_error


def end(error: Exception) -> NoReturn:
    """Print each line of the error on stderr and end with exit code 2."""
    say_error(error)
    raise typer.Exit(2) from None
