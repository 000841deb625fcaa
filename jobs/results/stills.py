"""Still pictures out of a movie: one frame, scaled, or a face cut out of it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
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

from jobs.results.errors import NotFoundError
from pipeline.errors import PipelineError
from pipeline.media.movie import Movie, opened

Picture = NDArray[np.uint8]

_AT_ONCE: Final = threading.BoundedSemaphore(2)
"""Decoding fills a core; a page that asks for two hundred pictures must not fill them all."""

_QUALITY: Final = 82
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
    with _AT_ONCE, picture_errors(spot.movie, spot.time), opened_video(spot.movie) as container:
        return jpeg(upright(spot.movie, _found(container, spot.movie, spot.time), width))


def face(spot: Spot, box: tuple[float, float, float, float], size: int) -> bytes:
    """Return a square around ``box``, in pixels of the upright picture, as a JPEG of ``size`` pixels.

    Raises:
        NotFoundError: it cannot be had.
    """
    with _AT_ONCE, picture_errors(spot.movie, spot.time), opened_video(spot.movie) as container:
        picture = upright(spot.movie, _found(container, spot.movie, spot.time))
    x1, y1, x2, y2 = box
    half = max(x2 - x1, y2 - y1, 2) * _FACE_ROOM / 2
    half = min(half, picture.shape[0] / 2, picture.shape[1] / 2)
    x = min(max((x1 + x2) / 2, half), picture.shape[1] - half)
    y = min(max((y1 + y2) / 2, half), picture.shape[0] - half)
    square = picture[round(y - half) : round(y + half), round(x - half) : round(x + half)]
    return jpeg(cv2.resize(square, (size, size), interpolation=cv2.INTER_AREA))


def jpeg(picture: cv2.typing.MatLike) -> bytes:
    """Return a BGR picture as a JPEG.

    Raises:
        NotFoundError: it cannot be encoded.
    """
    done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        raise NotFoundError("the picture cannot be encoded")
    return data.tobytes()


@contextmanager
def picture_errors(movie: Movie, time: float) -> Iterator[None]:
    """Say of which picture in which movie it is that it cannot be had."""
    try:
        yield
    except (PipelineError, av.error.FFmpegError, OSError) as error:
        raise NotFoundError(f"{movie.path.name}: no picture at {time:.2f} s: {error}") from error


@contextmanager
def opened_video(movie: Movie, options: dict[str, str] | None = None) -> Iterator[av.container.InputContainer]:
    """Open a movie to take pictures from it; ``options`` are the decoder's."""
    with opened(movie.path) as container:
        context = video_of(container, movie).codec_context
        # With threads that take a frame each, the first one would come only after as many packets as there are threads.
        context.thread_count = 1
        context.options = options or {}
        yield container


def video_of(container: av.container.InputContainer, movie: Movie) -> av.video.stream.VideoStream:
    """Return the stream of the movie's pictures."""
    stream = container.streams[movie.stream]
    assert isinstance(stream, av.video.stream.VideoStream)
    return stream


def upright(movie: Movie, frame: av.video.frame.VideoFrame, widest: int | None = None) -> Picture:
    """Return the frame as uint8 BGR ``(h, w, 3)``, upright, with square pixels, at most ``widest`` pixels wide."""
    scale = min(1.0, (widest or movie.width) / movie.width)
    width, height = (max(1, round(side * scale)) for side in movie.stored_size)
    scaled = frame.reformat(width, height, "bgr24", interpolation=Interpolation.AREA)
    return movie.orientation.apply(np.asarray(scaled.to_ndarray(), np.uint8))


def _found(container: av.container.InputContainer, movie: Movie, time: float) -> av.video.frame.VideoFrame:
    """Return the frame on the screen at a time in s."""
    pts = pts_at(movie, time)
    container.seek(pts, backward=True, stream=video_of(container, movie))
    before: av.video.frame.VideoFrame | None = None
    for frame in readable(container, movie):
        if frame.pts is not None and frame.pts > pts:
            return before or frame
        before = frame
    if before is None:
        raise NotFoundError(f"{movie.path.name}: no picture at {time:.2f} s")
    return before


def pts_at(movie: Movie, time: float) -> int:
    """Return a time in s by the player's clock in units of the movie's pts."""
    # Half a millisecond more: times are rounded on their way through a page.
    return round((Fraction(time) + movie.clock_start + Fraction(1, 2000)) / movie.time_base)


def readable(container: av.container.InputContainer, movie: Movie) -> Iterator[av.video.frame.VideoFrame]:
    """Yield the frames that can be decoded from where the container is; those that cannot are passed over."""
    for packet in container.demux(video_of(container, movie)):
        try:
            yield from packet.decode()
        except av.error.FFmpegError:
            continue
