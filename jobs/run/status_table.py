"""The state of a run as a table for people."""

import math

from jobs.console import NameTable, make_console, visible
from jobs.iso_time import duration
from jobs.store.job_file import FINAL
from jobs.store.run_files import LastRun
from jobs.store.status import MovieStatus, RunStatus, State, Totals


def print_status(status: RunStatus, only_failed: bool = False) -> None:
    """Print a line per movie, the totals, the reasons of single movies, and the state of the run.

    Args:
        status: what is known.
        only_failed: leave out all movies but those that failed.
    """
    movies = [movie for movie in status.movies if movie.state == "failed" or not only_failed]
    headings = ("done", "frames", "faces", "frames/s", "left")
    table = NameTable("movie", ("state", *headings), dropped=("frames/s", "faces", "frames", "left", "done"))
    for movie in movies:
        table.add(movie.name, movie.state, *_cells(movie))
    table.add_total("all", "", *_cells(status.totals))
    if movies or not only_failed:
        table.print()
    console = make_console()
    for movie in movies:
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


def _counted(counts: dict[State, int]) -> str:
    parts = [f"{count} {state}" for state, count in counts.items() if count]
    movies = sum(counts.values())
    return f"{movies} movie{'' if movies == 1 else 's'}: {', '.join(parts)}" if parts else "no movies"


def _about(run: LastRun) -> str:
    who = f"the run of {run.started} (process {run.pid} on {run.host})"
    if run.alive:
        return f"{who} is running"
    if run.ended is None:
        return f"{who} was killed or crashed; run the same command to resume"
    if run.exit_code in (None, 130):
        return f"{who} was stopped {run.ended}; run the same command to resume"
    return f"{who} ended {run.ended} with exit code {run.exit_code}"
