"""What ``job.json`` says of a movie, checked: the one place where review and report read it."""

import math
from dataclasses import dataclass
from typing import Any, Final

from jobs.results.rows import shares_of
from jobs.store.json_values import text_of
from jobs.store.workspace import MovieFolder

_WITH_RESULTS: Final = ("done", "partial")
_PROVENANCE: Final = (
    "source",
    "fingerprint",
    "model",
    "model_digest",
    "detector",
    "device",
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
    """The content of a ``job.json``. Any version of moodreel may have written it, so everything may be missing.

    Attributes:
        movie: path below the input folder; empty if unknown.
        status: ``done``, ``partial`` or ``failed``; empty if unknown.
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
        return self.status in _WITH_RESULTS


def read_job_facts(folder: MovieFolder) -> JobFacts | None:
    """Return what the ``job.json`` in ``folder`` says, or None where there is none that can be read."""
    job = folder.read_job()
    return None if job is None else job_facts(job)


def job_facts(job: dict[str, Any]) -> JobFacts:
    """Return the content of a ``job.json``; what is of an unexpected type counts as unknown."""
    remarks = job.get("remarks")
    return JobFacts(
        movie=text_of(job.get("movie")) or "",
        status=text_of(job.get("status")) or "",
        reason=text_of(job.get("reason")) or "",
        remarks=tuple(str(remark) for remark in remarks) if isinstance(remarks, list) else (),
        source=text_of(job.get("source")) or "",
        fingerprint=text_of(job.get("fingerprint")) or "",
        model=text_of(job.get("model")) or "",
        summary=_summary(_mapping(job.get("summary"))),
        provenance={key: str(job[key]) for key in _PROVENANCE if job.get(key) not in (None, "")},
        settings=_mapping(job.get("settings")),
        versions=_mapping(job.get("versions")),
        steps=_count(job.get("steps")) or 0,
    )


def _summary(found: dict[str, Any]) -> MovieSummary:
    return MovieSummary(
        duration=_number(found.get("duration")),
        coverage=_number(found.get("coverage")),
        **{key: _count(found.get(key)) for key in ("frames", "tracks", "scenes", "width", "height")},
        shares=shares_of({key: _number(value) for key, value in found.items()}),
    )


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> float | None:
    fits = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if fits else None


def _count(value: Any) -> int | None:
    number = _number(value)
    return None if number is None else int(number)
