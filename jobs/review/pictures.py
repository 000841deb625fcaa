"""Still pictures out of a movie: one frame, scaled, or a face cut out of it."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import av
import av.container
import av.error
import av.video.frame
import av.video.stream
import cv2
import numpy as np
from av.video.reformatter import Interpolation
from numpy.typing import NDArray

from jobs.web.errors import NotFoundError
from pipeline.errors import PipelineError
from pipeline.movie import Movie, opened

Picture = NDArray[np.uint8]

_AT_ONCE: Final = threading.BoundedSemaphore(2)
"""Decoding fills a core; a page that asks for two hundred pictures must not fill them all."""

_QUALITY: Final = 82
_ROUNDING: Final = 0.001
"""s"""

_FACE_ROOM: Final = 1.5
"""Side of the square around a face, in units of the longer side of its box."""


@dataclass(frozen=True)
class Spot:
    """A time in s in a movie, by the player's clock."""

    movie: Movie
    time: float


def still(spot: Spot, width: int) -> bytes:
    """Return the frame on the screen at a spot as a JPEG, at most ``width`` pixels wide.

    Raises:
        NotFoundError: it cannot be had.
    """
    with _AT_ONCE, _told(spot.movie, spot.time), _opened(spot.movie) as container:
        return _jpeg(_upright(spot.movie, _found(container, spot.movie, spot.time, None), width))


class Reel:
    """A movie that is kept open while many pictures are taken from it."""

    def __init__(self, movie: Movie) -> None:
        """Open it.

        Raises:
            NotFoundError: it cannot be read.
        """
        self._movie = movie
        self._stack = ExitStack()
        try:
            self._container = self._stack.enter_context(_opened(movie))
        except (PipelineError, av.error.FFmpegError, OSError) as error:
            raise NotFoundError(f"{movie.path.name}: {error}") from error

    def __enter__(self) -> "Reel":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def still_between(self, start: float, end: float, width: int) -> bytes:
        """Return a frame between two times in s as a JPEG, one that is quick to get: a key frame if there is any.

        Raises:
            NotFoundError: it cannot be had.
        """
        middle = (start + end) / 2
        with _told(self._movie, middle):
            frame = self._key_frame(start, middle, end) or _found(self._container, self._movie, middle, start)
            return _jpeg(_upright(self._movie, frame, width))

    def _key_frame(self, start: float, middle: float, end: float) -> av.video.frame.VideoFrame | None:
        """Return the key frame before the middle of a span, or else the one after it, if it lies in the span."""
        movie, stream = self._movie, _stream(self._container, self._movie)
        for backward in (True, False):
            try:
                self._container.seek(_pts(movie, middle), backward=backward, stream=stream)
            except av.error.FFmpegError:  # there is none after it
                continue
            frame = _first_key_frame(self._container, stream)
            # A shot mostly begins with a key frame, whose time may have been rounded up.
            if (
                frame is not None
                and frame.pts is not None
                and _pts(movie, start - _ROUNDING) <= frame.pts < _pts(movie, end)
            ):
                return frame
        return None


def face(spot: Spot, box: tuple[float, float, float, float], size: int) -> bytes:
    """Return a square around ``box``, in pixels of the upright picture, as a JPEG of ``size`` pixels.

    Raises:
        NotFoundError: it cannot be had.
    """
    with _AT_ONCE, _told(spot.movie, spot.time), _opened(spot.movie) as container:
        picture = _upright(spot.movie, _found(container, spot.movie, spot.time, None))
    x1, y1, x2, y2 = box
    half = max(x2 - x1, y2 - y1, 2) * _FACE_ROOM / 2
    half = min(half, picture.shape[0] / 2, picture.shape[1] / 2)
    x = min(max((x1 + x2) / 2, half), picture.shape[1] - half)
    y = min(max((y1 + y2) / 2, half), picture.shape[0] - half)
    square = picture[round(y - half) : round(y + half), round(x - half) : round(x + half)]
    return _jpeg(cv2.resize(square, (size, size), interpolation=cv2.INTER_AREA))


def _jpeg(picture: cv2.typing.MatLike) -> bytes:
    done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        raise NotFoundError("the picture cannot be encoded")
    return data.tobytes()


@contextmanager
def _told(movie: Movie, time: float) -> Iterator[None]:
    """Say of which picture in which movie it is that it cannot be had."""
    try:
        yield
    except (PipelineError, av.error.FFmpegError, OSError) as error:
        raise NotFoundError(f"{movie.path.name}: no picture at {time:.2f} s: {error}") from error


@contextmanager
def _opened(movie: Movie) -> Iterator[av.container.InputContainer]:
    with opened(movie.path) as container:
        # With threads that take a frame each, the first one would come only after as many packets as there are threads.
        _stream(container, movie).codec_context.thread_count = 1
        yield container


def _stream(container: av.container.InputContainer, movie: Movie) -> av.video.stream.VideoStream:
    stream = container.streams[movie.stream]
    assert isinstance(stream, av.video.stream.VideoStream)
    return stream


def _upright(movie: Movie, frame: av.video.frame.VideoFrame, widest: int | None = None) -> Picture:
    """Return the frame as uint8 BGR ``(h, w, 3)``, upright, with square pixels, at most ``widest`` pixels wide."""
    scale = min(1.0, (widest or movie.width) / movie.width)
    width, height = (max(1, round(side * scale)) for side in movie.stored_size)
    scaled = frame.reformat(width, height, "bgr24", interpolation=Interpolation.AREA)
    return movie.orientation.apply(np.asarray(scaled.to_ndarray(), np.uint8))


def _first_key_frame(
    container: av.container.InputContainer, stream: av.video.stream.VideoStream
) -> av.video.frame.VideoFrame | None:
    """Return the next key frame, decoded alone; None if there is none that can be."""
    context = stream.codec_context
    for packet in container.demux(stream):
        if not packet.is_keyframe:
            continue
        try:
            # No more packets are to come, the decoder is told: else it would wait for pictures that may be shown first.
            frames = [*context.decode(packet), *context.decode(None)]
        except av.error.FFmpegError:
            frames = []
        if frames:
            return frames[0]
        context.flush_buffers()
    return None


def _found(
    container: av.container.InputContainer, movie: Movie, time: float, since: float | None
) -> av.video.frame.VideoFrame:
    """Return the frame on the screen at a time in s; with ``since``, the first one at hand that is not before it."""
    stream = _stream(container, movie)
    pts = _pts(movie, time)
    enough = pts if since is None else _pts(movie, since - _ROUNDING)
    container.seek(pts, backward=True, stream=stream)
    before: av.video.frame.VideoFrame | None = None
    for frame in _readable(container, stream):
        if frame.pts is not None and frame.pts > pts:
            return before or frame
        before = frame
        if since is not None and frame.pts is not None and frame.pts >= enough:
            return frame
    if before is None:
        raise NotFoundError(f"{movie.path.name}: no picture at {time:.2f} s")
    return before


def _pts(movie: Movie, time: float) -> int:
    # Half a millisecond more: times are rounded on their way through a page.
    return round((Fraction(time) + movie.clock_start + Fraction(1, 2000)) / movie.time_base)


def _readable(
    container: av.container.InputContainer, stream: av.video.stream.VideoStream
) -> Iterator[av.video.frame.VideoFrame]:
    """Yield the frames that can be decoded; those that cannot are passed over."""
    for packet in container.demux(stream):
        try:
            yield from packet.decode()
        except av.error.FFmpegError:
            continue
