"""What goes wrong while a segment is decoded, counted."""

from typing import Final

_HIDING: Final = frozenset({"vp8", "vp9", "libvpx", "libvpx-vp9", "av1", "libdav1d", "libaom-av1"})
"""Codecs with pictures that are never shown."""


class DecodeFaults:
    """What went wrong while decoding without stopping it.

    Attributes:
        refused: packets that could not be decoded.
        damaged: pictures that the decoder marked as damaged.
        missing: frames of the segment that the file promises and that were not found, where anything went wrong: a
            refused packet may take others with it, and reading may end early.
    """

    def __init__(self) -> None:
        self.refused = 0
        self.damaged = 0
        self.missing = 0

    def __str__(self) -> str:
        parts = []
        if self.refused:
            parts.append(f"{self.refused} packets could not be decoded")
        if self.damaged:
            parts.append(f"{self.damaged} frames are damaged")
        return ", ".join(parts)


class Counts:
    """What one segment's decoding meets.

    Attributes:
        faults: where it is counted.
        threads: of the decoder.
        found: frames of the segment that were passed on.
        read: its pictures that came out of the file.
        pending: packets that went into the decoder less pictures that came out.
        in_doubt: whether pictures may be lost that one thread would find.
    """

    def __init__(self, faults: DecodeFaults) -> None:
        self.faults = faults
        self.threads = 1
        self.found = 0
        self.read = 0
        self.pending = 0
        self.in_doubt = False
        self._before = faults.refused, faults.damaged

    def restart(self, threads: int | None = None) -> None:
        """Forget all but what was found, for another attempt meets the same packets."""
        self.threads = threads or self.threads
        self.read = self.pending = 0
        self.in_doubt = False
        self.faults.refused, self.faults.damaged = self._before

    def settle(self, expected: int, codec: str) -> bool:
        """Add to the faults what is missing of ``expected`` frames; return whether nothing went wrong.

        Some packets never give a picture, without anything being wrong: VP8's invisible frames, the second field of a
        picture, the pictures before a key frame that the file begins with. Decoders drop damaged ones as silently. Less
        than half is never right.
        """
        sound = (self.faults.refused, self.faults.damaged) == self._before and self.read >= expected
        if codec not in _HIDING and 2 * self.found < expected - 1:
            sound = False
        if self.faults.refused > self._before[0] or self.read < expected or not sound:
            self.faults.missing += max(0, expected - self.found)
        return sound
