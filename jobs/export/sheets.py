"""A movie's tables as files: which there are, and rows as CSV, for programs and, where asked for, for Excel."""

import csv
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any, Final, Protocol

import pyarrow as pa

from jobs.csv_cells import safe_row
from jobs.export.options import Options, Sheet
from jobs.export.result import Moment, Result
from pipeline import schema

_MOMENTS: Final = pa.schema(
    [
        schema.TIMELINE.field("movie"),
        pa.field("track", pa.int32(), nullable=False),
        pa.field("person", pa.int32()),
        pa.field("who", pa.string(), nullable=False),
        pa.field("shot", pa.int32(), nullable=False),
        pa.field("scene", pa.int32(), nullable=False),
        pa.field("label", pa.string(), nullable=False),
        pa.field("start", pa.float64(), nullable=False),
        pa.field("end", pa.float64(), nullable=False),
        pa.field("first_frame", pa.int32(), nullable=False),
        pa.field("last_frame", pa.int32(), nullable=False),
        pa.field("confidence_mean", pa.float64(), nullable=False),
        pa.field("confidence_max", pa.float64(), nullable=False),
    ]
)


def _with_who(layout: pa.Schema) -> pa.Schema:
    """Return a layout with a column more, behind the number of a person: what to call that person."""
    return layout.insert(layout.get_field_index("person") + 1, pa.field("who", pa.string(), nullable=False))


LAYOUTS: Final = {
    "moments": _MOMENTS,
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
    if options.table == "moments":
        return _moments(result, options)
    table: pa.Table = getattr(result.tables, options.table)
    layout = LAYOUTS[options.table]
    if "who" in layout.names:
        who = pa.array([result.person_name(person) for person in table["person"].to_pylist()], pa.string())
        table = table.add_column(layout.get_field_index("who"), layout.field("who"), who)
    return table


def _moments(result: Result, options: Options) -> pa.Table:
    moments = [moment for moment in result.moments if options.wants(moment)]
    columns: dict[str, Any] = {
        field.name: pa.array([getattr(moment, field.name) for moment in moments], _MOMENTS.field(field.name).type)
        for field in fields(Moment)
    }
    name = pa.DictionaryArray.from_arrays(pa.array([0] * len(moments), pa.int32()), [result.name])
    metadata = result.tables.timeline.schema.metadata
    return pa.table({"movie": name} | columns, schema=_MOMENTS).replace_schema_metadata(metadata)


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
