"""What the packets of a file tell: its key frames, the time stamps of its pictures, and whether it is whole."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from statistics import median_low
from typing import Final

import av.container
import av.packet
import av.stream

from pipeline.media.losses.absent import Absences
from pipeline.media.losses.promises import is_shown
from pipeline.media.movie import Movie
from pipeline.media.reader import may_step
from pipeline.media.timing.clock import PLAIN, FileClock
from pipeline.media.timing.steps import StepFinder

_SEEK_GUESSES: Final = ("mpeg",)
"""FFmpeg's demuxers of files without a time stamp for every frame: what they fill in after a seek differs from what
they fill in when reading from the start."""

_START_TOLERANCE: Final = Fraction(1)
"""s by which the first packet may be away from where the header says that the file starts."""

_REORDER_S: Final = Fraction(10)
"""s that a picture may wait, once decoded, until it is shown."""

_ABSURD: Final = 10
"""Times by which the frame rate of a header may be wrong before it is no longer believed."""


@dataclass(frozen=True)
class Packets:
    """What reading a file once without decoding tells, all of it on the movie's clock.

    Attributes:
        keyframes: pts at which decoding can start, ascending; none where no other start than the file's gives the
            same time stamps.
        pts: pts of the video packets that hold a picture to be shown, ascending.
        trusted: whether every packet has its own time stamp and they go forward.
        fault: why the file ends before its header says it does, or "" where it does not.
        clock: how the movie's clock follows from the file's.
        begins: in s, when the first picture or sound comes; None where there are no time stamps.
        unstamped: how many packets hold a picture but have no time stamp.
        absent: how many pictures the file should hold and does not, as far as is known.
    """

    keyframes: Sequence[int]
    pts: Sequence[int]
    trusted: bool
    fault: str
    clock: FileClock = PLAIN
    begins: Fraction | None = None
    unstamped: int = 0
    absent: int = 0

    @property
    def count(self) -> int:
        """How many packets hold a picture."""
        return len(self.pts) + self.unstamped

    def timed(self, movie: Movie) -> Movie:
        """Return the movie with the clock that its packets tell of."""
        start = movie.clock_start
        if self.begins is not None and abs(self.begins - start) > _START_TOLERANCE:
            start = self.begins
        return replace(movie, clock=self.clock, clock_start=start, rate=self._rate(movie))

    def _rate(self, movie: Movie) -> Fraction:
        """Return the frame rate; the header's, unless it counts gaps as display time or cannot be."""
        steps = [b - a for a, b in pairwise(self.pts) if b > a]
        if not steps:
            return movie.rate
        usual = 1 / (median_low(steps) * movie.time_base)
        if self.unstamped > len(self.pts):  # then most of what is between two time stamps is several pictures
            usual *= Fraction(self.count, len(self.pts))
        is_absurd = not usual / _ABSURD < movie.rate < usual * _ABSURD
        return usual if is_absurd or self.clock.discontinuities else movie.rate


class Scan:
    """Collects what packets tell."""

    def __init__(self, movie: Movie, container: av.container.InputContainer) -> None:
        """Expect the packets of ``container``, which is open at its start."""
        self._movie = movie
        self._may_step = may_step(container)
        self._steps = StepFinder(self._may_step)
        for stream in container.streams:
            if stream.index == movie.stream or stream.type in ("audio", "subtitle"):
                self._steps.add_stream(stream.index, stream.type, Fraction(stream.time_base or 1))
        self._can_seek = movie.seekable and container.format.name not in _SEEK_GUESSES
        self._absences = Absences(movie, container)
        self._runs: list[tuple[list[int], list[int]]] = []  # pts and key frames of the pictures of each run
        self._last_dts: int | None = None
        self._trusted = True
        self._unstamped = 0

    def add(self, packet: "av.packet.Packet[av.stream.Stream]") -> None:
        """Take the next packet."""
        moment = packet.dts if packet.pts is None else packet.pts
        self._absences.add(packet)
        index, run = packet.stream_index, -1
        if self._steps.follows(index) and packet.size:
            run = self._steps.add(index, packet.dts, packet.pts, packet.duration or 0)
        elif self._steps.follows(index) and moment is not None:  # else the end of the stream
            self._steps.add_empty(index, packet.dts, packet.pts, packet.duration or 0)
        if index != self._movie.stream:
            return
        if packet.size and not packet.is_discard and is_shown(self._movie.codec, packet):
            self._add_picture(packet, max(run, 0))

    def _add_picture(self, packet: "av.packet.Packet[av.stream.Stream]", run: int) -> None:
        while len(self._runs) <= run:
            self._runs.append(([], []))
        # Behind a step of a Matroska file's clock FFmpeg derives decoding times that fall; pictures have their pts.
        falls = not run and packet.dts is not None and self._last_dts is not None and packet.dts < self._last_dts
        self._trusted &= not falls
        if packet.dts is not None and not falls:
            self._last_dts = packet.dts
        if packet.pts is None or self._is_wrong(packet):
            self._unstamped += 1
            self._trusted = False
            return
        pts, keyframes = self._runs[run]
        pts.append(packet.pts)
        if packet.is_keyframe and self._can_seek:
            keyframes.append(packet.pts)

    def _is_wrong(self, packet: "av.packet.Packet[av.stream.Stream]") -> bool:
        """Whether a pts is far from its dts, where both come from the file: a parser took it for another picture's."""
        if not self._may_step or packet.pts is None or packet.dts is None or packet.time_base is None:
            return False
        return abs(packet.pts - packet.dts) * packet.time_base > _REORDER_S

    def finish(self, fault: str) -> Packets:
        """Return what was found; ``fault`` says why reading stopped before the end, if it did."""
        movie = self._movie
        frame = max(1, round(1 / (movie.rate * movie.time_base)))
        clock, shifts = self._steps.joined(movie.stream, [pts for pts, _ in self._runs], frame)
        moved = list(zip(self._runs, shifts, strict=True))
        pts = sorted(p + shift for (run, _), shift in moved for p in run)
        keyframes = sorted(p + shift for (_, run), shift in moved for p in run)
        said, absent = self._absences.finish(
            [run for run, _ in self._runs], pts[-1] * movie.time_base if pts else Fraction(0)
        )
        starts = [pts[0] * movie.time_base if pts else None, self._steps.sound_begins(clock)]
        return Packets(
            keyframes=keyframes if clock.seekable(movie.stream) else [],
            pts=pts,
            trusted=self._trusted and all(a < b for a, b in pairwise(pts)),
            fault=fault or said,
            absent=absent,
            clock=clock,
            begins=min((start for start in starts if start is not None), default=None),
            unstamped=self._unstamped,
        )
