"""``job.json`` of one movie: what stands in its folder, for which settings, and how it came about."""

from pathlib import Path
from typing import Any

from jobs.store.atomic import commit_json
from jobs.store.movie_result import AssembledMovie, MovieResult
from jobs.store.workspace import MovieFolder
from pipeline.errors import InputError


class JobFile:
    """The record of the movie at ``source``, whose results lie in ``folder``; a live source is named by a text."""

    def __init__(self, folder: MovieFolder, source: Path | str) -> None:
        self._folder = folder
        self._source = source if isinstance(source, str) else str(source.absolute())

    def done_before(self, keys: dict[str, str], video: bool) -> MovieResult | None:
        """Return the outcome of an earlier run that led to just these results, if they are all there."""
        job = self._folder.read_job()
        wanted = [*self._folder.tables, *([self._folder.video] if video else [])]
        if job is None or job.get("status") == "failed" or job.get("keys") != keys:
            return None
        if not all(path.exists() for path in wanted):
            return None
        return MovieResult(job["movie"], job["status"], job["reason"], job["summary"], job["seconds"], fresh=False)

    def tables_before(self, keys: dict[str, str]) -> AssembledMovie | None:
        """Return what an earlier run found, if its tables are those that are wanted and all there."""
        job = self._folder.read_job() or {}
        same = (job.get("keys") or {}).get("tables") == keys["tables"]
        if not same or not all(path.exists() for path in self._folder.tables):
            return None
        return AssembledMovie(job["summary"], job["refused"], job["damaged"], job["trusted"])

    def refuse_other_movie(self) -> None:
        """Keep another film's results that happen to lie under the same name.

        Raises:
            InputError: there are such.
        """
        job = self._folder.read_job()
        if job and job.get("status") != "failed" and job.get("source") != self._source:
            raise InputError(
                f"{self._folder.root} holds the results of {job.get('source')}; choose another --out, "
                f"or --force to replace them by those of {self._source}"
            )

    def disown(self, keep: tuple[str, ...]) -> None:
        """Say that an earlier run's results, but for those whose keys ``keep`` names, are about to be replaced.

        Should this run die meanwhile, no later one must take what it finds for whole.
        """
        job = self._folder.read_job()
        if job is not None and job.get("keys"):
            reason = "its results were being replaced by a run that did not end; run again"
            keys = {name: key for name, key in job["keys"].items() if name in keep}
            commit_json(self._folder.job, {**job, "status": "failed", "reason": reason, "keys": keys})

    @property
    def holds_results(self) -> bool:
        """Whether the folder holds results of an earlier run."""
        job = self._folder.read_job()
        return job is not None and job.get("status") != "failed"

    def write(self, outcome: MovieResult, facts: dict[str, Any]) -> None:
        """Record how the movie ended; ``facts`` say how it came about."""
        commit_json(
            self._folder.job,
            {
                "movie": outcome.name,
                "status": outcome.status,
                "reason": outcome.reason,
                "source": self._source,
                "summary": outcome.summary,
                "seconds": round(outcome.seconds, 3),
                **facts,
            },
        )
