"""``--on-end``: what the command is told."""

import json
import shlex
import sys
from pathlib import Path

import pytest

from jobs.run.on_end import RunEnd, tell
from jobs.store.movie_result import MovieResult

TELL = f"{shlex.quote(sys.executable)} -c " + shlex.quote(
    "import os, json; print(json.dumps({n: v for n, v in os.environ.items() if n.startswith('MOODREEL_')}))"
)
RESULTS = [
    MovieResult("a.mp4", "done"),
    MovieResult("b.mp4", "partial", "it breaks off"),
    MovieResult("$(touch c) `d`.mp4", "failed", "no movie"),
    MovieResult("e\nf.mp4", "failed", "no movie"),
]


def told(tmp_path: Path, end: RunEnd) -> dict[str, str]:
    tell(f"{TELL} > {shlex.quote(str(tmp_path / 'told'))}", end)
    return dict(json.loads((tmp_path / "told").read_text()))


def test_variables_say_what_happened(tmp_path):
    end = RunEnd(tmp_path / "out", 1, 61.4, RESULTS, tmp_path / "out" / "logs" / "run.log")
    found = told(tmp_path, end)
    assert found["MOODREEL_EXIT_CODE"] == "1"
    assert found["MOODREEL_SECONDS"] == "61"
    assert found["MOODREEL_OUT"] == str(tmp_path / "out")
    assert found["MOODREEL_LOG"] == str(tmp_path / "out" / "logs" / "run.log")
    assert [found[f"MOODREEL_{status}"] for status in ("DONE", "PARTIAL", "FAILED", "STOPPED")] == ["1", "1", "2", "0"]
    assert found["MOODREEL_FAILED_MOVIES"] == "$(touch c) `d`.mp4\ne\nf.mp4"
    assert found["MOODREEL_SUMMARY"] == "4 movies: 1 done, 2 failed, 1 partial"


def test_a_run_that_could_not_begin_says_why(tmp_path):
    found = told(tmp_path, RunEnd(tmp_path, 2, 0.1, reason="another run is using this output folder"))
    assert found["MOODREEL_SUMMARY"] == "another run is using this output folder"
    assert (found["MOODREEL_LOG"], found["MOODREEL_DONE"]) == ("", "0")


def test_thousands_of_failures_fit_into_the_environment(tmp_path):
    many = [MovieResult("x" * 200 + f"{k}.mp4", "failed", "no") for k in range(20_000)]
    found = told(tmp_path, RunEnd(tmp_path, 1, 1.0, many))
    assert found["MOODREEL_FAILED"] == "20000"
    assert len(found["MOODREEL_FAILED_MOVIES"].splitlines()) == 100


def test_a_command_that_fails_is_said(tmp_path, capsys):
    tell("exit 3", RunEnd(tmp_path))
    assert "--on-end: the command ended with exit code 3" in capsys.readouterr().err


@pytest.mark.parametrize(("inputs", "code"), [("films", "1"), ("none", "2")])
def test_the_run_calls_it_whatever_happened(moodreel, films, tmp_path, inputs, code):
    source = films / "text.mp4" if inputs == "films" else tmp_path / "none"
    told_to = tmp_path / "told"
    command = f'echo "$MOODREEL_EXIT_CODE $MOODREEL_SUMMARY" > {shlex.quote(str(told_to))}; exit 7'
    done = moodreel("run", source, "--out", tmp_path / "out", "--on-end", command)
    assert done.code == int(code)  # the command's own does not count
    assert told_to.read_text().startswith(f"{code} ")
    assert "1 failed" in told_to.read_text() or "no such file or folder" in told_to.read_text()
    assert "the command ended with exit code 7" in done.err
