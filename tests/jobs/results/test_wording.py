"""Times and shares as people read them."""

import pytest

from jobs.results.wording import BarSegment, bar_segments, shares_in_words, timecode


@pytest.mark.parametrize(
    ("seconds", "text", "with_tenths"),
    [
        (None, "-", "-"),
        (0, "0:00", "0:00.0"),
        (9.96, "0:10", "0:09.9"),
        (14.04, "0:14", "0:14.0"),
        (3599.0, "59:59", "59:59.0"),
        (3599.6, "1:00:00", "59:59.6"),
        (3723.5, "1:02:04", "1:02:03.5"),
        (36000, "10:00:00", "10:00:00.0"),
    ],
)
def test_timecode(seconds, text, with_tenths):
    assert timecode(seconds) == text
    assert timecode(seconds, tenths=True) == with_tenths


def test_segments_fill_the_bar_and_empty_ones_are_left_out():
    assert bar_segments([0.25, 0, 0, 0.5, 0, 0, 0.125, 0.125]) == [
        BarSegment("angry", 0, 250),
        BarSegment("happy", 250, 500),
        BarSegment("neutral", 750, 125),
        BarSegment("unsure", 875, 125),
    ]
    assert bar_segments([0] * 8) == []


@pytest.mark.parametrize(
    ("shares", "words"),
    [
        (None, "no face"),
        ([0] * 8, "no face"),
        ([0.004, 0, 0, 0.996, 0, 0, 0, 0], "happy 100%"),
        ([0.25, 0, 0, 0.125, 0, 0, 0.125, 0.5], "unsure 50%, angry 25%, neutral 12%, happy 12%"),
        ([0.25, 0, 0, 0.125, 0, 0, 0.625, 0], "neutral 62%, angry 25%, happy 12%"),
    ],
)
def test_shares_in_words(shares, words):
    assert shares_in_words(shares) == words
