"""What a unit reports while it works: frames that are done, and that it is alive.

A small module of its own, since a worker sets it up before it loads any library.
"""

from collections.abc import Callable

_report: Callable[[int], None] = lambda frames: None  # noqa: ARG005, E731  # see report_progress_with


def report_progress_with(report: Callable[[int], None]) -> None:
    """Let units of this process call ``report`` with how many more frames are done; with 0 as a sign of life."""
    global _report
    _report = report


def count_frame() -> None:
    """Report that a frame is done."""
    _report(1)


def show_life() -> None:
    """Report that this unit does not hang."""
    _report(0)
