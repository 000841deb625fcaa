"""``job.json`` of one movie: how it ended, which results stand in its folder, and how they came about.

Reading is tolerant: files of earlier versions, of other programs and damaged ones give None or defaults, never an
exception. Writing is strict: what does not read back as it was is refused.

Invariant: where ``keys.tables`` is set, the tables in the folder are those, and an ``annotated.mp4`` or
``annotated.mkv`` beside them shows them. ``keys.video`` says in which quality the former does, ``keys.overlay`` which
tables the latter shows; "" where that is not known, or where there is none.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_type_hints

from jobs.iso_time import moment_of
from jobs.store.atomic import commit_json, json_text
from jobs.store.json_values import count_of, number_of, object_of, read_object, text_of, texts_of
from jobs.store.provenance import Keys

FORMAT: Final = 1
"""Of ``job.json``; files that do not say are older. Raised when a field changes its meaning."""

Status = Literal["done", "partial", "failed"]
FINAL: Final[tuple[Status, ...]] = get_args(Status)
"""What ``job.json`` may say of a movie."""


@dataclass(frozen=True)
class MovieSummary:
    """A movie's content in figures; None for what is not known.

    The fields are columns of :data:`pipeline.schema.MOVIES`, which says what they mean.
    """

    duration: float | None = None
    width: int | None = None
    height: int | None = None
    frames: int | None = None
    face_frames: int | None = None
    faces: int | None = None
    coverage: float | None = None
    faces_max: int | None = None
    tracks: int | None = None
    shots: int | None = None
    scenes: int | None = None
    people: int | None = None
    share_angry: float | None = None
    share_disgust: float | None = None
    share_fear: float | None = None
    share_happy: float | None = None
    share_sad: float | None = None
    share_surprise: float | None = None
    share_neutral: float | None = None
    share_unsure: float | None = None
    mean_angry: float | None = None
    mean_disgust: float | None = None
    mean_fear: float | None = None
    mean_happy: float | None = None
    mean_sad: float | None = None
    mean_surprise: float | None = None
    mean_neutral: float | None = None
    dominant: str | None = None
    face_share_angry: float | None = None
    face_share_disgust: float | None = None
    face_share_fear: float | None = None
    face_share_happy: float | None = None
    face_share_sad: float | None = None
    face_share_surprise: float | None = None
    face_share_neutral: float | None = None
    face_share_unsure: float | None = None
    size_share_angry: float | None = None
    size_share_disgust: float | None = None
    size_share_fear: float | None = None
    size_share_happy: float | None = None
    size_share_sad: float | None = None
    size_share_surprise: float | None = None
    size_share_neutral: float | None = None
    size_share_unsure: float | None = None

    @classmethod
    def parse(cls, value: Any) -> "MovieSummary":
        """Read the columns from a mapping; whatever is missing or of another type becomes None."""
        content = object_of(value)
        columns: dict[str, Any] = {name: read(content.get(name)) for name, read in _SUMMARY_READERS.items()}
        return cls(**columns)

    def to_json(self) -> dict[str, Any]:
        """Return the columns by name; empty if nothing is known."""
        columns = {name: getattr(self, name) for name in _SUMMARY_READERS}
        return columns if any(value is not None for value in columns.values()) else {}


def _int32_of(value: Any) -> int | None:
    count = count_of(value)
    return count if count is not None and -(2**31) <= count < 2**31 else None


_SUMMARY_READERS: Final = {
    name: {float | None: number_of, int | None: _int32_of, str | None: text_of}[hint]
    for name, hint in get_type_hints(MovieSummary).items()
}


@dataclass(frozen=True)
class JobFile:
    """What ``job.json`` says.

    Attributes:
        movie: the movie's name, its path below the input folder.
        status: ``done``, ``partial`` (what could be decoded was processed) or ``failed``.
        reason: of all but done.
        source: the file that was read; a live source is named by a text.
        summary: the content in figures.
        seconds: the movie took, on the clock on the wall.
        keys: of the results that stand; see this module's head.
        remarks: what the user should know of the results.
        fingerprint: of the source.
        refused, damaged: packets and frames that could not be decoded.
        missing: frames that the file holds and that were not found.
        absent: frames that it should hold and does not, as far as is known.
        no_overlay: why there is no ``annotated.mkv`` although it was wanted; "" where there is one, or none was.
        steps: places where the file's clock steps; from the first on, the movie's times are not those of a player.
        trusted: whether the file's time stamps were used.
        frames_before: of the movie, that earlier runs had done.
        stage_seconds: s of work by stage, over all workers.
        finished: when, ISO 8601.
        schema_version: of the tables.
        device, runtime, model, model_digest, detector: what the run worked with.
        settings: of the run.
        versions: of Python and the libraries.
        details: of a failure: traceback, a library's last words.
        live: whether it is a recording of a live session.
        format: version of this file's format; None in files of earlier versions, which did not say.
        rest: what a later version, or another program, wrote beside; kept when the file is rewritten.
    """

    movie: str
    status: Status
    reason: str = ""
    source: str = ""
    summary: MovieSummary = field(default_factory=MovieSummary)
    seconds: float | None = None
    keys: Keys = field(default_factory=Keys)
    remarks: tuple[str, ...] = ()
    fingerprint: str = ""
    refused: int = 0
    damaged: int = 0
    missing: int = 0
    absent: int = 0
    no_overlay: str = ""
    steps: int = 0
    trusted: bool = True
    frames_before: int = 0
    stage_seconds: Mapping[str, float] = field(default_factory=dict)
    finished: str = ""
    schema_version: int | None = None
    device: str = ""
    runtime: str = ""
    model: str = ""
    model_digest: str = ""
    detector: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    details: str = ""
    live: bool = False
    format: int | None = FORMAT
    rest: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, value: Any) -> "JobFile | None":
        """Read the content of a file; None if it does not name a movie and how that ended."""
        content = object_of(value)
        movie, status = text_of(content.get("movie")), content.get("status")
        if not movie or status not in FINAL:
            return None
        stages = object_of(content.get("stage_seconds"))
        versions = object_of(content.get("versions"))
        plain: dict[str, Any] = {name: text_of(content.get(name)) or "" for name in _TEXTS}
        plain |= {name: count_of(content.get(name)) or 0 for name in _COUNTS}
        return cls(
            movie=movie,
            status=status,
            **plain,
            summary=MovieSummary.parse(content.get("summary")),
            seconds=number_of(content.get("seconds")),
            keys=Keys.parse(content.get("keys")),
            remarks=texts_of(content.get("remarks")),
            trusted=content.get("trusted") is not False,
            stage_seconds={stage: s for stage, value in stages.items() if (s := number_of(value)) is not None},
            schema_version=count_of(content.get("schema_version")),
            settings=object_of(content.get("settings")),
            versions={library: str(number) for library, number in versions.items()},
            live=content.get("live") is True,
            format=count_of(content.get("format")),
            rest={name: value for name, value in content.items() if name not in _NAMES},
        )

    def to_json(self) -> dict[str, Any]:
        """Return the content of the file."""
        content = {name: getattr(self, name) for name in _NAMES}
        content |= {name: dict(content[name]) for name in ("stage_seconds", "settings", "versions")}
        content |= {"summary": self.summary.to_json(), "keys": self.keys.to_json(), "remarks": list(self.remarks)}
        optional = {name for name in ("details", "live", "no_overlay") if not content[name]}
        return {name: value for name, value in content.items() if name not in optional} | dict(self.rest)

    @property
    def has_results(self) -> bool:
        """Whether there are results to look at."""
        return self.status != "failed"

    @property
    def finished_at(self) -> int | None:
        """When the movie ended, in s since 1970; None if that cannot be read."""
        return moment_of(self.finished)

    def being_replaced(self) -> "JobFile":
        """Return what is to stand while its tables are replaced: should the run die, nothing here is whole."""
        reason = "a run that was replacing its results did not finish; run again"
        return replace(self, status="failed", reason=reason, keys=Keys())

    def write(self, path: Path, within: Path | None = None) -> None:
        """Commit the file to ``path``; see :func:`jobs.store.atomic.commit` for ``within``.

        Raises:
            ValueError: a value would not read back as it is.
            OSError: the file cannot be written.
        """
        content = replace(self, format=FORMAT).to_json()
        again = JobFile.parse(json.loads(json_text(content)))
        if again is None or again.to_json() != content:
            raise ValueError(f"{path}: expected values that JSON can hold, found {content}")
        commit_json(path, content, within)


_NAMES: Final = tuple(one.name for one in fields(JobFile) if one.name != "rest")
_TEXTS: Final = (
    "reason no_overlay source fingerprint finished device runtime model model_digest detector details"
).split()
_COUNTS: Final = ("refused", "damaged", "missing", "absent", "steps", "frames_before")


def read_job_file(path: Path) -> JobFile | None:
    """Read a ``job.json``; None where there is none of ours that can be read."""
    return JobFile.parse(read_object(path))
