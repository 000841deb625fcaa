"""Hand-overs between threads that hold the newest thing only: nothing piles up behind a slow taker."""

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Latest(Generic[T]):
    """Hands the newest thing to one taker.

    Attributes:
        replaced: how many things were replaced before anybody took them.
    """

    def __init__(self) -> None:
        self.replaced = 0
        self._changed = threading.Condition()
        self._value: T | None = None

    def put(self, value: T) -> None:
        """Replace what is there by ``value``; never waits."""
        with self._changed:
            self.replaced += self._value is not None
            self._value = value
            self._changed.notify()

    def take(self, timeout: float) -> T | None:
        """Take the newest thing, or wait up to ``timeout`` seconds for one; None if none came."""
        with self._changed:
            if self._value is None:
                self._changed.wait(timeout)
            value, self._value = self._value, None
            return value


class Broadcast(Generic[T]):
    """Shows the newest thing to any number of takers, each at its own pace."""

    def __init__(self, first: T) -> None:
        self._changed = threading.Condition()
        self._value = first
        self._number = 0
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether nothing more will come."""
        return self._closed

    def publish(self, value: T) -> None:
        """Show ``value`` to all."""
        with self._changed:
            self._value = value
            self._number += 1
            self._changed.notify_all()

    def newest(self) -> tuple[int, T]:
        """Return the newest thing and its number, which counts from 0."""
        with self._changed:
            return self._number, self._value

    def wait_for_newer(self, number: int, timeout: float) -> tuple[int, T]:
        """Return the newest thing and its number; wait up to ``timeout`` seconds for one newer than ``number``."""
        with self._changed:
            self._changed.wait_for(lambda: self._number != number or self._closed, timeout)
            return self._number, self._value

    def close(self) -> None:
        """Wake all who wait."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
