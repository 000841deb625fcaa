"""CSV files hold no formula, and every number as it was."""

import csv
import io
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pytest
from made_up import make_up

from jobs.csv_cells import safe_columns, safe_row, safe_text
from jobs.results.csv_export import frame_lines, interval_lines
from jobs.results.intervals import Filter, find_intervals
from jobs.results.timeline_index import read_timeline_index
from jobs.store.table_files import write_csv

FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    " =1",
    "\u00a0=1",
    "\uff1d1",
    "\ufeff=1",
    "=cmd|' /C calc'!A0",
]
HARMLESS = ["film.mp4", "day 1 - the start.mp4", "a=b.mp4", "a,b.mp4", "'=1", "", "née.mp4", "a; b.mp4"]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_becomes_text(text: str) -> None:
    assert safe_text(text).startswith("'")
    assert safe_text(text).replace("'", "") == text.replace("'", "")


@pytest.mark.parametrize("break_", [";", "\t", "\n", "\r\n", "|"])
def test_so_does_one_behind_what_another_spreadsheet_takes_for_the_end_of_a_cell(break_: str) -> None:
    for part in safe_text(f"a{break_}=1+1").split(break_.strip(" ") or break_):
        assert not part.startswith("=")


@pytest.mark.parametrize("text", HARMLESS)
def test_other_text_is_kept(text: str) -> None:
    assert safe_text(text) == text


def test_numbers_are_kept(tmp_path: Path) -> None:
    assert safe_row([-1, -1.5, None, "-1"]) == [-1, -1.5, None, "'-1"]
    write_csv(pa.table({"movie": ["-1"], "start": [-1.25], "scene": [-3]}), tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text() == "movie,start,scene\n'-1,-1.25,-3\n"


def test_tables_with_and_without_dictionaries() -> None:
    movie = pa.array(["=1", None, "b"])
    table = pa.table({"movie": movie.dictionary_encode(), "name": movie, "n": [-1, 0, 1]})
    safe = safe_columns(table)
    assert safe.to_pydict() == {"movie": ["'=1", None, "b"], "name": ["'=1", None, "b"], "n": [-1, 0, 1]}
    assert safe_columns(table.slice(0, 0)).to_pydict() == {"movie": [], "name": [], "n": []}
    several = pa.concat_tables(
        [
            table.slice(1),
            pa.table({**table.slice(1).to_pydict(), "movie": movie.slice(1).dictionary_encode()}, table.schema),
        ]
    )
    assert safe_columns(several)["movie"].to_pylist() == [None, "b", None, "b"]
    pyarrow.csv.write_csv(safe_columns(several), io.BytesIO())


def test_the_exports_of_review(tmp_path: Path) -> None:
    name = "=cmd|' /C calc'!A0;\n@x.mp4"
    folder = make_up(tmp_path, frames=200, name=name)
    index = read_timeline_index(folder.timeline)
    found = find_intervals(index, Filter(confidence=0, seconds=0))
    for lines in (interval_lines((name, one) for one in found), frame_lines(index, found)):
        rows = list(csv.DictReader(io.StringIO("".join(lines), newline="")))
        assert len(rows) > 5
        assert {row["movie"] for row in rows} == {safe_text(name)}
        assert all(row["movie"].startswith("'=") and "\n'@" in row["movie"] for row in rows)


def test_whatever_writes_csv_makes_its_text_safe() -> None:
    for path in (Path(__file__).parents[2] / "jobs").rglob("*.py"):
        text = path.read_text()
        if "csv.writer(" in text or "csv.DictWriter(" in text:
            assert path.name == "csv_cells.py" or "safe_row(" in text, path
