"""Values are made once, the latest ones are kept, and errors are not."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from jobs.review.cache import Cache


def test_however_many_threads_ask_a_value_is_made_once():
    cache: Cache[int] = Cache(10)
    made: list[int] = []
    started = threading.Barrier(8)

    def get(_: int) -> int:
        started.wait(30)
        return cache.get("key", lambda: made.append(1) or len(made))  # type: ignore[func-returns-value]

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(get, range(8))) == {1}
    assert made == [1]


def test_the_least_recently_used_goes_first():
    cache: Cache[str] = Cache(2)
    for key in ("a", "b", "a", "c"):
        cache.get(key, lambda key=key: key)  # type: ignore[misc]
    assert cache.get("a", lambda: "again") == "a"
    assert cache.get("b", lambda: "again") == "again"


def test_costs_are_limited_but_the_latest_stays():
    cache: Cache[bytes] = Cache(10, cost=len)
    cache.get("small", lambda: b"1234")
    cache.get("large", lambda: b"12345678901234")
    assert cache.get("large", lambda: b"again") == b"12345678901234"
    assert cache.get("small", lambda: b"again") == b"again"


def test_an_error_is_not_kept():
    cache: Cache[int] = Cache(2)
    with pytest.raises(OSError, match="gone"):
        cache.get("key", lambda: (_ for _ in ()).throw(OSError("gone")))
    assert cache.get("key", lambda: 7) == 7
