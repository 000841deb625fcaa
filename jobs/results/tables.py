"""Opens and reads tables; whatever is wrong with one is a ResultError that names the file."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.results.errors import NotFoundError, UnreadableError
from pipeline import schema

_TABLES: Final = (schema.TIMELINE, schema.TRACKS, schema.SHOTS, schema.SCENES)
_TYPES: Final = {field.name: field.type for table in _TABLES for field in table}
"""Of columns that tables of older versions lack."""

LONE_FRAME_S: Final = 0.04
"""Assumed duration of the frame of a movie that has only one."""


def open_table(path: Path) -> pq.ParquetFile:
    """Open one of our tables for reading; the caller closes it.

    Raises:
        NotFoundError: it does not exist.
        UnreadableError: it is damaged, none of ours, or of a newer version.
    """
    try:
        file = pq.ParquetFile(path)
    except FileNotFoundError:
        raise NotFoundError(f"{path.name} is missing; process the movie again") from None
    except (OSError, pa.ArrowException) as error:
        raise _damaged(path, error) from error
    try:
        _require_ours(path, facts_of(file))
    except UnreadableError:
        file.close()
        raise
    return file


def facts_of(file: pq.ParquetFile) -> dict[str, Any]:
    """Return what a table's metadata says of the movie and how the table was made; {} if it says nothing."""
    return facts_in(file.schema_arrow)


def facts_in(found: pa.Schema) -> dict[str, Any]:
    """Return what the metadata of a table's schema says; see :func:`facts_of`."""
    try:
        facts = json.loads((found.metadata or {})[b"moodreel"])
    except (KeyError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}


def read_rows(
    file: pq.ParquetFile, path: Path, columns: Sequence[str], groups: Sequence[int] | None = None
) -> pa.Table:
    """Read columns of an open table; those that are younger than the file are null.

    Args:
        file: the open table.
        path: its path, for error messages.
        columns: names of the columns.
        groups: numbers of the row groups; None reads all.

    Raises:
        UnreadableError: the file is damaged, or lacks a column.
    """
    absent = [name for name in columns if name not in file.schema_arrow.names]
    version = facts_of(file)["schema_version"]
    missing = [name for name in absent if version >= schema.ADDED.get(name, 0)]
    if missing:
        raise UnreadableError(f"{path.name}: expected columns {', '.join(columns)}; it lacks {', '.join(missing)}")
    try:
        wanted = range(file.num_row_groups) if groups is None else groups
        there = [name for name in columns if name not in absent]
        table = file.read_row_groups(list(wanted), columns=there, use_threads=False)
    except (OSError, pa.ArrowException) as error:
        raise _damaged(path, error) from error
    for name in absent:
        table = table.append_column(name, pa.nulls(len(table), _TYPES[name]))
    return table.select(list(columns))


def read_table(path: Path, columns: Sequence[str]) -> pa.Table:
    """Read ``columns`` of the table at ``path``.

    Raises:
        NotFoundError: it does not exist.
        UnreadableError: it is damaged, none of ours, or of a newer version.
    """
    with open_table(path) as file:
        return read_rows(file, path, columns)


def _require_ours(path: Path, facts: dict[str, Any]) -> None:
    version = facts.get("schema_version")
    if not isinstance(version, int):
        raise UnreadableError(f"{path.name}: expected a table of moodreel, found one without its metadata")
    if version > schema.VERSION:
        raise UnreadableError(
            f"{path.name}: written by a newer moodreel: expected schema version {schema.VERSION} at most, "
            f"found {version}; update moodreel to read it"
        )


def _damaged(path: Path, error: Exception) -> UnreadableError:
    words = (str(error).strip().splitlines() or ["no reason given"])[0]
    return UnreadableError(
        f"{path.name}: expected a Parquet file, found damaged data ({words}); process the movie again"
    )
