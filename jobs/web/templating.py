"""What our templates need, on a server or in a report: filters for results, and the emotions with their colours."""

from jinja2 import Environment, StrictUndefined

from jobs.results.wording import bar_segments, shares_in_words, timecode
from pipeline.palette import LABEL_COLOURS
from pipeline.schema import EMOTIONS, LABELS


def equip(environment: Environment) -> None:
    """Give ``environment`` what the macros in ``web/results.html`` use; names that do not exist become errors."""
    environment.undefined = StrictUndefined
    environment.filters.update(timecode=timecode, bar_segments=bar_segments, shares_in_words=shares_in_words)
    environment.globals.update(EMOTIONS=EMOTIONS, LABELS=LABELS, palette=LABEL_COLOURS)
