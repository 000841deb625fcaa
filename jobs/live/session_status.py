"""What a session is doing: its state, and the rate and delay of its pictures."""

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Final, Literal

StateName = Literal["loading", "connecting", "live", "lost", "reconnecting", "ended", "stopped"]

_SPAN_S: Final = 3.0
"""Seconds over which rates and delays are averaged."""


@dataclass(frozen=True)
class State:
    """What the source is doing, and details for people, or ""."""

    name: StateName
    detail: str = ""


class Meter:
    """Measures the rate of events and the mean of a value that comes with each; for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: deque[tuple[float, float]] = deque()

    def count(self, value: float = 0.0) -> None:
        """Count an event now."""
        with self._lock:
            self._events.append((time.monotonic(), value))
            self._forget()

    def read(self) -> tuple[float, float]:
        """Return events per second and the mean value, over the last seconds; 0, 0 if there were none."""
        with self._lock:
            self._forget()
            if len(self._events) < 2:
                return 0.0, 0.0
            span = max(time.monotonic() - self._events[0][0], 1e-3)
            mean = sum(value for _, value in self._events) / len(self._events)
            return (len(self._events) - 1) / span, mean

    def _forget(self) -> None:
        while self._events and self._events[0][0] < time.monotonic() - _SPAN_S:
            self._events.popleft()


class SessionStatus:
    """What the threads of a session report.

    Attributes:
        captured: pictures that the source gave.
        published: pictures that were shown, each with its delay from capture to publication in s.
    """

    def __init__(self) -> None:
        self.captured = Meter()
        self.published = Meter()
        self._state = State("loading")

    @property
    def state(self) -> State:
        """What the source is doing."""
        return self._state

    def change(self, state: State) -> None:
        """Change the state. A single assignment, so it needs no lock."""
        self._state = state
