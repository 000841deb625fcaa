"""What all stills are made with: decoding, turning upright, encoding as JPEG."""

import math
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
from pipeline.limits import decoder_options
from pipeline.media.colour import Converter
from pipeline.media.geometry import Fit
from pipeline.media.movie import Fits, Movie, data_packets, opened

Image = NDArray[np.uint8]
"""BGR ``(h, w, 3)``."""

_QUALITY: Final = 82
_RUN_UPS: Final = (0, 2, 10)
"""s before a frame at which a key frame is looked for, one after the other."""

_ROUNDING: Final = Fraction(1, 2000)
"""s by which a time may be off that was rounded to a thousandth; twice as much where it was rounded up."""


def jpeg(image: cv2.typing.MatLike) -> bytes:
    """Return a BGR image, uint8 ``(h, w, 3)``, as a JPEG.

    Raises:
        NotFoundError: it cannot be encoded.
    """
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        raise NotFoundError("the still cannot be encoded")
    return data.tobytes()


@contextmanager
def still_errors(movie: Movie, time: float) -> Iterator[None]:
    """Turn errors of decoding into a NotFoundError that names the movie and the time in s."""
    try:
        yield
    except (PipelineError, av.error.FFmpegError, OSError) as error:
        raise NotFoundError(f"{movie.path.name}: no frame at {time:.2f} s: {error}") from error


@contextmanager
def opened_video(movie: Movie, options: dict[str, str] | None = None) -> Iterator[av.container.InputContainer]:
    """Open a movie to take stills from it; ``options`` are the decoder's.

    Raises:
        NotFoundError: it can only be decoded from its start.
        InputError: it cannot be opened.
    """
    if not movie.seekable:
        raise NotFoundError(f"{movie.path.name}: decoding cannot begin amid it; the annotated video has its pictures")
    with opened(movie.path) as container:
        context = video_of(container, movie).codec_context
        # With a thread per frame, the first frame would come only after as many packets as there are threads.
        context.thread_count = 1
        context.options = decoder_options() | (options or {})
        yield container


def video_of(container: av.container.InputContainer, movie: Movie) -> av.video.stream.VideoStream:
    """Return the movie's video stream."""
    stream = container.streams[movie.stream]
    assert isinstance(stream, av.video.stream.VideoStream)
    return stream


@dataclass(frozen=True)
class Shown:
    """A decoded frame, and where it lies in the movie's picture."""

    frame: av.video.frame.VideoFrame
    fit: Fit


def upright(movie: Movie, shown: Shown, widest: int | None = None) -> Image:
    """Convert a decoded frame for people.

    Args:
        movie: that it is a frame of.
        shown: the frame.
        widest: the most pixels in width; None for the movie's own.

    Returns:
        uint8 BGR ``(h, w, 3)``, upright, with square pixels, HDR mapped to BT.709. It is the movie's picture, scaled: a
        frame of another shape lies between black bars, so that boxes are where they are.
    """
    scale = min(1.0, (widest or movie.width) / movie.width)
    fit = shown.fit
    x, y, width, height, *whole = (round(side * scale) for side in (fit.x, fit.y, fit.width, fit.height, *movie.size))
    width, height, *whole = (max(1, side) for side in (width, height, *whole))
    picture = fit.orientation.apply(Converter(Interpolation.AREA).bgr(shown.frame, fit.stored(width, height)))
    if [width, height] == whole:
        return picture
    image = np.zeros((whole[1], whole[0], 3), np.uint8)
    image[y : y + height, x : x + width] = picture[: whole[1] - y, : whole[0] - x]
    return image


def pts_at(movie: Movie, time: float) -> int:
    """Convert a time in s by the player's clock to the movie's pts: a frame is shown then unless it comes later."""
    # Half a millisecond more, for pages round times; down to a whole tick, for the next frame may begin with the next.
    return (Fraction(time) + movie.clock_start + _ROUNDING) // movie.time_base


def pts_from(movie: Movie, time: float) -> int:
    """Convert a time in s by the player's clock to the movie's pts: a frame appears then or later unless it is less."""
    return math.ceil((Fraction(time) + movie.clock_start - 2 * _ROUNDING) / movie.time_base)


def readable(container: av.container.InputContainer, movie: Movie) -> Iterator[Shown]:
    """Yield the frames from the container's position on; those that cannot be decoded are skipped."""
    fits, stream = Fits(movie), video_of(container, movie)
    for packet in data_packets(container, stream):
        try:
            for frame in stream.codec_context.decode(packet):
                yield Shown(frame, fits.of(frame))
        except av.error.FFmpegError:
            continue


def from_key_frame(
    container: av.container.InputContainer, movie: Movie, pts: int, options: dict[str, str] | None = None
) -> Iterator[Shown]:
    """Yield frames from a key frame at or before ``pts`` on, or from the file's beginning where seeking finds none.

    Args:
        container: of the movie, opened by :func:`opened_video`.
        movie: that it is.
        pts: in the movie's time base.
        options: the decoder's.
    """
    stream = video_of(container, movie)
    for seconds in _RUN_UPS:
        try:
            container.seek(pts - round(seconds / movie.time_base), backward=True, stream=stream)
            frames = readable(container, movie)
            # Some containers seek to any frame; what follows it cannot be decoded before the next key frame.
            first = next((shown for shown in frames if shown.frame.key_frame), None)
        except av.error.FFmpegError:
            continue
        if first is not None and first.frame.pts is not None and first.frame.pts <= pts:
            yield first
            yield from frames
            return
    # A fresh one: where seeking fails, the place is any one afterwards.
    with opened_video(movie, options) as from_start:
        yield from readable(from_start, movie)
