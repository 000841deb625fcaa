"""parquet: moments or a table, for pandas, DuckDB, Polars and R; --table, --one-file."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.export.options import DEFAULTS, Options
from jobs.export.result import Result
from jobs.export.sheets import LAYOUTS, chosen_table
from jobs.store.table_files import write_table

SUFFIX: Final = ".parquet"
HOLDS_A_TABLE: Final = True


def write(result: Result, path: Path, options: Options = DEFAULTS) -> None:
    """Write ``options.table`` of a movie, with the metadata that the movie's own tables have.

    Args:
        result: of the movie.
        path: to write.
        options: what the user chose.
    """
    write_table(chosen_table(result, options), path)


def write_all(results: Iterable[Result], path: Path, options: Options = DEFAULTS) -> None:
    """Write ``options.table`` of all movies, one below the other.

    Args:
        results: of movies, one at a time.
        path: to write.
        options: what the user chose.
    """
    layout = LAYOUTS[options.table]
    with pq.ParquetWriter(path, layout, compression="zstd") as file:
        for result in results:
            table = chosen_table(result, options)
            file.write_table(pa.table({name: table[name] for name in layout.names}, schema=layout))
