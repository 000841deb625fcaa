"""Segment -> frames as they are stored: every frame of the span once, in presentation order, its pts untouched."""

from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

import av
import av.container
import av.error
import av.packet
import av.video.frame
import av.video.stream

from pipeline.errors import InputError
from pipeline.media.movie import Movie, identity, opened
from pipeline.media.segments import FIRST_PTS, Segment

_RUN_UPS: Final = (0, 2, 10)
"""Seconds before a segment at which decoding is tried to start; after that, from the start of the file."""


class TimestampError(InputError):
    """The decoder's time stamps do not rise although the packets' did: the movie must be one untrusted segment."""


@dataclass(frozen=True)
class Frame:
    """One decoded picture as it is stored: not yet turned upright, its pixels perhaps not square.

    Attributes:
        pts: when it is shown, in the movie's time base.
        picture: the decoder's picture, any pixel format. Treat as read-only: the decoder may still refer to it.
    """

    pts: int
    picture: av.video.frame.VideoFrame


class DecodeFaults:
    """What went wrong while decoding without stopping it.

    Attributes:
        refused: packets that could not be decoded.
        damaged: pictures that the decoder marked as damaged.
    """

    def __init__(self) -> None:
        self.refused = 0
        self.damaged = 0

    def __str__(self) -> str:
        parts = []
        if self.refused:
            parts.append(f"{self.refused} packets could not be decoded")
        if self.damaged:
            parts.append(f"{self.damaged} frames are damaged")
        return ", ".join(parts)


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
            context = _stream_of(container, movie).codec_context
            context.thread_count, context.thread_type = threads, "AUTO"
            self._opened, self._of = container, needed
        return self._opened


def _stream_of(container: av.container.InputContainer, movie: Movie) -> av.video.stream.VideoStream:
    stream = container.streams[movie.stream]
    assert isinstance(stream, av.video.stream.VideoStream)
    return stream


def decode(
    movie: Movie,
    segment: Segment,
    faults: DecodeFaults,
    threads: int = 1,
    reader: Reader | None = None,
    with_next: bool = False,
) -> Iterator[Frame]:
    """Yield the frames of ``segment`` as they are stored.

    What the pipeline works on comes from :func:`pipeline.media.frames.frames_of`, deinterlaced.

    Args:
        movie: that the segment is of.
        segment: its span.
        faults: counts what cannot be decoded within the span; it is skipped.
        threads: bound on the decoder's.
        reader: may still hold the file from the segment before, and then keeps it for the next one.
        with_next: yield the first frame behind the segment as well; it is decoded anyway.

    Raises:
        InputError: the file cannot be opened (any more).
        TimestampError: a frame is not later than the one before.
    """
    with ExitStack() as stack:
        reader = reader or stack.enter_context(Reader())
        before, sound = str(faults), False
        try:
            if segment.trusted:
                pictures = _pictures(movie, segment, faults, threads, reader)
                yield from _within(movie, segment, pictures, faults, with_next)
            else:
                container = reader.open(movie, threads, reopen=True)
                stream = _stream_of(container, movie)
                yield from _recounted(movie, stream, _frames(container, stream, segment, faults))
            sound = str(faults) == before
        finally:
            if not sound:  # its decoder may remember what went wrong
                reader.close()


def frame_before(movie: Movie, segment: Segment, threads: int = 1) -> Frame | None:
    """Return the last frame before a segment, or None where there is none. Its faults are its own segment's.

    Args:
        movie: that the segment is of.
        segment: that comes after the frame.
        threads: bound on the decoder's.

    Raises:
        InputError: the file cannot be opened (any more).
        TimestampError: a frame is not later than the one before.
    """
    lead = Segment(segment.index, FIRST_PTS, segment.start, 0)
    faults = DecodeFaults()
    with Reader() as reader:
        # From the last tick before: decoding must not start at the segment's own first key frame.
        pictures = _pictures(movie, replace(lead, start=segment.start - 1), faults, threads, reader)
        frames = deque(_within(movie, lead, pictures, faults), maxlen=1)
    return frames[0] if frames else None


def _pictures(
    movie: Movie, segment: Segment, faults: DecodeFaults, threads: int, reader: Reader
) -> Iterator[av.video.frame.VideoFrame]:
    """Yield all pictures from a key frame on that is early enough for ``segment``."""
    for attempt, run_up in enumerate(_run_ups(movie, segment)):
        container = reader.open(movie, threads, reopen=attempt > 0 or run_up is None)
        stream = _stream_of(container, movie)
        if run_up is not None:
            try:
                container.seek(run_up, backward=True, stream=stream)
            except av.error.FFmpegError:
                continue
        refused = faults.refused
        frames = _frames(container, stream, segment, faults)
        if run_up is None:
            yield from frames
            return
        first = _first_keyframe(frames, segment)
        if first is None:
            faults.refused = refused  # the next attempt meets the same packets
            continue
        yield first
        yield from frames
        return


def _run_ups(movie: Movie, segment: Segment) -> list[int | None]:
    """Return where to start reading, best first: pts to seek to, or None for the start of the file."""
    if segment.is_first:
        return [None]
    return [segment.start - round(seconds / movie.time_base) for seconds in _RUN_UPS] + [None]


def _frames(
    container: av.container.InputContainer, stream: av.video.stream.VideoStream, segment: Segment, faults: DecodeFaults
) -> Iterator[av.video.frame.VideoFrame]:
    """Yield all pictures; skip packets that cannot be decoded, and stop where the file cannot be read any further."""
    packets = container.demux(stream)
    readable = True
    while readable:
        packet: av.packet.Packet[av.video.stream.VideoStream] | None = None
        try:
            packet = next(packets, None)
            # demux() ends with an empty packet that flushes the decoder. Where reading breaks off instead, None does.
            readable = packet is not None and packet.size > 0
            pictures = stream.codec_context.decode(packet)
        except av.error.FFmpegError:
            # The neighbours of a segment see its border packets too: each fault is counted by its own segment.
            faults.refused += packet is None or packet.pts is None or segment.start <= packet.pts < segment.end
            continue
        yield from pictures


def _first_keyframe(frames: Iterator[av.video.frame.VideoFrame], segment: Segment) -> av.video.frame.VideoFrame | None:
    """Return the key frame that decoding started from, or None if it comes too late for the segment.

    What a decoder returns before its first key frame depends on pictures that it has not seen.
    """
    for picture in frames:
        if picture.pts is not None and picture.pts > segment.start:
            return None
        if picture.key_frame and picture.pts is not None:
            return picture
    return None


def _within(
    movie: Movie,
    segment: Segment,
    pictures: Iterator[av.video.frame.VideoFrame],
    faults: DecodeFaults,
    with_next: bool = False,
) -> Iterator[Frame]:
    """Yield the pictures of the segment's span and stop at the first one behind it, which may be yielded, too."""
    last: int | None = None
    for picture in pictures:
        if picture.pts is None or (last is not None and picture.pts <= last):
            raise TimestampError(f"{movie.path}: time stamps go from {last} to {picture.pts}, expected them to rise")
        last = picture.pts
        if last >= segment.end:
            if with_next:
                yield Frame(last, picture)
            return
        if last >= segment.start:
            faults.damaged += picture.is_corrupt
            yield Frame(last, picture)


def _recounted(
    movie: Movie, stream: av.video.stream.VideoStream, frames: Iterator[av.video.frame.VideoFrame]
) -> Iterator[Frame]:
    """Yield all pictures with pts derived from the order of decoding.

    A decoder passes on the dts of the packet that completed a picture; those rise by the frame's duration where the
    container has any (AVI). Where it has none (raw H.264) or they fall, the average frame rate continues the count.
    """
    step = max(1, round(1 / (movie.rate * movie.time_base)))
    shift: int | None = None
    last: int | None = None
    for picture in frames:
        if picture.dts is not None and shift is None:
            shift = (stream.start_time or 0) - picture.dts
        pts = None if picture.dts is None or shift is None else picture.dts + shift
        if pts is None or (last is not None and pts <= last):
            pts = 0 if last is None else last + step
        last = pts
        yield Frame(pts, picture)


def shown_for(movie: Movie, pts: list[int]) -> Fraction:
    """Return in s for how long the last of ``pts`` is shown: as long as the one before, or one frame."""
    if len(pts) > 1:
        return (pts[-1] - pts[-2]) * movie.time_base
    return 1 / movie.rate
