"""What became of each movie: ``job.json`` beside its results, and ``movies.parquet`` over all of them."""

import json
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from pyarrow.json import ParseOptions, ReadOptions, read_json

from jobs.store.atomic import commit
from jobs.store.table_files import write_table
from jobs.store.workspace import Workspace
from pipeline import schema


@dataclass(frozen=True)
class MovieResult:
    """How one movie of a run ended.

    Attributes:
        name: the movie's.
        status: ``done``, ``partial`` (what could be decoded was processed), ``failed``, or ``stopped`` where the run
            ended first.
        reason: of all but done.
        summary: the movie's columns of :data:`pipeline.schema.MOVIES`, as far as known.
        seconds: it took, on the clock on the wall.
        fresh: False where an earlier run had done it already.
    """

    name: str
    status: str
    reason: str = ""
    summary: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    fresh: bool = True

    @property
    def ok(self) -> bool:
        """Whether there are results."""
        return self.status in ("done", "partial")


@dataclass(frozen=True)
class AssembledMovie:
    """What assemble has to tell: the movie's line in ``movies.parquet``, and what went wrong while decoding."""

    summary: dict[str, Any]
    refused: int
    damaged: int
    trusted: bool


def write_movies_table(workspace: Workspace) -> None:
    """Write ``movies.parquet`` anew from every ``job.json`` in the output folder."""
    rows = []
    for job in workspace.jobs():
        summary = job.get("summary")
        known = {**job, **(summary if isinstance(summary, dict) else {})}
        if not all(isinstance(known.get(name), str) for name in ("movie", "status", "reason", "source")):
            continue  # another program's file of that name
        rows.append({name: known.get(name) for name in schema.MOVIES.names})
    try:
        table = _table(rows)
    except ValueError:
        table = _table([row for row in rows if _fits(row)])
    commit(workspace.movies, lambda temporary: write_table(table, temporary))


def _fits(row: dict[str, Any]) -> bool:
    """Say whether a row has the table's types; one of another program's file may not."""
    try:
        _table([row])
    except ValueError:
        return False
    return True


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    """Make the table of rows by way of JSON: from lists, pyarrow would load pandas, for longer than all else takes.

    Raises:
        ValueError: a value is of another type than its column, or no number.
    """
    if not rows:
        return schema.MOVIES.empty_table()
    lines = "\n".join(json.dumps(row, allow_nan=False) for row in rows).encode()
    options = ReadOptions(use_threads=False, block_size=len(lines) + 1)
    table = read_json(pa.BufferReader(lines), options, ParseOptions(explicit_schema=schema.MOVIES))
    return table.cast(schema.MOVIES)  # explicit_schema forgets what cannot be null
