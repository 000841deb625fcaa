"""Columns are what pyarrow makes of the same values, without pandas."""

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

from pipeline.tables.columns import column_of, table_of


@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.int64, np.float32, np.float64])
@pytest.mark.parametrize("length", [0, 1, 8, 19])
def test_numbers(dtype: type, length: int) -> None:
    values = np.arange(length).astype(dtype)
    null = values % 3 == 1
    for expected, column in (
        (pa.array(values), column_of(values)),
        (pa.array(values, mask=null), column_of(values, null)),
        (pa.array(values[::-1]), column_of(values[::-1])),
    ):
        column.validate(full=True)
        assert column.equals(expected)
        assert column.null_count == expected.null_count


def test_nan_is_null() -> None:
    values = np.array([1, np.nan, 3], np.float32)
    assert column_of(values).to_pylist() == [1, None, 3]
    assert column_of(values, np.array([True, False, False])).to_pylist() == [None, None, 3]


@pytest.mark.parametrize("values", [[], ["a"], ["", None, "ä\n", "film"], [None]])
def test_strings(values: list[str | None]) -> None:
    column = column_of(values)
    column.validate(full=True)
    assert column.equals(pa.array(values, pa.string()))


def test_a_table() -> None:
    column = pa.array([1, 2])
    table = table_of({"a": column, "b": np.array([1.5, np.nan]), "c": ["x", None]})
    assert table.to_pydict() == {"a": [1, 2], "b": [1.5, None], "c": ["x", None]}


def test_pandas_stays_away() -> None:
    code = """
import sys
import numpy as np
import pathlib
import jobs.run.movie_job, jobs.run.tasks, jobs.store.table_files
import models.inference.onnx_classifier, pipeline.analyze, pipeline.tables.timeline
from pipeline.tables.columns import table_of
table = table_of({"a": np.zeros(3), "b": ["x"] * 3})
jobs.store.table_files.write_csv(table, pathlib.Path(sys.argv[1]))
assert "pandas" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code, "/dev/null"], check=True)
