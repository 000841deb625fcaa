"""A movie as half-open pts spans: the unit of work, of retry and of resume."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Final

import av.error

from pipeline.media.movie import Movie, opened

FIRST_PTS: Final = -(2**63)
LAST_PTS: Final = 2**63 - 1

_SEEK_GUESSES: Final = ("mpeg",)
"""FFmpeg's demuxers of files without a time stamp for every frame: what they fill in after a seek differs from what
they fill in when reading from the start."""

_SHORTEST: Final = Fraction(2, 5)
"""Seconds between two places at which a movie may be cut. Both sides of each are searched for faces, which would make
movies of nothing but key frames slow."""

_PARTS: Final = 8
_SHORT: Final = Fraction(2)
"""A segment holds an eighth of what is left of the movie, but at least these seconds: workers should end together."""

_END_TOLERANCE: Final = Fraction(1, 2)
"""Seconds by which a healthy file may end before its header says: containers round, and sound may stop early."""


@dataclass(frozen=True)
class Segment:
    """The frames with ``start <= pts < end``.

    Attributes:
        index: 0-based, in the order of time.
        start, end: pts in the movie's time base.
        frames: about how many frames it holds, for progress bars.
        trusted: False where the file's time stamps are missing or contradict each other. Then the segment is
            the whole movie and :mod:`pipeline.media.decode` derives its pts from the order of decoding.
        joints: pts inside of it at which the movie might have been cut as well, rising; see
            :mod:`pipeline.faces.sparse_detection`.
    """

    index: int
    start: int
    end: int
    frames: int
    trusted: bool = True
    joints: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """A name for files, unique within the movie however it is cut.

        Units of work are named by it alone. An untrusted segment has pts of another kind than the movie's only trusted
        one, so they must not share a name, though they share a span.
        """
        if not self.trusted:
            return "untrusted"
        start = "start" if self.is_first else str(self.start)
        return f"{start}_{'end' if self.end == LAST_PTS else self.end}"

    @property
    def is_first(self) -> bool:
        """Whether no frame can come before this segment."""
        return self.start == FIRST_PTS


@dataclass(frozen=True)
class Packets:
    """What is known of a file from reading it once without decoding.

    Attributes:
        keyframes: pts at which decoding can start, ascending; none where only reading from the start of the file
            gives the right time stamps.
        pts: pts of the video packets, ascending.
        trusted: whether every packet has its own time stamp and they go forward.
        fault: why the file ends before its header says it does, or "" where it does not.
    """

    keyframes: Sequence[int]
    pts: Sequence[int]
    trusted: bool
    fault: str


def read_packets(movie: Movie, on_progress: Callable[[], None] = lambda: None) -> Packets:
    """Read every packet of the movie once, which takes as long as reading the file.

    Args:
        movie: to read.
        on_progress: called for every packet.

    Raises:
        InputError: the file cannot be opened.
    """
    pts: list[int] = []
    keyframes: list[int] = []
    trusted, fault = True, ""
    last_dts, end = FIRST_PTS, movie.clock_start
    with opened(movie.path) as container:
        promised = Fraction(container.duration or 0, av.time_base)
        can_seek = container.format.name not in _SEEK_GUESSES
        packets = container.demux()
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                break
            except av.error.FFmpegError as error:
                fault = f"reading stopped: {error.strerror}"
                break
            on_progress()
            stamp = packet.dts if packet.pts is None else packet.pts
            if stamp is not None and packet.time_base:
                end = max(end, (stamp + (packet.duration or 0)) * packet.time_base)
            if packet.stream.index != movie.stream or packet.size == 0:
                continue
            if packet.pts is None or (packet.dts is not None and packet.dts < last_dts):
                trusted = False
                continue
            last_dts = packet.dts if packet.dts is not None else last_dts
            pts.append(packet.pts)
            if packet.is_keyframe and can_seek:
                keyframes.append(packet.pts)
    found = end - movie.clock_start
    if not fault and promised - found > _END_TOLERANCE:
        fault = f"the header promises {float(promised):.1f} s, the data end at {float(found):.1f} s"
    pts.sort()
    trusted = trusted and all(a < b for a, b in pairwise(pts))
    return Packets(sorted(keyframes), pts, trusted, fault)


def as_one(packets: Packets) -> Segment:
    """Return all of a movie whose time stamps cannot be trusted as one segment."""
    return Segment(0, FIRST_PTS, LAST_PTS, len(packets.pts), trusted=False)


def cut(movie: Movie, packets: Packets, seconds: float) -> list[Segment]:
    """Cut a movie at key frames into segments, the last ones shorter; at least one.

    Together they cover all of time, so that no frame can fall between two of them. Cutting at key frames means that no
    worker decodes what another one decodes, except for the neighbours of interlaced frames. That they grow shorter
    keeps workers from waiting for the last one (guided self-scheduling: Polychronopoulos and Kuck 1987).

    Args:
        movie: gives the time base.
        packets: of the movie.
        seconds: length of a segment, about.
    """
    if not packets.trusted:
        return [as_one(packets)]
    first = packets.pts[0] if packets.pts else LAST_PTS
    # Where a movie may be cut must not depend on the length of segments: both sides of each joint are searched.
    joints = _spaced(packets.keyframes, first, max(1, round(_SHORTEST / movie.time_base)))
    length, short = (round(s / movie.time_base) for s in (Fraction(seconds), min(Fraction(seconds), _SHORT)))
    borders, last = [FIRST_PTS], first
    for joint in joints:
        if joint - last >= max(min(length, (packets.pts[-1] - last) // _PARTS), short, 1):
            borders.append(joint)
            last = joint
    borders.append(LAST_PTS)
    return [
        Segment(
            index,
            start,
            end,
            bisect_left(packets.pts, end) - bisect_left(packets.pts, start),
            joints=tuple(joints[bisect_right(joints, start) : bisect_left(joints, end)]),
        )
        for index, (start, end) in enumerate(pairwise(borders))
    ]


def _spaced(places: Sequence[int], first: int, apart: int) -> list[int]:
    """Choose from rising ``places`` those that are at least ``apart`` from the last one chosen, and from ``first``."""
    chosen = []
    last = first
    for place in places:
        if place >= last + apart:
            chosen.append(place)
            last = place
    return chosen
