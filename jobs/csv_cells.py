"""Text in CSV files that no spreadsheet takes for a formula.

Names of movies and people come from outside, and Excel, LibreOffice and Google Sheets run what begins like a formula.
An apostrophe before it makes it text (OWASP, "CSV Injection"). Numbers are never changed.
"""

import re
from collections.abc import Iterable
from typing import Any, Final

import pyarrow as pa

_FORMULA: Final = re.compile(r"(^|[;|\t\r\n])(?=[\s\ufeff\u200b]*[=+\-@\uff1d\uff0b\uff0d\uff20])|^(?=[\t\r\n])")
"""Where a formula may begin: at the start of a cell, in full-width forms too, and behind what a spreadsheet of another
language takes for the end of a cell, whether it is in quotes or not."""


def safe_text(text: str) -> str:
    """Return ``text`` with an apostrophe wherever a formula might begin."""
    return _FORMULA.sub(lambda found: f"{found[0]}'", text)


def safe_row(values: Iterable[Any]) -> list[Any]:
    """Return a row for :class:`csv.writer`: text made safe, numbers and None as they are."""
    return [safe_text(value) if isinstance(value, str) else value for value in values]


def safe_columns(table: pa.Table) -> pa.Table:
    """Return ``table`` for :func:`pyarrow.csv.write_csv`: text made safe, dictionaries as plain text."""
    for place, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type) or pa.types.is_string(field.type):
            column = table[place].unify_dictionaries() if pa.types.is_dictionary(field.type) else table[place]
            chunks = [_safe_chunk(chunk) for chunk in column.chunks]
            table = table.set_column(place, field.name, pa.chunked_array(chunks, pa.string()))
    return table


def _safe_chunk(chunk: pa.Array) -> pa.Array:
    words = chunk if pa.types.is_dictionary(chunk.type) else chunk.dictionary_encode()
    safe = [None if word is None else safe_text(word) for word in words.dictionary.to_pylist()]
    return pa.DictionaryArray.from_arrays(words.indices, pa.array(safe, pa.string())).cast(pa.string())
