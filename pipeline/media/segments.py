"""A movie as half-open pts spans: the unit of work, of retry and of resume."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Final

import av.error

from pipeline.media.library_gaps import demuxed
from pipeline.media.manifests.loss import loss_of
from pipeline.media.movie import Movie, opened
from pipeline.media.scan import Packets, Scan

__all__ = ["FIRST_PTS", "LAST_PTS", "Packets", "Segment", "as_one", "cut", "read_packets"]

FIRST_PTS: Final = -(2**63)
LAST_PTS: Final = 2**63 - 1

_SHORTEST: Final = Fraction(2, 5)
"""Seconds between two places at which a movie may be cut. Both sides of each are searched for faces, which would make
movies of nothing but key frames slow."""

_PARTS: Final = 8
_SHORT: Final = Fraction(2)
"""A segment holds an eighth of what is left of the movie, but at least these seconds: workers should end together."""


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


def read_packets(movie: Movie, on_progress: Callable[[], None] = lambda: None) -> Packets:
    """Read every packet of the movie once; the price is that of reading the file.

    ``on_progress`` is called for every packet.

    Raises:
        InputError: the file cannot be opened.
    """
    fault = ""
    with opened(movie.path) as container:
        scan = Scan(movie, container)
        packets = demuxed(container)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                break
            except av.error.FFmpegError as error:
                fault = f"reading stopped: {error.strerror}"
                break
            on_progress()
            scan.add(packet)
        return scan.finish(fault or loss_of(movie.path))


def as_one(packets: Packets) -> Segment:
    """Return all of a movie whose time stamps cannot be trusted as one segment."""
    joints = tuple(discontinuity.pts for discontinuity in packets.clock.discontinuities)
    return Segment(0, FIRST_PTS, LAST_PTS, packets.count, trusted=False, joints=joints)


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
    places = _spaced(packets.keyframes, first, max(1, round(_SHORTEST / movie.time_base)))
    joints = sorted({*places, *(discontinuity.pts for discontinuity in packets.clock.discontinuities)})
    length, short = (round(s / movie.time_base) for s in (Fraction(seconds), min(Fraction(seconds), _SHORT)))
    borders, last = [FIRST_PTS], first
    for joint in places:
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
