"""What our templates need, on a server or in a report: filters for results, and the emotions with their colours."""

from typing import Any

from jinja2 import Environment, StrictUndefined

from jobs.results.wording import bar_segments, shares_in_words, timecode
from pipeline.palette import LABEL_COLOURS
from pipeline.schema import EMOTIONS, LABELS


def equip(environment: Environment) -> None:
    """Give ``environment`` what the macros in ``web/results.html`` use; names that do not exist become errors."""
    environment.undefined = StrictUndefined
    environment.finalize = printable
    environment.filters.update(timecode=timecode, bar_segments=bar_segments, shares_in_words=shares_in_words)
    environment.globals.update(EMOTIONS=EMOTIONS, LABELS=LABELS, palette=LABEL_COLOURS)


def printable(value: Any) -> Any:
    """Return what a page shows; in text, bytes of a file's name that are no UTF-8 become replacement characters."""
    if isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value):
        return type(value)(value.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    return value
