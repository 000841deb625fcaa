"""What the user sees of a run: a bar on a terminal, plain lines in a log, a table at the end."""

import sys
import time
from collections.abc import Sequence
from typing import Final, NoReturn, TextIO

from rich.box import SIMPLE
from rich.table import Table
from tqdm import tqdm

from jobs.console import make_console
from jobs.run.tasks import Equipment
from jobs.settings import Settings
from jobs.store.movie_result import MovieResult

_LINE_EVERY: Final = 30.0
"""Seconds between two lines of progress in a log."""


class Progress:
    """Counts frames over all movies of a run; a frame is done when all passes over it are."""

    def __init__(self, movies: int, stream: TextIO = sys.stderr) -> None:
        self._stream = stream
        self._movies = movies
        self._finished = 0
        self._passes = 1
        self._skipped = 0
        self._counted = 0
        self._last_line = time.monotonic()
        self._expected = 0
        self._bar: tqdm[NoReturn] = tqdm(
            total=0,
            unit="frame",
            file=stream,
            disable=not stream.isatty(),
            dynamic_ncols=True,
            smoothing=0.05,
            desc=self._movies_done(),
        )

    def equipped(self, equipment: Equipment, settings: Settings) -> None:
        """Say what the run works with."""
        local = f"{settings.worker_count} worker{'s' if settings.worker_count > 1 else ''}"
        workers = local if settings.engine == "local" else f"engine {settings.engine}"
        digest = equipment.model_digest[:12]
        self.note(
            f"device {equipment.device}, {workers}, model {settings.model} ({digest}), detector {settings.detector}"
        )

    def expect(self, frames: int, passes: int) -> None:
        """Add (or take away) frames to come, over each of which ``passes`` passes are made."""
        self._passes = passes
        self._expected += frames
        self._bar.total = self._expected
        self._bar.refresh()

    def skipped(self, frames: int) -> None:
        """Count frames of one pass that an earlier run has done."""
        self._skipped += frames
        self._show()

    def frames_done(self, frames: int) -> None:
        """Set how many frames the workers have finished, over all passes."""
        self._counted = frames
        self._show()

    def finished(self, outcome: MovieResult) -> None:
        """Count a movie; say at once if it failed."""
        self._finished += 1
        self._bar.set_description(self._movies_done())
        if outcome.status == "failed":
            self.note(f"failed: {outcome.name}: {outcome.reason}")
        elif outcome.ok and not self._stream.isatty():
            self.note(f"{outcome.status}{'' if outcome.fresh else ' before'}: {outcome.name}")

    def note(self, line: str) -> None:
        """Print a line without tearing the bar."""
        tqdm.write(line, file=self._stream)
        self._stream.flush()

    def close(self) -> None:
        """Take the bar away."""
        self._bar.close()

    def _movies_done(self) -> str:
        return f"movie {self._finished}/{self._movies}"

    def _show(self) -> None:
        # An estimate of the header may fall short, and a unit that was tried twice counts twice.
        done = min((self._skipped + self._counted) // self._passes, self._expected)
        self._bar.update(done - self._bar.n)
        now = time.monotonic()
        if self._bar.disable and now - self._last_line > _LINE_EVERY and self._expected:
            self._last_line = now
            self.note(f"{self._movies_done()}, frame {done} of about {self._expected}")


def print_table(outcomes: Sequence[MovieResult], seconds: float) -> None:
    """Print a line per movie, the totals, and what is to be said of single movies, to standard output."""
    table = Table(box=SIMPLE, pad_edge=False)
    table.add_column("movie", overflow="fold", ratio=1)
    table.add_column("status", no_wrap=True)
    for heading in ("frames", "faces", "film s", "took s", "x real time"):
        table.add_column(heading, justify="right", no_wrap=True)
    for outcome in outcomes:
        table.add_row(*_cells(outcome))
    fresh = [outcome for outcome in outcomes if outcome.fresh and outcome.ok]
    table.add_section()
    table.add_row("this run", "", *_measures(fresh, seconds))
    console = make_console()
    console.print(table)
    for outcome in outcomes:
        if outcome.reason:
            console.print(f"{outcome.status}: {outcome.name}: {outcome.reason}", soft_wrap=True)
    console.print(f"{sum(outcome.ok for outcome in outcomes)} of {len(outcomes)} movies done")


def _cells(outcome: MovieResult) -> list[str]:
    if not outcome.ok:
        return [outcome.name, outcome.status]
    status = outcome.status if outcome.fresh else f"{outcome.status} before"
    return [outcome.name, status, *_measures([outcome], outcome.seconds)]


def _measures(outcomes: Sequence[MovieResult], seconds: float) -> list[str]:
    frames, faces = (sum(outcome.summary[name] for outcome in outcomes) for name in ("frames", "faces"))
    film = sum(outcome.summary["duration"] for outcome in outcomes)
    return [str(frames), str(faces), f"{film:.1f}", f"{seconds:.1f}", f"{film / seconds:.2f}" if seconds else ""]
