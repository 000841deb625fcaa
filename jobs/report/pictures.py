"""The pictures in a movie's report: a poster, and a still of each scene."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jobs.results.errors import ResultError
from jobs.results.lanes import Lanes
from jobs.results.stills.scene_stills import SceneStills
from jobs.results.timeline_index import TimelineIndex
from pipeline.errors import PipelineError
from pipeline.media.movie import Movie, open_movie

_MOST_STILLS: Final = 60
"""Stills of more scenes would take longer, and weigh more, than the rest of the report."""

_STILL_WIDTH: Final = 160
_POSTER_WIDTH: Final = 320


@dataclass(frozen=True)
class Pictures:
    """JPEGs, or None for each that is not available: the poster, and a still of each scene in the table's order."""

    poster: bytes | None
    stills: list[bytes | None]


def take_pictures(
    videos: Sequence[Movie | Path], index: TimelineIndex, lanes: Lanes, spans: Sequence[tuple[float, float]]
) -> Pictures:
    """Take the pictures of a movie from the first of ``videos`` that can be read.

    Args:
        videos: the original, which has no boxes on it, or its copy, then the annotated video; as paths if not opened
            yet.
        index: the movie's timeline.
        lanes: its tracks.
        spans: start and end of each scene in s.
    """
    start, end = index.start, index.end
    longest = lanes.longest()
    if longest is not None:  # show a face
        start, end = float(lanes.start[longest]), float(lanes.end[longest])
    with ExitStack() as stack:
        source = _open_first(videos, stack)
        stills = [_still(source, span, _STILL_WIDTH) if len(spans) <= _MOST_STILLS else None for span in spans]
        return Pictures(_still(source, (start, end), _POSTER_WIDTH), stills)


def _open_first(videos: Sequence[Movie | Path], stack: ExitStack) -> SceneStills | None:
    for video in videos:
        try:
            if isinstance(video, Movie):
                return stack.enter_context(SceneStills(video))
            if video.is_file():
                return stack.enter_context(SceneStills(open_movie(video)))
        except (PipelineError, ResultError, OSError):
            continue
    return None


def _still(source: SceneStills | None, span: tuple[float, float], width: int) -> bytes | None:
    try:
        return source.still_between(*span, width) if source else None
    except ResultError:
        return None
