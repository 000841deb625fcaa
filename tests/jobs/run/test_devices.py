"""Runs on an accelerator, for which ONNX Runtime's CPU provider stands in: batches, notes, keys."""

from pathlib import Path

import clips
import pyarrow.parquet as pq
import pytest

from jobs.run import worker
from jobs.store.workspace import MovieFolder
from models.inference import load, onnx_classifier, providers
from pipeline.faces.libfacedetection import LibfacedetectionNetwork


@pytest.fixture(scope="module")
def face_film(films) -> Path:
    return films / "face.mp4"


@pytest.fixture
def accelerated(monkeypatch):
    """Let the CPU stand in for CUDA."""

    def stand_in(_: str) -> providers.Provider:
        return "AzureExecutionProvider", {}  # which leaves everything to the CPU

    monkeypatch.setattr(providers, "provider_of", stand_in)
    monkeypatch.setattr(onnx_classifier, "provider_of", stand_in)
    monkeypatch.setattr(providers, "candidates", lambda device: [] if device == "cpu" else ["cuda"])
    for kept in (worker.detector_of, worker.classifier_of):
        kept.cache_clear()
    yield
    for kept in (worker.detector_of, worker.classifier_of):
        kept.cache_clear()


def tables(folder: MovieFolder) -> list[dict[str, object]]:
    return pq.read_table(folder.timeline).to_pylist()


@pytest.mark.usefixtures("accelerated")
def test_a_run_on_an_accelerator_gives_the_tables_of_the_cpu(run_here, face_film, tmp_path):
    runs = {}
    for device in ("cpu", "gpu"):
        out = tmp_path / device
        assert run_here(face_film, out=out, video="none", device=device)[face_film.name].status == "done"
        runs[device] = MovieFolder(out / face_film.name)
    cpu, gpu = (runs[device].read_job_file() for device in ("cpu", "gpu"))
    assert (cpu.device, cpu.runtime) == ("cpu", "onnx")
    assert (gpu.device, gpu.runtime) == ("cuda", "onnx")
    assert cpu.keys.analysis != gpu.keys.analysis
    ours, theirs = tables(runs["gpu"]), tables(runs["cpu"])
    assert sum(row["track"] is not None for row in theirs) > 10
    assert [(r["frame"], r["track"], r["emotion"]) for r in ours] == [
        (r["frame"], r["track"], r["emotion"]) for r in theirs
    ]


@pytest.mark.usefixtures("accelerated")
def test_little_memory_is_said_to_the_user(run_here, face_film, tmp_path, monkeypatch):
    real = LibfacedetectionNetwork._run_batch

    def short(self, batch):
        if len(batch) > 4:
            raise RuntimeError("CUDA error: out of memory")
        return real(self, batch)

    monkeypatch.setattr(LibfacedetectionNetwork, "_run_batch", short)
    out = tmp_path / "out"
    assert run_here(face_film, out=out, video="none", device="cuda")[face_film.name].status == "done"
    log = (out / "logs" / "run.log").read_text()
    assert 'note="out of GPU memory with 64 pictures: the detector goes on with 32"' in log


def test_another_runtime_is_another_analysis(run_here, tmp_path):
    film, out = clips.Clip(".mp4", pts=range(8)).write(tmp_path / "film"), tmp_path / "out"
    assert run_here(film, out=out, video="none")[film.name].fresh
    assert run_here(film, out=out, video="none", runtime="tensorflow")[film.name].fresh
    job = MovieFolder(out / film.name).read_job_file()
    assert (job.device, job.runtime) == ("cpu", "tensorflow")
    assert not run_here(film, out=out, video="none", runtime="tensorflow")[film.name].fresh


def test_the_device_is_looked_for_once(run_here, tmp_path, monkeypatch):
    """Units are told what was found: one that found another device would mix results under one key."""
    asked = []
    real = load.load_classifier
    monkeypatch.setattr(load, "load_classifier", lambda *a, **k: asked.append((a[1], k["runtime"])) or real(*a, **k))
    worker.classifier_of.cache_clear()
    film = clips.Clip(".mp4", pts=range(8)).write(tmp_path / "film")
    run_here(film, out=tmp_path / "out", video="none", device="auto")
    assert asked == [("auto", "auto"), ("cpu", "onnx")]
