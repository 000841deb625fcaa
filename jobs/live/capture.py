"""The capture thread's work: read the source, play a file at its own pace, reconnect after a drop."""

import threading
import time
from dataclasses import dataclass
from typing import Final

import av.video.frame

from jobs.errors import SourceError
from jobs.live.clock import SessionClock
from jobs.live.latest import Latest
from jobs.live.session_status import SessionStatus, State
from jobs.live.source import Connection, LiveSource, connect
from pipeline.media.movie import Movie

_FIRST_WAIT_S: Final = 0.5
_LONGEST_WAIT_S: Final = 15.0


@dataclass(frozen=True)
class Captured:
    """A picture on its way to the analysis.

    Attributes:
        pts: in the session's clock.
        frame: as decoded; read-only.
        movie: the source's geometry.
        connection: its number, from 1; a new one may show something else.
        at: when it was captured (``time.monotonic``).
    """

    pts: int
    frame: av.video.frame.VideoFrame
    movie: Movie
    connection: int
    at: float


class Capture:
    """Reads one source until it ends or ``stop`` is set.

    Attributes:
        latest: the newest picture.
        connected: set once the source has given its first picture.
        ready: set by whoever takes pictures; a file does not start to play before.
    """

    def __init__(self, source: LiveSource, status: SessionStatus, stop: threading.Event) -> None:
        """Prepare to read a source.

        Args:
            source: what to read.
            status: where its state and its rate are reported.
            stop: ends :meth:`run` when it is set.
        """
        self.latest: Latest[Captured] = Latest()
        self.connected = threading.Event()
        self.ready = threading.Event()
        self._source = source
        self._status = status
        self._stop = stop
        self._clock = SessionClock()
        self._connections = 0

    def run(self) -> None:
        """Capture until the end.

        Raises:
            SourceError: the source has never given a picture.
        """
        failures = 0
        self._status.change(State("connecting", self._source.label))
        while not self._stop.is_set():
            before = self._connections
            try:
                with connect(self._source) as connection:
                    self._connections += 1
                    self.connected.set()
                    self._play(connection)
                if not self._stop.is_set():
                    self._status.change(State("ended", f"{self._source.label} has ended"))
                return
            except SourceError as error:
                if self._connections == 0:
                    raise
                failures = failures + 1 if self._connections == before else 1
                self._wait(str(error), failures)

    def _play(self, connection: Connection) -> None:
        self._clock.reconnected()
        while connection.paced and not self.ready.wait(0.1) and not self._stop.is_set():
            self._status.change(State("loading", "the network"))
        for picture in connection.pictures():
            pts = self._clock.stamp(picture.source_time, time.monotonic(), connection.paced)
            if connection.paced:
                self._stop.wait(self._clock.wait_s(pts, time.monotonic()))
            if self._stop.is_set():
                return
            self._status.change(State("live") if self.ready.is_set() else State("loading", "the network"))
            self._status.captured.count()
            self.latest.put(Captured(pts, picture.frame, connection.movie, self._connections, time.monotonic()))

    def _wait(self, reason: str, failures: int) -> None:
        """Wait before the next try, twice as long each time, up to a limit."""
        wait = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2 ** (failures - 1))
        until = time.monotonic() + wait
        while not self._stop.is_set() and (left := until - time.monotonic()) > 0:
            self._status.change(State("lost", f"{reason}; try {failures} in {left:.0f} s"))
            self._stop.wait(min(left, 1.0))
        if not self._stop.is_set():
            self._status.change(State("reconnecting", f"try {failures}"))
