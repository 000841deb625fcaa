"""The newest wins, and nobody waits for anybody."""

import threading
import time

from jobs.live.latest import Broadcast, Latest


def test_an_empty_slot_gives_none_after_the_timeout():
    begun = time.monotonic()
    assert Latest[int]().take(0.05) is None
    assert 0.04 < time.monotonic() - begun < 1


def test_the_newest_replaces_what_nobody_took():
    slot = Latest[int]()
    for number in range(5):
        slot.put(number)
    assert slot.take(0) == 4
    assert slot.take(0) is None
    assert slot.replaced == 4


def test_who_waits_is_woken():
    slot = Latest[int]()
    threading.Timer(0.05, slot.put, [7]).start()
    begun = time.monotonic()
    assert slot.take(5) == 7
    assert time.monotonic() - begun < 2


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
    viewers = [threading.Thread(target=lambda: ended.append(broadcast.wait_for_newer(0, 30))) for _ in range(20)]
    for viewer in viewers:
        viewer.start()
    broadcast.close()
    for viewer in viewers:
        viewer.join(5)
    assert ended == [(0, 0)] * 20
    assert broadcast.closed
