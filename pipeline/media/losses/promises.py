"""Which packets promise a picture, and which pictures may be missing without a loss."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median_low
from typing import Any, Final, NamedTuple

_STRICT: Final = frozenset(
    "h264 hevc vvc mpeg1video mpeg2video mpeg4 msmpeg4 msmpeg4v2 msmpeg4v3 wmv1 wmv2 wmv3 vc1 h263 h263p flv "
    "vp8 vp9 av1 libvpx libvpx-vp9 libdav1d libaom-av1 theora mjpeg ffv1 huffyuv ffvhuff utvideo magicyuv prores dnxhd "
    "jpeg2000 png apng gif rawvideo v210 dvvideo qtrle cfhd wrapped_avframe".split()
)
"""Decoders that give a picture for each packet that promises one. Of others nothing is known: some screen recorders
have packets that change nothing."""

_FIELDS: Final = frozenset("h264 hevc vc1 wmv3 mpeg1video mpeg2video mjpeg jpeg2000".split())
"""Those whose packets may hold one field of a picture."""

_FIELD: Final = 0.75
"""Part of a picture's usual time within which a packet behind another holds its second field."""

_NOT_CODED_BYTES: Final = 9
"""Most that a picture of MPEG-4 takes that is not coded: start code, type, time, and what fills the last byte."""


def is_shown(codec: str, packet: Any) -> bool:
    """Return whether what a packet with data holds is shown: VP8 and VP9 have pictures that others are made of alone.

    Args:
        codec: FFmpeg's name of the decoder.
        packet: PyAV's.
    """
    if codec in ("vp8", "libvpx"):
        return _shows_vp8(bytes(memoryview(packet)[:6]))
    if codec in ("vp9", "libvpx-vp9"):
        return _shows_vp9(memoryview(packet))
    return True


def _promises(codec: str, packet: Any) -> bool:
    """Whether a packet of the segment promises a picture."""
    is_short = codec == "mpeg4" and packet.size <= _NOT_CODED_BYTES
    return is_shown(codec, packet) and not (is_short and b"\0\0\1\xb6" in bytes(packet))


def _shows_vp8(head: bytes) -> bool:
    """Whether a frame is shown: RFC 6386, 9.1. What is none is to be, and was damaged."""
    is_key = not head[0] & 1
    return bool(head[0] & 0x10) or (is_key and head[3:6] != b"\x9d\x01\x2a")


def _shows_vp9(data: memoryview) -> bool:
    """Whether one of the frames in a packet is shown: VP9 bitstream specification, 6.2 and annex B."""
    mark, sizes = data[-1], []
    if mark & 0xE0 == 0xC0:
        count, width = (mark & 7) + 1, (mark >> 3 & 3) + 1
        index = data[-2 - count * width :]
        if index[0] == mark:
            sizes = [int.from_bytes(index[1 + k * width : 1 + (k + 1) * width], "little") for k in range(count)]
    starts = [sum(sizes[:k]) for k in range(len(sizes))] or [0]
    return any(start < len(data) and _shows_vp9_frame(data[start]) for start in starts)


def _shows_vp9_frame(first: int) -> bool:
    if first >> 6 != 2:
        return True  # damaged
    reserved = first & 0x30 == 0x30  # profile 3 has one bit more
    shows_earlier, is_shown = (0x04, 0x01) if reserved else (0x08, 0x02)
    return bool(first & (shows_earlier | is_shown))


class Promise(NamedTuple):
    """A packet that promises a picture.

    Attributes:
        pts: of it, on the movie's clock; None where it has none.
        leads: whether its picture may need others that are not in the file: it comes before the first key frame of the
            file, or of what follows a step of its clock, or is shown before that.
        run: number of steps of the clock before it.
    """

    pts: int | None
    leads: bool
    run: int


class Loss(NamedTuple):
    """How many pictures are missing, and how many more need others that are not in the file, at its start."""

    missing: int
    leading: int


class Promises:
    """The promises of one segment's packets, in the order of decoding."""

    def __init__(self, codec: str) -> None:
        """Expect nothing; ``codec`` is FFmpeg's name of the decoder."""
        self._codec = codec
        self.restart(False)

    def restart(self, amid: bool) -> None:
        """Forget all; ``amid`` says whether reading begins at a key frame amid the file, and so all can be decoded."""
        self._all: list[Promise] = []
        self._known: set[int | None] = set()  # pts of all packets, those of neighbours as well
        self._run = 0
        self._key: int | None = None
        self._may_lead = not amid

    def step(self) -> None:
        """Note that the file's clock steps here."""
        self._run, self._key, self._may_lead = self._run + 1, None, True

    def add(self, packet: Any, own: bool) -> None:
        """Take the next packet with data, and keep its promise if it is the segment's ``own``."""
        pts: int | None = packet.pts
        if packet.is_keyframe and self._key is None:
            self._key = pts
            self._may_lead &= pts is not None
        self._known.add(pts)
        if own and _promises(self._codec, packet):
            leads = self._may_lead and (self._key is None or (pts is not None and pts < self._key))
            self._all.append(Promise(pts, leads, self._run))

    def broken(self, found: Sequence[int], goes_on: bool, interlaced: bool, trusted: bool) -> "Loss":
        """Return what is missing.

        Args:
            found: pts of the pictures, rising.
            goes_on: whether a picture behind the segment was found, too.
            interlaced: whether one of them is.
            trusted: whether the packets' pts are those of pictures.
        """
        has_fields = interlaced and self._codec in _FIELDS
        if trusted and self._codec in _STRICT:
            return self._unkept(found, goes_on, has_fields)
        lost = len(self._all) - len(found)
        if self._codec in _STRICT and not has_fields:
            leading = min(max(0, lost), sum(promise.leads for promise in self._all)) if found else 0
            return Loss(max(0, lost - leading), leading)
        return Loss(max(0, lost) if 2 * len(found) < len(self._all) - 1 else 0, 0)

    def _unkept(self, found: Sequence[int], goes_on: bool, has_fields: bool) -> "Loss":
        there = set(found)
        promised = sorted((promise.pts, promise) for promise in self._all if promise.pts is not None)
        first: dict[int, int] = {}
        for pts, promise in promised:
            if pts in there:
                first.setdefault(promise.run, pts)
        second = self._second_fields(found) if has_fields else set()
        lost = [(pts, promise) for pts, promise in promised if pts not in there and pts not in second]
        leading = sum(
            promise.leads and (pts < first[promise.run] if promise.run in first else goes_on) for pts, promise in lost
        )
        return Loss(max(0, len(lost) - leading - len(there - self._known)), leading)

    def _second_fields(self, found: Sequence[int]) -> set[int]:
        """Return the pts of packets that hold the second field of a picture."""
        usual = median_low([b - a for a, b in pairwise(found)] or [0])
        second: set[int] = set()
        for a, b in pairwise(sorted(pts for pts in self._known if pts is not None)):
            if a not in second and b - a <= _FIELD * usual:
                second.add(b)
        return second
