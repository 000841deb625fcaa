"""The folder in rows: a movie each, with what is known of it so far."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobs.errors import UsageError
from jobs.results.wording import number, shares_of
from jobs.store.status import MovieStatus, RunStatus, read_status
from jobs.store.workspace import MovieFolder


@dataclass(frozen=True)
class Row:
    """A movie in the library.

    Attributes:
        movie: how far it is.
        ready: there are results to look at.
        pictured: there is something to take a picture of it from.
        duration: s; None while unknown.
        coverage: part of the time with at least one face, 0..1.
        tracks: how many faces were followed.
        shares: of face-time, in the order of EMOTIONS; None without a face.
        model: the network that labelled it.
    """

    movie: MovieStatus
    ready: bool
    pictured: bool = False
    duration: float | None = None
    coverage: float | None = None
    tracks: int | None = None
    shares: tuple[float, ...] | None = None
    model: str = ""


@dataclass(frozen=True)
class Library:
    """All movies of a folder, or why there are none (``empty``)."""

    rows: tuple[Row, ...]
    status: RunStatus | None
    empty: str = ""

    @property
    def busy(self) -> bool:
        """Whether a run goes on."""
        return bool(self.status and self.status.run and self.status.run.alive)


def read_library(out: Path) -> Library:
    """Read the folder; one without results is a library without rows."""
    try:
        status = read_status(out)
    except UsageError as error:
        return Library((), None, str(error))
    return Library(tuple(_row(out, movie) for movie in status.movies), status)


def _row(out: Path, movie: MovieStatus) -> Row:
    if movie.state not in ("done", "partial"):
        return Row(movie, ready=False)
    folder = MovieFolder(out / movie.name)
    job = folder.read_job() or {}
    found = job.get("summary")
    summary: dict[str, Any] = found if isinstance(found, dict) else {}
    tracks = summary.get("tracks")
    return Row(
        movie,
        ready=True,
        pictured=any(path.is_file() for path in (folder.poster, folder.video, Path(str(job.get("source", ""))))),
        duration=number(summary.get("duration")),
        coverage=number(summary.get("coverage")),
        tracks=tracks if isinstance(tracks, int) else None,
        shares=shares_of(summary),
        model=str(job.get("model") or ""),
    )
