"""One clock over sources whose own clocks restart, jump, or are missing."""

from fractions import Fraction
from itertools import pairwise

import pytest

from jobs.live.clock import TIME_BASE, SessionClock


def seconds(pts: int) -> float:
    return float(pts * TIME_BASE)


def test_the_sources_clock_counts_not_the_time_of_arrival():
    clock = SessionClock()
    times = [Fraction(k, 25) + 1000 for k in range(10)]
    arrivals = [5.0, 5.01, 5.2, 5.2, 5.2, 5.21, 5.3, 5.3, 5.4, 5.41]
    pts = [clock.stamp(time, now, paced=False) for time, now in zip(times, arrivals, strict=True)]
    assert pts == [k * 3600 for k in range(10)]


def test_without_a_clock_of_the_source_arrival_counts():
    clock = SessionClock()
    assert [seconds(clock.stamp(None, now, paced=False)) for now in (2.0, 2.5, 3.25)] == pytest.approx([0, 0.5, 1.25])


def test_a_jump_of_a_live_source_is_not_believed():
    clock = SessionClock()
    clock.stamp(Fraction(0), 0.0, paced=False)
    assert seconds(clock.stamp(Fraction(5000), 0.04, paced=False)) == pytest.approx(0.04, abs=1e-4)
    assert seconds(clock.stamp(Fraction(5001), 1.04, paced=False)) == pytest.approx(1.04, abs=1e-4)


def test_after_a_new_connection_our_clock_counts_on():
    clock = SessionClock()
    clock.stamp(Fraction(700), 10.0, paced=False)
    clock.reconnected()
    assert seconds(clock.stamp(Fraction(3), 14.0, paced=False)) == pytest.approx(4.0, abs=1e-4)


def test_pts_rise_strictly_whatever_the_source_says():
    clock = SessionClock()
    pts = [clock.stamp(Fraction(m, 10), 0.1 * k, paced=False) for k, m in enumerate([0, 1, 1, 0, 2, 2, 9, 3])]
    assert all(a < b for a, b in pairwise(pts))


def test_a_late_file_keeps_its_times_and_plays_more_slowly():
    clock = SessionClock()
    assert clock.stamp(Fraction(0), 0.0, paced=True) == 0
    late = clock.stamp(Fraction(1), 9.0, paced=True)  # the decoder took 9 s for a second
    assert seconds(late) == 1.0
    assert clock.wait_s(late, 9.0) == 0.0
    following = clock.stamp(Fraction(2), 9.0, paced=True)
    assert clock.wait_s(following, 9.0) == pytest.approx(1.0)  # not raced through


def test_a_file_whose_clock_steps_goes_on():
    clock = SessionClock()
    times = [0, 1, 2, 1002, 1003, 5, 6]
    pts = [clock.stamp(Fraction(time), 0.0, paced=True) for time in times]
    assert [seconds(p) for p in pts] == pytest.approx([0, 1, 2, 2, 3, 3, 4], abs=1e-3)
    assert clock.wait_s(pts[-1], 0.0) == pytest.approx(4.0, abs=1e-3)


def test_a_still_of_a_file_is_waited_for():
    clock = SessionClock()
    assert [seconds(clock.stamp(Fraction(t), 0.0, paced=True)) for t in (0, 50)] == [0, 50]
