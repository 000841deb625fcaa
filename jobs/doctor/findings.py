"""Look whether this machine has what a run needs, and try each step of one on a movie of two seconds.

Everything heavy is tried in a worker process like those of a run: a library that kills its process, as TensorFlow does
on a processor without AVX, becomes a finding like any other.
"""

import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.box import SIMPLE
from rich.table import Table

from jobs.console import make_console
from jobs.doctor.checks import devices, try_classifying, try_decoding, try_detecting, try_encoder, try_encoding
from jobs.machine import memory
from jobs.settings import MEMORY_PER_WORKER

if TYPE_CHECKING:
    from jobs.executors.base import Executor

_LIBRARIES: Final = (
    "av", "ffmpeg-python", "flask", "imageio-ffmpeg", "keras", "numpy", "opencv-python", "pandas", "pebble", "plotly",
    "pyarrow", "pydantic", "rich", "scenedetect", "tensorflow", "tqdm", "typer", "waitress",
)  # fmt: skip
_DECODERS: Final = ("h264", "hevc", "vp8", "vp9", "av1", "mpeg1video", "mpeg2video", "mpeg4", "wmv3", "prores")
_ENOUGH_DISK: Final = 2e9
_STALL_S: Final = 300.0
"""Seconds after which a step of the self-test counts as hung; TensorFlow's first start from a slow disk takes one."""


@dataclass(frozen=True)
class Finding:
    """What was looked for, whether it is as a run needs it, what was found, and what to do ("" for nothing).

    A finding that is ``ok`` may still have advice: the run would work, and could do better.
    """

    name: str
    ok: bool
    found: str
    advice: str = ""


def examine(out: Path) -> list[Finding]:
    """Look at everything; takes some seconds. Nothing is written to ``out``, the output folder of a run to come."""
    return [_versions(), _cores(), _memory(), _disk(out), _ffmpeg(), _decoders(), *_tried_in_a_worker()]


def all_well(findings: Sequence[Finding]) -> bool:
    """Return whether a run would work here."""
    return all(finding.ok for finding in findings)


def print_findings(findings: Sequence[Finding]) -> None:
    """Print a line per finding, then what to do."""
    table = Table(box=SIMPLE, pad_edge=False, show_header=False)
    table.add_column("what", no_wrap=True)
    table.add_column("ok", no_wrap=True)
    table.add_column("found", overflow="fold", ratio=1)
    for finding in findings:
        table.add_row(finding.name, "ok" if finding.ok else "NOT OK", finding.found)
    console = make_console()
    console.print(table)
    for finding in findings:
        if finding.advice:
            console.print(f"{finding.name}: {finding.advice}", soft_wrap=True)
    ills = sum(not finding.ok for finding in findings)
    console.print(f"{ills} of {len(findings)} things are not as a run needs them" if ills else "all is well")


def _looked(name: str, look: Callable[[], str], advice: str) -> Finding:
    """Return what ``look`` finds; what it raises is a finding too."""
    try:
        return Finding(name, True, look())
    except Exception as error:
        return Finding(name, False, _message(error), advice)


def _message(error: Exception) -> str:
    """Return an error's message; the classes of our own errors tell users nothing more."""
    ours = type(error).__module__.split(".")[0] in ("jobs", "models", "pipeline")
    return str(error) if ours else f"{type(error).__name__}: {error}"


def _versions() -> Finding:
    found, missing = [f"Python {platform.python_version()}", platform.platform()], []
    for library in ("moodreel", *_LIBRARIES):
        try:
            found.append(f"{library} {version(library)}")
        except PackageNotFoundError:
            missing.append(library)
    if not missing:
        return Finding("versions", True, ", ".join(found))
    told = f"missing: {', '.join(missing)}; there: {', '.join(found)}"
    return Finding("versions", False, told, f"pip install {' '.join(missing)}")


def _cores() -> Finding:
    from jobs.machine import available_cores
    from jobs.settings import Settings

    cores, all_cores, settings = available_cores(), os.cpu_count() or 1, Settings.model_validate({})
    workers = f"{settings.worker_count} worker{'' if settings.worker_count == 1 else 's'}"
    threads = f"{settings.threads} thread{'' if settings.threads == 1 else 's'}"
    return Finding("cores", True, f"{cores} of {all_cores}; a run starts {workers} of {threads}")


def _memory() -> Finding:
    from jobs.settings import Settings

    total, free = memory()
    if free is None:
        return Finding("memory", True, "this system does not tell")
    workers = Settings.model_validate({}).worker_count
    found = f"{free / 1e9:.1f} GB free of {(total or 0) / 1e9:.1f} GB"
    found += f"; {workers} worker{'' if workers == 1 else 's'} may take {workers * MEMORY_PER_WORKER / 1e9:g} GB"
    fitting = int(free // MEMORY_PER_WORKER)
    if fitting >= workers:
        return Finding("memory", True, found)
    return Finding("memory", fitting > 0, found, f"close other programs, or run with --workers {max(1, fitting)}")


def _disk(out: Path) -> Finding:
    there = next(path for path in (out.absolute(), *out.absolute().parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        return Finding("disk", False, f"{there} cannot be written", "choose another --out, or gain the right to write")
    free = shutil.disk_usage(there).free
    advice = "make room, or choose an --out on another disk; a run wants about 3 times the bytes of its largest movies"
    enough = free >= _ENOUGH_DISK
    return Finding("disk", enough, f"{free / 1e9:.1f} GB free for {out}", "" if enough else advice)


def _ffmpeg() -> Finding:
    def look() -> str:
        from pipeline.media.ffmpeg import ffmpeg_exe

        program = ffmpeg_exe()
        done = subprocess.run(
            [program, "-hide_banner", "-version"], capture_output=True, encoding="utf-8", errors="replace",
            timeout=60, check=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        return f"{done.stdout.splitlines()[0]}, {program}"

    return _looked("ffmpeg", look, "pip install imageio-ffmpeg, or install ffmpeg; MOODREEL_FFMPEG names another one")


def _decoders() -> Finding:
    def look() -> str:
        import av
        import av.codec

        missing = [name for name in _DECODERS if not _has_decoder(name)]
        there = ", ".join(name for name in _DECODERS if name not in missing)
        return f"FFmpeg {av.ffmpeg_version_info} in PyAV: {there}" + (f"; not {', '.join(missing)}" if missing else "")

    return _looked("decoders", look, _AV_ADVICE)


def _has_decoder(name: str) -> bool:
    import av.codec

    try:
        av.codec.Codec(name, "r")
    except ValueError:  # av.codec.codec.UnknownCodecError is one
        return False
    return True


def _tried_in_a_worker() -> list[Finding]:
    from jobs.executors.process_pool import LocalExecutor
    from jobs.settings import Settings

    threads = Settings.model_validate({}).threads
    with tempfile.TemporaryDirectory(prefix="moodreel-doctor-") as folder:
        clip = Path(folder) / "clip.mkv"
        executor = LocalExecutor(1, threads, Path(folder), _STALL_S)
        try:
            return [
                tried(executor, "x264 encoder", _AV_ADVICE, try_encoder, "libx264"),
                _nvenc(tried(executor, "NVENC encoder", "", try_encoder, "h264_nvenc")),
                _devices(tried(executor, "TensorFlow", _TENSORFLOW_ADVICE, devices)),
                tried(executor, "decode", _AV_ADVICE, try_decoding, clip, threads),
                tried(executor, "detect", "run with --detector haar", try_detecting, clip, threads),
                tried(executor, "classify", _NETWORK_ADVICE, try_classifying, threads),
                tried(executor, "encode", _VIDEO_ADVICE, try_encoding, clip, threads),
            ]
        finally:
            executor.close()


def tried(executor: "Executor", name: str, advice: str, task: Callable[..., str], *arguments: Any) -> Finding:
    """Return what ``task`` finds in a worker; ``advice`` is for when it fails, or takes the worker with it."""
    return _looked(name, lambda: str(executor.submit(task, *arguments).result()), advice)


_AV_ADVICE: Final = "pip install --force-reinstall av"
_NETWORK_ADVICE: Final = "if TensorFlow is well: pip install --force-reinstall moodreel"
_VIDEO_ADVICE: Final = "if ffmpeg and the x264 encoder are well: make room in the folder for temporary files"
_TENSORFLOW_ADVICE: Final = (
    "pip install --force-reinstall tensorflow; its wheels want an x86-64 processor with AVX, or arm64, and a Python "
    "version that they are built for"
)


def _nvenc(finding: Finding) -> Finding:
    """A run encodes with x264: this one may be missing."""
    return finding if finding.ok else Finding(finding.name, True, "not there, and not needed")


def _devices(finding: Finding) -> Finding:
    """A run works on the CPU, but an idle GPU is worth a word."""
    if not finding.ok or "GPU" in finding.found or shutil.which("nvidia-smi") is None:
        return finding
    advice = "an NVIDIA driver is there, but TensorFlow sees no GPU: pip install 'tensorflow[and-cuda]'"
    return Finding(finding.name, True, finding.found, advice)
