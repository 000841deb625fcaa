"""Columns of tables from arrays and lists.

``pyarrow.array`` does the same, but begins with loading pandas, which takes longer than to make all tables of a movie.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def table_of(columns: Mapping[str, Any]) -> pa.Table:
    """Return a table of what :func:`column_of` takes."""
    return pa.table({name: column_of(values) for name, values in columns.items()})


def column_of(
    values: NDArray[Any] | Sequence[str | None] | pa.Array, null: NDArray[np.bool_] | None = None
) -> pa.Array:
    """Return a column of numbers ``(n,)`` or of strings, or what is a column already.

    Numbers are null where they are NaN and where ``null`` ``(n,)`` is true, strings where they are None.
    """
    if isinstance(values, pa.Array):
        return values
    if not isinstance(values, np.ndarray):
        return _strings(values)
    if values.dtype.kind == "f":
        null = np.isnan(values) if null is None else null | np.isnan(values)
    buffers = [_validity(null), pa.py_buffer(np.ascontiguousarray(values))]
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), buffers)


def binary_column(values: NDArray[np.uint8]) -> pa.Array:
    """Return a column of bytes, one value a row of ``values`` ``(n, d)``; null where ``d`` is 0."""
    count, size = values.shape
    offsets = np.arange(0, (count + 1) * size, max(size, 1), dtype=np.int32) if size else np.zeros(count + 1, np.int32)
    null = np.full(count, size == 0)
    data = pa.py_buffer(np.ascontiguousarray(values))
    return pa.Array.from_buffers(pa.binary(), count, [_validity(null), pa.py_buffer(offsets), data])


def _strings(values: Sequence[str | None]) -> pa.Array:
    encoded = [(value or "").encode() for value in values]
    offsets = np.cumsum([0, *(len(text) for text in encoded)], dtype=np.int32)
    null = np.array([value is None for value in values], bool)
    buffers = [_validity(null), pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(values), buffers)


def _validity(null: NDArray[np.bool_] | None) -> pa.Buffer | None:
    """Return Arrow's bitmap: a bit a value, the lowest first, 0 for null; None where nothing is null."""
    if null is None or not null.any():
        return None
    return pa.py_buffer(np.packbits(~null, bitorder="little"))
