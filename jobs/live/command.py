"""What ``moodreel live`` does, from beginning to end."""

import os
import platform
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import Any, Final, TextIO

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
from jobs.web.address import choose_address
from jobs.web.server import Server, announce
from models.errors import ModelError
from pipeline.errors import DetectorError, PipelineError
from pipeline.faces.detectors import make_detector

EXIT_DONE: Final = 0
EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_STOPPED: Final = 130

_INSISTS_AFTER_S: Final = 1.0


def live(source_text: str, record: Path | None, host: str, port: int, token: str | None, settings: Settings) -> int:
    """Show a source until the user stops it, or the end of the world; return the exit code.

    Raises:
        JobError, PipelineError, ModelError: nothing could begin.
    """
    bound_libraries(_threads())
    source = choose_live_source(source_text)
    address = choose_address(host, port, token)
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
    """Return how many threads each library may use; the other half is for decoding, encoding and viewers."""
    return max(1, available_cores() // 2)


def _serve(engine: Engine, recorder: Recorder | None, server: Server, announced: Callable[[], None]) -> int:
    """Serve until a signal or a failure.

    Raises:
        SourceError: the source cannot be had.
    """

    def stop() -> None:
        engine.ask_to_stop()
        server.close()

    finisher = _Finisher(engine, recorder)
    with _signals(stop):
        engine.start(on_failure=server.close)
        announced()
        finisher.start()
        server.run()
        engine.ask_to_stop()
        finisher.join()
    try:
        engine.stop()
        engine.raise_failure()
    except (JobError, PipelineError, ModelError) as error:
        print(f"moodreel: {error}", file=sys.stderr)
        return EXIT_USAGE if isinstance(error, ModelError | DetectorError) else EXIT_FAILED
    return EXIT_DONE if finisher.failure is None else EXIT_FAILED


class _Finisher(threading.Thread):
    """Waits for the end of the pictures, be it the file's or the user's, and makes results of the recording then.

    A thread of its own: the page goes on after a file has ended, and results should not wait for somebody to end that.
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
            made = self._recorder.make_results()
        except (JobError, PipelineError, OSError) as error:
            self.failure = error
            _say(f"moodreel: the recording could not be finished: {error}", sys.stderr)
            return
        if made is None:
            _say("moodreel: nothing was recorded", sys.stderr)
            return
        folder, outcome = made
        _say(f"Recorded {outcome.seconds:.1f} s to {folder}")
        if self._recorder.remark:
            _say(f"moodreel: {self._recorder.remark}", sys.stderr)


@contextmanager
def _held(record: Path) -> Iterator[Workspace]:
    """Hold the output folder, and finish what an earlier session could not."""
    workspace = Workspace(record)
    with workspace.locked():
        for recording in unfinished(workspace):
            root = recording.folder.root
            try:
                outcome = recording.finish(
                    workspace, f"the session was killed; up to {2 * PIECE_S:g} s before are lost"
                )
            except (JobError, PipelineError, OSError, ValueError) as error:
                print(f"moodreel: {root}: a recording that was cut short cannot be finished: {error}", file=sys.stderr)
                continue
            if outcome is not None:
                print(f"Finished the recording of a session that was killed: {root}", flush=True)
        yield workspace


@contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and a closed terminal end the session in order; another one, later, ends the process.

    Not at once: who ends a group of processes may well send the signal twice.
    """
    asked: list[float] = []

    def handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  # as signal handlers are called
        # Noted before anything else: a second signal interrupts this very function, and stopping takes locks.
        asked.append(time.monotonic())
        if len(asked) == 1:
            stop()
            _say("moodreel: stopping", sys.stderr)
        elif asked[-1] - asked[0] > _INSISTS_AFTER_S:
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
    """Tell the user, if there still is a terminal."""
    with suppress(OSError):
        print(text, file=where, flush=True)


class _Loader:
    """Loads detector and network in the thread that uses them, and tells what they are."""

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
        classifier = load_classifier(find_model(settings.model), settings.device, _threads(), padded=False)
        self.device = classifier.device
        self.model_digest = f"{classifier.model.sha256}/{classifier.model.temperature}"
        return Analyst(detector, classifier, settings.track_options())


def _facts(source: LiveSource, settings: Settings, loaded: _Loader) -> dict[str, Any]:
    """Return what a recording says of how it came about."""
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
