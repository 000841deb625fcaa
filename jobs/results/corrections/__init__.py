"""``review.json`` applied to a movie's tables on reading. The tables themselves stay as they were measured."""

from jobs.results.corrections.changes import NOTHING, Changes
from jobs.results.corrections.recompute import Corrected, Spans, corrected
from jobs.results.corrections.resolve import read_changes

__all__ = ["NOTHING", "Changes", "Corrected", "Spans", "corrected", "read_changes"]
