"""Hand-overs between threads that hold one thing, the newest: nothing can pile up behind a slow taker."""

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Latest(Generic[T]):
    """One thing for one taker.

    Attributes:
        replaced: how many things were put over one that nobody had taken.
    """

    def __init__(self) -> None:
        self.replaced = 0
        self._changed = threading.Condition()
        self._value: T | None = None

    def put(self, value: T) -> None:
        """Put ``value`` in place of whatever is there; never waits."""
        with self._changed:
            self.replaced += self._value is not None
            self._value = value
            self._changed.notify()

    def take(self, timeout: float) -> T | None:
        """Take the newest, waiting up to ``timeout`` seconds for one; None if none came."""
        with self._changed:
            if self._value is None:
                self._changed.wait(timeout)
            value, self._value = self._value, None
            return value


class Broadcast(Generic[T]):
    """The newest thing for any number of takers, each at its own pace."""

    def __init__(self, first: T) -> None:
        self._changed = threading.Condition()
        self._value = first
        self._number = 0
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether nothing will come any more."""
        return self._closed

    def publish(self, value: T) -> None:
        """Show ``value`` to all."""
        with self._changed:
            self._value = value
            self._number += 1
            self._changed.notify_all()

    def newest(self) -> tuple[int, T]:
        """Return the newest thing and its number; the first one's is 0."""
        with self._changed:
            return self._number, self._value

    def wait_for_newer(self, number: int, timeout: float) -> tuple[int, T]:
        """Return the newest thing and its number, waiting up to ``timeout`` seconds for one after ``number``."""
        with self._changed:
            self._changed.wait_for(lambda: self._number != number or self._closed, timeout)
            return self._number, self._value

    def close(self) -> None:
        """Let nobody wait any longer."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
