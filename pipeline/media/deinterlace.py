"""Interlaced pictures, of which every other line is of a later moment -> pictures of one moment.

Television and most DVDs before high definition are stored so. What moves has combs for edges in such pictures, which
neither detectors nor networks were trained on.
"""

from collections import deque
from collections.abc import Iterator

import av.error
import av.filter
import av.video.frame

from pipeline.media.decode import Frame


def deinterlaced(frames: Iterator[Frame], threads: int = 1) -> Iterator[Frame]:
    """Yield as many frames at the same pts; those flagged as interlaced show the moment of their first field alone.

    The lines of the other field are drawn anew by FFmpeg's filter bwdif, from neighbours in the picture and, where
    nothing moves, in the pictures before and after; so a frame without neighbours stays as it is. Frames before the
    first one that is flagged are passed on untouched.
    """
    filtering: _Filtering | None = None
    for frame in frames:
        if filtering is not None and filtering.takes != _kind(frame.picture):
            yield from filtering.finish()
            filtering = None
        if filtering is None and frame.picture.interlaced_frame:
            filtering = _Filtering(frame.picture, threads)
        if filtering is None:
            yield frame
        else:
            yield from filtering.add(frame)
    if filtering is not None:
        yield from filtering.finish()


def _kind(picture: av.video.frame.VideoFrame) -> tuple[object, ...]:
    """Return what must not change while a filter works."""
    return picture.width, picture.height, picture.format.name, picture.colorspace, picture.color_range


class _Filtering:
    """A filter, and the pts of the pictures that it has not given back yet."""

    def __init__(self, picture: av.video.frame.VideoFrame, threads: int) -> None:
        self.takes = _kind(picture)
        width, height, pixels, space, span = self.takes
        self._graph = av.filter.Graph()
        self._graph.threads = threads
        # Frames are told apart by their order: time stamps may be missing, and the base does not matter.
        self._graph.link_nodes(
            self._graph.add(
                "buffer", f"video_size={width}x{height}:pix_fmt={pixels}:time_base=1/25:colorspace={space}:range={span}"
            ),
            self._graph.add("bwdif", "mode=send_frame:deint=interlaced"),
            self._graph.add("buffersink"),
        ).configure()
        self._pts: deque[int] = deque()

    def add(self, frame: Frame) -> Iterator[Frame]:
        """Take a frame and yield those that are done."""
        self._pts.append(frame.pts)
        self._graph.vpush(frame.picture)
        yield from self._done()

    def finish(self) -> Iterator[Frame]:
        """Yield the rest."""
        self._graph.vpush(None)
        yield from self._done()

    def _done(self) -> Iterator[Frame]:
        while self._pts:
            try:
                picture = self._graph.vpull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            yield Frame(self._pts.popleft(), picture)
