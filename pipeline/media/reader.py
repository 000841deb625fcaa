"""Keeps a movie's file open from one segment to the next."""

from contextlib import ExitStack
from typing import Any

import av.container
import av.format
import av.video.stream

from pipeline.limits import decoder_options
from pipeline.media.movie import Movie, identity, opened


class Reader:
    """Keeps a movie's file open from one segment to the next.

    FFmpeg decodes several frames to probe what it opens, 23 ms at 720p and 57 at 1080p; seeking takes a tenth of that.
    What is decoded is the same: for a segment at the start of the file, or after one in which something went wrong, the
    file is opened again. Not thread-safe.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._opened: av.container.InputContainer | None = None
        self._of: tuple[object, ...] = ()

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._opened = None
        self._stack.close()

    def open(self, movie: Movie, threads: int, reopen: bool) -> av.container.InputContainer:
        """Return the movie's file, open.

        Args:
            movie: whose file it is.
            threads: bound on the decoder's.
            reopen: open it again even if it is open, so that its decoder remembers nothing.

        Raises:
            InputError: it cannot be opened.
        """
        needed = (movie.path, movie.stream, threads, identity(movie.path))
        if self._opened is None or reopen or needed != self._of:
            self.close()
            container = self._stack.enter_context(opened(movie.path))
            context = stream_of(container, movie).codec_context
            context.thread_count, context.thread_type = threads, "AUTO"
            context.options = decoder_options()
            self._opened, self._of = container, needed
        return self._opened


def stream_of(container: av.container.InputContainer, movie: Movie) -> av.video.stream.VideoStream:
    """Return the stream of a movie's file that is looked at."""
    stream = container.streams[movie.stream]
    assert isinstance(stream, av.video.stream.VideoStream)
    return stream


def may_step(container: av.container.InputContainer) -> bool:
    """Return whether a format is one whose clock may step (FFmpeg's AVFMT_TS_DISCONT), as recordings are joined."""
    flags: Any = container.format.flags  # a number, whatever PyAV's types say
    return bool(flags & av.format.Flags.ts_discont.value)
