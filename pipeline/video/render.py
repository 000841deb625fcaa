"""One segment + the timeline -> an encoded part of the annotated video. What is drawn is what the table says."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import av.error
import av.video.frame
import av.video.stream
import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from av.video.reformatter import ColorRange, Colorspace, Interpolation
from numpy.typing import NDArray

from pipeline.errors import FfmpegError
from pipeline.media.colour import Converter
from pipeline.media.decode import DecodeFaults, Reader
from pipeline.media.frames import frames_of
from pipeline.media.geometry import Fit
from pipeline.media.movie import Fits, Movie
from pipeline.media.segments import Segment
from pipeline.video.copies import Copies, Stretch, write_copy
from pipeline.video.draw import Planes, draw_faces
from pipeline.video.encoders import ENCODERS, encoder_options
from pipeline.video.h264 import ENCODER_SETS
from pipeline.video.join import exact_time_base, join
from pipeline.video.plan import LABEL_COLUMNS, LabelledFace, labelled_face

_KEYFRAME_EVERY = 2
"""Seconds between key frames, so that a player can jump about in the video at once."""

_FINEST_EXACT = Fraction(1, 10_000)

_BLACK = (16, 128, 128)
"""Y, U, V in limited range."""


@dataclass(frozen=True)
class EncoderOptions:
    """x264's constant rate factor (0 lossless .. 51), its preset, the most threads, and which encoder it is.

    ``beside_others`` is for parts that are joined to copied ones: see :mod:`pipeline.video.copies`.
    """

    crf: int = 23
    preset: str = "veryfast"
    threads: int = 1
    encoder: str = "x264"
    beside_others: bool = False

    @property
    def allows_copies(self) -> bool:
        """Whether what it encodes goes beside copied stretches.

        What is lossless does not: FFmpeg's decoder (up to 9.0 at least) goes on with the tables of what came before.
        """
        return self.encoder == "x264" and self.crf > 0


def output_time_base(movie: Movie) -> Fraction:
    """Return the time base of the annotated video.

    The source's own, where the container's start is a whole number of its ticks or they are fine anyway; else the
    customary 1/90000 s.
    """
    exact = (movie.clock_start / movie.time_base).denominator == 1
    return movie.time_base if exact or movie.time_base <= _FINEST_EXACT else Fraction(1, 90_000)


def render(
    movie: Movie,
    segment: Segment,
    timeline: Path,
    out: Path,
    options: EncoderOptions,
    on_frame: Callable[[], None] = lambda: None,
    reader: Reader | None = None,
    copies: Copies | None = None,
) -> int:
    """Draw a timeline on the frames of a segment and encode them, but for stretches that are copied.

    Args:
        movie: that the segment is of.
        segment: its span.
        timeline: table of the whole movie.
        out: mp4 to write, without sound; its pts count from the container's start in :func:`output_time_base`.
        options: of the encoder.
        on_frame: called after each frame.
        reader: keeps the movie open for the next segment.
        copies: what of the whole movie is copied.

    Returns:
        The number of frames; where it is 0 there is no file.

    Raises:
        InputError: the movie cannot be read.
        FfmpegError: the encoder refuses.
    """
    if copies:
        options = replace(options, beside_others=True)
        if stretches := copies.within(segment):
            return _render_around(movie, segment, stretches, timeline, out, options, on_frame, reader)
    faces = read_faces(timeline, segment)
    upright = Upright(movie)
    time_base = output_time_base(movie)
    writer: PartWriter | None = None
    try:
        for frame in frames_of(movie, segment, DecodeFaults(), options.threads, reader):
            picture = upright.yuv420p(frame.picture)
            if seen := faces.get(frame.pts):  # else the picture need not even be copied
                draw_faces(Planes.of_frame(picture), seen)
            if writer is None:
                writer = PartWriter(out, movie, time_base, options)
            writer.write(picture, round((frame.pts * movie.time_base - movie.clock_start) / time_base))
            on_frame()
        if writer is None:
            return 0
        writer.finish()
        return writer.frames
    except av.error.FFmpegError as error:
        raise FfmpegError(f"{movie.path}: the annotated video cannot be encoded: {error}") from error
    finally:
        if writer is not None:
            writer.close()


def _render_around(
    movie: Movie,
    segment: Segment,
    stretches: Sequence[Stretch],
    timeline: Path,
    out: Path,
    options: EncoderOptions,
    on_frame: Callable[[], None],
    reader: Reader | None,
) -> int:
    """Copy stretches of a segment, encode what is between them, and join all of it."""
    frames = _frames_of(timeline, segment)
    pieces: list[Segment | Stretch] = []
    start = segment.start
    for stretch in stretches:
        pieces += [_part_of(segment, start, stretch.start, frames), stretch]
        start = stretch.end
    pieces.append(_part_of(segment, start, segment.end, frames))
    pieces = [piece for piece in pieces if piece.frames]
    files = [out.with_name(f"{out.name}.{number}") for number in range(len(pieces))]
    try:
        for piece, file in zip(pieces, files, strict=True):
            if isinstance(piece, Segment):
                render(movie, piece, timeline, file, options, on_frame, reader)
            else:
                first = int(np.searchsorted(frames, piece.start))
                copied: list[int] = frames[first : first + piece.frames].tolist()
                write_copy(movie, copied, file, output_time_base(movie), reader)
                for _ in range(piece.frames):
                    on_frame()
        if len(files) == 1:
            files[0].rename(out)
        else:
            join(files, out)
        return len(frames)
    finally:
        for file in files:
            file.unlink(missing_ok=True)


def _part_of(segment: Segment, start: int, end: int, frames: NDArray[np.int64]) -> Segment:
    count = int(np.searchsorted(frames, end) - np.searchsorted(frames, start))
    return replace(segment, start=start, end=end, frames=count, joints=())


def _frames_of(timeline: Path, segment: Segment) -> NDArray[np.int64]:
    """Return the pts of a segment's frames, rising."""
    span = (pc.field("pts") >= segment.start) & (pc.field("pts") < segment.end)
    return np.unique(pq.read_table(timeline, columns=["pts"], filters=span)["pts"].to_numpy())


def read_faces(timeline: Path, segment: Segment) -> dict[int, list[LabelledFace]]:
    """Return what the table says about the frames of ``segment``: faces by pts; frames without one are left out."""
    span = (pc.field("pts") >= segment.start) & (pc.field("pts") < segment.end) & pc.field("track").is_valid()
    faces: dict[int, list[LabelledFace]] = {}
    for row in pq.read_table(timeline, columns=list(LABEL_COLUMNS), filters=span).to_pylist():
        faces.setdefault(row["pts"], []).append(labelled_face(row))
    return faces


class Upright:
    """Turns decoded pictures into the movie's picture: upright, square pixels, one size, yuv420p.

    Pictures of another shape than the movie's lie between black bars. HDR becomes BT.709.
    """

    def __init__(self, movie: Movie) -> None:
        self._movie = movie
        self._fits = Fits(movie)
        self._converter = Converter(Interpolation.BILINEAR)
        # A movie that begins with HDR is one of BT.709 throughout.
        self._matrix = Colorspace.ITU709 if movie.hdr else None

    def yuv420p(self, picture: av.video.frame.VideoFrame) -> av.video.frame.VideoFrame:
        """Return the movie's picture, limited range. Its memory may be the decoder's own: see ``Planes.of_frame``."""
        fit = self._fits.of(picture)
        converted = self._converter.yuv420p(picture, fit.stored(fit.width, fit.height), self._matrix)
        fills = (fit.width, fit.height) == self._movie.size
        return converted if fills and fit.orientation.is_upright else self._placed(converted, fit)

    def _placed(self, picture: av.video.frame.VideoFrame, fit: Fit) -> av.video.frame.VideoFrame:
        """Return a picture upright and in its place; around it there is black."""
        whole = av.video.frame.VideoFrame(*self._movie.size, "yuv420p")
        for number, (source, target) in enumerate(zip(picture.planes, whole.planes, strict=True)):
            cell = 2 if number else 1
            x, y, width, height = (side // cell for side in (fit.x, fit.y, fit.width, fit.height))
            pixels = _pixels(target)
            if (width, height) != (target.width, target.height):
                pixels[:] = _BLACK[number]
            pixels[y : y + height, x : x + width] = fit.orientation.apply(_pixels(source))
        return whole


def _pixels(plane: av.video.plane.VideoPlane) -> NDArray[np.uint8]:
    """Return a plane's pixels ``(h, w)`` as a view without the padding of its lines."""
    pixels = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)  # type: ignore[call-overload]
    return np.asarray(pixels[: plane.height, : plane.width])


class PartWriter:
    """Encodes pictures to a part of an annotated video: an mp4 file without sound.

    Attributes:
        frames: how many were written.
    """

    def __init__(self, out: Path, movie: Movie, time_base: Fraction, options: EncoderOptions) -> None:
        """Open ``out``.

        Args:
            out: mp4 to write.
            movie: gives size, rate and colours.
            time_base: of the pts written, in s.
            options: of the encoder.
        """
        self.frames = 0
        self._time_base = time_base
        self._container = av.open(str(out), "w", format="mp4", options=exact_time_base(time_base))
        stream = self._container.add_stream(ENCODERS[options.encoder], rate=_encoder_rate(movie.rate))
        assert isinstance(stream, av.video.stream.VideoStream)
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = movie.width, movie.height, "yuv420p"
        context.time_base = time_base
        context.thread_count = options.threads
        context.gop_size = max(1, round(movie.rate * _KEYFRAME_EVERY))
        context.options = encoder_options(options.encoder, options.crf, options.preset)
        if options.beside_others:
            context.options = {**context.options, "x264-params": f"mbtree=0:sps-id={ENCODER_SETS}"}
        context.color_range = ColorRange.MPEG
        # The movie's, not the frame's: all parts must have the same header, or they could not be joined.
        context.colorspace, context.color_primaries = movie.colour.matrix, movie.colour.primaries
        context.color_trc = movie.colour.transfer
        self._stream = stream

    def write(self, picture: av.video.frame.VideoFrame, pts: int) -> None:
        """Take the next picture, yuv420p in the movie's size; ``pts`` in the writer's time base, rising."""
        picture.pts, picture.time_base = pts, self._time_base
        picture.pict_type = 0  # the source's choice of key frames is not the encoder's
        self._container.mux(self._stream.encode(picture))
        self.frames += 1

    def finish(self) -> None:
        """Write what the encoder still holds."""
        self._container.mux(self._stream.encode(None))

    def close(self) -> None:
        """Close the file, finished or not."""
        self._container.close()


def _encoder_rate(rate: Fraction) -> Fraction:
    """Return a frame rate that an encoder can store; it serves rate control alone."""
    return rate.limit_denominator(60_000)
