"""The newest wins, and nobody waits for anybody."""

import threading

from jobs.live.latest import Broadcast, Latest


def test_with_nothing_there_none_comes_after_the_timeout():
    assert Latest[int]().take(0.05) is None


def test_the_newest_replaces_what_nobody_took():
    latest = Latest[int]()
    for number in range(5):
        latest.put(number)
    assert latest.take(0) == 4
    assert latest.take(0) is None
    assert latest.replaced == 4


def test_who_waits_is_woken():
    latest = Latest[int]()
    taken: list[int | None] = []
    taker = threading.Thread(target=lambda: taken.append(latest.take(3600)))
    taker.start()
    latest.put(7)
    taker.join(60)
    assert taken == [7]


def test_every_viewer_gets_the_newest_at_its_own_pace():
    broadcast = Broadcast("nothing")
    assert broadcast.newest() == (0, "nothing")
    broadcast.publish("a")
    quick = broadcast.wait_for_newer(0, 0)
    broadcast.publish("b")
    broadcast.publish("c")
    assert quick == (1, "a")
    assert broadcast.wait_for_newer(1, 0) == (3, "c")  # b was skipped
    assert broadcast.wait_for_newer(3, 0.01) == (3, "c")  # nothing newer came


def test_closing_wakes_all_who_wait():
    broadcast = Broadcast(0)
    ended: list[tuple[int, int]] = []
    viewers = [threading.Thread(target=lambda: ended.append(broadcast.wait_for_newer(0, 3600))) for _ in range(20)]
    for viewer in viewers:
        viewer.start()
    broadcast.close()
    for viewer in viewers:
        viewer.join(60)
    assert ended == [(0, 0)] * 20
    assert broadcast.closed
