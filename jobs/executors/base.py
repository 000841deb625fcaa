"""The protocol through which the scheduler runs units of work."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final, Protocol


class Executor(Protocol):
    """Runs units in other processes. One contract suite tests all implementations.

    Attributes:
        workers: how many units it runs at a time.
    """

    workers: int

    def submit(self, task: Callable[..., Any], *arguments: Any) -> "Future[Any]":
        """Start a unit.

        Args:
            task: a function that a worker can import.
            arguments: for ``task``; like its result, they must pass through pickle.

        Returns:
            A future, which raises what the unit raised, or WorkerDiedError.
        """
        ...

    def frames_done(self) -> int:
        """Return how many frames the units have finished so far, over all of them."""
        ...

    def close(self) -> None:
        """End all workers, also busy ones."""
        ...


STALL_S: Final = 1800.0
"""Seconds without progress after which a unit counts as hung. Generous, since a mount may be slow."""
