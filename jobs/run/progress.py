"""What the user sees of a run: a bar on a terminal, lines with time stamps in a log, a table at the end."""

import sys
import time
from collections.abc import Sequence
from typing import Final, NoReturn, TextIO

from tqdm import tqdm

from jobs.console import NameTable, make_console, visible
from jobs.iso_time import duration, now
from jobs.settings import Settings
from jobs.store.movie_result import MovieResult
from jobs.store.provenance import Equipment

RUNTIMES: Final = {"onnx": "ONNX Runtime", "tensorflow": "TensorFlow"}

_LINE_EVERY_S: Final = 300.0
"""Seconds between two lines of progress in a log."""

MOST_ROWS: Final = 50
"""Movies in the table at the end; of more, only those that failed are listed."""


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
        self._looked_at = 0
        self._finished = 0
        self._passes = 1
        self._skipped = 0
        self._counted = 0
        self._last_line = time.monotonic()
        self._first_frame: float | None = None
        self._expected = 0
        self._bar: tqdm[NoReturn] = tqdm(
            total=0,
            unit="frame",
            file=stream,
            disable=not stream.isatty(),
            dynamic_ncols=True,
            smoothing=0.05,
            desc=self._stage(),
        )

    def equipped(self, equipment: Equipment, settings: Settings) -> None:
        """Say what the run works with."""
        local = f"{settings.worker_count} worker{'s' if settings.worker_count > 1 else ''}"
        workers = local if settings.engine == "local" else f"engine {settings.engine}"
        device = f"{equipment.device} ({RUNTIMES.get(equipment.runtime, equipment.runtime)})"
        model = f"{settings.model} ({equipment.model_digest[:12]})"
        encoder = "" if equipment.encoder == "x264" else f", encoder {equipment.encoder}"
        self.note(f"device {device}, {workers}, model {model}, detector {settings.detector}{encoder}")
        if equipment.prior != settings.prior and settings.prior != "film":
            self.note(f"model {settings.model} has no calibration for --prior {settings.prior}; its default is used")

    def looked_at(self) -> None:
        """Count a movie of which it is known now how long it is, or that it is none."""
        self._looked_at += 1
        self._bar.set_description(self._stage())
        self._set_total()

    def expect(self, frames: int, passes: int) -> None:
        """Add frames to come (or, below 0, take some away), over each of which ``passes`` passes are made."""
        self._passes = passes
        self._expected += frames
        self._set_total()

    def skipped(self, frames: int) -> None:
        """Count frames of one pass that an earlier run has done."""
        self._skipped += frames
        self._show()

    def frames_done(self, frames: int) -> None:
        """Set how many frames the workers have finished, over all passes."""
        if frames and self._first_frame is None:
            self._first_frame = time.monotonic()
        self._counted = frames
        self._show()

    def finished(self, result: MovieResult) -> None:
        """Count a movie that came to its end; say at once if it failed. One that was stopped has not."""
        if result.status == "stopped":
            return
        self._finished += 1
        self._bar.set_description(self._stage())
        if result.status == "failed":
            self.note(f"failed: {result.name}: {result.reason}{self._place()}")
        elif result.ok and not self._stream.isatty():
            self.note(f"{result.status}{'' if result.fresh else ' before'}: {result.name}{self._place()}")

    def note(self, line: str) -> None:
        """Print a line without tearing the bar; in a log, with the time."""
        stamp = "" if self._stream.isatty() else f"{now()} "
        tqdm.write(stamp + visible(line), file=self._stream)
        self._stream.flush()

    def close(self) -> None:
        """Remove the bar."""
        self._bar.close()

    @property
    def place(self) -> str:
        """Which movie ended last, of how many, as ``3/20``."""
        return f"{self._finished}/{self._movies}"

    def seconds_left(self) -> float | None:
        """Return in how many seconds the run will be done, at its pace so far; None while that is not known."""
        if self._first_frame is None or self._looked_at < self._movies:
            return None
        # What earlier runs did took no time of this one.
        fresh = self._counted / self._passes
        seconds = time.monotonic() - self._first_frame
        left = self._expected - self._done()
        return left / fresh * seconds if fresh and seconds > 1 else None

    def _done(self) -> int:
        # An estimate of the header may fall short, and a unit that was tried twice counts twice.
        return min((self._skipped + self._counted) // self._passes, self._expected)

    def _stage(self) -> str:
        if self._looked_at < self._movies:
            return f"probing movie {self._looked_at}/{self._movies}"
        return f"movie {self._finished}/{self._movies}"

    def _place(self) -> str:
        """Return the count, and the time left, for a line in a log."""
        if self._stream.isatty():
            return ""
        left = self.seconds_left()
        return f" ({self.place}{'' if left is None or not left else f', {duration(left)} left'})"

    def _set_total(self) -> None:
        # Before all movies are known, a part of the whole would shrink whenever another one is.
        self._bar.total = self._expected if self._looked_at >= self._movies else None
        self._bar.refresh()

    def _show(self) -> None:
        done = self._done()
        self._bar.update(done - self._bar.n)
        moment = time.monotonic()
        all_known = self._looked_at >= self._movies
        if self._bar.disable and moment - self._last_line > self._line_every_s and (self._expected or not all_known):
            self._last_line = moment
            left = self.seconds_left()
            known = f", frame {done} of about {self._expected}" if all_known else ""
            self.note(f"{self._stage()}{known}{'' if left is None else f', {duration(left)} left'}")


def print_table(results: Sequence[MovieResult], seconds: float) -> None:
    """Print a line per movie, the totals, and the reasons of single movies, to standard output.

    Of more than MOST_ROWS movies, only those that failed have a line and a reason.
    """
    many = len(results) > MOST_ROWS
    listed = [result for result in results if result.status == "failed"] if many else results
    headings = ("frames", "faces", "film s", "took s", "x real time")
    table = NameTable("movie", ("status", *headings), dropped=("x real time", "film s", "faces", "took s", "frames"))
    for result in listed:
        table.add(result.name, *_cells(result))
    fresh = [result for result in results if result.fresh and result.ok]
    table.add_total("this run", "", *_measures(fresh, seconds))
    table.print()
    console = make_console()
    for result in listed:
        if result.reason:
            console.print(visible(f"{result.status}: {result.name}: {result.reason}"), soft_wrap=True)
    partial = sum(result.status == "partial" for result in results)
    also = f", {partial} of them partial" if many and partial else ""
    console.print(f"{sum(result.ok for result in results)} of {len(results)} movies done{also}")


def _cells(result: MovieResult) -> list[str]:
    if not result.ok:
        return [result.status, "", "", "", "", ""]
    status = result.status if result.fresh else f"{result.status} before"
    return [status, *_measures([result], result.seconds)]


def _measures(results: Sequence[MovieResult], seconds: float) -> list[str]:
    frames = sum(result.summary.frames or 0 for result in results)
    faces = sum(result.summary.faces or 0 for result in results)
    film = sum(result.summary.duration or 0.0 for result in results)
    return [str(frames), str(faces), f"{film:.1f}", f"{seconds:.1f}", f"{film / seconds:.2f}" if seconds else ""]
