"""The cores and the memory that this process may use: what the machine has, within the limits of its container.

The only module that knows; settings, ``doctor`` and ``live`` ask here.

A container is bounded by control groups of Linux. A limit applies to a group and to all groups below it, so those of
this process's own group and of every parent are read and the tightest counts. There are two versions, and a machine may
mount both: version 2 has one tree for all resources, version 1 one per resource. Inside a container the tree often
begins at the container's own group, which only ``/proc/self/mountinfo`` reveals.
"""

import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

_PROC: Final = Path("/proc")
_V2: Final = ""
"""How a group of version 2 is listed in /proc/self/cgroup: it has no controller of its own."""


_UNLIMITED: Final = 2.0**62
"""More bytes than any machine has."""


@dataclass(frozen=True)
class Memory:
    """Bytes of memory that this process may use, all and free; None where the system does not say."""

    total: float | None
    free: float | None


def available_cores(proc: Path = _PROC) -> int:
    """Return how many cores this process may use, at least 1; a quota of 1.5 cores counts as 2.

    Args:
        proc: where Linux describes this process and its machine.
    """
    cores = float(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    for group in _groups(_V2, proc):
        quota, _, period = _read(group / "cpu.max").partition(" ")
        cores = min(cores, _quota(quota, period))
    for group in _groups("cpu", proc):
        cores = min(cores, _quota(_read(group / "cpu.cfs_quota_us"), _read(group / "cpu.cfs_period_us")))
    return max(1, math.ceil(cores))


def memory(proc: Path = _PROC) -> Memory:
    """Return how much memory this process may use, and how much of that is free now.

    Files that the kernel keeps in memory count as free, since it drops them when a program needs the room.

    Args:
        proc: where Linux describes this process and its machine.
    """
    total, free = _physical_memory(proc)
    for group in _groups(_V2, proc):
        # Above memory.high a group is slowed down rather than killed: no place to work in either.
        for limit in (_bytes(group / "memory.max"), _bytes(group / "memory.high")):
            total = min(total, limit)
            free = min(free, _left(group, limit, "memory.current", "inactive_file"))
    for group in _groups("memory", proc):  # one without a limit says 2^63 less a page
        limit = _bytes(group / "memory.limit_in_bytes")
        total = min(total, limit)
        free = min(free, _left(group, limit, "memory.usage_in_bytes", "total_inactive_file"))
    return Memory(total if total < _UNLIMITED else None, free if free < _UNLIMITED else None)


def _physical_memory(proc: Path) -> tuple[float, float]:
    """Return the machine's memory, all and free; infinity where it is unknown."""
    found = {name: int(number) * 1024.0 for name, number in re.findall(r"(\w+): +(\d+) kB", _read(proc / "meminfo"))}
    total, free = found.get("MemTotal", math.inf), found.get("MemAvailable", math.inf)
    if total == math.inf and "SC_PHYS_PAGES" in getattr(os, "sysconf_names", {}):  # macOS
        total = float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    return total, free


def _left(group: Path, limit: float, used: str, cached: str) -> float:
    """Return the bytes left of a group's limit; ``cached`` is the line of memory.stat that counts files in memory."""
    in_use = _bytes(group / used)
    if in_use == math.inf:
        return math.inf
    droppable = re.search(rf"^{cached} (\d+)$", _read(group / "memory.stat"), re.MULTILINE)
    return max(0.0, limit - in_use + (float(droppable[1]) if droppable else 0.0))


def _groups(controller: str, proc: Path) -> Iterator[Path]:
    """Yield the folders of this process's control group and of its parents, as far up as they are mounted."""
    for line in _read(proc / "self" / "cgroup").splitlines():
        controllers, _, path = line.partition(":")[2].partition(":")
        if controller in controllers.split(","):
            for root, mount in _mounts(controller, proc):
                yield from _mounted(PurePosixPath(path), root, mount)


def _mounts(controller: str, proc: Path) -> Iterator[tuple[PurePosixPath, Path]]:
    """Yield where a controller's tree is mounted, each after the group that it begins at. See proc(5)."""
    for line in _read(proc / "self" / "mountinfo").splitlines():
        place, _, source = line.partition(" - ")
        fields, kind, options = place.split(), source.partition(" ")[0], source.rpartition(" ")[2]
        if kind == "cgroup2" if controller == _V2 else kind == "cgroup" and controller in options.split(","):
            yield PurePosixPath(fields[3]), Path(fields[4])


def _mounted(path: PurePosixPath, root: PurePosixPath, mount: Path) -> Iterator[Path]:
    # A group outside of what is mounted, as of a process that entered the container later: the mount's is the nearest.
    inside = path.relative_to(root) if path.is_relative_to(root) else PurePosixPath()
    folder = mount / inside if ".." not in inside.parts else mount
    yield folder
    while folder != mount:
        folder = folder.parent
        yield folder


def _quota(quota: str, period: str) -> float:
    """Return a quota in cores; "max", -1 and nothing are none."""
    try:
        cores = float(quota) / float(period)
    except (ValueError, ZeroDivisionError):
        return math.inf
    return cores if cores > 0 else math.inf


def _bytes(file: Path) -> float:
    """Return the number in a file; infinity for "max" and where there is none."""
    try:
        return float(_read(file))
    except ValueError:
        return math.inf


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
