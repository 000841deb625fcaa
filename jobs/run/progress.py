"""What the user sees of a run: a bar on a terminal, plain lines in a log, a table at the end."""

import sys
import time
from collections.abc import Sequence
from typing import Final, NoReturn, TextIO

from rich.box import SIMPLE
from rich.table import Table
from tqdm import tqdm

from jobs.console import make_console, visible
from jobs.settings import Settings
from jobs.store.movie_result import MovieResult
from jobs.store.provenance import Equipment

RUNTIMES: Final = {"onnx": "ONNX Runtime", "tensorflow": "TensorFlow"}

_LINE_EVERY_S: Final = 30.0
"""Seconds between two lines of progress in a log."""


class Progress:
    """Counts frames over all movies of a run; a frame is done when all passes over it are."""

    def __init__(self, movies: int, stream: TextIO = sys.stderr, line_every_s: float = _LINE_EVERY_S) -> None:
        """Begin at 0.

        Args:
            movies: how many there are.
            stream: for a bar if it is a terminal, for lines if not.
            line_every_s: seconds between two lines of progress.
        """
        self._stream = stream
        self._line_every_s = line_every_s
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
        device = f"{equipment.device} ({RUNTIMES.get(equipment.runtime, equipment.runtime)})"
        model = f"{settings.model} ({equipment.model_digest[:12]})"
        self.note(f"device {device}, {workers}, model {model}, detector {settings.detector}")
        if equipment.prior != settings.prior and settings.prior != "film":
            self.note(f"model {settings.model} has no answers for --prior {settings.prior}; its usual ones are used")

    def expect(self, frames: int, passes: int) -> None:
        """Add frames to come (or, below 0, take some away), over each of which ``passes`` passes are made."""
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

    def finished(self, result: MovieResult) -> None:
        """Count a movie; say at once if it failed."""
        self._finished += 1
        self._bar.set_description(self._movies_done())
        if result.status == "failed":
            self.note(f"failed: {result.name}: {result.reason}")
        elif result.ok and not self._stream.isatty():
            self.note(f"{result.status}{'' if result.fresh else ' before'}: {result.name}")

    def note(self, line: str) -> None:
        """Print a line without tearing the bar."""
        tqdm.write(visible(line), file=self._stream)
        self._stream.flush()

    def close(self) -> None:
        """Remove the bar."""
        self._bar.close()

    def _movies_done(self) -> str:
        return f"movie {self._finished}/{self._movies}"

    def _show(self) -> None:
        # An estimate of the header may fall short, and a unit that was tried twice counts twice.
        done = min((self._skipped + self._counted) // self._passes, self._expected)
        self._bar.update(done - self._bar.n)
        now = time.monotonic()
        if self._bar.disable and now - self._last_line > self._line_every_s and self._expected:
            self._last_line = now
            self.note(f"{self._movies_done()}, frame {done} of about {self._expected}")


def print_table(results: Sequence[MovieResult], seconds: float) -> None:
    """Print a line per movie, the totals, and the reasons of single movies, to standard output."""
    table = Table(box=SIMPLE, pad_edge=False)
    table.add_column("movie", overflow="fold", ratio=1)
    table.add_column("status", no_wrap=True)
    for heading in ("frames", "faces", "film s", "took s", "x real time"):
        table.add_column(heading, justify="right", no_wrap=True)
    for result in results:
        table.add_row(*_cells(result))
    fresh = [result for result in results if result.fresh and result.ok]
    table.add_section()
    table.add_row("this run", "", *_measures(fresh, seconds))
    console = make_console()
    console.print(table)
    for result in results:
        if result.reason:
            console.print(visible(f"{result.status}: {result.name}: {result.reason}"), soft_wrap=True)
    console.print(f"{sum(result.ok for result in results)} of {len(results)} movies done")


def _cells(result: MovieResult) -> list[str]:
    if not result.ok:
        return [visible(result.name), result.status]
    status = result.status if result.fresh else f"{result.status} before"
    return [visible(result.name), status, *_measures([result], result.seconds)]


def _measures(results: Sequence[MovieResult], seconds: float) -> list[str]:
    frames = sum(result.summary.frames or 0 for result in results)
    faces = sum(result.summary.faces or 0 for result in results)
    film = sum(result.summary.duration or 0.0 for result in results)
    return [str(frames), str(faces), f"{film:.1f}", f"{seconds:.1f}", f"{film / seconds:.2f}" if seconds else ""]
