"""Open a movie and describe it: which stream, which clock, which way up."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import av.container
import av.error
import av.packet
import av.stream
import av.video.frame
import av.video.stream
import numpy as np
from av.sidedata.sidedata import Type as SideDataType
from numpy.typing import NDArray

from pipeline.errors import InputError, NotAMovieError
from pipeline.media.timing.clock import PLAIN, FileClock

_STILL_FORMATS: Final = ("image2", "tty", "ico")
"""FFmpeg's demuxers that make a "movie" of any picture or text."""


_SWSCALE_MATRIX: Final = 6
"""BT.601, with which RGB pictures (matrix 0) are converted to YUV."""


@dataclass(frozen=True)
class Orientation:
    """How a stored picture becomes upright: first ``transpose``, then the flips."""

    transpose: bool = False
    flip_x: bool = False
    flip_y: bool = False

    @property
    def is_upright(self) -> bool:
        """Whether the stored picture is upright already."""
        return self == Orientation()

    def apply(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return ``picture`` ``(h, w)`` or ``(h, w, c)`` upright, contiguous; itself where it is upright."""
        if self.is_upright:
            return picture
        if self.transpose:
            picture = picture.swapaxes(0, 1)
        if self.flip_x:
            picture = picture[:, ::-1]
        if self.flip_y:
            picture = picture[::-1]
        return np.ascontiguousarray(picture)

    @staticmethod
    def of_frame(frame: av.video.frame.VideoFrame) -> "Orientation":
        """Read a frame's display matrix.

        FFmpeg's ``libavutil/display.h``: nine int32, row major, a point being a row vector; the first two
        columns of the first two rows, in 16.16 fixed point, turn and mirror. Angles between the quarter
        turns are rounded to the nearest.
        """
        side_data = frame.side_data.get(SideDataType.DISPLAYMATRIX)  # type: ignore[call-overload]  # takes a Type too
        if side_data is None:
            return Orientation()
        matrix = np.frombuffer(side_data, np.int32)
        a, b, c, d = (int(matrix[k]) for k in (0, 1, 3, 4))
        if abs(a) + abs(d) >= abs(b) + abs(c):  # x' = a x, y' = d y
            return Orientation(False, flip_x=a < 0, flip_y=d < 0)
        return Orientation(True, flip_x=c < 0, flip_y=b < 0)  # x' = c y, y' = b x


@dataclass(frozen=True)
class Colour:
    """How YUV stands for colours, as FFmpeg numbers it (H.273): matrix, primaries, transfer; 2 is unspecified."""

    matrix: int
    primaries: int
    transfer: int


UNSPECIFIED: Final = Colour(2, 2, 2)


@dataclass(frozen=True)
class Movie:
    """A movie's first-choice video stream as far as the pipeline needs to know it.

    Attributes:
        path: the file.
        stream: index of the video stream within the file.
        codec: FFmpeg's name of its codec.
        time_base: unit of ``pts``, in s.
        clock_start: the container's start in s; a player's clock shows 0 there.
        width, height: of the upright, square-pixel picture in pixels, even.
        orientation: how a stored picture becomes upright.
        rate: average frame rate in 1/s, for the encoder and for estimates; never for time stamps.
        colour: of its first frame.
        frames: how many, by what the header says; an estimate, for progress bars.
        clock: how the movie's time stamps follow from the file's; known once the packets have been read
            (:meth:`pipeline.media.scan.Packets.timed`). All pts but the file's own are on the movie's clock.
    """

    path: Path
    stream: int
    codec: str
    time_base: Fraction
    clock_start: Fraction
    width: int
    height: int
    orientation: Orientation
    rate: Fraction
    colour: Colour
    frames: int = 1
    clock: FileClock = PLAIN

    @property
    def stored_size(self) -> tuple[int, int]:
        """Width and height of the square-pixel picture before it is turned upright."""
        return (self.height, self.width) if self.orientation.transpose else (self.width, self.height)

    def time_of(self, pts: int) -> float:
        """Return the time in s at which a player's clock shows the frame with this ``pts``."""
        return float(pts * self.time_base - self.clock_start)


def identity(path: Path) -> tuple[str, int, int, int] | None:
    """Return what changes when a file is replaced: its path, number, size and time; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return str(path), status.st_ino, status.st_size, status.st_mtime_ns


@contextmanager
def opened(path: Path) -> Iterator[av.container.InputContainer]:
    """Open a file for reading with FFmpeg's errors translated.

    Raises:
        NotAMovieError: FFmpeg knows no way to read it.
        InputError: the file cannot be opened at all.
    """
    try:
        if path.stat().st_size == 0:
            raise NotAMovieError(f"{path}: expected a movie, found an empty file of 0 bytes")
        container = av.open(str(path.absolute()), metadata_errors="replace")
    except OSError as error:
        # av.error.FFmpegError comes in two families; those that are OSErrors too concern the file system.
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except av.error.FFmpegError as error:
        raise NotAMovieError(
            f"{path}: expected a movie, found data that FFmpeg cannot read: {error.strerror}"
        ) from error
    with container:
        yield container


def video_stream(container: av.container.InputContainer, path: Path) -> av.video.stream.VideoStream:
    """Return the stream that a player would show; cover pictures do not count.

    Raises:
        NotAMovieError: there is none.
    """
    best = container.streams.best("video")
    covers = av.stream.Disposition.attached_pic
    candidates = [s for s in container.streams.video if not s.disposition & covers]
    if isinstance(best, av.video.stream.VideoStream) and best in candidates:
        return best
    if candidates:
        return candidates[0]
    kinds = ", ".join(sorted({_kind(s) for s in container.streams})) or "no streams"
    raise NotAMovieError(f"{path}: expected a video stream, found only {kinds}")


def _kind(stream: av.stream.Stream) -> str:
    return "cover pictures" if stream.type == "video" else str(stream.type)


def data_packets(
    container: av.container.InputContainer, stream: av.video.stream.VideoStream
) -> "Iterator[av.packet.Packet[av.video.stream.VideoStream] | None]":
    """Yield the packets that hold data, and at the end None, which flushes the decoder.

    An empty packet says that the picture before it stays, or that one was dropped; decoders would take it for the end.
    FFmpeg's own program passes it over, too.
    """
    yield from (packet for packet in container.demux(stream) if packet.size)
    yield None


def open_movie(path: Path) -> Movie:
    """Describe the movie at ``path``; decodes its first frame.

    Raises:
        NotAMovieError: it is no movie.
        InputError: it cannot be read, or not one of its frames can be decoded.
    """
    with opened(path) as container:
        if container.format.name in _STILL_FORMATS or container.format.name.endswith("_pipe"):
            raise NotAMovieError(f"{path}: expected a movie, found a picture or text ({container.format.name})")
        stream = video_stream(container, path)
        if stream.codec_context is None:
            raise InputError(f"{path}: this FFmpeg has no decoder for its video")
        frame = _first_frame(container, stream, path)
        return describe(path, container, stream, frame)


def describe(
    path: Path,
    container: av.container.InputContainer,
    stream: av.video.stream.VideoStream,
    frame: av.video.frame.VideoFrame,
) -> Movie:
    """Describe what is open.

    Args:
        path: what to call it: a file, a camera or a stream.
        container: open.
        stream: the one in it that is shown.
        frame: the first one decoded.
    """
    orientation = Orientation.of_frame(frame)
    aspect = stream.sample_aspect_ratio or frame_aspect(stream) or Fraction(1)
    width, height = even(frame.width * aspect), even(Fraction(frame.height))
    if orientation.transpose:
        width, height = height, width
    rate = stream.average_rate or stream.guessed_rate or stream.base_rate or Fraction(25)
    return Movie(
        path=path,
        stream=stream.index,
        codec=stream.codec_context.name,
        time_base=Fraction(stream.time_base or Fraction(1, 1000)),
        clock_start=Fraction(container.start_time or 0, av.time_base),
        width=width,
        height=height,
        orientation=orientation,
        rate=Fraction(rate),
        colour=Colour(int(frame.colorspace) or _SWSCALE_MATRIX, int(frame.color_primaries), int(frame.color_trc)),
        frames=stream.frames or max(1, round(Fraction(container.duration or 0, av.time_base) * Fraction(rate))),
    )


def frame_aspect(stream: av.video.stream.VideoStream) -> Fraction | None:
    """Return the decoder's own sample aspect ratio, where the container has none."""
    aspect = stream.codec_context.sample_aspect_ratio
    return Fraction(aspect) if aspect else None


def even(length: Fraction) -> int:
    """Round a length in pixels to the nearest even number that is at least 2: 4:2:0 pictures have no odd sides."""
    return max(2, 2 * round(length / 2))


def _first_frame(
    container: av.container.InputContainer, stream: av.video.stream.VideoStream, path: Path
) -> av.video.frame.VideoFrame:
    last_words = "it holds no packet of it"
    try:
        for packet in data_packets(container, stream):
            try:
                for frame in stream.codec_context.decode(packet):
                    return frame
            except av.error.FFmpegError as error:
                last_words = str(error.strerror)
    except av.error.FFmpegError as error:
        last_words = str(error.strerror)
    raise InputError(f"{path}: not one frame of its {stream.codec_context.name} video can be decoded: {last_words}")
