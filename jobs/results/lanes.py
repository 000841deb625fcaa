"""Tracks as lanes under the chart, with no more detail than can be seen."""

import heapq
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jobs.results.intervals import Filter, Intervals, find_intervals
from jobs.results.timeline_index import TimelineIndex

_MOST_TRACKS = 1_500
_MOST_RUNS = 4_000
_GOLDEN = (np.sqrt(5) - 1) / 2
"""Multiples of it, modulo 1, leave no large gap however many are taken (Knuth, TAOCP 6.4)."""


@dataclass(frozen=True)
class Lanes:
    """A movie's tracks, each in a lane in which no two overlap; columns of equal length, in the order of starts.

    Attributes:
        track, lane: int32.
        start, end: float64, s.
        dominant: int8: the label of most frames, index into EMOTIONS.
        runs: the stretches of one label of all tracks.
        count: of lanes.
    """

    track: NDArray[np.int32]
    lane: NDArray[np.int32]
    start: NDArray[np.float64]
    end: NDArray[np.float64]
    dominant: NDArray[np.int8]
    runs: Intervals
    count: int


def make_lanes(summary: TimelineIndex) -> Lanes:
    """Lay out the tracks of a movie: as few lanes as there are faces at once."""
    faces = summary.faces
    number, first, frames = np.unique(faces.track, return_index=True, return_counts=True)
    start = summary.time[faces.frame[first]] if len(number) else np.zeros(0)
    end = summary.time[faces.frame[first + frames - 1] + 1] if len(number) else np.zeros(0)
    counts = np.zeros((len(number), 7), np.int64)
    np.add.at(counts, (np.searchsorted(number, faces.track), faces.emotion), 1)
    order = np.lexsort((number, start))
    lane = _packed(start[order], end[order])
    return Lanes(
        track=number[order].astype(np.int32),
        lane=lane,
        start=start[order],
        end=end[order],
        dominant=counts.argmax(axis=1).astype(np.int8)[order],
        runs=find_intervals(summary, Filter()),
        count=int(lane.max()) + 1 if len(lane) else 0,
    )


def _packed(start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.int32]:
    """Give each span, in the order of starts, the first lane that is free."""
    free: list[int] = []
    busy: list[tuple[float, int]] = []
    lanes = np.zeros(len(start), np.int32)
    for k in range(len(start)):
        while busy and busy[0][0] <= start[k] + 1e-9:
            heapq.heappush(free, heapq.heappop(busy)[1])
        lanes[k] = heapq.heappop(free) if free else len(busy)
        heapq.heappush(busy, (float(end[k]), int(lanes[k])))
    return lanes


def visible(lanes: Lanes, start: float, end: float, pixels: int, most_runs: int = _MOST_RUNS) -> dict[str, Any]:
    """Return for JSON what can be seen of a span that is ``pixels`` wide.

    ``tracks``: ``[track, lane, start, end, dominant]``; ``runs``: ``[track, start, end, emotion, confidence]`` of at
    least a pixel, in whole milliseconds and percent. What is too much or too small is left out, the longest stay, and
    ``hidden`` counts the tracks that are missing.
    """
    least = (end - start) / max(pixels, 1)
    seen = np.flatnonzero((lanes.end > start) & (lanes.start < end))
    kept = longest(seen, lanes.end - lanes.start, least / 2, _MOST_TRACKS)
    runs = lanes.runs
    wide = np.flatnonzero((runs.end > start) & (runs.start < end) & np.isin(runs.track, lanes.track[kept]))
    wide = longest(wide, runs.seconds, least, most_runs)
    tracks = (lanes.track[kept], lanes.lane[kept], _ms(lanes.start[kept]), _ms(lanes.end[kept]), lanes.dominant[kept])
    percent = np.round(runs.mean[wide] * 100).astype(int)
    columns = (runs.track[wide], _ms(runs.start[wide]), _ms(runs.end[wide]), runs.emotion[wide], percent)
    return {
        "from": start,
        "to": end,
        "tracks": np.stack([c.astype(np.int64) for c in tracks], axis=1).tolist(),
        "runs": np.stack([c.astype(np.int64) for c in columns], axis=1).tolist(),
        "hidden": len(seen) - len(kept),
    }


def longest(which: NDArray[np.int64], seconds: NDArray[np.float64], least: float, most: int) -> NDArray[np.int64]:
    """Return those of ``which`` that last ``least`` at least; the ``most`` longest of them, in their old order.

    Of equally long ones an even selection stays: dropping the first or the last would empty a part of the chart.
    """
    which = which[seconds[which] >= least]
    if len(which) > most:
        spread = np.arange(len(which)) * _GOLDEN % 1
        which = np.sort(which[np.lexsort((spread, seconds[which].round(3)))[-most:]])
    return which


def _ms(seconds: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.round(seconds * 1000).astype(np.int64)
