"""The state of a run as a table for people."""

import math

from rich.box import SIMPLE
from rich.table import Table

from jobs.console import make_console, visible
from jobs.store.job_file import FINAL
from jobs.store.run_files import LastRun
from jobs.store.status import MovieStatus, RunStatus, State, Totals


def print_status(status: RunStatus) -> None:
    """Print a line per movie, the totals, the reasons of single movies, and the state of the run."""
    table = Table(box=SIMPLE, pad_edge=False)
    table.add_column("movie", overflow="fold", ratio=1)
    table.add_column("state", no_wrap=True)
    for heading in ("done", "frames", "faces", "frames/s", "left"):
        table.add_column(heading, justify="right", no_wrap=True)
    for movie in status.movies:
        table.add_row(visible(movie.name), movie.state, *_cells(movie))
    table.add_section()
    table.add_row("all", "", *_cells(status.totals))
    console = make_console()
    console.print(table)
    for movie in status.movies:
        if movie.reason and movie.state in (*FINAL, "stopped"):
            console.print(visible(f"{movie.state}: {movie.name}: {movie.reason}"), soft_wrap=True)
    for line in (_counted(status.totals.counts), *([_about(status.run)] if status.run else []), *status.remarks):
        console.print(visible(line), soft_wrap=True)


def _cells(known: MovieStatus | Totals) -> list[str]:
    return [
        "" if known.percent is None else f"{math.floor(known.percent)} %",  # 100 % is for what is really all
        "" if known.frames is None else str(known.frames),
        "" if known.faces is None else str(known.faces),
        "" if known.rate is None else f"{known.rate:.1f}",
        "" if known.seconds_left is None else duration(known.seconds_left),
    ]


def duration(seconds: float) -> str:
    """Return a time to wait in s as people say it: ``50 s``, ``7 min``, ``3 h 05 min``."""
    if seconds < 100:
        return f"{math.ceil(seconds)} s"
    minutes = math.ceil(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02} min"


def _counted(counts: dict[State, int]) -> str:
    parts = [f"{count} {state}" for state, count in counts.items() if count]
    movies = sum(counts.values())
    return f"{movies} movie{'' if movies == 1 else 's'}: {', '.join(parts)}" if parts else "no movies"


def _about(run: LastRun) -> str:
    who = f"the run of {run.started} (process {run.pid} on {run.host})"
    if run.alive:
        return f"{who} is running"
    if run.ended is None:
        return f"{who} did not end by itself; the same command resumes it"
    if run.exit_code in (None, 130):
        return f"{who} was stopped {run.ended}; the same command resumes it"
    return f"{who} ended {run.ended} with exit code {run.exit_code}"
