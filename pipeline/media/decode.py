"""Segment -> frames as they are stored: every frame of the span once, in presentation order, its pts untouched."""

from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from fractions import Fraction
from typing import Final

import av
import av.container
import av.error
import av.packet
import av.video.frame
import av.video.stream

from pipeline.errors import InputError
from pipeline.media.library_gaps import demuxed
from pipeline.media.losses.faults import Counts, DecodeFaults
from pipeline.media.movie import Movie
from pipeline.media.reader import Reader, may_step, stream_of
from pipeline.media.segments import FIRST_PTS, Segment
from pipeline.media.timing.clock import StampMover
from pipeline.media.timing.recount import Frame, recounted

__all__ = ["DecodeFaults", "Frame", "Reader", "TimestampError", "decode", "frame_before", "shown_for"]

_RUN_UPS: Final = (0, 2, 10)
"""Seconds before a segment at which decoding is tried to start; after that, from the start of the file."""


class TimestampError(InputError):
    """The decoder's time stamps do not rise although the packets' did: the movie must be one untrusted segment."""


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
        threads: bound on the decoder's; which pictures come out does not depend on it.
        reader: may still hold the file from the segment before, and then keeps it for the next one.
        with_next: yield the first frame behind the segment as well; it is decoded anyway.

    Raises:
        InputError: the file cannot be opened (any more).
        TimestampError: a frame is not later than the one before.
    """
    with ExitStack() as stack:
        reader = reader or stack.enter_context(Reader())
        counts, sound, last = Counts(faults, movie.codec), False, FIRST_PTS
        try:
            # Where several threads meet an error, the pictures that are then on their way get lost. And what was
            # decoded when a picture came out, which untrusted ones are counted by, depends on the number of threads.
            for at_once in sorted({threads if segment.trusted else 1, 1}, reverse=True):
                counts.restart(at_once)
                for frame in _attempt(movie, segment, counts, reader, with_next):
                    if frame.pts > last:
                        if frame.pts < segment.end:
                            counts.add_frame(frame)
                        last = frame.pts
                        yield frame
                if not counts.in_doubt:
                    break
            sound = counts.settle(segment.frames, segment.trusted)
        finally:
            if not sound:  # its decoder may remember what went wrong
                reader.close()


def _attempt(movie: Movie, segment: Segment, counts: Counts, reader: Reader, with_next: bool) -> Iterator[Frame]:
    if segment.trusted:
        return _within(movie, segment, _pictures(movie, segment, counts, reader), with_next)
    container = reader.open(movie, counts.threads, reopen=True)
    start = stream_of(container, movie).start_time or 0
    step = max(1, round(1 / (movie.rate * movie.time_base)))
    return recounted(step, start, _frames(movie, container, segment, counts))


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
        counts = Counts(faults, movie.codec)
        frames: deque[Frame] = deque(maxlen=1)
        for at_once in sorted({threads, 1}, reverse=True):
            counts.restart(at_once)
            pictures = _pictures(movie, replace(lead, start=segment.start - 1), counts, reader)
            frames = deque(_within(movie, lead, pictures), maxlen=1)
            if not counts.in_doubt:
                break
    return frames[0] if frames else None


def _pictures(movie: Movie, segment: Segment, counts: Counts, reader: Reader) -> Iterator[av.video.frame.VideoFrame]:
    """Yield all pictures from a key frame on that is early enough for ``segment``."""
    for attempt, run_up in enumerate(_run_ups(movie, segment)):
        container = reader.open(movie, counts.threads, reopen=attempt > 0 or run_up is None)
        if run_up is not None:
            try:
                container.seek(run_up, backward=True, stream=stream_of(container, movie))
            except av.error.FFmpegError:
                continue
        counts.restart(amid=run_up is not None)
        frames = _frames(movie, container, segment, counts)
        if run_up is None:
            yield from frames
            return
        first = _first_keyframe(frames, segment)
        if first is None:
            continue
        yield first
        yield from frames
        return


def _run_ups(movie: Movie, segment: Segment) -> list[int | None]:
    """Return where to start reading, best first: file pts to seek to, or None for the start of the file."""
    if segment.is_first or not (movie.seekable and movie.clock.seekable(movie.stream)):
        return [None]
    mover = StampMover(movie.clock, movie.stream, movie.time_base)
    return [mover.to_file(segment.start - round(seconds / movie.time_base)) for seconds in _RUN_UPS] + [None]


def _frames(
    movie: Movie, container: av.container.InputContainer, segment: Segment, counts: Counts
) -> Iterator[av.video.frame.VideoFrame]:
    """Yield all pictures; skip packets that cannot be decoded, and stop where the file cannot be read any further."""
    stream, faults = stream_of(container, movie), counts.faults
    torn: set[int | None] = set()  # pts of pictures of which the file has a part
    for packet in _packets(movie, container, counts):
        # The neighbours of a segment see its border packets too: each fault is counted by its own segment.
        own = packet is None or packet.pts is None or segment.start <= packet.pts < segment.end
        if packet is not None and not packet.is_discard:
            counts.add_packet(packet, own)
            if packet.is_corrupt and not may_step(container):
                torn.add(packet.pts)
        try:
            pictures = stream.codec_context.decode(packet)
        except av.error.FFmpegError:
            faults.refused += own
            counts.met_refusal = True
            if counts.threads > 1:
                counts.in_doubt = True
                return
            continue
        for picture in pictures:
            if picture.pts is None or segment.start <= picture.pts < segment.end:
                faults.damaged += picture.is_corrupt or (picture.pts is not None and picture.pts in torn)
            else:
                counts.goes_on |= picture.pts >= segment.end
            yield picture
    counts.in_doubt = counts.threads > 1 and counts.loss(segment.trusted).missing > 0


def _packets(
    movie: Movie, container: av.container.InputContainer, counts: Counts
) -> "Iterator[av.packet.Packet[av.video.stream.VideoStream] | None]":
    """Yield the packets that hold data, their stamps on the movie's clock; at the end None, which flushes the decoder.

    Empty ones are passed over, as in :func:`pipeline.media.movie.data_packets`.
    """
    mover = StampMover(movie.clock, movie.stream, movie.time_base)
    from_start = not movie.clock.starts
    number = -1
    shift: int | None = None
    packets = demuxed(container, stream_of(container, movie))
    while True:
        try:
            packet = next(packets, None)
        except av.error.FFmpegError:
            counts.faults.refused += 1
            packet = None
        if packet is None:
            break
        number += packet.size > 0 or packet.pts is not None or packet.dts is not None  # as a Scan counts
        if not packet.size:
            continue
        if movie.clock.pieces:
            before = shift
            if from_start:
                shift = mover.by_number(number)
            elif packet.pts is not None:
                shift = mover.by_pts(packet.pts)
            if before is not None and shift != before:
                counts.promises.step()
            packet.pts = None if packet.pts is None else packet.pts + (shift or 0)
            packet.dts = None if packet.dts is None else packet.dts + (shift or 0)
        yield packet
    yield None


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
            yield Frame(last, picture)


def shown_for(movie: Movie, pts: list[int]) -> Fraction:
    """Return in s for how long the last of ``pts`` is shown: as long as the one before, or one frame."""
    if len(pts) > 1:
        return (pts[-1] - pts[-2]) * movie.time_base
    return 1 / movie.rate
