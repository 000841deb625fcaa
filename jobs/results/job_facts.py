"""What pages show of a movie's ``job.json``; :mod:`jobs.store.job_file` is the one that reads it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from jobs.results.rows import shares_of
from jobs.store.job_file import JobFile
from jobs.store.workspace import MovieFolder

_PROVENANCE: Final = (
    "source",
    "fingerprint",
    "model",
    "model_digest",
    "detector",
    "device",
    "runtime",
    "finished",
    "seconds",
    "schema_version",
)


@dataclass(frozen=True)
class MovieSummary:
    """A movie in a few numbers; None where one is unknown.

    Attributes:
        duration: s.
        coverage: part of the time with at least one face, 0..1.
        frames, tracks, scenes: how many.
        width, height: of the upright picture, in pixels.
        shares: of face-time, in the order of LABELS; None without a face, too.
    """

    duration: float | None = None
    coverage: float | None = None
    frames: int | None = None
    tracks: int | None = None
    scenes: int | None = None
    width: int | None = None
    height: int | None = None
    shares: tuple[float, ...] | None = None


@dataclass(frozen=True)
class JobFacts:
    """What pages show of a ``job.json``. Any version of moodreel may have written it, so most may be missing.

    Attributes:
        movie: path below the input folder.
        status: ``done``, ``partial`` or ``failed``.
        reason: why the movie is partial or failed.
        remarks: what else the user should know.
        source: the file that the results were made from.
        fingerprint: identifies that file's content.
        model: name of the network.
        summary: the movie in a few numbers.
        provenance: how the results were made: key and value as text, without what is unknown.
        settings, versions: of the run.
        steps: places where the clock of the original steps; its times are then not those of the tables.
    """

    movie: str
    status: str
    reason: str
    remarks: tuple[str, ...]
    source: str
    fingerprint: str
    model: str
    summary: MovieSummary
    provenance: dict[str, str]
    settings: dict[str, Any]
    versions: dict[str, Any]
    steps: int = 0

    @property
    def has_results(self) -> bool:
        """Whether there are tables to show."""
        return self.status != "failed"


def read_job_facts(folder: MovieFolder) -> JobFacts | None:
    """Return what the ``job.json`` in ``folder`` says, or None where there is none of ours that can be read."""
    job = folder.read_job_file()
    return None if job is None else job_facts(job)


def job_facts(job: JobFile) -> JobFacts:
    """Return what pages show of a ``job.json``."""
    return JobFacts(
        movie=job.movie,
        status=job.status,
        reason=job.reason,
        remarks=job.remarks,
        source=job.source,
        fingerprint=job.fingerprint,
        model=job.model,
        summary=summary_of(job.summary.to_json()),
        provenance={key: str(value) for key in _PROVENANCE if (value := getattr(job, key)) not in (None, "")},
        settings=dict(job.settings),
        versions=dict(job.versions),
        steps=job.steps,
    )


def summary_of(found: Mapping[str, Any]) -> MovieSummary:
    """Return a movie in a few numbers from what ``job.json`` or a summary of corrected tables says."""
    known = {key: found.get(key) for key in ("duration", "coverage", "frames", "tracks", "scenes", "width", "height")}
    return MovieSummary(**known, shares=shares_of(found))
