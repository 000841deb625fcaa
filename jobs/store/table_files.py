"""A movie's tables as files."""

import csv
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import ipc

from jobs.csv_cells import safe_row
from jobs.store.atomic import commit
from jobs.store.workspace import MovieFolder
from pipeline.arc import make_arc
from pipeline.moments import make_moments

if TYPE_CHECKING:
    from pipeline.tables.timeline import Tables

MARK: Final = b"moodreel timeline"
"""Key of the metadata of ``moments.arrow`` that says which file its moments are of."""

_FOOTER: Final = 1 << 14
"""Bytes at the end of a file that its mark is made of."""

_ROW_GROUP: Final = 1 << 14
"""Rows; about five minutes of film, so that neither reading nor writing a span holds the movie in memory."""


def commit_tables(tables: "Tables", folder: MovieFolder) -> None:
    """Put a movie's tables in place.

    Raises:
        OSError: one cannot be written; the timeline is then what it was.
    """
    end = tables.shots["end"][-1].as_py()
    arc = make_arc(tables.timeline, end)
    for path, table in (
        (folder.arc, arc),
        (folder.tracks, tables.tracks),
        (folder.shots, tables.shots),
        (folder.scenes, tables.scenes),
        (folder.people, tables.people),
        (folder.scene_people, tables.scene_people),
        (folder.relative, tables.relative),
    ):
        commit(path, lambda temporary, table=table: write_table(table, temporary), folder.root)  # type: ignore[misc]
    for path, table in ((folder.scenes_csv, tables.scenes), (folder.tracks_csv, tables.tracks)):
        commit(path, lambda temporary, table=table: write_csv(table, temporary), folder.root)  # type: ignore[misc]

    def write_timeline(temporary: Path) -> None:
        write_table(tables.timeline, temporary)
        write_moments(tables.timeline, end, temporary, folder)

    # Invariant: the timeline comes last; where it stands, the others do.
    commit(folder.timeline, write_timeline, folder.root)


def write_moments(timeline: pa.Table, end: float, file: Path, folder: MovieFolder) -> None:
    """Put the moments of a timeline in place, marked as those of its ``file``.

    Args:
        timeline: the table.
        end: when the last frame leaves the screen, s.
        file: that holds it.
        folder: where the moments go.

    Raises:
        OSError: they cannot be written.
    """
    moments = make_moments(timeline, end)
    moments = moments.replace_schema_metadata({**(moments.schema.metadata or {}), MARK: mark_of(file)}).combine_chunks()

    def write(temporary: Path) -> None:
        with ipc.new_file(temporary, moments.schema) as opened:
            opened.write_table(moments)

    commit(folder.moments, write, folder.root)


def mark_of(file: Path) -> bytes:
    """Return what tells one Parquet file from another: its size, and a digest of its end, which describes the rest.

    Raises:
        OSError: it cannot be read.
    """
    with file.open("rb") as opened:
        size = opened.seek(0, os.SEEK_END)
        opened.seek(max(0, size - _FOOTER))
        return f"{size} {hashlib.blake2b(opened.read(), digest_size=16).hexdigest()}".encode()


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
