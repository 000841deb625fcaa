"""The output folder as pages see it: which movies are there, and which of their files may be shown.

Names come from URLs. Whatever they contain, no file outside of the folder is opened: a path is resolved, links
included, and refused if it leads elsewhere. The one exception is a movie's original; see
:func:`jobs.results.stills.original.find_original`.
"""

import os
from collections.abc import Hashable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import pyarrow as pa

from jobs.results.boxes import best_frames
from jobs.results.corrections import Changes, Spans, corrected, read_changes
from jobs.results.corrections.people import persons_of
from jobs.results.errors import NotFoundError, NotReadyError
from jobs.results.job_facts import JobFacts, MovieSummary, job_facts, read_job_facts
from jobs.results.lanes import Lanes, make_lanes
from jobs.results.probabilities import Probabilities, read_probabilities
from jobs.results.stills.original import Original, find_original
from jobs.results.tables import read_table
from jobs.results.timeline_index import TimelineIndex, read_timeline_index
from jobs.review.cache import Cache
from jobs.store.provenance import fingerprint_movie
from jobs.store.run_files import is_settled, read_plan
from jobs.store.sidecar import review_file
from jobs.store.workspace import MovieFolder
from pipeline.errors import PipelineError
from pipeline.media.geometry import LONGEST_SIDE
from pipeline.media.movie import Movie, identity, open_movie

_KEPT: Final = 6
"""Timelines in memory; one of two hours takes about 30 MB."""


class ResultStore:
    """The output folder at ``out``. What is read is kept until the file changes; threads may share it."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self._indexes: Cache[TimelineIndex] = Cache(_KEPT)
        self._lanes: Cache[Lanes] = Cache(_KEPT)
        self._changes: Cache[Changes] = Cache(256)
        self._corrected: Cache[Spans] = Cache(_KEPT)
        self._summaries: Cache[MovieSummary] = Cache(4096)  # the library asks for all of them again and again
        self._probabilities: Cache[Probabilities] = Cache(_KEPT)
        self._best: Cache[dict[int, int]] = Cache(_KEPT)
        self._movies: Cache[Movie] = Cache(64)
        self._fingerprints: Cache[str] = Cache(256)

    def inside(self, path: Path) -> Path:
        """Return ``path`` with all links resolved.

        Raises:
            NotFoundError: it does not exist, or leads out of the folder.
        """
        try:
            # os.path is several times as fast as pathlib, and a search asks for thousands of files.
            real, root = (os.path.realpath(one, strict=True) for one in (path, self.out))
        except (OSError, ValueError):
            raise NotFoundError(f"{path.name} is missing") from None
        if os.path.commonpath([real, root]) != root:
            raise NotFoundError(f"{path.name} cannot be shown: it lies outside the folder being served")
        return Path(real)

    def folder(self, name: str) -> MovieFolder:
        """Return the folder of the movie called ``name``.

        Raises:
            NotFoundError: there is no movie of that name.
        """
        parts = name.split("/")
        if "\0" in name or any(part in ("", ".", "..", ".work") for part in parts):
            raise NotFoundError(f"{name}: no movie of this name in the folder")
        root = self.inside(self.out / name)
        folder = MovieFolder(root)
        if not folder.job.is_file() and not folder.work.is_dir():
            raise NotFoundError(f"{name}: no movie of this name in the folder")
        return folder

    def facts(self, name: str) -> JobFacts:
        """Return what ``job.json`` says of a movie that has results.

        Raises:
            NotFoundError: there is no such movie, or it failed.
            NotReadyError: it is still being processed.
        """
        return self.finished(name)[1]

    def finished(self, name: str) -> tuple[MovieFolder, JobFacts]:
        """Return the folder of a movie that has results, and what :meth:`facts` does; raises what that does."""
        folder = self.folder(name)
        job = folder.read_job_file()
        if job is None or not is_settled(job, read_plan(folder)):
            raise NotReadyError(
                f"{name} is still being processed, or its run was stopped; the page opens once it is done"
            )
        facts = job_facts(job)
        if not facts.has_results:
            raise NotFoundError(f"{name} has no results: {facts.reason or 'it failed'}")
        return folder, facts

    def index(self, name: str) -> TimelineIndex:
        """Return the movie's timeline; raises what :func:`jobs.results.timeline_index.read_timeline_index` does."""
        path, changes = self.table(name, "timeline"), self.changes(name)
        return self._indexes.get(self.state(name), lambda: read_timeline_index(path, changes))

    def state(self, name: str) -> Hashable:
        """Return what changes when the movie's tables or its corrections do."""
        return identity(self.table(name, "timeline")), identity(self.folder(name).root / review_file.NAME)

    def changes(self, name: str) -> Changes:
        """Return what people corrected in the movie's results."""
        folder = self.folder(name)
        return self._changes.get(self.state(name), lambda: read_changes(folder))

    def rows(self, name: str, table: str, columns: Sequence[str]) -> pa.Table:
        """Return rows of a movie's table with its corrections applied.

        Args:
            name: of the movie.
            table: ``tracks``, ``shots`` or ``scenes``.
            columns: names of the columns.
        """
        changes = self.changes(name)
        if not changes.any_rows:
            return read_table(self.table(name, table), columns)
        whole: pa.Table = getattr(self._spans(name, changes), table)
        return whole.select(list(columns))

    def summary(self, name: str, measured: MovieSummary) -> MovieSummary:
        """Return a movie in a few numbers, as people corrected them; ``measured`` where nothing is corrected."""
        changes = self.changes(name)
        if not changes.any_rows:
            return measured
        return self._summaries.get(self.state(name), lambda: self._spans(name, changes).summary(measured))

    def _spans(self, name: str, changes: Changes) -> Spans:
        folder = self.folder(name)
        return self._corrected.get(self.state(name), lambda: corrected(folder, changes).spans())

    def persons(self, name: str) -> dict[int, int]:
        """Return the person of each of a movie's tracks that has one."""
        return persons_of(self.table(name, "tracks"), self.changes(name))

    def probabilities(self, name: str) -> Probabilities:
        """Return the network's probabilities over time."""
        index = self.index(name)
        return self._probabilities.get(self.state(name), lambda: read_probabilities(index))

    def lanes(self, name: str) -> Lanes:
        """Return the movie's tracks in lanes."""
        index = self.index(name)
        return self._lanes.get(self.state(name), lambda: make_lanes(index))

    def best_frames(self, name: str) -> dict[int, int]:
        """Return for each track the frame that shows it best."""
        index = self.index(name)
        return self._best.get(self.state(name), lambda: best_frames(index))

    def poster_time(self, name: str) -> float:
        """Return a time in s for a poster: when the longest track looks best; without a face, the start."""
        index, lanes = self.index(name), self.lanes(name)
        longest = lanes.longest()
        if longest is None:
            return index.start
        return float(index.time[self.best_frames(name)[int(lanes.track[longest])]])

    def table(self, name: str, table: str) -> Path:
        """Return the path of a movie's table: ``timeline``, ``tracks``, ``shots``, ``scenes``."""
        path: Path = getattr(self.folder(name), table)
        return self.inside(path)

    def annotated(self, name: str) -> Path | None:
        """Return the movie's annotated video, or None where there is none to show."""
        return self._if_inside(self.folder(name).video)

    def overlay(self, name: str) -> Path | None:
        """Return the movie with its labels as subtitles, or None where there is none to show."""
        return self._if_inside(self.folder(name).overlay)

    def poster(self, name: str) -> Path | None:
        """Return the poster that a run made of the movie, or None where there is none to show."""
        return self._if_inside(self.folder(name).poster)

    def original(self, name: str) -> Original:
        """Return the file that the movie's results were made from, if it is still the same."""
        facts = read_job_facts(self.folder(name))
        if facts is None:
            return Original(None, "the results do not say what they were made from")
        return find_original(facts, self._fingerprint)

    def movie(self, name: str) -> Movie:
        """Open what stills of the movie can be taken from: the original, or its copy, or else the annotated video.

        Raises:
            NotFoundError: neither is available.
        """
        paths = [self.original(name).path, self.overlay(name), self.annotated(name)]
        movie = next((movie for path in filter(None, paths) if (movie := self._opened(path)).seekable), None)
        if movie is None:
            raise NotFoundError(f"{name}: neither the annotated video nor the original is available")
        facts = read_job_facts(self.folder(name))
        width, height = (facts.summary.width, facts.summary.height) if facts else (None, None)
        if width and height and 0 < width <= LONGEST_SIDE and 0 < height <= LONGEST_SIDE:
            return movie.with_picture(width, height)  # boxes are in it
        return movie

    def _opened(self, path: Path) -> Movie:
        try:
            return self._movies.get(identity(path), lambda: open_movie(path))
        except PipelineError as error:
            raise NotFoundError(str(error)) from error

    def _if_inside(self, path: Path) -> Path | None:
        try:
            return self.inside(path)
        except NotFoundError:
            return None

    def _fingerprint(self, path: Path) -> str:
        key = identity(path)
        make = partial(fingerprint_movie, path)
        return make() if key is None else self._fingerprints.get(key, make)
