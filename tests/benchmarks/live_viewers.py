"""Twenty viewers of one live source, for minutes: is its rate kept, does memory stay, how late are the pictures?

    .venv/bin/python tests/benchmarks/live_viewers.py --minutes 10

The viewers run in this process, the session in another, as users run it. Plays the sample movie as often as it takes.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from statistics import mean
from typing import Any

# The project before its tests, whose folders have the names of its packages.
sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parents[1])]

from clips import ffmpeg
from viewers import Viewer

from jobs.sample import make_sample

MOODREEL = Path(sys.executable).with_name("moodreel")
SAMPLE_S = 14
EVERY_S = 10.0


def make_movie(folder: Path, seconds: float) -> Path:
    """Write the sample movie as often as it takes; 640x360, 24 frames a second."""
    make_sample(folder / "once.mp4")
    movie = folder / "long.mp4"
    ffmpeg("-stream_loop", int(seconds / SAMPLE_S) + 1, "-i", folder / "once.mp4", "-c", "copy", "-an", movie)
    return movie


def memory_of(pid: int) -> float:
    """Return the resident memory of a process in MB (Linux)."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) / 1000


def cpu_of(pid: int) -> float:
    """Return the seconds of processor time that a process has used (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def fetch_status(url: str) -> dict[str, Any]:
    """Return the status that the page shows, without its history."""
    with urllib.request.urlopen(f"{url}events?after=999999999", timeout=30) as answer:
        status: dict[str, Any] = json.load(answer)
    return status


def measure(movie: Path, viewers: int, seconds: float, extra: list[str]) -> None:
    """Run a session with viewers and print what is seen of it."""
    command = [str(MOODREEL), "live", str(movie), "--port", "0", *extra]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"http://\S+/", process.stdout.readline())
        assert found is not None
        drain = threading.Thread(target=process.stdout.read)
        drain.start()
        try:
            watch(found[0], process.pid, viewers, seconds)
        finally:
            process.terminate()
            process.wait(60)
            drain.join()
    print(f"exit code {process.returncode}")


def watch(url: str, pid: int, count: int, seconds: float) -> None:
    while fetch_status(url)["number"] < 50:  # the network is loaded, the first batches are through
        time.sleep(0.5)
    watching = [Viewer(url, seconds) for _ in range(count)]
    for viewer in watching:
        viewer.start()
    time.sleep(5)
    begun, first, cpu = time.monotonic(), fetch_status(url), cpu_of(pid)
    memory, delays = [memory_of(pid)], []
    while time.monotonic() < begun + seconds - 10:
        time.sleep(min(EVERY_S, seconds / 5))
        status = fetch_status(url)
        memory.append(memory_of(pid))
        delays.append(status["delay_ms"])
        print(f"{time.monotonic() - begun:5.0f} s: {status['rate']:.1f} of {status['source_rate']:.1f} frames/s, "
              f"{status['delay_ms']} ms, {status['viewers']} viewers, {memory[-1]:.0f} MB", flush=True)  # fmt: skip
    span = begun, time.monotonic()
    last = fetch_status(url)
    pictures = last["number"] - first["number"]
    shown, cpu = pictures / (span[1] - span[0]), (cpu_of(pid) - cpu) / pictures
    skipped = last["skipped"] - first["skipped"]
    for viewer in watching:
        viewer.join(30)
    rates = sorted(viewer.rate(span) for viewer in watching) or [0.0]
    faults = [viewer.failure for viewer in watching if viewer.failure]
    print(f"{count} viewers for {span[1] - span[0]:.0f} s: {shown:.2f} frames/s shown, {skipped} skipped")
    print(f"viewers got {rates[0]:.2f} to {rates[-1]:.2f} frames/s; faults: {faults or 'none'}")
    print(f"delay {mean(delays):.0f} ms on average, {max(delays)} ms at most")
    print(f"{1000 * cpu:.1f} ms of processor time a picture")
    half = memory[len(memory) // 2]
    print(
        f"memory {memory[0]:.0f} MB at first, {half:.0f} half way, {memory[-1]:.0f} at last, {max(memory):.0f} at most"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--viewers", type=int, default=20)
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        seconds = 60 * options.minutes
        movie = make_movie(Path(folder), seconds + 60)
        extra = ["--record", folder] if options.record else []
        measure(movie, options.viewers, seconds, extra)


if __name__ == "__main__":
    main()
