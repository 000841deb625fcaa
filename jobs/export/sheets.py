"""A movie's tables as files: which there are, and rows as CSV, for programs and, where asked for, for Excel."""

import csv
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

import pyarrow as pa

from jobs.csv_cells import safe_row
from jobs.export.options import Options, Sheet
from jobs.export.result import Result
from pipeline import schema


def _with_who(layout: pa.Schema) -> pa.Schema:
    """Return a layout with a column more, behind the number of a person: what to call that person."""
    return layout.insert(layout.get_field_index("person") + 1, pa.field("who", pa.string(), nullable=False))


LAYOUTS: Final = {
    "moments": _with_who(schema.MOMENTS),
    "timeline": schema.TIMELINE,
    "tracks": schema.TRACKS,
    "shots": schema.SHOTS,
    "scenes": schema.SCENES,
    "people": _with_who(schema.PEOPLE),
    "scene_people": _with_who(schema.SCENE_PEOPLE),
    "relative": schema.RELATIVE,
    "arc": schema.ARC,
}
"""Columns and types of each table that can be exported."""


def chosen_table(result: Result, options: Options) -> pa.Table:
    """Return ``options.table`` of a movie, with the columns of LAYOUTS as far as the movie's tables have them."""
    table: pa.Table = getattr(result.tables, options.table)
    layout = LAYOUTS[options.table]
    if options.table == "moments":
        wanted = [options.wants(moment) for moment in result.moments]
        table = table.filter(pa.array(wanted, pa.bool_()))
        who = [moment.who for moment, kept in zip(result.moments, wanted, strict=True) if kept]
    elif "who" in layout.names:
        who = [result.person_name(person) for person in table["person"].to_pylist()]
    else:
        return table
    return table.add_column(layout.get_field_index("who"), layout.field("who"), pa.array(who, pa.string()))


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
    """Return ``table`` without columns that hold bytes, which are for programs alone; lists become text."""
    binary = [field.name for field in table.schema if pa.types.is_binary(field.type)]
    table = table.drop_columns(binary) if binary else table
    for place, field in enumerate(table.schema):
        if pa.types.is_list(field.type):
            words = pa.array([" ".join(map(str, row)) for row in table[field.name].to_pylist()], pa.string())
            table = table.set_column(place, field.name, words)
    return table


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
