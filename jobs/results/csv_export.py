"""Intervals as CSV, line by line: one row for each, or the rows of the timeline that belong to them."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from jobs.csv_cells import safe_columns, safe_row
from jobs.results.intervals import INTERVAL_COLUMNS, Interval, Intervals
from jobs.results.tables import open_table, read_rows
from jobs.results.timeline_index import TimelineIndex
from pipeline import schema

_FRAMES: Final = 1 << 32
"""More than a movie has: track * _FRAMES + frame is a key."""

_PIECE: Final = 1 << 16
"""Characters of a CSV file that are handed on at a time, at least."""


def interval_lines(rows: Iterable[tuple[str, Interval]]) -> Iterator[str]:
    """Yield a header and a row for each movie and interval, many rows at a time."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("movie", *INTERVAL_COLUMNS))
    for movie, interval in rows:
        writer.writerow(safe_row([movie, *(getattr(interval, name) for name in INTERVAL_COLUMNS)]))
        if text.tell() > _PIECE:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()


def frame_lines(index: TimelineIndex, intervals: Intervals) -> Iterator[str]:
    """Yield a header and those rows of a timeline that belong to its intervals, one row group at a time.

    Raises:
        NotFoundError: the timeline does not exist.
        UnreadableError: it is damaged, none of ours, or of a newer version.
    """
    yield ",".join(f'"{name}"' for name in schema.TIMELINE.names) + "\n"
    keys = pa.array(_keys(intervals))
    with open_table(index.path) as file:
        for group in range(file.num_row_groups):
            table = read_rows(file, index.path, schema.TIMELINE.names, [group])
            table = index.changes.applied(table.filter(table["track"].is_valid()))
            key = pc.add(pc.multiply(pc.cast(table["track"], pa.int64()), _FRAMES), pc.cast(table["frame"], pa.int64()))
            table = table.filter(pc.is_in(key, value_set=keys))
            sink = io.BytesIO()
            options = pyarrow.csv.WriteOptions(include_header=False)
            pyarrow.csv.write_csv(safe_columns(table), sink, options)
            yield sink.getvalue().decode()


def _keys(intervals: Intervals) -> list[int]:
    spans = zip(intervals.track.tolist(), intervals.first_frame.tolist(), intervals.last_frame.tolist(), strict=True)
    return [track * _FRAMES + frame for track, first, last in spans for frame in range(first, last + 1)]
