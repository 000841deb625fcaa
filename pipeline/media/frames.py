"""Segment -> the frames that analysis and drawing see: those of its span, deinterlaced, however the movie is cut.

A deinterlaced frame depends on the frames before and after it. Those of a segment's first and last frame belong to
other segments, so they are decoded here as well, but only if that frame is interlaced: progressive movies decode
nothing twice. Pictures stay as they are stored; turning them upright is cheaper once they are scaled.
"""

from collections.abc import Iterator

from pipeline.media.decode import DecodeFaults, Frame, Reader, decode, frame_before
from pipeline.media.deinterlace import deinterlaced
from pipeline.media.movie import Movie
from pipeline.media.segments import Segment


def frames_of(
    movie: Movie, segment: Segment, faults: DecodeFaults, threads: int = 1, reader: Reader | None = None
) -> Iterator[Frame]:
    """Yield the frames of ``segment``, the same ones pixel by pixel wherever the movie is cut.

    Args:
        movie: that the segment is of.
        segment: its span.
        faults: counts what cannot be decoded within the span; it is skipped.
        threads: bound on those of the decoder and of the deinterlacer.
        reader: keeps the movie open for the next segment.

    Raises:
        InputError: the file cannot be opened (any more).
        TimestampError: a frame is not later than the one before.
    """
    for frame in deinterlaced(_with_neighbours(movie, segment, faults, threads, reader), threads):
        if segment.start <= frame.pts < segment.end:
            yield frame


def _with_neighbours(
    movie: Movie, segment: Segment, faults: DecodeFaults, threads: int, reader: Reader | None
) -> Iterator[Frame]:
    """Yield the frames of ``segment`` and the one after it, and the one before it if the first frame needs it."""
    frames = decode(movie, segment, faults, threads, reader, with_next=True)
    first = next(frames, None)
    if first is None:
        return
    if first.picture.interlaced_frame and not segment.is_first:
        before = frame_before(movie, segment, threads)
        if before is not None:
            yield before
    yield first
    yield from frames
