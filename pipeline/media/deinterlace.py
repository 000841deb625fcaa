"""Interlaced pictures, whose odd and even lines show different moments -> pictures of one moment.

Television and most DVDs before high definition are stored this way. What moves has combs for edges in such pictures,
which neither detectors nor networks were trained on.
"""

from collections import deque
from collections.abc import Iterator

import av.error
import av.filter
import av.video.frame

from pipeline.media.decode import Frame


def deinterlaced(frames: Iterator[Frame], threads: int = 1, look_ahead: bool = True) -> Iterator[Frame]:
    """Yield as many frames at the same pts; those flagged as interlaced show the moment of their first field alone.

    FFmpeg's filter bwdif redraws the lines of the other field from their neighbours in the picture and, where nothing
    moves, in the pictures before and after. A frame depends on these three pictures alone, not on where reading began:
    :mod:`pipeline.media.frames` relies on that. Frames that are not flagged are passed on untouched.

    Args:
        frames: in presentation order.
        threads: bound on those of the filter.
        look_ahead: hold each frame back until the next one is there. Without, frames that are not flagged are passed on
            at once, and an interlaced frame that follows one does without the picture before it.
    """
    filtering: _Filtering | None = None
    for frame, is_near in _flagged_or_beside(frames, look_ahead):
        if filtering is not None and (not is_near or filtering.takes != _kind(frame)):
            yield from filtering.finish()
            filtering = None
        if not is_near:
            yield frame
            continue
        filtering = filtering or _Filtering(frame, threads)
        yield from filtering.add(frame)
    if filtering is not None:
        yield from filtering.finish()


def _flagged_or_beside(frames: Iterator[Frame], look_ahead: bool) -> Iterator[tuple[Frame, bool]]:
    """Yield each frame with whether it, the one before or the one after (if known) is flagged as interlaced."""
    held: Frame | None = None
    was_flagged = False
    for frame in frames:
        is_flagged = frame.picture.interlaced_frame
        if not look_ahead:
            yield frame, is_flagged or was_flagged
            was_flagged = is_flagged
            continue
        if held is not None:
            yield held, was_flagged or held.picture.interlaced_frame or is_flagged
            was_flagged = held.picture.interlaced_frame
        held = frame
    if held is not None:
        yield held, was_flagged or held.picture.interlaced_frame


def _kind(frame: Frame) -> tuple[object, ...]:
    """Return what must not change while a filter works."""
    picture = frame.picture
    return picture.width, picture.height, picture.format.name, picture.colorspace, picture.color_range


class _Filtering:
    """A filter, and the frames that it has not returned yet."""

    def __init__(self, first: Frame, threads: int) -> None:
        self.takes = _kind(first)
        width, height, pixels, space, span = self.takes
        self._graph = av.filter.Graph()
        self._graph.threads = threads
        # Frames are identified by their order: time stamps may be missing, and the time base does not matter.
        self._graph.link_nodes(
            self._graph.add(
                "buffer", f"video_size={width}x{height}:pix_fmt={pixels}:time_base=1/25:colorspace={space}:range={span}"
            ),
            # All, not only those that are flagged: until it has filtered one, bwdif ignores the picture before.
            self._graph.add("bwdif", "mode=send_frame:deint=all"),
            self._graph.add("buffersink"),
        ).configure()
        self._waiting: deque[Frame] = deque()

    def add(self, frame: Frame) -> Iterator[Frame]:
        """Take a frame and yield those that are done."""
        self._waiting.append(frame)
        self._graph.vpush(frame.picture)
        yield from self._done()

    def finish(self) -> Iterator[Frame]:
        """Yield the rest."""
        self._graph.vpush(None)
        yield from self._done()

    def _done(self) -> Iterator[Frame]:
        while self._waiting:
            try:
                picture = self._graph.vpull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            frame = self._waiting.popleft()
            yield Frame(frame.pts, picture) if frame.picture.interlaced_frame else frame
