"""The output folder as rows: a movie each, with what is known of it so far."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from jobs.errors import UsageError
from jobs.results.errors import ResultError
from jobs.results.job_facts import MovieSummary, read_job_facts
from jobs.review.result_store import ResultStore
from jobs.store.sidecar import review_file
from jobs.store.status import MovieStatus, RunStatus, read_status
from jobs.store.workspace import MovieFolder


@dataclass(frozen=True)
class Row:
    """A movie in the library.

    Attributes:
        movie: how far it is.
        ready: whether there are results to look at.
        has_picture: whether there is a poster, or something to take one from.
        summary: the movie in a few numbers.
    """

    movie: MovieStatus
    ready: bool = False
    has_picture: bool = False
    summary: MovieSummary = field(default_factory=MovieSummary)


@dataclass(frozen=True)
class Library:
    """All movies of a folder, or why there are none (``empty``)."""

    rows: tuple[Row, ...]
    status: RunStatus | None
    empty: str = ""

    @property
    def busy(self) -> bool:
        """Whether a run is in progress."""
        return bool(self.status and self.status.run and self.status.run.alive)

    def find(self, name: str) -> MovieStatus | None:
        """Return how far the movie called ``name`` is; None if there is none of that name."""
        return next((row.movie for row in self.rows if row.movie.name == name), None)


def read_library(out: Path) -> Library:
    """Read the folder; one without results is a library without rows."""
    try:
        status = read_status(out)
    except UsageError as error:
        return Library((), None, str(error))
    return Library(tuple(_row(out, movie) for movie in status.movies), status)


def corrected_library(store: ResultStore) -> Library:
    """Read the folder, with the figures of each film as people corrected them."""
    library = read_library(store.out)
    return replace(library, rows=tuple(_corrected(store, row) for row in library.rows))


def _corrected(store: ResultStore, row: Row) -> Row:
    if not row.ready or not (store.out / row.movie.name / review_file.NAME).exists():
        return row
    try:
        return replace(row, summary=store.summary(row.movie.name, row.summary))
    except ResultError:  # its own page says what is wrong with it
        return row


def _row(out: Path, movie: MovieStatus) -> Row:
    folder = MovieFolder(out / movie.name)
    facts = read_job_facts(folder) if movie.state in ("done", "partial") else None
    if facts is None:
        return Row(movie)
    sources = (folder.poster, folder.video, folder.overlay, Path(facts.source))
    return Row(movie, ready=True, has_picture=any(path.is_file() for path in sources), summary=facts.summary)
