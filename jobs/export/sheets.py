"""Rows as CSV, for programs and, where asked for, for Excel."""

import csv
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from jobs.csv_cells import safe_row
from jobs.export.options import Sheet


class Row(Protocol):
    """Takes a row."""

    def __call__(self, values: Iterable[Any], /) -> None:
        """Write it: None as an empty cell, text that no spreadsheet takes for a formula."""


@contextmanager
def sheet_writer(path: Path, sheet: Sheet) -> Iterator[Row]:
    """Open a CSV file at ``path``."""
    with path.open("w", newline="", encoding="utf-8-sig" if sheet.bom else "utf-8", errors="replace") as file:
        writer = csv.writer(file, delimiter=sheet.separator, lineterminator="\r\n" if sheet.bom else "\n")

        def write(values: Iterable[Any]) -> None:
            writer.writerow(_number(value, sheet) if isinstance(value, float) else value for value in safe_row(values))

        yield write


def readable(table: pa.Table) -> pa.Table:
    """Return ``table`` without columns that hold bytes, which are for programs alone."""
    binary = [field.name for field in table.schema if pa.types.is_binary(field.type)]
    return table.drop_columns(binary) if binary else table


def table_rows(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a table; single precision is rounded to the digits that it has."""
    for batch in table.to_batches(max_chunksize=1 << 14):
        columns = [
            [None if value is None else float(f"{value:.6g}") for value in column.to_pylist()]
            if pa.types.is_float32(column.type)
            else column.to_pylist()
            for column in batch.columns
        ]
        yield from zip(*columns, strict=True)


def _number(value: float, sheet: Sheet) -> str:
    text = f"{value:.10g}"
    return text.replace(".", sheet.decimal) if sheet.decimal != "." else text
