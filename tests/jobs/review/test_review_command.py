"""The command as a user types it: it says where it listens, answers there, and ends when asked to."""

import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from made_up import make_up
from typer.testing import CliRunner

from jobs.cli import app

MOODREEL = Path(sys.executable).with_name("moodreel")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    make_up(tmp_path, frames=60, name="film.mp4")
    return tmp_path


@contextmanager
def running(*arguments: object) -> Iterator["subprocess.Popen[str]"]:
    command = [str(MOODREEL), "review", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def address(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.search(r"http://\S+", line)
    assert found, line
    return found[0]


def test_it_serves_until_ctrl_c(out):
    with running(out, "--port", 0) as process:
        url = address(process)
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", url)
        with urllib.request.urlopen(url, timeout=10) as answer:
            assert b"film.mp4" in answer.read()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=15)
        assert (process.returncode, errors) == (0, "")


def test_on_another_host_it_warns_and_asks_for_a_token(out):
    with running(out, "--host", "0.0.0.0", "--port", 0) as process:
        url = address(process)
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{20,}", url)
        with pytest.raises(urllib.error.HTTPError) as refused, urllib.request.urlopen(url.split("?")[0], timeout=10):
            pass
        refused.value.close()
        assert refused.value.code == 401
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        with opener.open(url, timeout=10) as answer:
            assert b"film.mp4" in answer.read()
            assert "token" not in answer.url
        process.terminate()
        _, errors = process.communicate(timeout=15)
        assert process.returncode == 0
        assert "can be reached from other machines" in errors


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["{out}/gone"], "no such folder; expected the --out of a run"),
        (["{out}", "--token", "short"], "--token: expected at least 8 characters"),
        (["{out}", "--host", "256.1.1.1"], "cannot listen on"),
    ],
)
def test_wrong_usage_is_said_in_a_line(out, arguments, words):
    done = CliRunner().invoke(app, ["review", *(argument.format(out=out) for argument in arguments)])
    assert done.exit_code == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
