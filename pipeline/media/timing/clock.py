"""The file's clock and the movie's: where time stamps step, and how the pieces between the steps are joined.

A recorder that restarts, or recordings joined by ``cat``, give a file whose time stamps step, backwards or far
forwards. Such a step is no display time. The movie's clock runs on over it, and picture, sound and subtitles get the
same mapping from the file's clock to the movie's: within a piece all of them are moved alike.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise


@dataclass(frozen=True)
class Piece:
    """Packets of one stream, neighbours in the file, whose time stamps are moved alike.

    Attributes:
        first: number of its first packet within the stream, from 0, as the demuxer gives them; empty ones count.
        shift: in s, added to the file's time stamps.
        ends: in s of the movie's clock: when the stream's next piece begins; None for the last one.
    """

    first: int
    shift: Fraction
    ends: Fraction | None = None


@dataclass(frozen=True)
class Discontinuity:
    """A place where the movie goes on although the file's clock steps. Shots and tracks end here.

    Attributes:
        pts: of the first frame behind it, on the movie's clock, in the movie's time base.
        step: in s, of the file's clock; below 0 where it restarted.
    """

    pts: int
    step: Fraction


@dataclass(frozen=True)
class FileClock:
    """How the time stamps of a file become those of its movie; by default they are the same.

    Attributes:
        pieces: of each stream whose time stamps are moved, with the stream's index, rising.
        discontinuities: of the pictures, rising.
        starts: file pts at which the video's pieces begin, rising, where the file's pts rise from piece to piece; else
            empty: then only who reads from the start of the file knows which piece a picture belongs to.
        sound_steps: steps of sound alone, while the pictures went on.
    """

    pieces: tuple[tuple[int, tuple[Piece, ...]], ...] = ()
    discontinuities: tuple[Discontinuity, ...] = ()
    starts: tuple[int, ...] = ()
    sound_steps: int = 0

    @property
    def steps(self) -> int:
        """How many times it steps."""
        return max(len(self.discontinuities) + self.sound_steps, 1) if self.pieces else 0

    def of_stream(self, index: int) -> tuple[Piece, ...]:
        """Return the pieces of a stream in the order of the file; empty where nothing is moved."""
        return dict(self.pieces).get(index, ())

    def seekable(self, index: int) -> bool:
        """Whether pts of the video, stream ``index``, say which piece they belong to."""
        return bool(self.starts) or not self.of_stream(index)

    def remark(self) -> str:
        """Say what was done, or "" where nothing was."""
        steps = [float(d.step) for d in self.discontinuities]
        if not steps and not self.sound_steps:
            return ""
        if not steps:
            return f"the clock of the sound steps {_times(self.sound_steps)}; the sound was joined there"
        listed = ", ".join(f"{'back' if s < 0 else 'forward'} by {_seconds(abs(s))}" for s in steps[:3])
        more = ", ..." if len(steps) > 3 else ""
        return f"the file's clock steps {_times(len(steps))} ({listed}{more}); picture and sound were joined there"


PLAIN = FileClock()
"""Of a file whose time stamps are used as they are."""


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _seconds(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 36_000 else f"{seconds:.1f} s"


class StampMover:
    """Moves the time stamps of one stream from the file's clock to the movie's."""

    def __init__(self, clock: FileClock, index: int, time_base: Fraction) -> None:
        """Move the stamps of a stream.

        Args:
            clock: of its file.
            index: of the stream.
            time_base: of the stream, in s.
        """
        self._pieces = clock.of_stream(index)
        self._firsts = [piece.first for piece in self._pieces]
        self._starts = clock.starts if self._pieces else ()
        self._shifts = [round(piece.shift / time_base) for piece in self._pieces]

    def piece_of(self, number: int) -> Piece:
        """Return the piece of packet ``number`` of the stream."""
        return self._pieces[self._place(number)]

    def by_number(self, number: int) -> int:
        """Return what to add to the stamps of packet ``number`` of the stream, in its time base."""
        return self._shifts[self._place(number)] if self._shifts else 0

    def by_pts(self, pts: int) -> int:
        """Return what to add to a picture's stamps, given its file ``pts``; see :attr:`FileClock.starts`."""
        return self._shifts[max(0, bisect_right(self._starts, pts) - 1)] if self._starts else 0

    def to_file(self, pts: int) -> int:
        """Return the file pts of a picture's ``pts`` on the movie's clock."""
        if not self._starts:
            return pts
        begins = [start + shift for start, shift in zip(self._starts, self._shifts, strict=True)]
        return pts - self._shifts[max(0, bisect_right(begins, pts) - 1)]

    def _place(self, number: int) -> int:
        return max(0, bisect_right(self._firsts, number) - 1)


def rising(starts: Sequence[int], ends: Sequence[int]) -> bool:
    """Say whether pieces with these first and last pts follow each other without overlap."""
    return all(end < start for end, start in zip(ends, starts[1:], strict=False)) and all(
        a < b for a, b in pairwise(starts)
    )
