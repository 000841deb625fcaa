"""Many viewers share one camera: all see the same pictures, and a slow one delays nobody, itself included."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from sessions import Session, session, until
from viewers import Viewer

from jobs.live.pages import MOST_VIEWERS, Seats

PICTURES = 60


@pytest.fixture(scope="module")
def live(sample: Path, make_analyst) -> Iterator[Session]:
    with session(sample, make_analyst) as running:
        until(lambda: running.engine.views.newest()[0] > 0)
        yield running


@contextmanager
def watching(*viewers: Viewer) -> Iterator[None]:
    """Let viewers watch, once each has seen a picture."""
    for viewer in viewers:
        viewer.start()
    try:
        until(lambda: all(len(viewer.arrivals) > 1 for viewer in viewers))
        yield
    finally:
        for viewer in viewers:
            viewer.leave()
        for viewer in viewers:
            viewer.join(60)
    assert [viewer.failure for viewer in viewers] == [None] * len(viewers)


def seats_taken(live: Session) -> int:
    with urllib.request.urlopen(live.url + "events", timeout=60) as answer:
        return int(json.load(answer)["viewers"])


def test_twenty_viewers_see_every_picture_and_a_slow_one_skips(live):
    viewers = [Viewer(live.url) for _ in range(20)]
    slow = Viewer(live.url, rest=0.2)  # 20 KB/s: less than a picture a second
    with watching(*viewers, slow):
        first, _ = live.engine.views.newest()
        before = [len(viewer.arrivals) for viewer in (*viewers, slow)]
        until(lambda: live.engine.views.newest()[0] >= first + PICTURES)
        last, _ = live.engine.views.newest()
        seen = [len(viewer.arrivals) - count for viewer, count in zip((*viewers, slow), before, strict=True)]
    *quick, skipping = seen
    assert min(quick) > 0.8 * (last - first), (seen, last - first)
    assert skipping < 0.5 * (last - first), (seen, last - first)


def test_pictures_are_whole(live):
    viewer = Viewer(live.url, keep=True)
    with watching(viewer):
        until(lambda: len(viewer.pictures) > 3)
    for picture in viewer.pictures[1:]:  # before the first boundary are the headers
        assert cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR).shape == (360, 640, 3)


def test_who_left_gives_the_seat_back(live):
    until(lambda: seats_taken(live) == 0)
    with watching(*(Viewer(live.url) for _ in range(3))):
        until(lambda: seats_taken(live) == 3)
    until(lambda: seats_taken(live) == 0)


def test_there_are_so_many_seats_and_no_more():
    seats = Seats(2)
    assert [seats.take() for _ in range(3)] == [True, True, False]
    seats.leave()
    assert seats.take()


def test_the_page_answers_while_all_seats_are_taken(live):
    until(lambda: seats_taken(live) == 0)
    with watching(*(Viewer(live.url) for _ in range(MOST_VIEWERS))):
        assert seats_taken(live) == MOST_VIEWERS
        with urllib.request.urlopen(live.url, timeout=60) as answer:
            assert b"Last minute" in answer.read()
        with pytest.raises(urllib.error.HTTPError, match="503"):
            urllib.request.urlopen(live.url + "video_feed", timeout=60)
