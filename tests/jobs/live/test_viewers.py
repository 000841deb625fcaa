"""Many viewers share one camera: all see the same pictures, and a slow one delays nobody, himself included."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from sessions import Session, session, until
from viewers import Viewer

from jobs.live.pages import MOST_VIEWERS, Seats

VIEWERS, SECONDS = 20, 12.0


@pytest.fixture(scope="module")
def live(sample: Path, make_analyst) -> Iterator[Session]:
    with session(sample, make_analyst) as running:
        until(lambda: running.engine.views.newest()[0] > 0)
        yield running


def test_twenty_viewers_see_every_picture_and_a_slow_one_skips(live):
    begun = time.monotonic()
    viewers = [Viewer(live.url, SECONDS) for _ in range(VIEWERS)]
    slow = Viewer(live.url, SECONDS, rest=0.2, keep=True)  # 20 KB/s: less than a picture a second
    for viewer in (*viewers, slow):
        viewer.start()
    span = begun + 2, begun + SECONDS - 1
    time.sleep(2)
    first, _ = live.engine.views.newest()
    time.sleep(span[1] - span[0])
    last, _ = live.engine.views.newest()
    for viewer in (*viewers, slow):
        viewer.join(SECONDS + 10)
    assert [viewer.failure for viewer in (*viewers, slow)] == [None] * (VIEWERS + 1)
    published = (last - first) / (span[1] - span[0])
    assert published > 3
    rates = [viewer.rate(span) for viewer in viewers]
    assert min(rates) > 0.85 * published, (rates, published)
    assert 0 < len(slow.arrivals) < 0.5 * len(viewers[0].arrivals)


def test_pictures_are_whole(live):
    viewer = Viewer(live.url, 2, keep=True)
    viewer.start()
    viewer.join(10)
    assert len(viewer.pictures) > 2
    for picture in viewer.pictures[1:]:
        assert cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR).shape == (360, 640, 3)


def test_who_left_gives_the_seat_back(live):
    def taken() -> int:
        with urllib.request.urlopen(live.url + "events", timeout=5) as answer:
            return int(json.load(answer)["viewers"])

    until(lambda: taken() == 0)
    viewers = [Viewer(live.url, 1.5) for _ in range(3)]
    for viewer in viewers:
        viewer.start()
    until(lambda: taken() == 3, 5)
    until(lambda: taken() == 0, 10)


def test_there_are_so_many_seats_and_no_more():
    seats = Seats(2)
    assert [seats.take() for _ in range(3)] == [True, True, False]
    seats.leave()
    assert seats.take()


def test_the_page_answers_while_all_seats_are_taken(live):
    viewers = [Viewer(live.url, 3) for _ in range(MOST_VIEWERS + 2)]
    for viewer in viewers:
        viewer.start()
    time.sleep(1)
    begun = time.monotonic()
    with urllib.request.urlopen(live.url, timeout=5) as answer:
        assert b"Last minute" in answer.read()
    assert time.monotonic() - begun < 3
    with pytest.raises(urllib.error.HTTPError, match="503"):
        urllib.request.urlopen(live.url + "video_feed", timeout=5)
    for viewer in viewers:
        viewer.join(15)
