"""What the charts of a report show, as numbers for its script."""

from collections import Counter
from typing import Any, Final

import numpy as np

from jobs.results.lanes import Lanes, visible
from jobs.results.timeline_index import TimelineIndex

_BINS: Final = 1_000
_PIXELS: Final = 1_000
"""As wide as a report's chart is on a large screen; runs that are narrower would not be seen."""
_MOST_RUNS: Final = 1_500
_MOST_LANES: Final = 24


def chart_data(summary: TimelineIndex, lanes: Lanes, scenes: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the shares over time, the tracks and the scenes of a movie; times in whole ms.

    ``shares``: per emotion the heights of equal parts of the movie, in thousandths; ``tracks``: ``[track, lane, start,
    end, emotion]``; ``runs``, which lie over them: ``[track, lane, start, end, emotion, percent]``; ``scenes``:
    ``[start, end, emotion]``, the emotion None without a face.
    """
    bins = min(_BINS, summary.frames)
    heights = np.round(summary.heights(summary.start, summary.end, bins) * 1000).astype(int)
    seen = visible(lanes, summary.start, summary.end, _PIXELS, _MOST_RUNS)
    tracks = [track for track in seen["tracks"] if track[1] < _MOST_LANES]
    lane_of = {track: lane for track, lane, *_ in tracks}
    runs = [[track, lane_of[track], *rest] for track, *rest in seen["runs"] if track in lane_of]
    return {
        "start": round(summary.start * 1000),
        "end": round(summary.end * 1000),
        "shares": heights.T.tolist(),
        "tracks": _not_covered(tracks, runs),
        "runs": runs,
        "lanes": min(lanes.count, _MOST_LANES),
        "scenes": [[round(1000 * s["start"]), round(1000 * s["end"]), s["dominant"]] for s in scenes],
    }


def _not_covered(tracks: list[list[int]], runs: list[list[int]]) -> list[list[int]]:
    """Return the tracks of which more than a hundredth would be empty if only their runs were drawn."""
    drawn: Counter[int] = Counter()
    for track, _, start, end, *_ in runs:
        drawn[track] += end - start
    return [track for track in tracks if drawn[track[0]] < 0.99 * (track[3] - track[2])]
