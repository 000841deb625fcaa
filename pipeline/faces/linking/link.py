"""Detections -> tracks, in four steps: follow from frame to frame, merge what lies on one head, clear, bridge gaps.

Nothing here joins candidates that :mod:`pipeline.faces.candidate_filter` does not keep together: the first step asks
for an overlap of ``min_iou``, the second for an overlap in a frame in which both are seen, and else, as the last, for
tracks that each have a detection of ``min_peak``.
"""

from typing import Final

from pipeline.faces.linking.bridge import bridge
from pipeline.faces.linking.candidates import Candidates, Track
from pipeline.faces.linking.follow import follow
from pipeline.faces.linking.merge import merge
from pipeline.faces.linking.options import TrackOptions
from pipeline.faces.linking.smooth import smooth

_STRETCH: Final = 0.5
"""s around a detection whose mean score says whether a face is there."""


def link(found: Candidates, options: TrackOptions) -> list[Track]:
    """Join the detections of each face; tracks are in the order in which they begin.

    Some are of no face, such as those without a detection of ``min_peak``: who counts is not decided here.
    """
    merged = merge(found, follow(found, options), options)
    clear = [track for one in merged if len(track := _clear(found, one, options))]
    return sorted(bridge(found, clear, options), key=lambda track: int(track[0]))


def _clear(found: Candidates, track: Track, options: TrackOptions) -> Track:
    """Leave out the stretches in which a track scores low: by then the face is turned away or hidden."""
    times = found.seen(track)
    level = smooth(times, times, found.scores[track][:, None], _STRETCH)[:, 0]
    return track[level >= options.min_level]
