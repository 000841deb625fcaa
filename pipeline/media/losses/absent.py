"""Pictures that a file should hold and does not: by its index, its header, or a hole amid pictures at even times."""

import re
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from statistics import median_low
from typing import Any, Final

import av
import av.container
import av.format
import av.packet
import av.stream

from pipeline.media.losses.tail import holds_other_streams
from pipeline.media.manifests.loss import slack_of_promise
from pipeline.media.movie import Movie
from pipeline.media.reader import may_step

_END_TOLERANCE: Final = Fraction(1, 2)
"""Seconds by which a healthy file may end before its header says: containers round, and sound may stop early."""

_GAP: Final = Fraction(3, 2)
"""Times the usual step from picture to picture from which on one may be absent."""

_LONGEST_S: Final = Fraction(10)
"""s of the longest hole whose pictures are counted; longer ones are steps of the clock."""

_AROUND_S: Final = Fraction(1)
"""s by which damage may be away from the hole that it makes, as pictures are reordered and streams are interleaved."""

_EVEN: Final = 0.8
"""Part of the steps that must be the usual one where holes are to be told from a variable rate."""

_INDEXED: Final = 0.9
"""Part of an AVI's pictures that its index lists where it has one; else FFmpeg makes one of those that it has seen."""

_TAIL, _TAIL_BYTES = 0.1, 16_384
"""Part of a transport stream, and bytes, behind the last packet from which on there is something else."""

_BETWEEN: Final = {"matroska,webm": 256, "flv": 4096}
"""Most bytes between one packet's data and the next one's, of formats whose packets are read as they lie in the file:
headers, and what servers say of a stream."""

_DURATION: Final = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)")


class Absences:
    """Compares what a file promises with what is read of it."""

    def __init__(self, movie: Movie, container: av.container.InputContainer) -> None:
        """Expect the packets of ``container``, which is open at its start."""
        self._movie = movie
        self._may_step = may_step(container)
        flags: Any = container.format.flags
        self._name = container.format.name
        lasts = Fraction(container.duration or 0, av.time_base)
        is_guessed = self._may_step or flags & av.format.Flags.no_timestamps.value  # by FFmpeg, from the data
        self._promised = Fraction(0) if is_guessed else lasts
        self._segments_last = lasts if self._name == "hls" else Fraction(0)
        self._listed, self._is_listed = self._listing(container)
        self._slots = container.streams[movie.stream].frames if self._name == "avi" else 0
        self._last_slot = -1
        self._size = container.size if self._name == "mpegts" else 0
        self._read_to = 0
        self._ids = {stream.id for stream in container.streams}
        self._track = self._track_promise(container)
        self._ends: dict[int, int] = {}  # ticks at which the last packet ends, by stream
        self._bases = {stream.index: Fraction(stream.time_base or 0) for stream in container.streams}
        self._first: int | None = None  # pts of the picture that is shown first
        self._found = 0
        self._at: int | None = None  # pts of the last picture
        self._behind: int | None = None  # the place in the file where the last packet's data end
        self._damage: list[int] = []  # pts of pictures beside which data are missing

    def _listing(self, container: av.container.InputContainer) -> tuple[int, bool]:
        """Return how many pictures the file lists, and whether it lists each of them."""
        video = container.streams[self._movie.stream]
        if self._name != "avi" and not self._name.startswith("mov,"):
            return 0, False
        index = video.index_entries
        return sum(index[place].size > 0 for place in range(len(index))), len(index) > 0 and video.frames > 0

    def _track_promise(self, container: av.container.InputContainer) -> Fraction:
        """Return how long the pictures are shown, by what their track's header says; 0 where it does not."""
        video = container.streams[self._movie.stream]
        if self._name == "matroska,webm" and (said := _DURATION.match(video.metadata.get("DURATION", ""))):
            hours, minutes, seconds = (Fraction(part) for part in said.groups())
            return (hours * 60 + minutes) * 60 + seconds
        if self._name.startswith("mov,") and self._is_listed and video.duration and video.time_base:
            return Fraction(video.duration * video.time_base)
        return Fraction(0)

    def add(self, packet: "av.packet.Packet[av.stream.Stream]") -> None:
        """Take the next packet."""
        index = packet.stream_index
        moment = packet.dts if packet.pts is None else packet.pts
        if moment is not None:
            ends = moment + (packet.duration or 0)
            self._ends[index] = max(self._ends.get(index, ends), ends)
        is_damaged = packet.is_corrupt
        if self._name in _BETWEEN and packet.size and packet.pos is not None and packet.pos >= 0:
            is_damaged |= self._behind is not None and packet.pos > self._behind + _BETWEEN[self._name]
            self._behind = packet.pos + packet.size
        if is_damaged and self._at is not None:
            self._damage.append(self._at)
        if packet.pos is not None:
            self._read_to = max(self._read_to, packet.pos + packet.size)
        if index != self._movie.stream:
            return
        self._found += packet.size > 0
        if moment is not None:
            self._last_slot = max(self._last_slot, moment)
            if packet.size:
                self._at = moment
                self._first = moment if self._first is None else min(self._first, moment)

    def finish(self, runs: Sequence[Sequence[int]], last: Fraction) -> tuple[str, int]:
        """Return why the file is not whole, "" if it is, and how many of its pictures are absent, as far as is known.

        Args:
            runs: pts of its pictures, a sequence for each stretch between steps of the clock, on the file's clock.
            last: pts of the last one on the movie's clock, in s.
        """
        step = _usual(runs)
        holes = sum(self._holes(sorted(run), step) for run in runs) if step else 0
        if self._found < self._listed:
            said = f"the index lists {self._listed} pictures, the data hold {self._found}"
            return said, self._listed - self._found
        if lacking := self._lacking_slots():
            return f"the header lists {self._slots} pictures, the data hold {self._slots - lacking}", lacking
        behind = self._size - self._read_to
        if behind > max(_TAIL * self._size, _TAIL_BYTES) and self._has_others():
            part = 100 * self._read_to / self._size
            return (
                f"picture and sound end at {part:.0f} % of the file; what follows belongs to no stream of its start",
                0,
            )
        if short := self._short_of_segments(runs, step):
            return short
        at_end = self._short_by(step) if len(runs) == 1 else 0
        if self._is_listed and not at_end:
            return "", 0  # the header lists each picture, and all are there
        # Headers give the length, or the time at which the movie ends: both are customary, in Matroska, too.
        end = max(
            (ticks * self._bases.get(index, Fraction(0)) for index, ticks in self._ends.items()), default=Fraction(0)
        )
        found = max(end - self._movie.clock_start, end, last)
        if self._promised - found > _END_TOLERANCE:
            return self._ends_early(self._promised, found), holes + at_end
        if at_end:
            return self._ends_early(self._track, self._pictures_end), holes + at_end
        return (f"{holes} pictures are missing where data are damaged", holes) if holes else ("", 0)

    def _has_others(self) -> bool:
        return holds_other_streams(self._movie.path, self._read_to, self._ids)

    def _short_of_segments(self, runs: Sequence[Sequence[int]], step: int) -> tuple[str, int] | None:
        """Return what pictures in segments lack of the time that these are said to last, or None.

        Nothing is known of a segment that is empty or ends early but that: where it is, the clock may seem to step.
        """
        if not self._segments_last:
            return None
        ticks = step * sum(map(len, runs))
        if not step:  # the last one may be shown for as long as any
            ticks = sum(max(run) - min(run) + max(_steps(run), default=0) for run in runs if run)
        lasts = ticks * self._movie.time_base
        short = self._segments_last - lasts
        if short <= slack_of_promise(self._movie.path):
            return None
        said = f"the segments promise {float(self._segments_last):.1f} s, the pictures last {float(lasts):.1f} s"
        return said, round(short / (step * self._movie.time_base)) if step else 0

    def _lacking_slots(self) -> int:
        """Return how many of the pictures that an AVI's header lists are absent, which may be empty and have no index.

        The numbers of pictures are their time stamps, in the order in which they are found. Where the file has its
        index, those behind the last one are empty.
        """
        has_index = self._listed >= _INDEXED * self._found > 0
        lacking = self._slots - (self._last_slot + 1)
        return 0 if has_index else max(0, lacking)

    @property
    def _pictures_end(self) -> Fraction:
        return self._ends.get(self._movie.stream, 0) * self._movie.time_base

    def _ends_early(self, promised: Fraction, found: Fraction) -> str:
        return f"the header promises {float(promised):.1f} s, the data end at {float(found):.1f} s"

    def _short_by(self, step: int) -> int:
        """Return how many pictures are absent at the end, by what the track's header says."""
        if not self._track or not step or self._first is None:
            return 0
        usual = step * self._movie.time_base
        short = self._track - max(self._pictures_end, self._pictures_end - self._first * self._movie.time_base)
        return round(short / usual) if short > max(_GAP * usual, Fraction(1, 10)) else 0

    def _holes(self, pts: Sequence[int], step: int) -> int:
        """Return how many pictures are absent amid rising ``pts``, in holes beside which the file is damaged."""
        around, longest = (round(s / self._movie.time_base) for s in (_AROUND_S, _LONGEST_S))
        return sum(
            round((b - a) / step) - 1
            for a, b in pairwise(pts)
            if _GAP * step < b - a <= longest and any(a - around <= at <= b + around for at in self._damage)
        )


def _steps(run: Sequence[int]) -> list[int]:
    return [b - a for a, b in pairwise(sorted(run)) if b > a]


def _usual(runs: Sequence[Sequence[int]]) -> int:
    """Return the usual step from picture to picture; 0 where it varies."""
    steps = [step for run in runs for step in _steps(run)]
    if not steps:
        return 0
    usual = median_low(steps)
    even = sum(abs(step - usual) <= max(1, usual // 8) for step in steps)
    return usual if even >= _EVEN * len(steps) else 0
