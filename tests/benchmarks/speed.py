"""How fast a run is, against FFmpeg, the origin's loop and a peer: all in one go, in turn, medians; ``make bench``.

Each round has its own ratio to its own transcode: what slows the machine for a minute slows both. The median and
the spread of these count. What else ran is said beside them: cores that other processes used meanwhile.

    python tests/benchmarks/speed.py [--rounds 3] [--out FOLDER] [--peer PYTHON]

Prints tables, and writes ``speed.json`` (with versions and machine) and ``stages.png`` (where the time goes) to the
folder, beside those of films measured there before. ``--peer`` names the Python of an environment in which fer is
installed, which ``make bench-peers`` makes.
"""

import argparse
import ctypes
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import matplotlib
from films import SECONDS, SIZES, make_film

from jobs.executors.libraries import LIBRARIES
from jobs.machine import available_cores
from jobs.settings import Settings
from pipeline.media.ffmpeg import ffmpeg_exe

matplotlib.use("Agg")
from matplotlib import pyplot as plt

HERE: Final = Path(__file__).parent
_KEYFRAMES: Final = 50
"""Frames between key frames in the transcode: two seconds, as in an annotated video."""

_PR_SET_CHILD_SUBREAPER: Final = 36
"""Of Linux's ``sys/prctl.h``."""


@dataclass(frozen=True)
class Cost:
    """What a command cost.

    Attributes:
        wall: s on the clock.
        cpu: s of CPU.
        memory: of its largest process in MB.
        others: cores that other processes used meanwhile, on average; 0 where the system does not say.
    """

    wall: float
    cpu: float
    memory: float
    others: float = 0.0


def run(command: Sequence[str | Path], folder: Path | None = None) -> Cost:
    """Run a command to its end.

    Raises:
        RuntimeError: it failed; with its last words.
    """
    begun, busy = time.perf_counter(), _busy_seconds()
    with tempfile.TemporaryFile() as words:
        child = subprocess.Popen([str(part) for part in command], cwd=folder, stdout=words, stderr=subprocess.STDOUT)
        # The children of the child count, too, once it has waited for them.
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - begun
        usages = [usage, *_usages_of_orphans()]
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            words.seek(0)
            last = words.read().decode(errors="replace")[-2000:]
            raise RuntimeError(f"{command}: exit code {child.returncode}: {last}")
    peak = max(usage.ru_maxrss for usage in usages) / (1024 if sys.platform == "linux" else 1024**2)
    cpu = sum(usage.ru_utime + usage.ru_stime for usage in usages)
    return Cost(wall, cpu, peak, max(0.0, _busy_seconds() - busy - cpu) / wall)


def _busy_seconds() -> float:
    """Return for how many s all cores together have computed since the machine began; 0.0 but on Linux."""
    stat = Path("/proc/stat")
    if not stat.is_file():
        return 0.0
    user, nice, system, _, _, irq, softirq, steal = map(int, stat.read_text().split("\n")[0].split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def _adopt_orphans() -> None:
    """Let Linux give us the processes whose parents end before them, such as the server that workers are forks of."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _usages_of_orphans() -> Iterator[resource.struct_rusage]:
    with suppress(ChildProcessError):  # there are no more
        while True:
            yield os.wait4(-1, 0)[2]


def transcode(film: Path, out: Path) -> list[str | Path]:
    """Return FFmpeg's command for the same film with the settings of an annotated video."""
    settings = Settings()
    video = ["-c:v", "libx264", "-preset", settings.preset, "-crf", str(settings.crf), "-pix_fmt", "yuv420p"]
    same = ["-x264-params", "mbtree=0", "-g", str(_KEYFRAMES), "-c:a", "copy"]
    return [ffmpeg_exe(), "-y", "-v", "error", "-i", film, *video, *same, out]


class Bench:
    """The commands that are compared on one film."""

    def __init__(self, film: Path, folder: Path) -> None:
        self._film, self._folder = film, folder
        self.first_frames: list[float] = []

    def decode(self) -> Cost:
        """FFmpeg decodes the film to nowhere."""
        return run([ffmpeg_exe(), "-v", "error", "-i", self._film, "-map", "0:v", "-f", "null", "-"])

    def transcode(self) -> Cost:
        """FFmpeg encodes the film anew, its sound copied."""
        return run(transcode(self._film, self._folder / "transcoded.mp4"))

    def analyze(self) -> Cost:
        """Moodreel makes the tables, and no video."""
        return self._moodreel("--video", "none")

    def overlay(self) -> Cost:
        """Moodreel makes the tables, and the film with its labels as subtitles."""
        return self._moodreel("--video", "overlay")

    def whole(self) -> Cost:
        """Moodreel does its whole job with default settings."""
        return self._moodreel()

    def origin(self) -> Cost:
        """The origin's loop; its video has no sound."""
        return run([sys.executable, HERE / "origin_loop.py", self._film, self._folder / "origin.mp4"])

    def peer(self, python: Path, detector: str) -> Cost:
        """The whole job of fer with sound."""
        folder = self._folder / f"fer-{detector}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return run([python, HERE / "peer_fer.py", self._film.resolve(), folder, detector])

    def _moodreel(self, *options: str) -> Cost:
        out = self._folder / "out"
        shutil.rmtree(out, ignore_errors=True)
        begun = time.time()
        cost = run(
            [Path(sys.executable).with_name("moodreel"), "run", self._film, "--out", out, "--log-json", *options]
        )
        (log,) = (out / "logs").glob("run-*.log")
        events = [json.loads(line) for line in log.read_text().splitlines()]
        self.first_frames += [event["unix"] - begun for event in events if event["event"] == "first frame"]
        return cost


def compare(
    film: Path, folder: Path, rounds: int, origin: bool, peer: Path | None
) -> tuple[dict[str, list[Cost]], list[float]]:
    """Run everything in turn; what takes minutes, the origin's loop and the peer, once."""
    bench = Bench(film, folder)
    commands: dict[str, Callable[[], Cost]] = {
        "ffmpeg decode": bench.decode,
        "ffmpeg transcode": bench.transcode,
        "moodreel analyze": bench.analyze,
        "moodreel overlay": bench.overlay,
        "moodreel whole": bench.whole,
    }
    once: dict[str, Callable[[], Cost]] = {"origin's loop": bench.origin} if origin else {}
    if peer:
        once |= {f"fer {kind}": lambda kind=kind: bench.peer(peer, kind) for kind in ("haar", "mtcnn")}  # type: ignore[misc]
    costs: dict[str, list[Cost]] = {name: [] for name in (*commands, *once)}
    for number in range(rounds):
        for name, command in (commands | once if number == 0 else commands).items():
            costs[name].append(command())
            print(f"{film.stem}, round {number + 1}: {name}: {costs[name][-1].wall:.1f} s", file=sys.stderr)
    return costs, bench.first_frames


def _median(costs: Sequence[Cost]) -> Cost:
    names = ("wall", "cpu", "memory", "others")
    return Cost(*(statistics.median(getattr(cost, name) for cost in costs) for name in names))


def ratios(costs: Sequence[Cost], floors: Sequence[Cost], what: str = "wall") -> list[float]:
    """Return how many times the transcode of the same round each round cost, by clock or ``cpu``."""
    return [getattr(cost, what) / getattr(floor, what) for cost, floor in zip(costs, floors, strict=False)]


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


def print_costs(film: str, frames: int, costs: dict[str, list[Cost]]) -> None:
    """Print a table."""
    floors = costs["ffmpeg transcode"]
    print(f"\n{film}: {frames} frames, {SECONDS} s; ratios: of each round, median (lowest-highest)")
    print("| | s | lowest | highest | frames/s | CPU ms/frame | MB | times the transcode | its CPU | others' cores |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for name, all_costs in costs.items():
        cost, walls = _median(all_costs), [one.wall for one in all_costs]
        print(
            f"| {name} | {cost.wall:.1f} | {min(walls):.1f} | {max(walls):.1f} | {frames / cost.wall:.0f} "
            f"| {1000 * cost.cpu / frames:.1f} | {cost.memory:.0f} | {_spread(ratios(all_costs, floors))} "
            f"| {_spread(ratios(all_costs, floors, 'cpu'))} | {cost.others:.2f} |"
        )


def draw_stages(stages: dict[str, dict[str, float]], path: Path) -> None:
    """Draw where the time goes: a bar for each film."""
    figure, axes = plt.subplots(figsize=(11, 1.6 + 0.8 * len(stages)), layout="constrained")
    names = list(next(iter(stages.values())))
    colours = plt.get_cmap("tab20")
    left = dict.fromkeys(stages, 0.0)
    for index, name in enumerate(names):
        widths = [found[name] for found in stages.values()]
        axes.barh(list(stages), widths, left=list(left.values()), color=colours(index), label=name)
        for film, width in zip(stages, widths, strict=True):
            if width > 0.04 * sum(stages[film].values()):
                axes.text(left[film] + width / 2, film, f"{width:.1f}", ha="center", va="center", fontsize=8)
            left[film] += width
    axes.set_xlabel("core-milliseconds a frame")
    axes.legend(ncols=7, loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=130)
    plt.close(figure)


def machine() -> dict[str, Any]:
    """Return what was measured on, and with."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    flags = next((line.split(":")[1].split() for line in lines if line.startswith("flags")), [])
    ffmpeg = subprocess.run([ffmpeg_exe(), "-version"], capture_output=True, text=True, check=True).stdout.split()[2]
    return {
        "processor": names[0] if names else platform.processor(),
        "flags": [flag for flag in flags if flag.startswith(("avx", "sse4", "fma", "amx", "f16c"))],
        "cores": available_cores(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
        "load": os.getloadavg()[0],
        "ffmpeg": ffmpeg,
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
    }


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--films", nargs="+", choices=list(SIZES), default=list(SIZES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("benchmarks"))
    parser.add_argument("--no-origin", action="store_true", help="leave out the origin's loop, which takes minutes")
    parser.add_argument("--peer", type=Path, help="Python of an environment with fer")
    arguments = parser.parse_args()
    _adopt_orphans()
    folder: Path = arguments.out
    folder.mkdir(parents=True, exist_ok=True)
    about = machine()
    print(f"{about['processor']}, {about['cores']} cores, {' '.join(about['flags'])}; load {about['load']:.2f}")
    saved = folder / "speed.json"
    report: dict[str, Any] = json.loads(saved.read_text()) if saved.is_file() else {"films": {}}
    for name in arguments.films:
        film = make_film(name, folder)
        found = json.loads(subprocess.check_output([sys.executable, HERE / "stages.py", film]))
        costs, first = compare(film, folder, arguments.rounds, not arguments.no_origin, arguments.peer)
        print_costs(name, found["frames"], costs)
        print(f"from the command to the first frame: {statistics.median(first):.1f} s")
        report["films"][name] = {
            **found,
            "machine": machine(),
            "first_frame": first,
            "costs": {command: [asdict(cost) for cost in all_costs] for command, all_costs in costs.items()},
        }
    stages = {name: film["stages"] for name, film in sorted(report["films"].items(), key=lambda item: len(item[0]))}
    print("\n| core-ms a frame | " + " | ".join(stages) + " |\n|---|" + "---:|" * len(stages))
    for stage in next(iter(stages.values())):
        print(f"| {stage} | " + " | ".join(f"{found[stage]:.2f}" for found in stages.values()) + " |")
    draw_stages(stages, folder / "stages.png")
    saved.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
