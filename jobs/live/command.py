"""What ``moodreel live`` does, from beginning to end."""

import os
import platform
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import Any, Final, TextIO

from jobs.console import say_error
from jobs.errors import JobError
from jobs.executors.libraries import LIBRARIES, bound_libraries
from jobs.live.analysis import Analyst
from jobs.live.engine import Engine
from jobs.live.pages import THREADS, WAITRESS, blank_jpeg, make_live
from jobs.live.record.recorder import PIECE_S, Recorder
from jobs.live.record.recording import unfinished
from jobs.live.source import LiveSource, choose_live_source
from jobs.machine import available_cores
from jobs.settings import Settings
from jobs.store.workspace import Workspace
from jobs.web.address import Address
from jobs.web.server import Server, announce
from models.errors import ModelError
from pipeline.errors import DetectorError, PipelineError
from pipeline.faces.detectors import make_detector

EXIT_DONE: Final = 0
EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_STOPPED: Final = 130

_INSISTS_AFTER_S: Final = 1.0


def live(source_text: str, record: Path | None, address: Address, settings: Settings) -> int:
    """Show a source until the user stops it.

    Args:
        source_text: the source as the user named it; see :func:`choose_live_source`.
        record: output folder for a recording, or None.
        address: to serve the page at.
        settings: the network, the detector and the encoder.

    Returns:
        The exit code.

    Raises:
        JobError, PipelineError, ModelError: the session could not begin.
    """
    bound_libraries(_threads())
    source = choose_live_source(source_text)
    with ExitStack() as held:
        workspace = None if record is None else held.enter_context(_held(record))
        loaded = _Loader(settings)
        recorder = (
            None if workspace is None else Recorder(workspace, settings, lambda: _facts(source, settings, loaded))
        )
        engine = Engine(source, loaded.analyst, blank_jpeg(), recorder)
        server = Server(make_live(engine, recorder, address), address, threads=THREADS, **WAITRESS)
        return _serve(engine, recorder, server, lambda: announce(server, address, f"Live from {source.label}"))


def _threads() -> int:
    """Return how many threads each library may use: half of the cores, as others decode, encode and serve."""
    return max(1, available_cores() // 2)


def _serve(engine: Engine, recorder: Recorder | None, server: Server, announced: Callable[[], None]) -> int:
    """Serve until a signal or a failure.

    Raises:
        SourceError: the source gives no picture.
    """

    def stop() -> None:
        engine.ask_to_stop()
        server.close()

    finisher = _Finisher(engine, recorder)
    with stop_on_signals(stop):
        engine.start(on_failure=server.close)
        finisher.start()
        try:
            announced()
            server.run()
        finally:  # else the finisher would wait for ever
            engine.ask_to_stop()
            finisher.join()
    try:
        engine.stop()
        engine.raise_failure()
    except Exception as error:
        _say_failure(error)
        return EXIT_USAGE if isinstance(error, ModelError | DetectorError) else EXIT_FAILED
    return EXIT_DONE if finisher.failure is None else EXIT_FAILED


def _say_failure(error: Exception, what: str = "") -> None:
    """Print why something failed; for an error that nobody foresaw, also where."""
    reason = str(error)
    if not isinstance(error, JobError | PipelineError | ModelError | OSError):
        _say("".join(traceback.format_exception(error)).rstrip(), sys.stderr)
        reason = f"{type(error).__name__}: {error}"
    say_error(f"{what}{reason}")


def _cut_short_by(failure: Exception | None) -> str:
    """Return why the recording of a session that failed is not whole; "" for one that did not."""
    return "" if failure is None else f"the session failed: {failure or type(failure).__name__}"


class _Finisher(threading.Thread):
    """Makes results of the recording when the pictures end: with the file, or when the user stops the session.

    A thread of its own, since the page stays after a file has ended, and results should not wait until it is closed.

    Attributes:
        failure: why there are no results, if so.
    """

    def __init__(self, engine: Engine, recorder: Recorder | None) -> None:
        super().__init__(name="moodreel-results")
        self.failure: Exception | None = None
        self._engine = engine
        self._recorder = recorder

    def run(self) -> None:
        while not self._engine.wait(timeout=1.0):
            pass
        if self._recorder is None:
            return
        try:
            made = self._recorder.make_results(_cut_short_by(self._engine.failure))
        except Exception as error:  # whatever it is, it must reach the exit code
            self.failure = error
            _say_failure(error, "the recording could not be finished: ")
            return
        if made is None:
            _say("moodreel: nothing was recorded", sys.stderr)
            return
        folder, result = made
        _say(f"Recorded {result.seconds:.1f} s to {folder}")
        if self._recorder.remark:
            _say(f"moodreel: {self._recorder.remark}", sys.stderr)


@contextmanager
def _held(record: Path) -> Iterator[Workspace]:
    """Lock the output folder, and finish the recordings of sessions that were killed."""
    workspace = Workspace(record)
    with workspace.locked() as caution:
        if caution:
            print(f"moodreel: {caution}", file=sys.stderr)
        for recording in unfinished(workspace, lambda line: print(f"moodreel: {line}", file=sys.stderr)):
            root = recording.folder.root
            try:
                result = recording.finish(workspace, f"the session was killed; up to {2 * PIECE_S:g} s before are lost")
            except Exception as error:  # whatever is wrong with an old one, the new session begins
                _say_failure(error, f"{root}: a recording that was cut short cannot be finished: ")
                continue
            if result is not None:
                print(f"Finished the recording of a session that was killed: {root}", flush=True)
        yield workspace


@contextmanager
def stop_on_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and a closed terminal stop the session in order; one more, a second later, ends the process.

    Not at once, since whoever ends a group of processes may send the signal twice.
    """
    received: list[float] = []

    def handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  # as signal handlers are called
        # Noted first: a second signal interrupts this very function, and stopping takes locks.
        received.append(time.monotonic())
        if len(received) == 1:
            stop()
            _say("moodreel: stopping", sys.stderr)
        elif received[-1] - received[0] > _INSISTS_AFTER_S:
            os._exit(EXIT_STOPPED)

    names = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {name: signal.getsignal(name) for name in names}
    for name in before:
        signal.signal(name, handle)
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def _say(text: str, where: TextIO | None = None) -> None:
    """Print for the user, if there still is a terminal."""
    with suppress(OSError):
        print(text, file=where, flush=True)


class _Loader:
    """Loads detector and network in the thread that uses them.

    Attributes:
        device: what the network runs on; "" before it is loaded.
        model_digest: which network it is; likewise.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.device = ""
        self.model_digest = ""

    def analyst(self) -> Analyst:
        """Load; takes seconds."""
        from models.inference.load import load_classifier
        from models.model_file import find_model

        settings = self._settings
        detector = make_detector(settings.detector, settings.detector_model)
        model = find_model(settings.model).with_prior(settings.prior)
        classifier = load_classifier(model, settings.device, _threads(), padded=False)
        self.device = classifier.device
        self.model_digest = classifier.model.digest
        return Analyst(detector, classifier, settings.track_options(), settings.sure)


def _facts(source: LiveSource, settings: Settings, loaded: _Loader) -> dict[str, Any]:
    """Return how a recording is made; see :class:`Recording`."""
    versions = {name: version(name) for name in LIBRARIES} | {"python": platform.python_version()}
    shared = {"model": settings.model, "model_digest": loaded.model_digest, "detector": settings.detector}
    tracking = {**vars(settings.track_options()), "online": True}
    return {
        "source": f"live: {source.label}",
        **shared,
        "device": loaded.device,
        "settings": settings.model_dump(mode="json"),
        "versions": versions,
        "provenance": {**shared, "source": f"live: {source.label}", "tracking": tracking, "versions": versions},
    }
