"""What an executor is: the protocol that the scheduler runs units with."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final, Protocol


class Executor(Protocol):
    """Runs units somewhere else.

    Attributes:
        workers: how many units it runs at a time.
    """

    workers: int

    def submit(self, task: Callable[..., Any], *arguments: Any) -> "Future[Any]":
        """Start a unit. The future raises what the unit raised, or WorkerDiedError."""
        ...

    def frames_done(self) -> int:
        """Return how many frames the units have finished so far, over all of them."""
        ...

    def close(self) -> None:
        """End all workers, also those that are busy."""
        ...


STALL_S: Final = 1800.0
"""Seconds without a sign of progress after which a unit counts as hung. Generous: a mount may be slow."""
