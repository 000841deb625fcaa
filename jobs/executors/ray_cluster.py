"""Where units run: as Ray tasks on a cluster whose nodes share a file system.

Imported for ``--engine ray`` alone, since Ray is an extra; no room but this one knows Ray. Only the driver, this
process, decides what is done: nodes hold no state of the run.
"""

import pickle
import threading
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from jobs.errors import NodeLostError, UsageError, WorkerDiedError
from jobs.executors.base import STALL_S
from jobs.executors.limits import NO_LIMITS, Limits
from jobs.executors.node_check import check_nodes, in_short, installed_versions
from jobs.executors.ray_connection import NodeDiedError, RayError, RayTaskError, connect, ray
from jobs.executors.ray_unit import Preparation, Reply, run_unit
from jobs.iso_time import now

_WATCH_EVERY_S: Final = 2.0
_CLOSE_S: Final = 10.0
_LAST_BREATH_S: Final = 1.0
"""Ray reports that a unit is cancelled a little before its process has ended."""
_NODE_LABEL: Final = "ray.io/node-id"

Node = Mapping[str, Any]
"""A node as ``ray.nodes()`` lists it."""


class RayExecutor:
    """Runs every unit as a Ray task with one CPU, on those nodes of a cluster that have the same software.

    Ray keeps a node's processes from one unit to the next, so each loads the network once. Nodes may come and go:
    ``workers`` follows, and a node that dies costs the units it was running. Ray retries nothing by itself.

    Attributes:
        workers: how many units run at a time: the CPUs of the usable nodes, or what their GPUs hold if that is less.
    """

    def __init__(
        self,
        address: str | None,
        threads: int,
        logs: Path,
        gpus_per_unit: float = 0.0,
        stall_s: float = STALL_S,
        list_nodes: Callable[[], list[Any]] = ray.nodes,
        versions: Callable[[], Mapping[str, str]] = installed_versions,
        limits: Limits = NO_LIMITS,
    ) -> None:
        """Connect and check every node.

        Args:
            address: ``host:port`` of the cluster's head; None or ``auto`` for the cluster that runs on this machine.
            threads: for the libraries of each unit.
            logs: folder on the shared file system for what they print.
            gpus_per_unit: share of a GPU that each unit gets, 0 for none; above 1 it must be a whole number.
            stall_s: a unit without progress for so many seconds is killed together with its process.
            list_nodes: returns the cluster's nodes; called again and again, as nodes come and go.
            versions: returns the versions that a node must have, by package; called for every check.
            limits: of each unit's process.

        Raises:
            UsageError: no cluster answers there; or a node has other software, lacks it, or does not see ``logs``; or
                none has a CPU (and a GPU, if wanted).
        """
        self._ours = connect(address)
        self._preparation = Preparation(threads, logs.absolute(), stall_s, gpus_per_unit > 0, limits)
        self._gpus_per_unit = gpus_per_unit
        self._list_nodes = list_nodes
        self._versions = versions
        self._closing = threading.Event()
        self._refused: set[str] = set()
        self._nodes: dict[str, int] = {}
        self._running: dict[Future[Any], tuple[Any, frozenset[str]]] = {}
        self._frames = 0
        self._lock = threading.Lock()
        self.workers = 1
        try:
            self._update_nodes(_refuse_cluster)
            if not self._nodes:
                wanted = f"a CPU and {gpus_per_unit:g} of a GPU" if gpus_per_unit else "a CPU"
                raise UsageError(f"no node of the cluster has {wanted} for a unit; found {_found(list_nodes())}")
        except BaseException:
            self._disconnect()
            raise
        self._unit = _remote(gpus_per_unit, list_nodes())
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def submit(self, task: Callable[..., Any], *arguments: Any) -> "Future[Any]":
        """See :class:`jobs.executors.base.Executor`."""
        nodes = frozenset(self._nodes)
        if not nodes:
            raise WorkerDiedError("no cluster node is left; start one and run again")
        placed = self._unit.options(label_selector={_NODE_LABEL: f"in({','.join(sorted(nodes))})"})
        reference = placed.remote(self._preparation, task, arguments)
        inner, outer = reference.future(), Future[Any]()
        self._running[inner] = (reference, nodes)
        inner.add_done_callback(lambda done: self._hand_over(done, outer))
        return outer

    def frames_done(self) -> int:
        """See :class:`jobs.executors.base.Executor`. Units report their frames when they end."""
        return self._frames

    def close(self) -> None:
        """See :class:`jobs.executors.base.Executor`. The cluster itself keeps running."""
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
            reply: Reply = pickle.loads(inner.result())
        except RayTaskError as failed:  # the process could not even begin
            raise RuntimeError(str(failed)) from failed
        except NodeDiedError as lost:
            raise NodeLostError(f"a node of the cluster died ({in_short(lost)})") from lost
        except RayError as lost:
            raise WorkerDiedError(f"the unit was lost on the cluster ({in_short(lost)})") from lost
        with self._lock:
            self._frames += reply.frames
        if reply.error is not None:
            raise reply.error from RuntimeError(f"on the cluster:\n{reply.where}")
        return reply.result

    def _watch(self) -> None:
        """Follow the nodes as they come and go."""
        while not self._closing.wait(_WATCH_EVERY_S):
            with suppress(RayError, OSError):  # Ray is shutting down, or the logs cannot be reached just now
                self._update_nodes(self._log_refusal)
                for reference, nodes in list(self._running.values()):
                    if nodes.isdisjoint(self._nodes):  # it may wait for them for ever
                        ray.cancel(reference, force=True)

    def _update_nodes(self, refuse: Callable[[Mapping[str, str]], None]) -> None:
        """List the nodes that are alive, check the new ones, and count the units that fit on the good ones.

        Args:
            refuse: called with what is wrong with nodes, by their names; may raise.
        """
        alive = {node["NodeID"]: node for node in self._list_nodes() if node["Alive"] and self._fitting(node)}
        alive = {name: node for name, node in alive.items() if name not in self._refused}
        new = [node for name, node in alive.items() if name not in self._nodes]
        faults = check_nodes(new, self._versions(), self._preparation.logs, self._closing)
        if self._closing.is_set():
            return
        if faults:
            refuse({_name(alive[node]): fault for node, fault in faults.items()})
            self._refused |= faults.keys()
        self._nodes = {name: self._fitting(node) for name, node in alive.items() if name not in faults}
        self.workers = max(1, sum(self._nodes.values()))  # with no node left, the next unit must be submitted to fail

    def _fitting(self, node: Node) -> int:
        """Return how many units fit on a node at a time."""
        cpus = int(node["Resources"].get("CPU", 0))
        if not self._gpus_per_unit:
            return cpus
        gpus = int(node["Resources"].get("GPU", 0))
        share = self._gpus_per_unit
        return min(cpus, gpus * int(1 / share + 1e-9) if share <= 1 else int(gpus // share))

    def _log_refusal(self, faults: Mapping[str, str]) -> None:
        with (self._preparation.logs / "cluster.log").open("a", encoding="utf-8") as log:
            log.writelines(f"{now()} node {name} is not used: {fault}\n" for name, fault in faults.items())


def _refuse_cluster(faults: Mapping[str, str]) -> None:
    raise UsageError("\n".join(f"node {name}: {fault}" for name, fault in sorted(faults.items())))


def _remote(gpus_per_unit: float, nodes: Collection[Node]) -> Any:
    """Make the Ray task that runs a unit."""
    if not gpus_per_unit:
        return ray.remote(num_cpus=1, max_retries=0)(run_unit)
    # TensorFlow stays on the GPU that it saw first. Where a node has several, a process may serve but one unit.
    several = any(node["Resources"].get("GPU", 0) > 1 for node in nodes)
    return ray.remote(num_cpus=1, num_gpus=gpus_per_unit, max_retries=0, max_calls=int(several))(run_unit)


def _name(node: Node) -> str:
    return f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']})"


def _found(nodes: Collection[Node]) -> str:
    resources = [node["Resources"] for node in nodes if node["Alive"]]
    cpus, gpus = (sum(resource.get(kind, 0) for resource in resources) for kind in ("CPU", "GPU"))
    return f"{len(resources)} nodes with {cpus:g} CPUs and {gpus:g} GPUs"
