"""READ FIRST. A live session: one thread captures, one analyses, and all viewers see what it publishes.

Pictures are handed over by a :class:`Latest` or a :class:`Broadcast`, which hold the newest one, and never by a queue:
whoever is slow skips pictures and delays nobody. Both threads end when the session is stopped, and an error in either
is raised by :meth:`Engine.raise_failure`.
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
"""Seconds in which a thread must end; reading from a stream that hangs ends after half of them."""


@dataclass(frozen=True)
class View:
    """What viewers see: a JPEG, and the faces on it; None before the first picture."""

    jpeg: bytes
    analysed: Analysed | None


class Sink(Protocol):
    """Keeps what is shown."""

    def add(self, movie: Movie, analysed: Analysed, picture: av.video.frame.VideoFrame) -> None:
        """Take the next picture.

        Args:
            movie: the source's geometry.
            analysed: the faces on it.
            picture: what was shown, yuv420p.
        """
        ...

    def finish(self) -> None:
        """Note that no more pictures will come. Called once, also after an error."""
        ...


class Engine:
    """Runs a session.

    Attributes:
        status: what it is doing.
        history: its last minute.
        views: what it shows.
    """

    def __init__(
        self, source: LiveSource, make_analyst: Callable[[], Analyst], blank: bytes, sink: Sink | None = None
    ) -> None:
        """Prepare a session.

        Args:
            source: what to show.
            make_analyst: called in the analysis thread, since loading a network takes seconds.
            blank: the JPEG that is shown before the first picture.
            sink: keeps what is shown; called in the analysis thread.
        """
        self.source = source
        self.status = SessionStatus()
        self.history = History()
        self.views: Broadcast[View] = Broadcast(View(blank, None))
        self._make_analyst = make_analyst
        self._sink = sink
        self._stop = threading.Event()
        self._capture_ended = threading.Event()
        self._failure: Exception | None = None
        self._on_failure: Callable[[], None] = lambda: None
        self._capture = Capture(source, self.status, self._stop)
        self._capture_thread = self._thread("capture", self._run_capture)
        self._analysis_thread = self._thread("analysis", self._run_analysis)

    @property
    def skipped(self) -> int:
        """How many pictures of the source were not shown, because a newer one came first."""
        return self._capture.latest.replaced

    def start(self, on_failure: Callable[[], None] = lambda: None) -> None:
        """Start capturing and, with the first picture, the analysis.

        Args:
            on_failure: called in a thread that fails.

        Raises:
            SourceError: the source gives no picture; nothing is running then.
        """
        self._on_failure = on_failure
        self._capture_thread.start()
        while not self._capture.connected.wait(0.05) and not self._capture_ended.is_set():
            pass
        if not self._capture.connected.is_set():
            self._capture_thread.join()
            self.raise_failure()
        self._analysis_thread.start()

    def ask_to_stop(self) -> None:
        """Ask both threads and all viewers to end; returns at once."""
        self._stop.set()
        self.views.close()

    def stop(self) -> None:
        """Stop, and wait for both threads.

        Raises:
            JobError: a thread hangs in a source that neither answers nor fails.
        """
        self.ask_to_stop()
        threads = [thread for thread in (self._capture_thread, self._analysis_thread) if thread.ident is not None]
        for thread in threads:
            thread.join(_JOIN_S)
        self.status.change(State("stopped"))
        hung = [thread.name for thread in threads if thread.is_alive()]
        if hung:
            raise JobError(f"{self.source.label} hangs: {', '.join(hung)} is still waiting for it")

    def wait(self, timeout: float) -> bool:
        """Wait until the source has ended and all of it is analysed; return whether that is so."""
        self._analysis_thread.join(timeout)
        return not self._analysis_thread.is_alive()

    @property
    def failure(self) -> Exception | None:
        """What ended a thread, if something did."""
        return self._failure

    def raise_failure(self) -> None:
        """Raise the error that ended a thread, if there was one."""
        if self._failure is not None:
            raise self._failure

    def _thread(self, name: str, work: Callable[[], None]) -> threading.Thread:
        # A daemon, so that the process can end even if a camera's driver never returns.
        return threading.Thread(target=self._guarded, args=(work,), name=f"moodreel-{name}", daemon=True)

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # it crosses to whoever started the session
            self._failure = self._failure or error
            self.ask_to_stop()
            self._on_failure()

    def _run_capture(self) -> None:
        try:
            self._capture.run()
        finally:
            self._capture_ended.set()

    def _run_analysis(self) -> None:
        try:
            analyst = self._make_analyst()
            self._capture.ready.set()
            painter: Painter | None = None
            while not self._stop.is_set():
                was_last = self._capture_ended.is_set()  # read first: what is taken afterwards is the last picture
                captured = self._capture.latest.take(timeout=0.2)
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
                self.status.published.count(time.monotonic() - captured.at)
                if self._sink is not None:  # last: viewers do not wait for the encoder
                    self._sink.add(captured.movie, analysed, picture)
        finally:
            if self._sink is not None:
                self._sink.finish()
