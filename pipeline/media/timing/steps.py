"""Finds where the clock of a file steps while its packets are read once, and says how the pieces are joined.

Each stream steps at a packet of its own: of two recordings joined by ``cat``, the first picture of the second comes
before the last sound of the first. So streams are followed one by one. Each is in an epoch, a stretch of the file with
one clock; a stream that steps joins an epoch that another one has begun if its time fits there, or begins a new one.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Final

from pipeline.media.timing.clock import PLAIN, FileClock
from pipeline.media.timing.epochs import HOLD_S, USUAL_TIMES, WRAP_S, Epoch, Joined, Run, Track

_FALL_S: Final = Fraction(1, 10)
"""s by which decoding times may fall before it counts as a step; less is a slip, which the next packets make good."""

_GAP_S: Final = Fraction(10)
"""s without a packet that are a step, as to FFmpeg's own program: where the format's clock may step, or sound was heard
until then."""

_STILL_S: Final = Fraction(60)
"""s without a packet that are a step elsewhere: stills of a film without sound may last."""

_LONGEST_S: Final = Fraction(300)
"""s for which a packet may say that it lasts, or empty ones behind it; more is a gap, which the file's writer took for
display time."""

_NEAR_S: Final = Fraction(5)
"""s by which streams may be apart at one place of the file, as they are interleaved."""

_REORDER_S: Final = Fraction(2)
"""s by which presentation times may fall from packet to packet, in the order of decoding."""


class StepFinder:
    """Takes all packets in the order of the file; then says how their clock becomes the movie's."""

    def __init__(self, may_step: bool) -> None:
        """Say with ``may_step`` whether the format is one whose clock may step (FFmpeg's AVFMT_TS_DISCONT)."""
        self._may_step = may_step
        self._tracks: dict[int, Track] = {}
        self._epochs: list[Epoch] = []

    def add_stream(self, index: int, kind: str, time_base: Fraction) -> None:
        """Follow a stream.

        Args:
            index: of it.
            kind: pictures, sound, or what goes with them.
            time_base: in s.
        """
        self._tracks[index] = Track(index, kind, time_base, round(_GAP_S / time_base))

    def follows(self, index: int) -> bool:
        """Whether the stream was added."""
        return index in self._tracks

    def add_empty(self, index: int, dts: int | None, pts: int | None, duration: int) -> None:
        """Take an empty packet: what the packet before it holds is to stay that long.

        Args:
            index: of its stream.
            dts: of the packet, in its stream's ticks.
            pts: likewise.
            duration: likewise; 0 if it is unknown.
        """
        track = self._tracks[index]
        track.count += 1
        moment = pts if dts is None else dts
        if track.runs and moment is not None:
            stays = min(moment + (duration or track.usual), track.last + track.ticks(_LONGEST_S))
            track.declared = max(track.declared, stays)

    def add(self, index: int, dts: int | None, pts: int | None, duration: int) -> int:
        """Take the next packet; return the number of its stream's run, from 0; -1 before the first time stamp.

        Args:
            index: of its stream.
            dts: of the packet, in its stream's ticks.
            pts: likewise.
            duration: likewise; 0 if it is unknown.
        """
        track = self._tracks[index]
        number = track.count
        track.count += 1
        if not self._may_step and dts is not None and pts is not None and abs(pts - dts) > track.gap:
            dts = None  # Matroska has none: FFmpeg derives it from the pts of the packets before
        moment = pts if dts is None else dts
        if moment is None:
            return len(track.runs) - 1
        if not track.runs:
            self._begin(track, number, moment)
        elif not track.leads:
            if len(self._epochs) > 1 and (epoch := self._nearest(track, moment)) != track.epoch:
                self._enter(track, epoch, number, moment)
        else:
            slack = track.ticks(_FALL_S)
            if dts is None or track.is_loose:
                slack = max(track.ticks(_REORDER_S), 16 * track.usual)
            if moment < track.last - slack or moment > track.shown + self._gap(track, number):
                self._step(track, number, moment)
            elif moment > track.last:
                track.usual = min(moment - track.last, 2 * track.usual) if track.usual else moment - track.last
        track.usual = track.usual or min(duration, track.gap)
        track.last, track.is_loose = moment, dts is None
        track.declared = moment + min(duration or track.usual, track.ticks(_LONGEST_S))
        return len(track.runs) - 1

    def _begin(self, track: Track, number: int, moment: int) -> None:
        """Find the epoch of a stream's first packet."""
        if not self._epochs:
            self._epochs.append(Epoch(Fraction(0), moment * track.time_base))
        epoch = self._nearest(track, moment)
        now = self._now([epoch], track)
        time = moment * track.time_base + self._epochs[epoch].shift
        if track.leads and now is not None and abs(time - now) > max(_NEAR_S, track.gap * track.time_base):
            # At one place of the file it is one time. A recorder may still have had a packet of another day.
            self._epochs.append(Epoch(now - moment * track.time_base, now, epoch))
            epoch = len(self._epochs) - 1
        self._enter(track, epoch, number, moment)

    def _gap(self, track: Track, number: int) -> int:
        """Return the ticks that may lie between a packet and the next one without being a step."""
        if len(track.runs) > 1 and track.is_young(number):
            # Where it has just stepped, it may come back.
            return max(abs(track.runs[-1].start - track.runs[-2].end) // 2, track.ticks(_FALL_S))
        return max(track.gap, USUAL_TIMES * track.usual if track.kind == "video" else 0)

    def _is_still(self, track: Track, moment: int) -> bool:
        """Whether a gap in the pictures before ``moment`` may be a still: there is no sound that stops, too."""
        heard = self._now([track.epoch], track)
        shown = track.shown * track.time_base + self._epochs[track.epoch].shift
        is_silent = heard is None or shown - heard > _NEAR_S
        longest = _GAP_S if self._may_step else _STILL_S
        return is_silent and (moment - track.declared) * track.time_base <= longest

    def _step(self, track: Track, number: int, moment: int) -> None:
        """Find the epoch of a packet that does not continue its stream's run."""
        forward = moment > track.last
        if len(track.runs) > 1 and track.is_young(number):
            before, run = track.runs[-2], track.runs[-1]
            apart = abs(moment - before.end - (number - run.first) * track.usual)
            if forward != (run.start > before.end) and apart <= min(track.ticks(HOLD_S), abs(run.start - before.end)):
                self._enter(track, before.epoch, number, moment)
                return
        if forward and (moment <= track.shown + track.gap or self._is_still(track, moment)):
            return
        time = moment * track.time_base
        now = self._now([track.epoch], track)
        if forward and now is not None and abs(time + self._epochs[track.epoch].shift - now) <= _NEAR_S:
            return  # a gap in this stream alone
        epoch = self._fitting(track, number, time)
        if epoch is None:
            self._epochs.append(self._begun_by(track, moment))
            epoch = len(self._epochs) - 1
        self._enter(track, epoch, number, moment)

    def _fitting(self, track: Track, number: int, time: Fraction) -> int | None:
        """Return the epoch of other streams in which it is ``time`` now, or was, if this stream is far behind."""
        first = 0 if len(track.runs) == 1 and track.is_young(number) else track.epoch + 1
        nows = {
            epoch: now
            for epoch in range(first, len(self._epochs))
            if epoch != track.epoch and (now := self._now([epoch], track)) is not None
        }
        apart = {epoch: abs(time + self._epochs[epoch].shift - now) for epoch, now in nows.items()}
        nearest = min(apart, key=lambda epoch: apart[epoch], default=None)
        if nearest is None or apart[nearest] <= _NEAR_S:
            return nearest
        spans = {epoch: (self._epochs[epoch].begins - _NEAR_S, now) for epoch, now in nows.items()}
        within = (e for e, (begins, now) in spans.items() if begins <= time + self._epochs[e].shift <= now)
        return next(within, None)

    def _begun_by(self, track: Track, moment: int) -> Epoch:
        shift = self._epochs[track.epoch].shift
        step = (moment - track.shown) * track.time_base
        wraps = round(step / WRAP_S) if self._may_step else 0
        if wraps and abs(step - wraps * WRAP_S) <= HOLD_S:
            return Epoch(shift - wraps * WRAP_S, moment * track.time_base + shift, track.epoch, is_wrap=True)
        behind = self._behind(track, range(len(self._epochs)))
        begins = track.shown * track.time_base + shift + (behind if behind > HOLD_S else 0)
        return Epoch(begins - moment * track.time_base, begins, track.epoch)

    def _behind(self, track: Track, epochs: Iterable[int]) -> Fraction:
        """Return by how many s the other streams in some epochs are ahead of what a stream has shown so far."""
        now = self._now(epochs, track)
        shown = track.shown * track.time_base + self._epochs[track.epoch].shift
        return Fraction(0) if now is None else now - shown

    def _now(self, epochs: Iterable[int], but: Track) -> Fraction | None:
        """Return the latest moment, on the movie's clock, of the streams in some epochs other than one."""
        moments: list[Fraction] = []
        for epoch in epochs:
            shift, left_at = self._epochs[epoch].shift, self._epochs[epoch].left_at
            moments += [
                track.last * track.time_base + shift
                for track in self._tracks.values()
                if track is not but and track.leads and track.runs and track.epoch == epoch
            ]
            moments += [] if left_at is None else [left_at]
        return max(moments, default=None)

    def _nearest(self, track: Track, moment: int) -> int:
        """Return the epoch that has come nearest to a moment, not before the track's own."""
        apart = {
            epoch: abs(moment * track.time_base + self._epochs[epoch].shift - now)
            for epoch in range(track.epoch if track.runs else 0, len(self._epochs))
            if (now := self._now([epoch], track)) is not None
        }
        return min(apart, key=lambda epoch: (apart[epoch], -epoch), default=len(self._epochs) - 1)

    def _enter(self, track: Track, epoch: int, number: int, moment: int) -> None:
        behind = Fraction(0)
        if track.runs:
            behind = self._behind(track, range(epoch))
            track.runs[-1].end = track.shown
            if track.leads:
                old = self._epochs[track.epoch]
                last = track.last * track.time_base + old.shift
                old.left_at = last if old.left_at is None else max(old.left_at, last)
        track.runs.append(Run(number, epoch, moment, behind))

    def joined(self, video: int, pts: Sequence[Sequence[int]], frame: int) -> tuple[FileClock, list[int]]:
        """Return how the clock of the file that was read becomes the movie's.

        Args:
            video: index of the movie's stream.
            pts: of the pictures of each of its runs, in any order.
            frame: ticks of one frame, where pictures do not say.

        Returns:
            The clock, and what is added to the pts of each of those runs.
        """
        if len(self._epochs) < 2:
            return PLAIN, [0] * len(pts)
        for track in self._tracks.values():
            if track.runs:
                track.runs[-1].end = track.shown
        joined = Joined(self._epochs, self._tracks, video, pts, frame, self._may_step)
        clock = joined.clock()
        if not clock.pieces:  # it comes back to itself, as decoding times do between the edits of an MP4
            return PLAIN, [0] * len(pts)
        return clock, joined.shifts()

    def sound_begins(self, clock: FileClock) -> Fraction | None:
        """Return when, in s of the movie's ``clock``, the first packet of sound comes; None without any."""
        first = [
            track.runs[0].start * track.time_base + next((p.shift for p in clock.of_stream(track.index)), Fraction(0))
            for track in self._tracks.values()
            if track.kind == "audio" and track.runs
        ]
        return min(first, default=None)
