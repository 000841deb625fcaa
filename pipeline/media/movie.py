"""Open a movie and describe it: which stream, which clock, which way up."""

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
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

from pipeline.errors import InputError, NotAMovieError
from pipeline.limits import decoder_options, kind_of_file, too_large
from pipeline.media.colour import is_hdr
from pipeline.media.geometry import LONGEST_SIDE, Fit, Orientation, Shape, ShapeReader, fitted, upright_size
from pipeline.media.library_gaps import demuxed
from pipeline.media.manifests.opening import open_container
from pipeline.media.manifests.parts import files_of
from pipeline.media.timing.clock import PLAIN, FileClock

_STILL_FORMATS: Final = ("image2", "tty", "ico")
"""FFmpeg's demuxers that make a "movie" of any picture or text."""


_OWN_PALETTES: Final = ("gif", "png", "apng")
"""Codecs whose pictures have their palettes in them; those of others come with the first packet alone (AVI, MOV)."""

_SWSCALE_MATRIX: Final = 6
"""BT.601, with which RGB pictures (matrix 0) are converted to YUV."""


@dataclass(frozen=True)
class Colour:
    """How YUV stands for colours, as FFmpeg numbers it (H.273): matrix, primaries, transfer; 2 is unspecified."""

    matrix: int
    primaries: int
    transfer: int


UNSPECIFIED: Final = Colour(2, 2, 2)
BT709: Final = Colour(1, 1, 1)


@dataclass(frozen=True)
class Movie:
    """A movie's first-choice video stream as far as the pipeline needs to know it.

    Attributes:
        path: the file.
        stream: index of the video stream within the file.
        codec: FFmpeg's name of its codec.
        time_base: unit of ``pts``, in s.
        clock_start: the container's start in s; a player's clock shows 0 there.
        width, height: of the movie's picture in pixels, even: upright, with square pixels, at most LONGEST_SIDE. It is
            that of the first frame until :func:`pipeline.tables.picture.in_one_picture` has seen them all;
            :class:`Fits` says where frames of other shapes lie in it.
        orientation: how the first frame becomes upright.
        rate: average frame rate in 1/s, for the encoder and for estimates; never for time stamps.
        colour: of its first frame; BT.709 where that is HDR, for so it is shown.
        frames: how many, by what the header says; an estimate, for progress bars.
        shape: of its first frame, as decoded; None where every frame fills the movie's picture.
        aspect: of that frame's pixels, as the container says, or else the decoder.
        hdr: FFmpeg's number of its first frame's transfer if that is HDR, else 0.
        clock: how the movie's time stamps follow from the file's; known once the packets have been read
            (:meth:`pipeline.media.scan.Packets.timed`). All pts but the file's own are on the movie's clock.
        seekable: whether decoding can begin amid the file.
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
    shape: Shape | None = None
    aspect: Fraction = Fraction(1)
    hdr: int = 0
    clock: FileClock = PLAIN
    seekable: bool = True

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of its picture."""
        return self.width, self.height

    def with_picture(self, width: int, height: int) -> "Movie":
        """Return the movie with another picture, to which all its frames are fitted."""
        return replace(self, width=width, height=height)

    @property
    def is_scaled_down(self) -> bool:
        """Whether its picture is smaller than its first frame, for no encoder would take that."""
        if self.shape is None:
            return False
        sides = self.shape.width * self.aspect, Fraction(self.shape.height)
        return max(sides) > LONGEST_SIDE

    def time_of(self, pts: int) -> float:
        """Return the time in s at which a player's clock shows the frame with this ``pts``."""
        return float(pts * self.time_base - self.clock_start)


class Fits:
    """Says where pictures of a movie lie in the movie's picture; for one thread, and in the order of time.

    Best from a key frame on: what a picture does not say of its orientation is that of the picture before, or else that
    of the movie's first frame.
    """

    def __init__(self, movie: Movie) -> None:
        self._movie = movie
        self._reader = ShapeReader(movie.orientation)
        self._known: dict[Shape, Fit] = {}

    def of(self, picture: av.video.frame.VideoFrame) -> Fit:
        """Return where a decoded picture lies."""
        movie = self._movie
        if movie.shape is None:
            return Fit.filling(*movie.size, movie.orientation)
        shape = self._reader.read(picture)
        if shape not in self._known:
            # A container knows of one aspect alone: once the decoder's has changed, that one counts.
            aspect = movie.aspect if shape.aspect == movie.shape.aspect else shape.aspect
            self._known[shape] = fitted(upright_size(shape, aspect), movie.size, shape.orientation)
        return self._known[shape]


def identity(path: Path) -> tuple[object, ...] | None:
    """Return what changes when a file is replaced: its path, number, size and time; None where there is none.

    Of a movie that is several files, those of all.
    """
    facts: list[object] = []
    for part in files_of(path):
        try:
            status = part.stat()
        except OSError:
            if part == path:
                return None
            continue
        facts += [str(part), status.st_ino, status.st_size, status.st_mtime_ns]
    return tuple(facts)


@contextmanager
def opened(path: Path) -> Iterator[av.container.InputContainer]:
    """Open a file for reading with FFmpeg's errors translated.

    Raises:
        NotAMovieError: FFmpeg knows no way to read it.
        InputError: the file cannot be opened at all.
    """
    try:
        status = path.stat()
        if stat.S_IFMT(status.st_mode) not in (stat.S_IFREG, stat.S_IFDIR):
            raise NotAMovieError(f"{path}: expected a movie, found {kind_of_file(status.st_mode)}")
        if status.st_size == 0:
            raise NotAMovieError(f"{path}: expected a movie, found an empty file of 0 bytes")
        container = open_container(path)
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
    yield from (packet for packet in demuxed(container, stream) if packet.size)
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
        width, height = stream.codec_context.width, stream.codec_context.height
        if said := too_large(width, height):
            raise InputError(f"{path}: {said}")
        stream.codec_context.options = decoder_options()
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
    shape = ShapeReader().read(frame)
    aspect = Fraction(stream.sample_aspect_ratio or frame_aspect(stream) or 1)
    width, height = upright_size(shape, aspect)
    rate = stream.average_rate or stream.guessed_rate or stream.base_rate or Fraction(25)
    return Movie(
        path=path,
        stream=stream.index,
        codec=stream.codec_context.name,
        time_base=Fraction(stream.time_base or Fraction(1, 1000)),
        clock_start=Fraction(container.start_time or 0, av.time_base),
        width=width,
        height=height,
        orientation=shape.orientation,
        rate=Fraction(rate),
        colour=BT709 if is_hdr(frame) else _colour(frame),
        frames=stream.frames or max(1, round(Fraction(container.duration or 0, av.time_base) * Fraction(rate))),
        shape=shape,
        aspect=aspect,
        hdr=frame.color_trc if is_hdr(frame) else 0,
        seekable=frame.format.name != "pal8" or stream.codec_context.name in _OWN_PALETTES,
    )


def frame_aspect(stream: av.video.stream.VideoStream) -> Fraction | None:
    """Return the decoder's own sample aspect ratio, where the container has none."""
    aspect = stream.codec_context.sample_aspect_ratio
    return Fraction(aspect) if aspect else None


def _colour(frame: av.video.frame.VideoFrame) -> Colour:
    return Colour(int(frame.colorspace) or _SWSCALE_MATRIX, int(frame.color_primaries), int(frame.color_trc))


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
