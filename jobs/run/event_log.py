"""The log file of a run: for people a line per movie, for programs one per event."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from jobs.console import visible
from jobs.iso_time import now
from jobs.store.workspace import Workspace

_DETAILS: Final = ("unit", "movie begun")
"""Events that only programs are told of: of a thousand movies, they would be a megabyte."""

MOVIE_ENDED: Final = "movie ended"


class EventLog:
    """Appends events to ``path``, as text for people or, ``as_json``, as one JSON object a line."""

    def __init__(self, path: Path, as_json: bool = False) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = path.open("a", buffering=1, encoding="utf-8", errors="replace")
        self._as_json = as_json

    def write(self, event: str, **facts: Any) -> None:
        """Write a line: when, what, and ``facts``, JSON-serializable; for people without those that are empty."""
        if event in _DETAILS and not self._as_json:
            return
        if self._as_json:
            line = json.dumps({"time": now(), "event": event, **facts}, ensure_ascii=False)
        else:
            line = (
                f"{now()} {_movie_line(**facts)}"
                if event == MOVIE_ENDED
                else " ".join(
                    [
                        now(),
                        event,
                        *(f"{name}={_text(value)}" for name, value in facts.items() if value not in ("", None)),
                    ]
                )
            )
        with suppress(OSError):  # a full disk must not end a run through its log
            self._file.write(visible(line) + "\n")

    def close(self) -> None:
        """Close the file."""
        with suppress(OSError):
            self._file.close()


@contextmanager
def open_event_log(workspace: Workspace, as_json: bool) -> Iterator[EventLog]:
    """Keep the log of a run that begins now.

    Raises:
        WorkspaceError, DiskFullError: it cannot be written.
    """
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    with workspace.writing():
        event_log = EventLog(workspace.make_logs() / f"run-{stamp}.log", as_json)
    try:
        yield event_log
    finally:
        event_log.close()


def _movie_line(movie: str, status: str, seconds: float = 0, reason: str = "", count: str = "", left: str = "") -> str:
    """Return what the log says of a movie, as short as it can be: there may be thousands."""
    place = ", ".join(filter(None, [f"{seconds:.1f} s", count, f"{left} left" if left else ""]))
    return f"{status}: {movie} ({place}){f': {reason}' if reason else ''}"


def _text(value: Any) -> str:
    """Return a value on one line, in quotes unless it is a number."""
    return str(value) if isinstance(value, int | float) else json.dumps(value, ensure_ascii=False)
