"""The numbers that a report's script draws its charts from."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from jobs.results.lanes import Lanes, visible
from jobs.results.rows import Scene
from jobs.results.timeline_index import TimelineIndex
from pipeline.schema import LABELS, UNSURE

_BINS: Final = 1_000
_PIXELS: Final = 1_000
"""Width of a report's chart on a large screen; narrower runs would not be seen."""
_MOST_RUNS: Final = 1_500
_MOST_LANES: Final = 24


def chart_data(index: TimelineIndex, lanes: Lanes, scenes: Sequence[Scene]) -> dict[str, Any]:
    """Return the charts of a movie for JSON.

    Args:
        index: the movie's timeline.
        lanes: its tracks.
        scenes: its scenes.

    Returns:
        ``start`` and ``end`` of the movie; ``shares``: per emotion the heights of equal parts of the movie, in
        thousandths; ``tracks``: ``[track, lane, start, end, emotion]``; ``runs``, drawn over them: ``[track, lane,
        start, end, emotion, percent]``; ``lanes``: how many; ``scenes``: ``[start, end, emotion, seen, words]``, the
        emotion ``unsure`` where evidence is weak and None without a face, the part with a face in percent, what
        they say. Times are in whole ms.
    """
    bins = min(_BINS, index.frames)
    heights = np.round(index.heights(index.start, index.end, bins) * 1000).astype(int)
    seen = visible(lanes, index.start, index.end, _PIXELS, _MOST_RUNS)
    tracks = [track for track in seen.tracks if track[1] < _MOST_LANES]
    lane_of = {track: lane for track, lane, *_ in tracks}
    runs = [[track, lane_of[track], *rest] for track, *rest in seen.runs if track in lane_of]
    return {
        "start": round(index.start * 1000),
        "end": round(index.end * 1000),
        "shares": heights.T.tolist(),
        "tracks": _not_covered(tracks, runs),
        "runs": runs,
        "lanes": min(lanes.count, _MOST_LANES),
        "scenes": [_scene(scene) for scene in scenes],
    }


def _scene(scene: Scene) -> list[Any]:
    shown = LABELS[UNSURE] if scene.weak and scene.dominant is not None else scene.dominant
    return [round(1000 * scene.start), round(1000 * scene.end), shown, round(100 * scene.coverage), scene.evidence]


def _not_covered(tracks: list[list[int]], runs: list[list[int]]) -> list[list[int]]:
    """Return the tracks of which more than a hundredth would be empty if only their runs were drawn."""
    drawn: Counter[int] = Counter()
    for track, _, start, end, *_ in runs:
        drawn[track] += end - start
    return [track for track in tracks if drawn[track[0]] < 0.99 * (track[3] - track[2])]
