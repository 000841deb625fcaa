"""A movie's tables as files."""

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.csv_cells import safe_row
from jobs.store.atomic import commit
from jobs.store.workspace import MovieFolder

if TYPE_CHECKING:
    from pipeline.tables.timeline import Tables

_ROW_GROUP: Final = 1 << 14
"""Rows; about five minutes of film, so that neither reading nor writing a span holds the movie in memory."""


def commit_tables(tables: "Tables", folder: MovieFolder) -> None:
    """Put a movie's tables in place.

    Raises:
        OSError: one cannot be written; the timeline is then what it was.
    """
    for path, table in (
        (folder.tracks, tables.tracks),
        (folder.shots, tables.shots),
        (folder.scenes, tables.scenes),
        (folder.people, tables.people),
        (folder.scene_people, tables.scene_people),
        (folder.relative, tables.relative),
    ):
        commit(path, lambda temporary, table=table: write_table(table, temporary), folder.root)  # type: ignore[misc]
    commit(folder.scenes_csv, lambda temporary: write_csv(tables.scenes, temporary), folder.root)
    # Invariant: the timeline comes last; where it stands, the others do.
    commit(folder.timeline, lambda temporary: write_table(tables.timeline, temporary), folder.root)


def write_table(table: pa.Table, path: Path) -> None:
    """Write a Parquet file as all of ours are: zstd, row groups of 16,384."""
    pq.write_table(table, path, compression="zstd", row_group_size=_ROW_GROUP)


def write_csv(table: pa.Table, path: Path) -> None:
    """Write a small table for spreadsheets; null becomes an empty cell, text no formula."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table.column_names)
        for row in zip(*(column.to_pylist() for column in table.columns), strict=True):
            writer.writerow(f"{value:.6g}" if isinstance(value, float) else value for value in safe_row(row))
