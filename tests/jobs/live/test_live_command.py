"""The command: what it says and returns when it cannot begin or when it fails, and that it stops cleanly."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from clips import write_sound
from sessions import until

MOODREEL = Path(sys.executable).with_name("moodreel")


def refused(*arguments: object) -> str:
    """Run the command, which must end with exit code 2; return its one line on stderr."""
    done = subprocess.run(
        [MOODREEL, "live", *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 2, done
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line


def test_a_missing_file_a_missing_camera_a_silent_url_and_a_file_without_video(tmp_path):
    gone = tmp_path / "gone.mp4"
    assert (
        refused(gone)
        == f"moodreel: {gone}: expected the index of a camera, a URL or a file, found nothing of that name"
    )
    assert refused("99").startswith("moodreel: camera 99: no such camera; ")
    url = "http://127.0.0.1:9/"
    assert refused(url) == f"moodreel: {url}: expected a stream of video, found: Connection refused"
    assert "expected a video stream, found only audio" in refused(write_sound(tmp_path / "sound.m4a"))


def test_a_port_in_use(face_clip):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = refused(face_clip, "--port", port)
    assert line.startswith(f"moodreel: cannot listen on 127.0.0.1:{port}: Address already in use")
    assert line.endswith("; choose another --port or --host")


def start(*arguments: object) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [MOODREEL, "live", *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def test_it_stops_cleanly_and_leaves_a_recording(sample, tmp_path):
    process = start(sample, "--port", 0, "--record", tmp_path, "--device", "cpu")
    try:
        until(lambda: list(tmp_path.glob("*/.live/000000.npz")), 120)
        os.killpg(process.pid, signal.SIGINT)
        os.killpg(process.pid, signal.SIGTERM)  # some who end a group of processes send both
        out, err = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 0, err
    assert re.search(r"^Live from sample.mp4: http://127.0.0.1:\d+/", out)
    assert f"to {tmp_path}/live-" in out
    assert "Traceback" not in err
    (folder,) = (path.parent for path in tmp_path.glob("*/job.json"))
    job = json.loads((folder / "job.json").read_text())
    assert (job["status"], job["source"], job["model"]) == ("done", "live: sample.mp4", "default")
    assert job["summary"]["duration"] > 4.5
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def test_a_second_signal_while_stopping_delays_nothing():
    script = """
import os, signal, threading
from jobs.live.command import stop_on_signals
lock = threading.Lock()
def stop():
    with lock:
        os.kill(os.getpid(), signal.SIGTERM)
        print("stopped")
with stop_on_signals(stop):
    os.kill(os.getpid(), signal.SIGINT)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True, cwd=Path.cwd()
    )
    assert done.stdout == "stopped\n"
    assert done.stderr == "moodreel: stopping\n"


FAILING = """
import sys
from pathlib import Path
from jobs.live.analysis import Analyst
from jobs.live.command import live
from jobs.live.record.recorder import Recorder
from jobs.settings import Settings
from jobs.web.address import Address
def fail(*_):
    raise ZeroDivisionError("nobody foresaw this")
{method} = fail
sys.exit(live(sys.argv[1], Path(sys.argv[2]), Address("127.0.0.1", 0, None), Settings(device="cpu")))
"""


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ("Analyst.analyse", "moodreel: ZeroDivisionError: nobody foresaw this"),
        ("Recorder.make_results", "moodreel: the recording could not be finished: ZeroDivisionError: nobody foresaw"),
    ],
)
def test_an_error_that_nobody_foresaw_ends_with_exit_code_1(face_clip, tmp_path, method, words):
    command = [sys.executable, "-c", FAILING.format(method=method), str(face_clip), str(tmp_path / "out")]
    with (tmp_path / "stderr").open("w") as err:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=err, text=True, cwd=Path.cwd())
    try:
        until(lambda: words in (tmp_path / "stderr").read_text(), 120)
        if method == "Recorder.make_results":  # the page stays until the user ends the session
            process.send_signal(signal.SIGINT)
        process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 1
    assert "in fail" in (tmp_path / "stderr").read_text()
