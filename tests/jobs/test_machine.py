"""Cores and memory within the limits of a container, from files as Linux has them."""

import os
from pathlib import Path

import pytest

from jobs import machine, settings
from jobs.machine import Memory, available_cores, memory
from jobs.settings import Settings

GB = 1_000_000_000
CORES = len(os.sched_getaffinity(0))
NO_LIMIT_V1 = 9_223_372_036_854_771_712


class Machine:
    """A machine of 64 GB, 50 of them free, and its control groups, as files below ``root``."""

    def __init__(self, root: Path) -> None:
        self.proc, self._root = root / "proc", root
        (self.proc / "self").mkdir(parents=True)
        (self.proc / "meminfo").write_text(f"MemTotal: {64 * 10**6} kB\nMemFree: 7 kB\nMemAvailable: {50 * 10**6} kB\n")
        self._append("mountinfo", "22 27 0:21 / /proc rw,relatime - proc proc rw")

    def belongs_to(self, *lines: str) -> None:
        for line in lines:
            self._append("cgroup", line)

    def mount(self, name: str, kind: str, options: str = "rw", begins_at: str = "/") -> Path:
        mount = self._root / name
        mount.mkdir()
        self._append("mountinfo", f"32 31 0:29 {begins_at} {mount} rw,relatime shared:9 - {kind} {kind} {options}")
        return mount

    def _append(self, name: str, line: str) -> None:
        with (self.proc / "self" / name).open("a") as file:
            file.write(f"{line}\n")


@pytest.fixture
def fake(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def limit(group: Path, **files: object) -> None:
    """Write a group's files; ``memory_max`` stands for ``memory.max``."""
    group.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (group / name.replace("_", ".", 1)).write_text(f"{content}\n")


def physical() -> Memory:
    return Memory(64e6 * 1024, 50e6 * 1024)


def test_without_a_container_the_machine_counts(fake):
    assert available_cores(fake.proc) == CORES
    assert memory(fake.proc) == physical()


def test_a_system_that_says_nothing(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "sysconf_names")
    assert available_cores(tmp_path) == CORES
    assert memory(tmp_path) == Memory(None, None)


def test_version_2(fake):
    fake.belongs_to("0::/box")
    group = fake.mount("cgroup", "cgroup2") / "box"
    limit(group, cpu_max="100000 100000", memory_max=4 * GB, memory_high="max", memory_current=3 * GB)
    limit(group, memory_stat=f"anon 1\ninactive_file {GB}\nactive_file 5")
    assert available_cores(fake.proc) == 1
    assert memory(fake.proc) == Memory(4 * GB, 2 * GB)


def test_version_2_is_slowed_down_before_it_is_stopped(fake):
    fake.belongs_to("0::/")
    limit(fake.mount("cgroup", "cgroup2"), memory_max=4 * GB, memory_high=3 * GB, memory_current=GB)
    assert memory(fake.proc) == Memory(3 * GB, 2 * GB)


def test_version_2_without_limits(fake):
    fake.belongs_to("0::/box")
    limit(fake.mount("cgroup", "cgroup2") / "box", cpu_max="max 100000", memory_max="max", memory_current=3 * GB)
    assert available_cores(fake.proc) == CORES
    assert memory(fake.proc) == physical()


def test_version_1(fake):
    fake.belongs_to("4:memory:/box", "2:cpu,cpuacct:/box", "1:name=systemd:/")
    cpu = fake.mount("cpu", "cgroup", "rw,cpu,cpuacct") / "box"
    limit(cpu, cpu_cfs_quota_us=50_000, cpu_cfs_period_us=100_000)
    group = fake.mount("memory", "cgroup", "rw,memory") / "box"
    limit(group, memory_limit_in_bytes=4 * GB, memory_usage_in_bytes=3 * GB)
    limit(group, memory_stat=f"inactive_file 0\ntotal_inactive_file {GB}")
    assert available_cores(fake.proc) == 1
    assert memory(fake.proc) == Memory(4 * GB, 2 * GB)


def test_version_1_without_limits(fake):
    fake.belongs_to("4:memory:/box", "2:cpu,cpuacct:/box")
    limit(fake.mount("cpu", "cgroup", "rw,cpuacct,cpu") / "box", cpu_cfs_quota_us=-1, cpu_cfs_period_us=100_000)
    group = fake.mount("memory", "cgroup", "rw,memory") / "box"
    limit(group, memory_limit_in_bytes=NO_LIMIT_V1, memory_usage_in_bytes=3 * GB)
    assert available_cores(fake.proc) == CORES
    assert memory(fake.proc) == physical()


def test_version_1_without_a_limit_on_an_unknown_machine(fake, monkeypatch):
    monkeypatch.delattr(os, "sysconf_names")
    (fake.proc / "meminfo").unlink()
    fake.belongs_to("4:memory:/")
    limit(fake.mount("memory", "cgroup", "rw,memory"), memory_limit_in_bytes=NO_LIMIT_V1, memory_usage_in_bytes=1)
    assert memory(fake.proc) == Memory(None, None)


def test_both_versions_at_once(fake):
    fake.belongs_to("4:memory:/box", "0::/")
    limit(fake.mount("memory", "cgroup", "rw,memory") / "box", memory_limit_in_bytes=4 * GB, memory_usage_in_bytes=0)
    limit(fake.mount("unified", "cgroup2"), cpu_max="100000 100000")
    assert available_cores(fake.proc) == 1
    assert memory(fake.proc).total == 4 * GB


def test_a_parents_limit_counts_too(fake):
    fake.belongs_to("0::/pod/box")
    mount = fake.mount("cgroup", "cgroup2")
    limit(mount / "pod" / "box", cpu_max="max 100000", memory_max=4 * GB, memory_current=GB)
    limit(mount / "pod", cpu_max="100000 100000", memory_max=8 * GB, memory_current=7 * GB)
    assert available_cores(fake.proc) == 1
    assert memory(fake.proc) == Memory(4 * GB, GB)  # a neighbour has used most of the pod's 8 GB


def test_inside_a_container_the_tree_begins_at_its_own_group(fake):
    """As Docker mounts version 1: /proc/self/cgroup names groups as the host does."""
    fake.belongs_to("4:memory:/docker/0123/inner")
    mount = fake.mount("memory", "cgroup", "rw,memory", begins_at="/docker/0123")
    limit(mount, memory_limit_in_bytes=4 * GB, memory_usage_in_bytes=0)
    assert memory(fake.proc).total == 4 * GB
    limit(mount / "inner", memory_limit_in_bytes=2 * GB, memory_usage_in_bytes=0)
    assert memory(fake.proc).total == 2 * GB


@pytest.mark.parametrize("path", ["/../other", "/elsewhere"])
def test_a_group_outside_of_what_is_mounted(fake, path):
    fake.belongs_to(f"0::{path}")
    limit(fake.mount("cgroup", "cgroup2"), memory_max=4 * GB, memory_current=0)
    assert memory(fake.proc).total == 4 * GB


@pytest.mark.parametrize(("quota", "cores"), [("1", 1), ("100000", 1), ("100001", 2)])
def test_part_of_a_core_is_a_core(fake, quota, cores):
    fake.belongs_to("0::/")
    limit(fake.mount("cgroup", "cgroup2"), cpu_max=f"{quota} 100000")
    assert available_cores(fake.proc) == min(cores, CORES)


def test_nonsense_is_no_limit(fake):
    (fake.proc / "self" / "mountinfo").write_bytes(b"\xff\n")
    fake.belongs_to("no colons", "0::/")
    limit(fake.mount("cgroup", "cgroup2"), cpu_max="fast", memory_max="much", memory_current="")
    assert available_cores(fake.proc) == CORES
    assert memory(fake.proc) == physical()


def test_workers_fit_into_the_container(monkeypatch):
    """64 cores and 4 GB once meant 64 workers."""
    monkeypatch.setattr(settings, "available_cores", lambda: 64)
    monkeypatch.setattr(settings, "memory", lambda: Memory(4 * GB, 4 * GB))
    assert (Settings().worker_count, Settings().threads) == (2, 32)
    monkeypatch.setattr(settings, "memory", lambda: Memory(GB, GB))
    assert Settings().worker_count == 1


def test_this_machine_is_known():
    found = machine.memory()
    assert found.total is None or (found.free is not None and 0 < found.free <= found.total)
    assert available_cores() >= 1
