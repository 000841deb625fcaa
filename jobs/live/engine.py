"""READ FIRST. A live session: one thread captures, one analyses, and what it publishes is the same for all viewers.

Between any two there is a slot that holds the newest thing, never a queue: whoever is slow skips pictures and delays
nobody. Both threads end when asked to, and what either of them raises is raised by :meth:`Engine.raise_failure`.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import av.video.frame

from jobs.errors import JobError
from jobs.live.analysis import Analysed, Analyst, Painter
from jobs.live.capture import Capture
from jobs.live.history import History
from jobs.live.latest import Broadcast
from jobs.live.session_status import SessionStatus, State
from jobs.live.source import LiveSource
from pipeline.media.movie import Movie

_JOIN_S: Final = 20.0
"""Seconds within which a thread must have ended; a stream that hangs is given up after half of it."""


@dataclass(frozen=True)
class View:
    """What viewers see: a JPEG, and what is on it; None where there is nothing yet."""

    jpeg: bytes
    analysed: Analysed | None


class Sink(Protocol):
    """Takes what is shown, to keep it."""

    def add(self, movie: Movie, analysed: Analysed, picture: av.video.frame.VideoFrame) -> None:
        """Take the next picture."""
        ...

    def finish(self) -> None:
        """Take note that no more will come."""
        ...


class Engine:
    """Runs a session.

    Attributes:
        board: what it is doing.
        history: its last minute.
        views: what it shows.
    """

    def __init__(
        self, source: LiveSource, make_analyst: Callable[[], Analyst], nothing: bytes, sink: Sink | None = None
    ) -> None:
        """Prepare a session; ``nothing`` is the JPEG shown before the first picture.

        ``make_analyst`` is called in the analysis thread, since loading a network takes seconds; what is shown goes to
        ``sink`` too.
        """
        self.source = source
        self.board = SessionStatus()
        self.history = History()
        self.views: Broadcast[View] = Broadcast(View(nothing, None))
        self._make_analyst = make_analyst
        self._sink = sink
        self._stop = threading.Event()
        self._captured_all = threading.Event()
        self._failure: Exception | None = None
        self._on_failure: Callable[[], None] = lambda: None
        self._capture = Capture(source, self.board, self._stop)
        self._capture_thread = self._thread("capture", self._captures)
        self._analysis_thread = self._thread("analysis", self._analyse)

    @property
    def skipped(self) -> int:
        """How many pictures of the source were not shown, since newer ones came before their turn."""
        return self._capture.slot.replaced

    def start(self, on_failure: Callable[[], None] = lambda: None) -> None:
        """Start capturing, and once there is a picture the analysis; ``on_failure`` is called in a thread that fails.

        Raises:
            SourceError: the source gives no picture. Nothing runs then.
        """
        self._on_failure = on_failure
        self._capture_thread.start()
        while not self._capture.connected.wait(0.05) and not self._captured_all.is_set():
            pass
        if not self._capture.connected.is_set():
            self._capture_thread.join()
            self.raise_failure()
        self._analysis_thread.start()

    def ask_to_stop(self) -> None:
        """Let both threads and all viewers come to their ends; returns at once."""
        self._stop.set()
        self.views.close()

    def stop(self) -> None:
        """Stop, wait for both threads, and let the sink finish.

        Raises:
            JobError: a thread hangs in a source that neither answers nor fails.
        """
        self.ask_to_stop()
        threads = [thread for thread in (self._capture_thread, self._analysis_thread) if thread.ident is not None]
        for thread in threads:
            thread.join(_JOIN_S)
        self.board.tell(State("stopped"))
        hung = [thread.name for thread in threads if thread.is_alive()]
        if hung:
            raise JobError(f"{self.source.label} does not let go: {', '.join(hung)} still waits for it")

    def wait(self, timeout: float) -> bool:
        """Wait until the source has ended and all of it was analysed; return whether that is so."""
        self._analysis_thread.join(timeout)
        return not self._analysis_thread.is_alive()

    def raise_failure(self) -> None:
        """Raise what a thread raised, if one did."""
        if self._failure is not None:
            raise self._failure

    def _thread(self, name: str, work: Callable[[], None]) -> threading.Thread:
        # A daemon: should a camera's driver never return, the process can still end.
        return threading.Thread(target=self._guarded, args=(work,), name=f"moodreel-{name}", daemon=True)

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # it crosses to whoever started the session
            self._failure = self._failure or error
            self.ask_to_stop()
            self._on_failure()

    def _captures(self) -> None:
        try:
            self._capture.run()
        finally:
            self._captured_all.set()

    def _analyse(self) -> None:
        try:
            analyst = self._make_analyst()
            self._capture.ready.set()
            painter: Painter | None = None
            while not self._stop.is_set():
                was_last = self._captured_all.is_set()  # asked before: what is taken then is the last there is
                captured = self._capture.slot.take(timeout=0.2)
                if captured is None:
                    if was_last:
                        return
                    continue
                if painter is None or painter.movie != captured.movie:
                    painter = Painter(captured.movie)
                analysed = analyst.analyse(captured)
                picture = painter.paint(captured, analysed)
                self.history.add(analysed.time, analysed.faces.smoothed)
                self.views.publish(View(painter.jpeg(picture), analysed))
                self.board.published.count(time.monotonic() - captured.at)
                if self._sink is not None:  # behind the publication: viewers need not wait for the encoder
                    self._sink.add(captured.movie, analysed, picture)
        finally:
            if self._sink is not None:
                self._sink.finish()
