"""The log file of a run: a line per event."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from jobs.console import visible
from jobs.iso_time import now


class EventLog:
    """Appends events to ``path``, as text for people or, ``as_json``, as one JSON object a line."""

    def __init__(self, path: Path, as_json: bool = False) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = path.open("a", buffering=1, encoding="utf-8", errors="replace")
        self._as_json = as_json

    def write(self, event: str, **facts: Any) -> None:
        """Write a line: when, what, and ``facts``, JSON-serializable."""
        if self._as_json:
            line = json.dumps({"time": now(), "event": event, **facts}, ensure_ascii=False)
        else:
            line = " ".join([now(), event, *(f"{name}={_text(value)}" for name, value in facts.items())])
        with suppress(OSError):  # a full disk must not end a run through its log
            self._file.write(visible(line) + "\n")

    def close(self) -> None:
        """Close the file."""
        with suppress(OSError):
            self._file.close()


def _text(value: Any) -> str:
    """Return a value on one line, in quotes unless it is a number."""
    return str(value) if isinstance(value, int | float) else json.dumps(value, ensure_ascii=False)
