"""How a movie of a run ended, and ``movies.parquet``, a row per movie, from every ``job.json``."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pyarrow as pa
from pyarrow.json import ParseOptions, ReadOptions, read_json

from jobs.store.atomic import commit
from jobs.store.job_file import JobFile, MovieSummary, Status
from jobs.store.table_files import write_table
from jobs.store.workspace import Workspace
from pipeline import schema


@dataclass(frozen=True)
class MovieResult:
    """How one movie of a run ended.

    Attributes:
        name: the movie's.
        status: as in ``job.json``, or ``stopped`` where the run ended first.
        reason: of all but done.
        summary: the content in figures, as far as known.
        seconds: it took, on the clock on the wall.
        fresh: False where an earlier run had done it already.
    """

    name: str
    status: Status | Literal["stopped"]
    reason: str = ""
    summary: MovieSummary = field(default_factory=MovieSummary)
    seconds: float = 0.0
    fresh: bool = True

    @property
    def ok(self) -> bool:
        """Whether there are results."""
        return self.status in ("done", "partial")


@dataclass(frozen=True)
class AssembledMovie:
    """What assembling finds out.

    Attributes:
        summary: the content in figures.
        refused, damaged: packets and frames that could not be decoded.
        trusted: whether the file's time stamps were used.
        missing: frames that the file promises and that were not found.
        no_overlay: why there is no movie with its labels as subtitles although it was wanted, or "".
    """

    summary: MovieSummary
    refused: int
    damaged: int
    trusted: bool
    missing: int = 0
    no_overlay: str = ""


def job_file_of(result: MovieResult, facts: Mapping[str, Any]) -> JobFile:
    """Return what ``job.json`` says of a result.

    Args:
        result: done, partial or failed.
        facts: the other fields of :class:`JobFile`, as JSON holds them.

    Raises:
        ValueError: the movie was stopped, which nothing is recorded of.
    """
    known: dict[str, Any] = {"movie": result.name, "status": result.status, "reason": result.reason}
    known |= {"summary": result.summary.to_json(), "seconds": round(result.seconds, 3)}
    job = JobFile.parse({**facts, **known})
    if job is None:
        raise ValueError(f"expected a movie that ended, found {result}")
    return job


def write_movies_table(workspace: Workspace) -> None:
    """Rewrite ``movies.parquet`` from every ``job.json`` in the output folder.

    Raises:
        OSError: it cannot be written.
    """
    table = _table([_row(job) for job in workspace.job_files()])
    commit(workspace.movies, lambda temporary: write_table(table, temporary), workspace.root)


def _row(job: JobFile) -> dict[str, Any]:
    known = job.to_json() | job.summary.to_json()
    row = {name: known.get(name) for name in schema.MOVIES.names}
    # The table holds UTF-8; names of files may not be.
    return {name: value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
            for name, value in row.items()}  # fmt: skip


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    """Make the table of rows by way of JSON: from lists, pyarrow would load pandas, for longer than all else takes."""
    if not rows:
        return schema.MOVIES.empty_table()
    lines = "\n".join(json.dumps(row, allow_nan=False) for row in rows).encode()
    options = ReadOptions(use_threads=False, block_size=len(lines) + 1)
    table = read_json(pa.BufferReader(lines), options, ParseOptions(explicit_schema=schema.MOVIES))
    return table.cast(schema.MOVIES)  # explicit_schema forgets what cannot be null
