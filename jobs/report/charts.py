"""What the charts of a report show, as numbers for its script."""

from typing import Any, Final

import numpy as np

from jobs.review.lanes import Lanes, visible
from jobs.review.summaries import Summary

_BINS: Final = 1_000
_PIXELS: Final = 1_000
"""As wide as a report's chart is on a large screen; runs that are narrower would not be seen."""
_MOST_RUNS: Final = 1_500
_MOST_LANES: Final = 24


def chart_data(summary: Summary, lanes: Lanes, scenes: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the shares over time, the tracks and the scenes of a movie; times in whole ms.

    ``shares``: per emotion the heights of equal parts of the movie, in thousandths; ``runs``: ``[track, lane, start,
    end, emotion, percent]``; ``scenes``: ``[start, end, emotion]``, the emotion None without a face.
    """
    bins = min(_BINS, summary.frames)
    heights = np.round(summary.heights(summary.start, summary.end, bins) * 1000).astype(int)
    seen = visible(lanes, summary.start, summary.end, _PIXELS)
    lane_of = {track: lane for track, lane, *_ in seen["tracks"] if lane < _MOST_LANES}
    runs = [[track, lane_of[track], *rest] for track, *rest in seen["runs"] if track in lane_of]
    runs.sort(key=lambda run: run[2] - run[3])  # the longest first
    return {
        "start": round(summary.start * 1000),
        "end": round(summary.end * 1000),
        "shares": heights.T.tolist(),
        "runs": runs[:_MOST_RUNS],
        "lanes": min(lanes.count, _MOST_LANES),
        "scenes": [[round(1000 * s["start"]), round(1000 * s["end"]), s["dominant"]] for s in scenes],
    }
