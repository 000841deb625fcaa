"""What goes wrong while a segment is decoded, counted."""

from typing import Any

from pipeline.media.losses.promises import Loss, Promises, is_shown
from pipeline.media.timing.recount import Frame


class DecodeFaults:
    """What went wrong while decoding without stopping it.

    Attributes:
        refused: packets that could not be decoded.
        damaged: pictures that the decoder marked as damaged, or whose data are cut off.
        missing: frames of the segment that the file promises and that were not found, whatever the reason: decoders
            drop damaged pictures without a word, a refused packet takes others with it, and reading may end early.
        leading: frames at the start of the file, or behind a step of its clock, that need others which are not in it;
            nothing is wrong with them.
    """

    def __init__(self) -> None:
        self.refused = 0
        self.damaged = 0
        self.missing = 0
        self.leading = 0

    def __str__(self) -> str:
        parts = []
        if self.refused:
            parts.append(f"{self.refused} packets could not be decoded")
        if self.missing:
            parts.append(f"{self.missing} frames are missing")
        if self.damaged:
            parts.append(f"{self.damaged} frames are damaged")
        return ", ".join(parts)


class Counts:
    """What one segment's decoding meets.

    Attributes:
        faults: where it is counted.
        threads: of the decoder.
        found: pts of the frames of the segment that were passed on, rising.
        read: its pictures that came out of the file.
        promises: of those.
        goes_on: whether a picture behind the segment came out, too.
        met_refusal: whether a packet could not be decoded, be it the segment's or one before it.
        in_doubt: whether pictures may be lost that one thread would find.
    """

    def __init__(self, faults: DecodeFaults, codec: str) -> None:
        self.faults = faults
        self.threads = 1
        self.found: list[int] = []
        self.read = 0
        self.promises = Promises(codec)
        self._codec = codec
        self.goes_on = False
        self.met_refusal = False
        self.in_doubt = False
        self._interlaced = False
        self._before = faults.refused, faults.damaged

    def restart(self, threads: int | None = None, amid: bool = False) -> None:
        """Forget all but what was found, for another attempt meets the same packets.

        Args:
            threads: of the decoder; by default those of before.
            amid: whether reading begins at a key frame amid the file.
        """
        self.threads = threads or self.threads
        self.read = 0
        self.promises.restart(amid)
        self.goes_on = self.met_refusal = self.in_doubt = False
        self.faults.refused, self.faults.damaged = self._before

    def add_packet(self, packet: Any, own: bool) -> None:
        """Take a packet whose picture is to be shown, the segment's ``own`` or a neighbour's."""
        self.read += own and is_shown(self._codec, packet)
        self.promises.add(packet, own)

    def add_frame(self, frame: Frame) -> None:
        """Take a frame of the segment that is passed on."""
        self.found.append(frame.pts)
        self._interlaced |= frame.picture.interlaced_frame

    def loss(self, trusted: bool) -> Loss:
        """Return what is missing of the pictures that were read so far; see :meth:`Promises.broken`."""
        loss = self.promises.broken(self.found, self.goes_on, self._interlaced, trusted)
        if self.met_refusal:  # a damaged key frame is no recording that begins amid a group
            return Loss(sum(loss), 0)
        return loss

    def settle(self, expected: int, trusted: bool) -> bool:
        """Add to the faults what is missing of ``expected`` packets' pictures; return whether nothing went wrong."""
        missing, leading = self.loss(trusted)
        missing += max(0, expected - self.read)
        self.faults.missing += missing
        self.faults.leading += leading
        return not missing and (self.faults.refused, self.faults.damaged) == self._before
