"""Stretches of an H.264 movie without faces: copied into the annotated video as they are, not encoded again.

That is exact, and costs next to nothing. It needs pictures that are shown as they are stored, and stretches that depend
on nothing else: from a key frame with which a decoder begins anew (IDR) up to any picture such that all that are stored
before it are also shown before it. Both streams have their parameter sets under different numbers in one header, as
MP4 provides for (ISO/IEC 14496-15), so ``avc1`` remains what it says.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import accumulate
from pathlib import Path
from typing import Final

import av
import av.error
import numpy as np
import pyarrow.parquet as pq
from av.packet import Packet
from numpy.typing import NDArray

from pipeline.errors import FfmpegError
from pipeline.media.library_gaps import demuxed
from pipeline.media.movie import Movie, opened
from pipeline.media.reader import Reader, stream_of
from pipeline.media.segments import LAST_PTS, Segment
from pipeline.video import h264
from pipeline.video.join import exact_time_base

_SHORTEST: Final = Fraction(1)
"""s; x264 must begin anew behind a stretch, with a key frame that costs more than some frames do."""

_LONGEST: Final = Fraction(12)
"""s from a key frame to the end of a stretch: whoever jumps there waits for all of them to be decoded."""

_MOST_REORDERED: Final = 16
"""Pictures that a decoder holds at most until they are shown (A.3.1)."""

_HARMLESS_SEI: Final = frozenset({0, 1, 4, 5, 6})
"""Types of messages (table D-1) that change nothing of what is shown: times, captions, texts, where to begin."""


@dataclass(frozen=True)
class Stretch:
    """Frames with ``start <= pts < end``, and how many these are."""

    start: int
    end: int
    frames: int


@dataclass(frozen=True)
class Copies:
    """What is copied of a movie: stretches in the order of time, each beginning with its only key frame."""

    stretches: tuple[Stretch, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.stretches)

    def within(self, segment: Segment) -> list[Stretch]:
        """Return the stretches of a segment, neighbours joined."""
        found: list[Stretch] = []
        for one in self.stretches:
            if segment.start <= one.start and one.end <= segment.end:
                joins = bool(found) and found[-1].end == one.start
                last = found.pop() if joins else Stretch(one.start, one.start, 0)
                found.append(Stretch(last.start, one.end, last.frames + one.frames))
        return found


@dataclass
class _Group:
    """A key frame that decoding may begin with, and what is stored from it to the next one."""

    pts: list[int] = field(default_factory=list)  # in the order of decoding
    broken_at: int | None = None  # place of the first packet that cannot be copied


def plan_copies(movie: Movie, timeline: Path, on_progress: Callable[[], None] = lambda: None) -> Copies:
    """Find what can be copied; reads all packets, if there is a second without faces.

    Args:
        movie: with the picture that its tables are in.
        timeline: its table of faces.
        on_progress: called for every packet.

    Returns:
        The same stretches wherever the movie is cut into segments.

    Raises:
        InputError: the movie cannot be read (any more).
    """
    if not _is_shown_as_stored(movie):
        return Copies()
    frames, with_face = _frames_of(timeline)
    seconds = (len(frames) - len(with_face)) / movie.rate
    if seconds < _SHORTEST:
        return Copies()
    groups = _read_groups(movie, on_progress)
    longest, shortest = round(_LONGEST / movie.time_base), _SHORTEST / movie.time_base
    runs: list[list[Stretch]] = [[]]
    for number, group in enumerate(groups):
        following = groups[number + 1].pts[0] if number + 1 < len(groups) else None
        stretch = _copyable(group, following, with_face, longest)
        inside = frames[bisect_left(frames, stretch.start) : bisect_left(frames, stretch.end)]
        if stretch.frames == 0 or sorted(group.pts[: stretch.frames]) != inside:
            continue
        if runs[-1] and runs[-1][-1].end != stretch.start:
            runs.append([])
        runs[-1].append(stretch)
    long = [run for run in runs if run and run[-1].end - run[0].start >= shortest]
    # Key frames that follow each other would need numbers that differ (idr_pic_id): single pictures are not copied.
    plain = [run for run in long if min(one.frames for one in run) > 1]
    return Copies(tuple(stretch for run in plain for stretch in run))


def _is_shown_as_stored(movie: Movie) -> bool:
    shape = movie.shape
    return (
        movie.codec == "h264"
        and shape is not None
        and shape.orientation.is_upright
        and (shape.width, shape.height) == movie.size
        and movie.aspect == 1
        and not movie.hdr
        and not movie.clock.pieces
    )


def _frames_of(timeline: Path) -> tuple[list[int], list[int]]:
    """Return the pts of all frames of a timeline, and of those with a face; both rise."""
    table = pq.read_table(timeline, columns=["pts", "track"])
    pts: NDArray[np.int64] = table["pts"].to_numpy()
    seen = np.asarray(table["track"].is_valid().to_numpy(zero_copy_only=False), bool)
    return np.unique(pts).tolist(), np.unique(pts[seen]).tolist()


def _read_groups(movie: Movie, on_progress: Callable[[], None]) -> list[_Group]:
    """Read what can be copied, face or not; nothing of a stream that is not plain throughout."""
    groups: list[_Group] = []
    with opened(movie.path) as container:
        stream = stream_of(container, movie)
        record = h264.Record.parse(stream.codec_context.extradata)
        if record is None or not _is_plain(record, movie):
            return []
        try:
            for packet in demuxed(container, stream):
                on_progress()
                if not packet.size:
                    continue
                nals = list(h264.nals_of(memoryview(packet), record.length_size))
                if packet.pts is None or not _keeps_to(record, nals):
                    return []
                begins = any(nal[0] & 0x1F == h264.IDR_SLICE for nal in nals)
                if begins:
                    groups.append(_Group())
                if groups:
                    group = groups[-1]
                    # Segments may begin at any key frame, and must not part what is copied.
                    bad = packet.is_discard or packet.is_corrupt or (packet.is_keyframe and not begins)
                    if bad and group.broken_at is None:
                        group.broken_at = len(group.pts)
                    group.pts.append(packet.pts)
        except (av.error.FFmpegError, ValueError):
            return []
    return groups


def _is_plain(record: h264.Record, movie: Movie) -> bool:
    """Whether pictures are coded as x264 codes them, and mean the same colours."""
    try:
        (sps,) = [h264.read_sps(nal) for nal in record.sps]
        taken = record.has_number(h264.ENCODER_SETS)
    except ValueError:  # another number of them, too
        return False
    colour = movie.colour.primaries, movie.colour.transfer, movie.colour.matrix
    return sps.is_plain and sps.is_square and not sps.full_range and sps.colour == colour and not taken


def _keeps_to(record: h264.Record, nals: Sequence[memoryview]) -> bool:
    """Whether a packet holds nothing but pictures as the record describes them."""
    for nal in nals:
        kind = nal[0] & 0x1F
        if kind in (h264.SPS, h264.PPS):
            if nal not in (*record.sps, *record.pps):
                return False
        elif kind == h264.SEI:
            if not h264.sei_types(bytes(nal)) <= _HARMLESS_SEI:
                return False
        elif kind not in (h264.SLICE, h264.IDR_SLICE, h264.DELIMITER, h264.FILLER):
            return False
    return True


def _copyable(group: _Group, following: int | None, with_face: Sequence[int], longest: int) -> Stretch:
    """Return what of a group can be copied, from its beginning on: perhaps nothing.

    Args:
        group: in the order of decoding.
        following: pts of the key frame behind it.
        with_face: pts of all frames with a face, rising.
        longest: of the stretch, in pts.
    """
    pts, start = group.pts, group.pts[0]
    place = bisect_left(with_face, start)
    limit = min([start + longest, *with_face[place : place + 1]])
    latest = list(accumulate(pts, max))  # of what is stored up to here
    earliest = list(accumulate([LAST_PTS if following is None else following, *reversed(pts[1:])], min))[::-1]  # behind
    most = len(pts) if group.broken_at is None else group.broken_at
    if min(pts) < start or latest[-1] >= earliest[-1]:
        return Stretch(start, start, 0)  # pictures of one group are shown amid those of another
    for count in range(most, 0, -1):
        if latest[count - 1] < min(earliest[count - 1], limit):
            end = earliest[count - 1] if following is not None or count < len(pts) else latest[-1] + 1
            return Stretch(start, end, count)
    return Stretch(start, start, 0)


def write_copy(
    movie: Movie, frames: Sequence[int], out: Path, time_base: Fraction, reader: Reader | None = None
) -> None:
    """Copy what was planned.

    Args:
        movie: that it is of.
        frames: pts of the frames of a stretch, or of several in a row, rising.
        out: mp4 to write, without sound; its pts count from the container's start. Its dts are only good for being
            joined.
        time_base: of its pts, in s.
        reader: keeps the movie open for what follows.

    Raises:
        InputError: the movie cannot be opened (any more).
        FfmpegError: what is there is not what was planned.
    """
    with ExitStack() as stack:
        reader = reader or stack.enter_context(Reader())
        source = reader.open(movie, 1, reopen=False)
        stream = stream_of(source, movie)
        record = h264.Record.parse(stream.codec_context.extradata)
        assert record is not None
        source.seek(frames[0], backward=True, stream=stream)
        sink = stack.enter_context(av.open(str(out), "w", format="mp4", options=exact_time_base(time_base)))
        target = sink.add_stream_from_template(stream)
        target.codec_context.extradata = replace(record, length_size=4).to_bytes()
        target.time_base = time_base
        count = 0
        for packet in demuxed(source, stream):
            if not packet.size or (count == 0 and packet.pts != frames[0]):
                continue
            if count == len(frames) or packet.pts is None or not frames[0] <= packet.pts <= frames[-1]:
                break
            pictures = (h264.SLICE, h264.IDR_SLICE, h264.SEI)
            nals = [nal for nal in h264.nals_of(memoryview(packet), record.length_size) if nal[0] & 0x1F in pictures]
            copy = Packet(h264.packed(nals))
            before = count - _MOST_REORDERED
            dts = frames[before] if before >= 0 else frames[0] + before
            copy.pts, copy.dts = _moved(packet.pts, movie, time_base), _moved(dts, movie, time_base)
            copy.time_base, copy.is_keyframe, copy.stream = time_base, packet.is_keyframe, target
            sink.mux(copy)
            count += 1
        if count != len(frames):
            raise FfmpegError(
                f"{movie.path}: expected {len(frames)} pictures to copy from pts {frames[0]} on, found {count}"
            )


def _moved(stamp: int, movie: Movie, time_base: Fraction) -> int:
    return round((stamp * movie.time_base - movie.clock_start) / time_base)
