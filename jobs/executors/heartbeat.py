"""What a unit lets its run know while it works: frames that are done, and that it is alive.

A module of its own, and a small one: a worker is told how to report before it loads any library.
"""

from collections.abc import Callable

_report: Callable[[int], None] = lambda frames: None  # noqa: ARG005, E731  # see report_progress_with


def report_progress_with(report: Callable[[int], None]) -> None:
    """Call ``report`` with the number of frames that this process has finished, and with 0 as a sign of life."""
    global _report
    _report = report


def count_frame() -> None:
    """Tell the run that a frame is done."""
    _report(1)


def show_life() -> None:
    """Tell the run that this unit is not hung."""
    _report(0)
