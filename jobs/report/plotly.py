"""Plotly's JavaScript from its Python package: one file for all reports of a folder, or packed into a single report."""

import base64
import gzip
import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import Final

from jobs.errors import ReportError
from jobs.store.atomic import commit

_FILE: Final = "package_data/plotly.min.js"

SHARED: Final = "plotly.min.js"
"""Its name in the folder that all reports share."""


@lru_cache(maxsize=1)
def packed_plotly() -> str:
    """Return plotly.min.js, compressed with gzip, in base64: 2 MB instead of 4.8.

    Raises:
        ReportError: the package is missing, or lacks that file.
    """
    return base64.b64encode(gzip.compress(_script(), 6, mtime=0)).decode()


def share_plotly(assets: Path) -> None:
    """Make sure that the reports of a folder have their plotly.min.js, in the version that is installed.

    Raises:
        ReportError: the package is missing, or lacks that file.
        OSError: it cannot be written.
    """
    shared, own = assets / SHARED, _path()
    try:
        if shared.stat().st_size == own.stat().st_size:
            return
    except OSError:  # the first report
        pass
    commit(shared, lambda temporary: temporary.write_bytes(_script()))


def _script() -> bytes:
    try:
        return _path().read_bytes()
    except OSError:
        raise _missing() from None


def _path() -> Path:
    # Importing the package would take a second, and only this file is needed.
    found = importlib.util.find_spec("plotly")
    if found is None or not found.origin:
        raise _missing()
    return Path(found.origin).parent / _FILE


def _missing() -> ReportError:
    return ReportError(f"expected plotly with {_FILE} in it, found none: pip install plotly")
