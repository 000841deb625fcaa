"""Checks the nodes of a Ray cluster before they are used: same software, shared file system.

Without the same libraries on all nodes, the parts of one movie would not fit together.
"""

import os
import threading
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from jobs.executors.libraries import LIBRARIES
from jobs.executors.ray_connection import NodeAffinitySchedulingStrategy, RayError, ray

_CHECK_S: Final = 120.0
"""Seconds that a node has to start a process and to import the package from its disk."""


def installed_versions() -> dict[str, str]:
    """Return the versions, by package, that this process has, and every node must have."""
    return {name: version(name) for name in LIBRARIES}


def check_nodes(
    nodes: Collection[Mapping[str, Any]], wanted: Mapping[str, str], shared: Path, closing: threading.Event
) -> dict[str, str]:
    """Check nodes side by side.

    Args:
        nodes: as ``ray.nodes()`` lists them.
        wanted: versions that each must have, by package.
        shared: folder that each must see under the same path.
        closing: ends the wait for answers when it is set; what is returned then means nothing.

    Returns:
        What is wrong, by the id of the node; nothing for those that can be used.
    """
    if not nodes:
        return {}
    token = shared / f".shared-{uuid4().hex}"
    with suppress(OSError):  # the first unit will report it
        token.touch()
    try:
        inspect = ray.remote(num_cpus=0, max_retries=0)(_make_inspector())
        files = [str(token)] if token.exists() else []
        answers = {
            node["NodeID"]: inspect.options(
                scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            ).remote(list(wanted), files)
            for node in nodes
        }
        _wait(list(answers.values()), closing)
        faults = {node: _fault(answer, wanted, shared) for node, answer in answers.items()}
    finally:
        token.unlink(missing_ok=True)
    return {node: fault for node, fault in faults.items() if fault}


def in_short(error: BaseException) -> str:
    """Return the class of an error and the first sentence of its message; Ray's go on for paragraphs."""
    return f"{type(error).__name__}: {str(error).strip().partition('. ')[0].rstrip('.')}"


def _wait(answers: list[Any], closing: threading.Event) -> None:
    deadline = time.monotonic() + _CHECK_S
    while answers and time.monotonic() < deadline and not closing.is_set():
        _, answers = ray.wait(answers, num_returns=len(answers), timeout=0.5)


def _make_inspector() -> Callable[[list[str], list[str]], tuple[dict[str, str], list[str], str]]:
    """Make the function that inspects a node.

    It is nested so that Ray sends its code: a node that lacks the package could not import it.
    """

    def inspect(packages: list[str], files: list[str]) -> tuple[dict[str, str], list[str], str]:
        """Return the versions found, the files missing, and why moodreel cannot be imported, or ""."""
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


def _fault(answer: Any, wanted: Mapping[str, str], shared: Path) -> str:
    try:
        found, missing, failure = ray.get(answer, timeout=0)
    except RayError as error:
        return f"expected an answer within {_CHECK_S:g} s, found {in_short(error)}"
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
        return f"does not see {shared}; all nodes must share it under the same path"
    return ""
