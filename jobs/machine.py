"""What this machine gives this process: cores and memory, also where a container bounds them."""

import os
import re
from pathlib import Path


def available_cores() -> int:
    """Return how many cores this process may use, which a container may bound."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory() -> tuple[float | None, float | None]:
    """Return bytes of memory, all and free, that this process may use; a container may bound them. None: unknown."""
    total, free = None, None
    try:
        lines = dict(re.findall(r"(\w+): +(\d+) kB", Path("/proc/meminfo").read_text()))
        total, free = int(lines["MemTotal"]) * 1024.0, int(lines["MemAvailable"]) * 1024.0
        bound = float(Path("/sys/fs/cgroup/memory.max").read_text())  # "max" where there is no bound
        used = float(Path("/sys/fs/cgroup/memory.current").read_text())
    except (OSError, KeyError, ValueError):
        return total, free
    return min(total, bound), min(free, max(0.0, bound - used))
