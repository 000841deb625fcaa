"""The cluster engine on a real Ray cluster: a head without CPUs and two nodes of one CPU, all on this machine."""

import asyncio
import contextlib
import io
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import av
import pytest
from imageio_ffmpeg import get_ffmpeg_exe

pytest.importorskip("ray", reason="Ray is not installed: make test-cluster")

import ray
import units
from executor_contract import PATIENCE, ExecutorContract, Make, until, written
from ray.cluster_utils import Cluster

from jobs.errors import NodeLostError, UsageError, WorkerDiedError
from jobs.executors.base import STALL_S, Executor
from jobs.executors.node_check import installed_versions
from jobs.executors.process_pool import LocalExecutor
from jobs.executors.ray_cluster import RayExecutor
from jobs.executors.ray_connection import connect
from jobs.run.command import run_movies
from jobs.run.event_log import EventLog
from jobs.run.folders.discover import discover
from jobs.run.progress import Progress
from jobs.settings import Settings
from jobs.store.workspace import Workspace

STORE = 80_000_000  # bytes of memory for objects; ours are small
TABLES = ("timeline.parquet", "tracks.parquet", "shots.parquet", "scenes.parquet", "scenes.csv")


@pytest.fixture(scope="module")
def nodes() -> Iterator[Cluster]:
    with pytest.MonkeyPatch.context() as patch:
        tests = Path(units.__file__).parent  # behind the project, whose packages folders of tests are named after
        patch.setenv("PYTHONPATH", f"{tests.parent}{os.pathsep}{tests}")
        nodes = Cluster(
            initialize_head=True,
            head_node_args={"num_cpus": 0, "object_store_memory": STORE, "include_dashboard": False},
        )
        try:
            for _ in range(2):
                nodes.add_node(num_cpus=1, object_store_memory=STORE)
            ours = connect(nodes.address)
            assert ours  # the executors below share this connection and leave it open
            yield nodes
        finally:
            ray.shutdown()
            nodes.shutdown()


@pytest.fixture(scope="module")
def make(nodes: Cluster) -> Make:
    """Return what makes an executor; however many workers are wanted, the cluster has two."""

    def make_ray(_: int, logs: Path, stall_s: float = STALL_S) -> RayExecutor:
        return RayExecutor(nodes.address, threads=1, logs=logs, stall_s=stall_s)

    return make_ray


@pytest.fixture
def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class TestRayExecutor(ExecutorContract):
    deaths = {units.die: "lost on the cluster", units.leave: "lost on the cluster"}  # noqa: RUF012

    def test_a_unit_that_hangs_is_logged(self, own, tmp_path):
        with pytest.raises(WorkerDiedError):
            own(stall_s=1).submit(units.note_and_sleep, tmp_path / "pid").result(PATIENCE)
        assert any("note_and_sleep" in log.read_text() for log in tmp_path.glob("*.log")), "no log says where it hung"

    def test_processes_serve_one_unit_after_another(self, executor):
        pids = {executor.submit(os.getpid).result(PATIENCE) for _ in range(10)}
        assert len(pids) <= 2

    def test_units_without_a_gpu_see_none(self, executor):
        assert executor.submit(units.environment, "CUDA_VISIBLE_DEVICES").result(PATIENCE) == ""

    def test_says_so_when_no_node_is_left(self, nodes, tmp_path):
        are_left = True
        executor = RayExecutor(
            nodes.address, threads=1, logs=tmp_path, list_nodes=lambda: ray.nodes() if are_left else []
        )
        try:
            waiting = executor.submit(units.note_and_sleep, tmp_path / "pid")
            are_left = False
            with pytest.raises(WorkerDiedError):
                waiting.result(PATIENCE)
            assert executor.workers == 1, "the scheduler would not even try"
            with pytest.raises(WorkerDiedError, match="no cluster node is left"):
                executor.submit(units.double, 1)
            are_left = True
            until(lambda: executor.workers == 2, "the nodes are not used again")
            assert executor.submit(units.double, 1).result(PATIENCE) == 2
        finally:
            executor.close()


class TestGpus:
    def test_share_one(self, nodes, tmp_path):
        """Ray takes our word for the number of GPUs; what is tested is who is promised which."""
        node = nodes.add_node(num_cpus=4, num_gpus=1, object_store_memory=STORE)
        try:
            executor = RayExecutor(nodes.address, threads=1, logs=tmp_path, gpus_per_unit=0.5)
            assert executor.workers == 2
            seen = [executor.submit(units.environment, "CUDA_VISIBLE_DEVICES") for _ in range(3)]
            assert [future.result(PATIENCE) for future in seen] == ["0"] * 3
            executor.close()
        finally:
            nodes.remove_node(node)
            await_nodes(nodes, 3)

    def test_are_asked_for_in_vain(self, nodes, tmp_path):
        with pytest.raises(UsageError, match=r"no node .* has a CPU and 0\.5 of a GPU .*; found 3 nodes with 2 CPU"):
            RayExecutor(nodes.address, threads=1, logs=tmp_path, gpus_per_unit=0.5)


class TestBadCluster:
    def test_no_cluster_at_the_address(self, free_port, tmp_path):
        with pytest.raises(UsageError, match=f"--address 127.0.0.1:{free_port}: no cluster answers"):
            RayExecutor(f"127.0.0.1:{free_port}", threads=1, logs=tmp_path)

    @pytest.mark.parametrize("address", ["head", "local", "head:", ":6379", "head:ray", "ray://head:10001"])
    def test_no_address(self, address, tmp_path):
        with pytest.raises(UsageError, match="expected host:port"):
            RayExecutor(address, threads=1, logs=tmp_path)

    def test_somebody_else_at_the_address(self, tmp_path):
        """In a process of its own, as Ray keeps trying in the background."""
        script = """
import sys
from jobs.errors import UsageError
from jobs.executors.ray_connection import connect
try:
    connect(sys.argv[1], connect_s=3)
except UsageError as error:
    print(error)
"""
        with socket.create_server(("127.0.0.1", 0)) as mute:
            address = f"127.0.0.1:{mute.getsockname()[1]}"
            command = [sys.executable, "-c", script, address]
            done = subprocess.run(
                command, stdout=subprocess.PIPE, text=True, timeout=PATIENCE, check=False, cwd=tmp_path
            )
        assert f"--address {address}: no Ray cluster answers; waited 3 s" in done.stdout

    @pytest.mark.parametrize(
        ("wanted", "words"),
        [
            ({"moodreel": "99.0"}, r"node \S+ \(.+\): moodreel 99\.0 expected, \d\S* found; install"),
            ({"no-such-package": "1.0"}, r"no-such-package 1\.0 expected, none found"),
        ],
    )
    def test_other_software_on_the_nodes(self, nodes, tmp_path, wanted, words):
        with pytest.raises(UsageError, match=words):
            RayExecutor(nodes.address, threads=1, logs=tmp_path, versions=lambda: wanted)

    def test_a_node_that_comes_later_with_another_version_is_not_used(self, nodes, tmp_path):
        wanted = installed_versions()
        executor = RayExecutor(nodes.address, threads=1, logs=tmp_path, versions=lambda: wanted)
        wanted = wanted | {"moodreel": "99.0"}
        node = nodes.add_node(num_cpus=1, object_store_memory=STORE)
        try:
            log = tmp_path / "cluster.log"
            until(lambda: log.exists() and "moodreel 99.0 expected" in log.read_text(), "the node is not checked")
            assert executor.workers == 2
            assert executor.submit(units.double, 1).result(PATIENCE) == 2
            assert executor.workers == 2
        finally:
            executor.close()
            nodes.remove_node(node)
            await_nodes(nodes, 3)


@pytest.fixture(scope="module")
def film(films, tmp_path_factory) -> Path:
    """The film with a face, twelve times over: 36 s, so that units last long enough to be caught at work."""
    film = tmp_path_factory.mktemp("film") / "film.mp4"
    command = [get_ffmpeg_exe(), "-v", "error", "-stream_loop", "11", "-i", films / "face.mp4", "-c", "copy", film]
    subprocess.run(command, check=True)
    return film


@pytest.fixture(scope="module")
def expected(film, tmp_path_factory) -> dict[str, Any]:
    out = tmp_path_factory.mktemp("local")
    return run(film, out, LocalExecutor(2, threads=1, logs=out))


class TestRun:
    """A film on the local engine and on the cluster."""

    def test_results_equal_those_of_the_local_engine(self, nodes, film, expected, tmp_path):
        assert run(film, tmp_path, RayExecutor(nodes.address, threads=1, logs=tmp_path)) == expected

    def test_a_node_that_dies_costs_only_its_units_and_a_new_one_is_used(self, nodes, film, expected, tmp_path):
        executor = Recorder(RayExecutor(nodes.address, threads=1, logs=tmp_path))
        killer = threading.Thread(target=kill_a_busy_node, args=(nodes, executor, tmp_path))
        killer.start()
        found = run(film, tmp_path, executor, close=False)
        killer.join()
        assert found == expected
        lost = [future for future in executor.futures if isinstance(future.exception(), WorkerDiedError)]
        assert [type(future.exception()) for future in lost] == [NodeLostError]
        until(lambda: executor.workers == 1, "the dead node still counts")  # Ray itself takes a quarter of a minute
        nodes.add_node(num_cpus=1, object_store_memory=STORE)
        until(lambda: executor.workers == 2, "the new node does not count")
        files = [tmp_path / "one", tmp_path / "two"]
        for file in files:
            executor.submit(units.note_and_sleep, file)
        until(lambda: all(map(written, files)), "the new node is not used")
        executor.close()


class Recorder:
    """An executor that remembers its futures."""

    def __init__(self, executor: RayExecutor) -> None:
        self._executor = executor
        self.futures: list[Future[Any]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._executor, name)

    def submit(self, task: Callable[..., Any], *arguments: Any) -> "Future[Any]":
        self.futures.append(self._executor.submit(task, *arguments))
        return self.futures[-1]

    def working(self) -> list[Future[Any]]:
        return [future for future in self.futures if not future.done()]


LONG = 3.0
"""s; units take a tenth of it, once libraries are loaded."""


def kill_a_busy_node(nodes: Cluster, executor: Recorder, out: Path) -> None:
    """Kill a node with all its processes while it works, once a segment is committed.

    They are stopped first: else a unit may end between the look at it and the blow. A unit that then does not end is
    that node's.
    """
    node = next(iter(nodes.worker_nodes))
    raylet = node.all_processes["raylet"][0].process.pid
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        working = executor.working()
        time.sleep(0.05)  # for units that have been submitted and not begun
        if len(working) < 2 or executor.working() != working or not any(out.glob("film.mp4/.work/*/*.npz")):
            continue
        processes = children_of(raylet)
        send(processes, signal.SIGSTOP)
        waited_until = time.monotonic() + LONG
        while time.monotonic() < waited_until and not all(future.done() for future in working):
            time.sleep(0.05)
        if not all(future.done() for future in working):
            nodes.remove_node(node, allow_graceful=False)
            send(processes, signal.SIGKILL)
            return
        send(processes, signal.SIGCONT)


def children_of(pid: int) -> list[int]:
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for children in lists for child in children.read_text().split()]


def send(pids: list[int], sign: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, sign)


def await_nodes(nodes: Cluster, number: int) -> None:
    nodes.wait_for_nodes()
    until(lambda: sum(node["Alive"] for node in ray.nodes()) == number, f"expected {number} nodes")


def run(film: Path, out: Path, executor: Executor, close: bool = True) -> dict[str, Any]:
    """Do what ``moodreel run`` does; return the tables' bytes and the hashes of the video's pictures."""
    settings = Settings.model_validate({"device": "cpu", "workers": 2, "segment": 6})
    progress = Progress(1, io.StringIO())
    workspace = Workspace(out)
    journal = EventLog(out / "run.log")
    try:
        with workspace.locked():
            sources = discover([film], out)
            (outcome,) = asyncio.run(run_movies(sources, settings, workspace, executor, progress, journal))
    finally:
        journal.close()
        progress.close()
        if close:
            executor.close()
    assert (outcome.status, outcome.reason) == ("done", "")
    folder = workspace.folder("film.mp4")
    results: dict[str, Any] = {name: (folder.root / name).read_bytes() for name in TABLES}
    with av.open(str(folder.video)) as container:
        results["pictures"] = [(frame.pts, hash(frame.to_ndarray().tobytes())) for frame in container.decode(video=0)]
    assert len(results["pictures"]) == 432
    return results
