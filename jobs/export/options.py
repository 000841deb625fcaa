"""What the user may choose of an export."""

import locale
from dataclasses import dataclass
from typing import Final

from jobs.errors import UsageError
from jobs.export.result import Moment

TABLES: Final = (
    "moments",
    "timeline",
    "tracks",
    "shots",
    "scenes",
    "people",
    "scene_people",
    "relative",
    "arc",
)
"""What a CSV or Parquet file may hold."""


@dataclass(frozen=True)
class Sheet:
    """How a CSV file is written.

    Attributes:
        separator: between cells.
        decimal: of numbers.
        bom: whether it begins with a byte order mark, by which Excel recognises UTF-8.
    """

    separator: str = ","
    decimal: str = "."
    bom: bool = False

    @classmethod
    def for_excel(cls) -> "Sheet":
        """Return what Excel expects in the user's country: ``;`` between cells where numbers have a comma."""
        try:
            locale.setlocale(locale.LC_NUMERIC, "")
            decimal = locale.localeconv()["decimal_point"]
        except locale.Error:  # the environment names one that is not installed
            decimal = "."
        finally:
            locale.setlocale(locale.LC_NUMERIC, "C")  # or numbers elsewhere would change
        return cls.for_decimal(decimal)

    @classmethod
    def for_decimal(cls, decimal: str) -> "Sheet":
        """Return what Excel expects where numbers are written with this decimal mark."""
        return cls(";", ",", True) if decimal == "," else cls(",", ".", True)


@dataclass(frozen=True)
class Options:
    """What the user may choose; each format takes what concerns it.

    Attributes:
        table: what a CSV or Parquet file holds, one of TABLES.
        sheet: how it is written.
        seconds: least length of a moment; None for what suits the format.
        confidence: least mean confidence of a moment, 0..1.
        beside: link media as lying beside the file: it is not written where it will lie.
    """

    table: str = "moments"
    sheet: Sheet = Sheet()
    seconds: float | None = None
    confidence: float = 0.0
    beside: bool = False

    def wants(self, moment: Moment, seconds: float = 0.0) -> bool:
        """Return whether a moment is long and sure enough; ``seconds`` is the format's own least length."""
        least = seconds if self.seconds is None else self.seconds
        return moment.end - moment.start >= least - 1e-6 and moment.confidence_mean >= self.confidence


DEFAULTS: Final = Options()


def require_table(name: str) -> str:
    """Return ``name`` if it is one of TABLES.

    Raises:
        UsageError: it is not.
    """
    if name not in TABLES:
        raise UsageError(f"--table {name}: expected one of {', '.join(TABLES)}")
    return name
