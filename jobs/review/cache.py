"""What was read from a file, kept until the file is another."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Cache(Generic[T]):
    """The last results, each made once, however many ask at a time; ``most`` of them, or of their ``cost`` in all."""

    def __init__(self, most: int, cost: Callable[[T], int] = lambda _: 1) -> None:
        self._most = most
        self._cost = cost
        self._held: OrderedDict[Hashable, T] = OrderedDict()
        self._total = 0
        self._lock = threading.Lock()
        self._making: dict[Hashable, threading.Lock] = {}

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what is held for ``key``, or make it; what ``make`` raises is not held."""
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key]
            mine = self._making.setdefault(key, threading.Lock())
        with mine:
            with self._lock:
                if key in self._held:
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
