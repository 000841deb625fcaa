"""Plotly's JavaScript from its Python package, packed as reports embed it."""

import base64
import gzip
import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import Final

from jobs.errors import ReportError

_FILE: Final = "package_data/plotly.min.js"


@lru_cache(maxsize=1)
def packed_plotly() -> str:
    """Return plotly.min.js, compressed with gzip, in base64: 2 MB instead of 4.8.

    Raises:
        ReportError: the package is missing, or lacks that file.
    """
    # Importing the package would take a second, and only this file is needed.
    found = importlib.util.find_spec("plotly")
    folder = Path(found.origin).parent if found is not None and found.origin else None
    try:
        assert folder is not None
        script = (folder / _FILE).read_bytes()
    except (AssertionError, OSError):
        raise ReportError(f"expected plotly with {_FILE} in it, found none: pip install plotly") from None
    return base64.b64encode(gzip.compress(script, 6, mtime=0)).decode()
