"""Epochs, stretches of a file with one clock each, and where each begins on the movie's clock.

:mod:`pipeline.media.timing.steps` finds them.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from statistics import median_low
from typing import Final

from pipeline.media.timing.clock import Discontinuity, FileClock, Piece, rising

YOUNG: Final = 16
"""Packets after which a stream that comes back to its old clock never left it: their time stamps were wrong."""

HOLD_S: Final = Fraction(1)
"""s of sound behind the last picture of an epoch that are cut off; for more, the picture is held."""


USUAL_TIMES: Final = 20
"""Times as long as pictures usually are shown that a gap must be to be one: slides are no gaps."""

_AROUND: Final = 33
"""Pictures on either side of a step that say for how long one is shown there."""

_REORDERED: Final = 17
"""Pictures among which the last ones of a run may lie, as they are decoded in another order."""

WRAP_S: Final = Fraction(2**33, 90_000)
"""s after which the 33 bits of MPEG's clock begin again."""


@dataclass
class Epoch:
    """A stretch of the file with one clock; ``shift`` in s is added to its stamps, as far as is known so far."""

    shift: Fraction
    begins: Fraction = Fraction(0)
    """On the movie's clock."""
    before: int = -1
    """The epoch from which the stream came that began this one."""
    is_wrap: bool = False
    left_at: Fraction | None = None
    """The last moment, on the movie's clock, of the streams that have left."""


@dataclass
class Run:
    """Packets of one stream within one epoch: number of the first; ticks of the first and behind the last one.

    ``behind`` says by how many s the other streams were ahead, when the run before this one ended.
    """

    first: int
    epoch: int
    start: int
    behind: Fraction
    end: int = 0


@dataclass
class Track:
    """One stream while it is read; times in its own ticks."""

    index: int
    kind: str
    time_base: Fraction
    gap: int
    count: int = 0
    last: int = 0
    declared: int = 0
    """Until when the last packet is to be shown, by what the file says."""
    usual: int = 0
    is_loose: bool = False
    """Whether ``last`` is a presentation time, for want of a decoding time."""
    runs: list[Run] = field(default_factory=list)

    def ticks(self, seconds: Fraction) -> int:
        """Return a time as a number of ticks."""
        return round(seconds / self.time_base)

    @property
    def shown(self) -> int:
        """Until when the last packet is shown, if it lasts as long as is usual."""
        return self.last + self.usual

    @property
    def epoch(self) -> int:
        """Return the epoch that it is in."""
        return self.runs[-1].epoch

    def is_young(self, number: int) -> bool:
        """Whether packet ``number`` is one of the first of its run."""
        return number - self.runs[-1].first <= YOUNG

    @property
    def leads(self) -> bool:
        """Whether its packets say what time it is: those of subtitles come now and then."""
        return self.kind in ("video", "audio")


class Joined:
    """Decides where each epoch begins on the movie's clock: where the pictures of the one before it end."""

    def __init__(
        self,
        epochs: Sequence[Epoch],
        tracks: dict[int, Track],
        video: int,
        pts: Sequence[Sequence[int]],
        frame: int,
        may_wrap: bool,
    ) -> None:
        """Join what was found.

        Args:
            epochs: in the order in which they were begun.
            tracks: by the index of the stream.
            video: index of the movie's stream.
            pts: of the pictures of each of its runs, in the order of decoding.
            frame: ticks of one frame, where pictures do not say.
            may_wrap: whether the clock may be MPEG's.
        """
        self._epochs = epochs
        self._tracks = tracks
        self._frame = frame
        self._may_wrap = may_wrap
        self._video = tracks[video]
        self._given = len(pts)
        self._pts = [sorted(run) for run in pts]
        self._pts += [[] for _ in self._video.runs[len(self._pts) :]]
        self._median = _median_step([one for run in self._pts for one in run])
        self._shifts: dict[int, Fraction] = {}
        self._joints: dict[int, Discontinuity] = {}  # by epoch

    def clock(self) -> FileClock:
        """Return the clock."""
        runs = [number for number, pts in enumerate(self._pts) if pts]
        for epoch, one in enumerate(self._epochs):
            mine = [number for number in runs if self._video.runs[number].epoch == epoch]
            before = [number for number in runs if mine and number < mine[0]]
            if mine and before:
                self._shifts[epoch] = self._joined(epoch, before[-1], mine[0])
            else:
                self._shifts[epoch] = one.shift + self._moved(one.before)
        tracks = self._tracks.values()
        left = [
            pair for t in tracks if t.leads for pair in pairwise([*(run.epoch for run in t.runs), len(self._epochs)])
        ]
        # Those that every stream came back from: their time stamps were wrong.
        passing = {e for e, after in left if after < e} - {e for e, after in left if after > e}
        joints = [joint for epoch, joint in self._joints.items() if epoch not in passing]
        heard = {run.epoch for track in tracks if track.kind == "audio" for run in track.runs}
        seen = {run.epoch for run in self._video.runs}
        alone = [e for e in heard - seen - passing if e and not self._epochs[e].is_wrap]
        return FileClock(
            pieces=tuple((track.index, pieces) for track in tracks if (pieces := self._pieces(track))),
            discontinuities=tuple(sorted(joints, key=lambda joint: joint.pts)),
            starts=self._starts(),
            sound_steps=len(alone),
        )

    def shifts(self) -> list[int]:
        """Return what is added to the pts of each run of the pictures; known once :meth:`clock` has been called."""
        shifts = [round(self._shifts[run.epoch] / self._video.time_base) for run in self._video.runs]
        return (shifts or [0])[: self._given]

    def _moved(self, epoch: int) -> Fraction:
        """Return by how much more an epoch is shifted than was thought while reading."""
        return self._shift_of(epoch) - self._epochs[epoch].shift if epoch >= 0 else Fraction(0)

    def _shift_of(self, epoch: int) -> Fraction:
        """Return an epoch's shift; where damage makes a stream come back from a later one, what was thought of that."""
        return self._shifts.get(epoch, self._epochs[epoch].shift)

    def _joined(self, epoch: int, before: int, run: int) -> Fraction:
        """Return the shift of an epoch whose pictures begin with ``run``, the ones ``before`` being another run."""
        old, tb = self._video.runs[before].epoch, self._video.time_base
        if self._epochs[epoch].is_wrap:
            return self._epochs[epoch].shift + self._moved(self._epochs[epoch].before)
        end, start = self._pts[before][-1] + self._usual(before), self._pts[run][0]
        is_shown = self._sound_end(old) > start * tb + HOLD_S or start - end <= USUAL_TIMES * self._median
        if start > end and is_shown:
            return self._shift_of(old)  # sound goes on all the while, or pictures are slides: it is display time
        behind = self._video.runs[run].behind
        held = round(behind / tb) if behind > HOLD_S else 0
        shift = self._evenest(before, run, end - start) + held + round(self._shift_of(old) / tb)
        step = (start - end) * tb
        if self._may_wrap:  # FFmpeg takes a clock that restarts for one that wraps
            step -= round(step / WRAP_S) * WRAP_S
        self._joints[epoch] = Discontinuity(start + shift, step)
        return shift * tb

    def _evenest(self, before: int, run: int, by_pts: int) -> int:
        """Return by how many ticks a run is shifted against the one before it so that pictures come most evenly.

        Where a clock steps amid pictures that are decoded in another order, those of both runs interleave: the first
        one of the new run then belongs where the old one has a hole.
        """
        old, new = self._pts[before][-_AROUND:], self._pts[run][:_AROUND]
        usual = self._usual(before)
        holes = [a + usual - new[0] for a, b in pairwise(old[-_REORDERED:]) if 2 * (b - a) > 3 * usual]

        def unevenness(shift: int) -> tuple[bool, int]:
            steps = [b - a for a, b in pairwise(sorted([*old, *(pts + shift for pts in new)]))]
            return min(steps) == 0, max(steps)

        return min(by_pts, *holes, key=unevenness) if holes else by_pts

    def _sound_end(self, epoch: int) -> Fraction:
        """Return when the last sound of an epoch ends, in s of the file's clock."""
        ends = [
            run.end * track.time_base
            for track in self._tracks.values()
            if track.kind == "audio"
            for run in track.runs
            if run.epoch == epoch
        ]
        return max(ends, default=Fraction(-(2**62)))

    def _usual(self, run: int) -> int:
        """Return for how many ticks the last pictures of a run were shown each."""
        return _median_step(self._pts[run][-_AROUND:]) or self._frame

    def _pieces(self, track: Track) -> tuple[Piece, ...]:
        runs = self._merged(track)
        begins = [run.start * track.time_base + self._shifts[run.epoch] for run in runs]
        pieces = tuple(
            Piece(run.first if number else 0, self._shifts[run.epoch], end)
            for number, (run, end) in enumerate(zip(runs, [*begins[1:], None], strict=False))
        )
        return pieces if any(piece.shift for piece in pieces) else ()

    def _merged(self, track: Track) -> list[Run]:
        """Return the first of neighbouring runs that are shifted alike."""
        merged: list[Run] = []
        for run in track.runs:
            if not merged or self._shifts[run.epoch] != self._shifts[merged[-1].epoch]:
                merged.append(run)
        return merged

    def _starts(self) -> tuple[int, ...]:
        """Return the first pts of each piece of the pictures, if they rise from piece to piece."""
        firsts = [run.first for run in self._merged(self._video)]
        inside: list[list[int]] = [[] for _ in firsts]
        for run, pts in zip(self._video.runs, self._pts, strict=True):
            inside[bisect_right(firsts, run.first) - 1] += pts
        if not all(inside) or not self._pieces(self._video):
            return ()
        starts, ends = [min(pts) for pts in inside], [max(pts) for pts in inside]
        return tuple(starts) if rising(starts, ends) else ()


def _median_step(pts: Sequence[int]) -> int:
    """Return the median of the steps forward; 0 without any."""
    return median_low([b - a for a, b in pairwise(pts) if b > a] or [0])
