"""Where units run: as Ray tasks on a cluster whose nodes share a file system.

Nothing but this module knows Ray, and it is imported only for ``--engine ray``.
"""

import faulthandler
import logging
import os
import pickle
import socket
import threading
import time
import traceback
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from jobs.errors import NodeLostError, UsageError, WorkerDiedError
from jobs.executors.base import STALL_S
from jobs.executors.heartbeat import report_progress_with
from jobs.executors.libraries import LIBRARIES, prepare_libraries
from jobs.iso_time import now

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray reads it when it is imported

try:
    import ray
except ImportError as missing:
    raise UsageError('--engine ray needs Ray: pip install "moodreel[ray]"') from missing

from ray.exceptions import NodeDiedError, RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

_CONNECT_S: Final = 25.0
_KNOCK_S: Final = 5.0
_CHECK_S: Final = 120.0
"""Seconds that a node has to start a process and to import the package from its disk."""
_WATCH_EVERY_S: Final = 2.0
_CLOSE_S: Final = 10.0
_LAST_BREATH_S: Final = 1.0
"""Ray says that a unit is cancelled a moment before its process has gone."""
_NODE_LABEL: Final = "ray.io/node-id"
_nodes: Callable[[], list[dict[str, Any]]] = ray.nodes


@dataclass(frozen=True)
class _Setup:
    """How a process on the cluster is to be prepared.

    Attributes:
        threads: for its libraries.
        logs: folder for what they print.
        stall_s: seconds without progress after which the process ends itself.
        gpu: whether it may see the GPU that Ray gave it.
    """

    threads: int
    logs: Path
    stall_s: float
    gpu: bool


class RayExecutor:
    """Runs every unit as a Ray task with one CPU, on those nodes of a cluster that have the same software.

    Ray keeps a node's processes from one unit to the next, so each loads the network once. Nodes may come and go:
    ``workers`` follows, and a node that dies costs the units it was running. Ray retries nothing by itself.

    Attributes:
        workers: how many units run at a time: the CPUs of the usable nodes, or what their GPUs hold if that is less.
    """

    def __init__(
        self, address: str | None, threads: int, logs: Path, gpus_per_unit: float = 0.0, stall_s: float = STALL_S
    ) -> None:
        """Connect and look at every node.

        Args:
            address: ``host:port`` of the cluster's head; None or ``auto`` for the one that runs on this machine.
            threads: for the libraries of each unit.
            logs: folder on the shared file system for what they print.
            gpus_per_unit: share of a GPU that each unit gets, 0 for none; above 1 it must be a whole number.
            stall_s: a unit without progress for so many seconds is killed together with its process.

        Raises:
            UsageError: no cluster answers there, or a node has other software, lacks it, sees no shared file
                system, or none has a CPU (and a GPU, if wanted).
        """
        self._ours = connect(address)
        self._setup = _Setup(threads, logs.absolute(), stall_s, gpus_per_unit > 0)
        self._gpus_per_unit = gpus_per_unit
        self._closing = threading.Event()
        self._refused: set[str] = set()
        self._nodes: dict[str, int] = {}
        self._running: dict[Future[Any], tuple[Any, frozenset[str]]] = {}
        self._frames = 0
        self._lock = threading.Lock()
        self.workers = 1
        try:
            self._take_stock(self._refuse_cluster)
            if not self._nodes:
                wanted = f"a CPU and {gpus_per_unit:g} of a GPU" if gpus_per_unit else "a CPU"
                raise UsageError(f"no node of the cluster has {wanted} for a unit; found {_found(_nodes())}")
        except BaseException:
            self._disconnect()
            raise
        self._unit = _remote(gpus_per_unit, _nodes())
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def submit(self, task: Callable[..., Any], *arguments: Any) -> "Future[Any]":
        """See :class:`jobs.executors.process_pool.Executor`."""
        nodes = frozenset(self._nodes)
        if not nodes:
            raise WorkerDiedError("no node of the cluster is left; start one and run again")
        chosen = self._unit.options(label_selector={_NODE_LABEL: f"in({','.join(sorted(nodes))})"})
        reference = chosen.remote(self._setup, task, arguments)
        inner, outer = reference.future(), Future[Any]()
        self._running[inner] = (reference, nodes)
        inner.add_done_callback(lambda done: self._hand_over(done, outer))
        return outer

    def frames_done(self) -> int:
        """See :class:`jobs.executors.process_pool.Executor`. Units report their frames when they end."""
        return self._frames

    def close(self) -> None:
        """See :class:`jobs.executors.process_pool.Executor`. The cluster itself goes on."""
        self._closing.set()
        self._watcher.join()
        waiting = dict(self._running)
        for reference, _ in waiting.values():
            with suppress(RayError, ValueError):  # it has just ended
                ray.cancel(reference, force=True)
        wait_for(waiting, _CLOSE_S)
        if waiting:
            time.sleep(_LAST_BREATH_S)
        self._disconnect()

    def _disconnect(self) -> None:
        if self._ours and ray.is_initialized():
            ray.shutdown()

    def _hand_over(self, inner: "Future[Any]", outer: "Future[Any]") -> None:
        """Pass a result or an error on, in our own terms."""
        self._running.pop(inner, None)
        try:
            outer.set_result(self._result(inner))
        except Exception as error:  # whatever it is, somebody waits for it
            outer.set_exception(error)

    def _result(self, inner: "Future[Any]") -> Any:
        try:
            result, error, where, frames = pickle.loads(inner.result())
        except RayTaskError as failed:  # the process could not even begin
            raise RuntimeError(str(failed)) from failed
        except NodeDiedError as lost:
            raise NodeLostError(f"a node of the cluster died ({_in_short(lost)})") from lost
        except RayError as lost:
            raise WorkerDiedError(f"the unit was lost on the cluster ({_in_short(lost)})") from lost
        with self._lock:
            self._frames += frames
        if error is not None:
            raise error from RuntimeError(f"on the cluster:\n{where}")
        return result

    def _watch(self) -> None:
        """Follow the nodes as they come and go."""
        while not self._closing.wait(_WATCH_EVERY_S):
            with suppress(RayError, OSError):  # Ray is shutting down, or the logs are out of reach for a moment
                self._take_stock(self._refuse_nodes)
                for reference, nodes in list(self._running.values()):
                    if nodes.isdisjoint(self._nodes):  # it may wait for them for ever
                        ray.cancel(reference, force=True)

    def _take_stock(self, refuse: Callable[[Mapping[str, str]], None]) -> None:
        """See which nodes live, check those that are new, and count what fits on those that are good."""
        alive = {node["NodeID"]: node for node in _nodes() if node["Alive"] and self._fit(node) and not self._bad(node)}
        faults = _faults([node for name, node in alive.items() if name not in self._nodes], self._setup, self._closing)
        if self._closing.is_set():
            return
        if faults:
            refuse({_name(alive[node]): fault for node, fault in faults.items()})
            self._refused |= faults.keys()
        self._nodes = {name: self._fit(node) for name, node in alive.items() if name not in faults}
        self.workers = max(1, sum(self._nodes.values()))  # with none left, whoever tries must learn of it

    def _bad(self, node: Mapping[str, Any]) -> bool:
        return node["NodeID"] in self._refused

    def _fit(self, node: Mapping[str, Any]) -> int:
        """Return how many units fit on a node at a time."""
        cpus = int(node["Resources"].get("CPU", 0))
        if not self._gpus_per_unit:
            return cpus
        gpus = int(node["Resources"].get("GPU", 0))
        share = self._gpus_per_unit
        return min(cpus, gpus * int(1 / share + 1e-9) if share <= 1 else int(gpus // share))

    @staticmethod
    def _refuse_cluster(faults: Mapping[str, str]) -> None:
        raise UsageError("\n".join(f"node {name}: {fault}" for name, fault in sorted(faults.items())))

    def _refuse_nodes(self, faults: Mapping[str, str]) -> None:
        with (self._setup.logs / "cluster.log").open("a") as log:
            log.writelines(f"{now()} node {name} is not used: {fault}\n" for name, fault in faults.items())


def connect(address: str | None) -> bool:
    """Connect this process to a cluster; return whether it was not connected before.

    Raises:
        UsageError: none answers within 30 s, or it has another version of Ray or Python.
    """
    wanted = address or "auto"
    if wanted.startswith("ray://"):
        raise UsageError(f"--address {wanted}: expected host:port, started on a machine that is part of the cluster")
    if wanted != "auto":
        _knock(wanted)
    if ray.is_initialized():
        return False
    failures: list[BaseException] = []
    # Ray may wait for ever for an answer that does not come.
    attempt = threading.Thread(target=_init, args=(wanted, failures), daemon=True)
    attempt.start()
    attempt.join(_CONNECT_S)
    if attempt.is_alive():
        raise UsageError(f"--address {wanted}: no Ray cluster answers; waited {_CONNECT_S:g} s")
    if failures:
        reason = str(failures[0]).strip().partition("\n")[0]
        raise UsageError(f"--address {wanted}: cannot join a Ray cluster: {reason}") from failures[0]
    return True


def _knock(address: str) -> None:
    """Make sure that somebody listens at ``host:port``: Ray itself takes its time to find out."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise UsageError(f"--address {address}: expected host:port, as 'ray start --head' prints it")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _KNOCK_S).close()
    except (OSError, OverflowError) as error:
        raise UsageError(
            f"--address {address}: no cluster answers ({error}); start one with 'ray start --head'"
        ) from error


def _init(address: str, failures: list[BaseException]) -> None:
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except BaseException as error:  # it crosses to the thread that waits
        failures.append(error)


def _remote(gpus_per_unit: float, nodes: Collection[Mapping[str, Any]]) -> Any:
    """Make the Ray task that runs a unit."""
    if not gpus_per_unit:
        return ray.remote(num_cpus=1, max_retries=0)(_run_unit)
    # TensorFlow stays on the GPU that it saw first. Where a node has several, a process may serve but one unit.
    several = any(node["Resources"].get("GPU", 0) > 1 for node in nodes)
    return ray.remote(num_cpus=1, num_gpus=gpus_per_unit, max_retries=0, max_calls=int(several))(_run_unit)


def versions_wanted() -> dict[str, str]:
    """Return the versions that every node must have, by package: those of this process."""
    return {name: version(name) for name in LIBRARIES}


def _faults(nodes: Collection[Mapping[str, Any]], setup: _Setup, closing: threading.Event) -> dict[str, str]:
    """Look at nodes side by side; return what is wrong, by the id of the node."""
    if not nodes:
        return {}
    wanted, token = versions_wanted(), setup.logs / f".shared-{uuid4().hex}"
    with suppress(OSError):  # units will say so
        token.touch()
    try:
        inspect = ray.remote(num_cpus=0, max_retries=0)(_make_inspector())
        files = [str(token)] if token.exists() else []
        asked = {
            node["NodeID"]: inspect.options(
                scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            ).remote(list(wanted), files)
            for node in nodes
        }
        _wait(list(asked.values()), closing)
        faults = {node: _fault(reference, wanted, token.parent) for node, reference in asked.items()}
    finally:
        token.unlink(missing_ok=True)
    return {node: fault for node, fault in faults.items() if fault}


def _wait(references: list[Any], closing: threading.Event) -> None:
    deadline = time.monotonic() + _CHECK_S
    while references and time.monotonic() < deadline and not closing.is_set():
        _, references = ray.wait(references, num_returns=len(references), timeout=0.5)


def _make_inspector() -> Callable[[list[str], list[str]], tuple[dict[str, str], list[str], str]]:
    """Make the function that looks at a node.

    It is nested so that Ray sends its code: a node that lacks the package could not import it.
    """

    def inspect(packages: list[str], files: list[str]) -> tuple[dict[str, str], list[str], str]:
        found = {}
        for name in packages:
            with suppress(PackageNotFoundError):
                found[name] = version(name)
        missing = [file for file in files if not os.path.exists(file)]
        try:
            __import__("jobs.executors.ray_cluster")
        except Exception as error:
            return found, missing, f"{type(error).__name__}: {error}"
        return found, missing, ""

    return inspect


def _fault(reference: Any, wanted: Mapping[str, str], folder: Path) -> str:
    try:
        found, missing, failure = ray.get(reference, timeout=0)
    except RayError as error:
        return f"expected an answer within {_CHECK_S:g} s, found {_in_short(error)}"
    differences = [
        f"{name} {expected} expected, {found.get(name, 'none')} found"
        for name, expected in wanted.items()
        if found.get(name) != expected
    ]
    if differences:
        return f"{'; '.join(differences)}; install the same on all nodes"
    if failure:
        return f"moodreel cannot be imported: {failure}"
    if missing:
        return f"does not see {folder}; all nodes must share it under the same path"
    return ""


_setup: _Setup | None = None
"""What this process of the cluster was prepared for."""


def _run_unit(setup: _Setup, task: Callable[..., Any], arguments: tuple[Any, ...]) -> bytes:
    """Run a unit on the cluster; return its result, its error and its frames, pickled.

    Pickled here and not by Ray, so that what can cross is the same as with the local engine.
    """
    signs = _Signs(setup.stall_s)
    try:
        _prepare(setup)
        report_progress_with(signs.alive)
        return pickle.dumps((task(*arguments), None, "", signs.frames))
    except Exception as error:
        where = traceback.format_exc()
        try:
            answer = pickle.dumps((None, error, where, signs.frames))
            pickle.loads(answer)
        except Exception:  # it could not cross
            return pickle.dumps((None, RuntimeError(f"{type(error).__name__}: {error}"), where, signs.frames))
        return answer
    finally:
        signs.end()


class _Signs:
    """Counts a unit's frames, and ends this process when they stop coming."""

    def __init__(self, stall_s: float) -> None:
        self.frames = 0
        self._stall_s = stall_s
        self._wind_up()

    def alive(self, frames: int) -> None:
        """Note so many more frames, or with 0 a sign of life."""
        self.frames += frames
        if time.monotonic() - self._wound_up > self._stall_s / 50:  # setting the timer is no work for every frame
            self._wind_up()

    def end(self) -> None:
        """Stop watching."""
        faulthandler.cancel_dump_traceback_later()

    def _wind_up(self) -> None:
        self._wound_up = time.monotonic()
        # A timer in C: it fires also while a library hangs with the interpreter's lock, and logs where that was.
        faulthandler.dump_traceback_later(self._stall_s, exit=True, file=2)


def _prepare(setup: _Setup) -> None:
    """Prepare this process before any heavy library is loaded, unless it has been prepared so before."""
    global _setup
    if setup == _setup:
        return
    if setup.gpu:
        os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"  # several processes share it
    else:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""  # else nodes with a GPU would give other results than those without
    prepare_libraries(setup.threads, setup.logs / f"worker-{socket.gethostname()}-{os.getpid()}.log")
    _setup = setup


def _name(node: Mapping[str, Any]) -> str:
    return f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})"


def _found(nodes: Collection[Mapping[str, Any]]) -> str:
    resources = [node["Resources"] for node in nodes if node["Alive"]]
    cpus, gpus = (sum(resource.get(kind, 0) for resource in resources) for kind in ("CPU", "GPU"))
    return f"{len(resources)} nodes with {cpus:g} CPUs and {gpus:g} GPUs"


def _in_short(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).strip().partition('. ')[0].rstrip('.')}"
