"""A cache for what is made from files."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Cache(Generic[T]):
    """The most recently used values, each made once, however many threads ask for it at a time."""

    def __init__(self, most: int, cost: Callable[[T], int] = lambda _: 1) -> None:
        """Make an empty cache that holds values up to a total ``cost`` of ``most``, but always the latest one."""
        self._most = most
        self._cost = cost
        self._held: OrderedDict[Hashable, T] = OrderedDict()
        self._total = 0
        self._lock = threading.Lock()
        self._making: dict[Hashable, threading.Lock] = {}

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the value of ``key``; ``make`` makes it if it is not held, and what that raises is not kept."""
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key]
            mine = self._making.setdefault(key, threading.Lock())
        with mine:
            with self._lock:
                if key in self._held:  # another thread made it while this one waited
                    return self._held[key]
            try:
                made = make()
                with self._lock:
                    self._hold(key, made)
                return made
            finally:
                with self._lock:
                    self._making.pop(key, None)

    def _hold(self, key: Hashable, made: T) -> None:
        self._held[key] = made
        self._total += self._cost(made)
        while self._total > self._most and len(self._held) > 1:
            _, old = self._held.popitem(last=False)
            self._total -= self._cost(old)
