"""Tracks as lanes below the chart, in no more detail than can be seen."""

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jobs.results.intervals import Filter, Intervals, find_intervals
from jobs.results.timeline_index import TimelineIndex
from pipeline.schema import LABELS

_MOST_TRACKS = 1_500
_MOST_RUNS = 4_000
_GOLDEN = (np.sqrt(5) - 1) / 2
"""Its multiples, modulo 1, leave no large gap, however many are taken (Knuth, TAOCP 6.4)."""


@dataclass(frozen=True)
class Lanes:
    """A movie's tracks as columns ``(n,)``, sorted by start. No two tracks in one lane overlap.

    Attributes:
        track, lane: int32.
        start, end: float64, s.
        dominant: int8: the label of most frames, index into LABELS.
        runs: all intervals of one label, of all tracks.
        count: number of lanes.
    """

    track: NDArray[np.int32]
    lane: NDArray[np.int32]
    start: NDArray[np.float64]
    end: NDArray[np.float64]
    dominant: NDArray[np.int8]
    runs: Intervals
    count: int

    def longest(self) -> int | None:
        """Return the position of the longest track; None without a track."""
        return int((self.end - self.start).argmax()) if len(self.track) else None


@dataclass(frozen=True)
class VisibleLanes:
    """What can be seen of the lanes in a span; times in whole ms.

    Attributes:
        tracks: ``[track, lane, start, end, dominant]`` of each.
        runs: ``[track, start, end, emotion, percent]`` of each, at least a pixel wide.
        hidden: number of tracks in the span that are left out.
    """

    tracks: list[list[int]]
    runs: list[list[int]]
    hidden: int


def make_lanes(index: TimelineIndex) -> Lanes:
    """Lay out the tracks of a movie, in as few lanes as there are faces at once."""
    faces = index.faces
    number, first, frames = np.unique(faces.track, return_index=True, return_counts=True)
    start = index.time[faces.frame[first]] if len(number) else np.zeros(0)
    end = index.time[faces.frame[first + frames - 1] + 1] if len(number) else np.zeros(0)
    counts = np.zeros((len(number), len(LABELS)), np.int64)
    np.add.at(counts, (np.searchsorted(number, faces.track), faces.emotion), 1)
    order = np.lexsort((number, start))
    lane = _packed(start[order], end[order])
    return Lanes(
        track=number[order].astype(np.int32),
        lane=lane,
        start=start[order],
        end=end[order],
        dominant=counts.argmax(axis=1).astype(np.int8)[order],
        runs=find_intervals(index, Filter(unsure=True)),
        count=int(lane.max()) + 1 if len(lane) else 0,
    )


def _packed(start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.int32]:
    """Return the lane of each span, int32 ``(n,)``: the first that is free. Spans are sorted by start."""
    free: list[int] = []
    busy: list[tuple[float, int]] = []
    lanes = np.zeros(len(start), np.int32)
    for k in range(len(start)):
        while busy and busy[0][0] <= start[k] + 1e-9:
            heapq.heappush(free, heapq.heappop(busy)[1])
        lanes[k] = heapq.heappop(free) if free else len(busy)
        heapq.heappush(busy, (float(end[k]), int(lanes[k])))
    return lanes


def visible(lanes: Lanes, start: float, end: float, pixels: int, most_runs: int = _MOST_RUNS) -> VisibleLanes:
    """Return what can be seen of a span. What is too small is left out; of too much, the longest stay.

    Args:
        lanes: of the movie.
        start: of the span, s.
        end: of the span, s.
        pixels: width of the span on the screen.
        most_runs: the most runs to return.
    """
    least = (end - start) / max(pixels, 1)
    seen = np.flatnonzero((lanes.end > start) & (lanes.start < end))
    kept = select_longest(seen, lanes.end - lanes.start, least / 2, _MOST_TRACKS)
    runs = lanes.runs
    wide = np.flatnonzero((runs.end > start) & (runs.start < end) & np.isin(runs.track, lanes.track[kept]))
    wide = select_longest(wide, runs.seconds, least, most_runs)
    tracks = (lanes.track[kept], lanes.lane[kept], _ms(lanes.start[kept]), _ms(lanes.end[kept]), lanes.dominant[kept])
    percent = np.round(runs.mean[wide] * 100).astype(int)
    columns = (runs.track[wide], _ms(runs.start[wide]), _ms(runs.end[wide]), runs.emotion[wide], percent)
    return VisibleLanes(
        tracks=np.stack([c.astype(np.int64) for c in tracks], axis=1).tolist(),
        runs=np.stack([c.astype(np.int64) for c in columns], axis=1).tolist(),
        hidden=len(seen) - len(kept),
    )


def select_longest(
    which: NDArray[np.int64], seconds: NDArray[np.float64], least: float, most: int
) -> NDArray[np.int64]:
    """Select the longest spans.

    Of equally long ones an even selection stays: dropping the first or the last would empty a part of the chart.

    Args:
        which: int64 ``(k,)``: indices of the spans to choose from, rising.
        seconds: float64 ``(n,)``: length of each span.
        least: the least length to keep, s.
        most: how many to keep.

    Returns:
        int64: those that stay, rising.
    """
    which = which[seconds[which] >= least]
    if len(which) > most:
        spread = np.arange(len(which)) * _GOLDEN % 1
        which = np.sort(which[np.lexsort((spread, seconds[which].round(3)))[-most:]])
    return which


def _ms(seconds: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.round(seconds * 1000).astype(np.int64)
