"""The pictures in a movie's report: a poster, and a still of each scene."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jobs.results.errors import ResultError
from jobs.results.lanes import Lanes
from jobs.results.scene_stills import SceneStills
from jobs.results.timeline_index import TimelineIndex
from pipeline.errors import PipelineError
from pipeline.media.movie import Movie, open_movie

_MOST_STILLS: Final = 60
"""With more scenes their pictures would take longer to cut out, and weigh more, than all the rest."""

_STILL_WIDTH: Final = 160
_POSTER_WIDTH: Final = 320


@dataclass(frozen=True)
class Pictures:
    """JPEGs, None for each that cannot be had: the poster, and a still of each scene in the order of the table."""

    poster: bytes | None
    stills: list[bytes | None]


def take_pictures(
    videos: Sequence[Movie | Path], summary: TimelineIndex, lanes: Lanes, spans: Sequence[tuple[float, float]]
) -> Pictures:
    """Take the pictures of a movie from the first of ``videos`` that can be read.

    Args:
        videos: the original, which has no boxes on it, then the annotated video; by their paths, if not opened yet.
        summary: of its timeline.
        lanes: its tracks.
        spans: start and end of each scene in s.
    """
    start, end = summary.start, summary.end
    if len(lanes.track):  # the longest track's face
        longest = int((lanes.end - lanes.start).argmax())
        start, end = float(lanes.start[longest]), float(lanes.end[longest])
    with ExitStack() as stack:
        reel = _reel(videos, stack)
        stills = [_still(reel, span, _STILL_WIDTH) if len(spans) <= _MOST_STILLS else None for span in spans]
        return Pictures(_still(reel, (start, end), _POSTER_WIDTH), stills)


def _reel(videos: Sequence[Movie | Path], stack: ExitStack) -> SceneStills | None:
    """Open the first of some files that can be."""
    for video in videos:
        try:
            if isinstance(video, Movie):
                return stack.enter_context(SceneStills(video))
            if video.is_file():
                return stack.enter_context(SceneStills(open_movie(video)))
        except (PipelineError, ResultError, OSError):
            continue
    return None


def _still(reel: SceneStills | None, span: tuple[float, float], width: int) -> bytes | None:
    try:
        return reel.still_between(*span, width) if reel else None
    except ResultError:
        return None
