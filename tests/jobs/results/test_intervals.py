"""Intervals against the table itself, searched the slow way; the next interval; lanes."""

import itertools

import numpy as np
import pandas as pd
import pytest

from jobs.results.intervals import Filter, find_intervals, next_interval
from jobs.results.lanes import make_lanes, select_longest, visible
from jobs.results.timeline_index import read_timeline_index
from pipeline.schema import EMOTIONS


def intervals_the_slow_way(table: pd.DataFrame, wanted: Filter, rate: int = 25) -> set[tuple[int, int, int, str]]:
    found = set()
    for track, rows in table[table.track.notna()].groupby("track"):
        run: list[int] = []
        label = None
        for frame, emotion, confidence in [*zip(rows.frame, rows.emotion, rows.confidence, strict=True), (-9, None, 0)]:
            fits = emotion is not None and confidence >= wanted.confidence and wanted.emotion in (None, emotion)
            if run and (not fits or frame != run[-1] + 1 or emotion != label):
                if len(run) / rate >= wanted.seconds:
                    found.add((int(track), run[0], run[-1], str(label)))
                run = []
            if fits:
                run.append(frame)
                label = emotion
    return found


@pytest.mark.parametrize(
    "wanted",
    [
        Filter(),
        Filter("angry"),
        Filter("angry", 0.7, 0),
        Filter(None, 0.72, 0.2),
        Filter("happy", 0, 2),
        Filter("neutral", 0, 2.04),
        Filter("sad", 1),
    ],
    ids=str,
)
def test_intervals(short, wanted):
    index = read_timeline_index(short.timeline)
    found = find_intervals(index, wanted)
    spans = zip(found.track, found.first_frame, found.last_frame, found.emotion, strict=True)
    got = {(int(track), int(first), int(last), EMOTIONS[emotion]) for track, first, last, emotion in spans}
    assert got == intervals_the_slow_way(pd.read_parquet(short.timeline), wanted)
    assert list(found.start) == sorted(found.start)


def test_a_span_keeps_what_overlaps_it(short):
    index = read_timeline_index(short.timeline)
    every = list(find_intervals(index, Filter()))
    some = list(find_intervals(index, Filter(start=7.0, end=9.0)))
    assert some == [one for one in every if one.end > 7 and one.start < 9]
    assert 0 < len(some) < len(every)


def test_after_the_last_interval_comes_the_first(short):
    index = read_timeline_index(short.timeline)
    starts = sorted({one.start for one in find_intervals(index, Filter("sad"))})
    assert len(starts) > 2
    for here, following in zip(starts, [*starts[1:], starts[0]], strict=True):
        found = next_interval(index, Filter("sad"), here)
        assert found is not None
        assert found.start == following
    assert next_interval(index, Filter("sad", confidence=1), 0) is None


def test_a_movie_without_a_face_has_no_intervals(faceless):
    index = read_timeline_index(faceless.timeline)
    assert len(find_intervals(index, Filter())) == 0
    assert next_interval(index, Filter("sad"), 0) is None
    lanes = make_lanes(index)
    assert (lanes.count, len(lanes.track)) == (0, 0)
    assert visible(lanes, 0, 8, 100).tracks == []
    assert lanes.longest() is None


def test_no_two_tracks_share_a_lane_at_a_time(short):
    lanes = make_lanes(read_timeline_index(short.timeline))
    assert lanes.count == 2
    for lane in range(lanes.count):
        mine = sorted(zip(lanes.start[lanes.lane == lane], lanes.end[lanes.lane == lane], strict=True))
        assert all(before[1] <= after[0] + 1e-9 for before, after in itertools.pairwise(mine))


def test_what_is_smaller_than_a_pixel_is_left_out_and_counted(short):
    lanes = make_lanes(read_timeline_index(short.timeline))
    fine, coarse = visible(lanes, 0, 40, 4000), visible(lanes, 0, 40, 2)
    assert len(fine.tracks) == len(lanes.track)
    assert fine.hidden == 0
    assert coarse.hidden == len(lanes.track) - len(coarse.tracks) > 0


def test_of_too_many_equally_long_ones_an_even_selection_stays():
    everything = np.arange(1000)
    kept = select_longest(everything, np.full(1000, 2.0), 1, 100)
    assert len(kept) == 100
    assert np.diff(np.concatenate([[0], kept, [999]])).max() < 30
    seconds = np.full(1000, 2.0)
    seconds[[3, 500]] = 9
    assert {3, 500} <= set(select_longest(everything, seconds, 1, 2).tolist())
