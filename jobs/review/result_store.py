"""The output folder as pages see it: which movies are there, and which of their files may be shown.

Names come from URLs. Whatever they contain, nothing outside of the folder is opened: a path is followed to its end,
links included, and refused if that lies elsewhere. The one exception is a movie's original, which lies where its
results say; it must be the very file that they were made from.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jobs.results.boxes import best_frames
from jobs.results.errors import NotFoundError, NotReadyError
from jobs.results.lanes import Lanes, make_lanes
from jobs.results.timeline_index import TimelineIndex, read_timeline_index
from jobs.review.cache import Cache
from jobs.store.provenance import fingerprint_movie
from jobs.store.run_files import is_settled, read_plan, text_of
from jobs.store.workspace import MovieFolder
from pipeline.errors import PipelineError
from pipeline.media.movie import Movie, identity, open_movie

_KEPT: Final = 6
"""Timelines in memory; one of two hours takes about 30 MB."""


@dataclass(frozen=True)
class Original:
    """The file that a movie's results were made from, or why it cannot be shown (``path`` is None then)."""

    path: Path | None
    why_not: str = ""


class ResultStore:
    """The output folder at ``out``."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self._summaries: Cache[TimelineIndex] = Cache(_KEPT)
        self._lanes: Cache[Lanes] = Cache(_KEPT)
        self._best: Cache[dict[int, int]] = Cache(_KEPT)
        self._movies: Cache[Movie] = Cache(64)
        self._fingerprints: Cache[str] = Cache(256)

    def inside(self, path: Path) -> Path:
        """Return ``path`` with all links followed.

        Raises:
            NotFoundError: it does not exist, or lies outside of the folder.
        """
        try:
            real = path.resolve(strict=True)
            root = self.out.resolve(strict=True)
        except (OSError, ValueError, RuntimeError):
            raise NotFoundError(f"{path.name} is not there (any more)") from None
        if not real.is_relative_to(root):
            raise NotFoundError(f"{path.name} is not there: it leads out of the folder that is served")
        return real

    def folder(self, name: str) -> MovieFolder:
        """Return the folder of the movie called ``name``.

        Raises:
            NotFoundError: there is none of that name.
        """
        parts = name.split("/")
        if "\0" in name or any(part in ("", ".", "..", ".work") for part in parts):
            raise NotFoundError(f"{name}: no movie of this name in the folder")
        root = self.inside(self.out / name)
        folder = MovieFolder(root)
        if not folder.job.is_file() and not folder.work.is_dir():
            raise NotFoundError(f"{name}: no movie of this name in the folder")
        return folder

    def job(self, name: str) -> dict[str, Any]:
        """Return what ``job.json`` says of a movie that has results.

        Raises:
            NotFoundError: there is no such movie, or it failed.
            NotReadyError: it is still being processed.
        """
        folder = self.folder(name)
        job = folder.read_job()
        if not is_settled(job, read_plan(folder)):
            raise NotReadyError(
                f"{name} is still being processed, or its run was stopped; its page opens when it is done"
            )
        assert job is not None
        if job["status"] == "failed":
            raise NotFoundError(f"{name} has no results: {text_of(job.get('reason')) or 'it failed'}")
        return job

    def summary(self, name: str) -> TimelineIndex:
        """Return the movie's timeline; see :func:`jobs.results.timeline_index.read_timeline_index` for errors."""
        path = self.table(name, "timeline")
        return self._summaries.get(identity(path), lambda: read_timeline_index(path))

    def lanes(self, name: str) -> Lanes:
        """Return the movie's tracks in lanes."""
        summary = self.summary(name)
        return self._lanes.get(identity(summary.path), lambda: make_lanes(summary))

    def best_frames(self, name: str) -> dict[int, int]:
        """Return the frame that shows each track best."""
        summary = self.summary(name)
        return self._best.get(identity(summary.path), lambda: best_frames(summary))

    def table(self, name: str, table: str) -> Path:
        """Return the path of a movie's table: ``timeline``, ``tracks``, ``shots``, ``scenes``."""
        path: Path = getattr(self.folder(name), table)
        return self.inside(path)

    def annotated(self, name: str) -> Path | None:
        """Return the movie's annotated video, or None where there is none to show."""
        folder = self.folder(name)
        try:
            return self.inside(folder.video)
        except NotFoundError:
            return None

    def poster(self, name: str) -> Path | None:
        """Return the picture that a run left of the movie, or None."""
        try:
            return self.inside(self.folder(name).poster)
        except NotFoundError:
            return None

    def original(self, name: str) -> Original:
        """Return the file that the movie's results were made from, if it is still the same."""
        job = self.folder(name).read_job() or {}
        source, fingerprint = text_of(job.get("source")), text_of(job.get("fingerprint"))
        if not source or not fingerprint:
            return Original(None, "the results do not say what they were made from")
        path = Path(source)
        key = identity(path)
        if key is None or not path.is_file():
            return Original(None, f"the original, {source}, is not there (any more)")
        try:
            same = self._fingerprints.get(key, lambda: fingerprint_movie(path)) == fingerprint
        except OSError as error:
            return Original(None, f"the original, {source}, cannot be read: {error.strerror}")
        return Original(path) if same else Original(None, f"the original, {source}, has changed since")

    def movie(self, name: str) -> Movie:
        """Describe a file that pictures of the movie can be taken from: the original, or else the annotated video.

        Raises:
            NotFoundError: there is neither.
        """
        path = self.original(name).path or self.annotated(name)
        if path is None:
            raise NotFoundError(f"{name}: neither the annotated video nor the original is there")
        try:
            return self._movies.get(identity(path), lambda: open_movie(path))
        except PipelineError as error:
            raise NotFoundError(str(error)) from error
