"""What H.264 streams say of themselves: parameter sets, NAL units, and the record in which MP4 and Matroska keep them.

Sections are those of ITU-T H.264; the record is the AVCDecoderConfigurationRecord of ISO/IEC 14496-15.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

SLICE: Final = 1
IDR_SLICE: Final = 5
SEI: Final = 6
SPS: Final = 7
PPS: Final = 8
DELIMITER: Final = 9
FILLER: Final = 12
"""Types of NAL units (table 7-1)."""

BASELINE: Final = 66
MAIN: Final = 77
HIGH: Final = 100
"""Profiles (annex A); each decoder of a later one decodes the constrained form of those before."""

ENCODER_SETS: Final = 31
"""The number of x264's parameter sets where others stand beside them; cameras and encoders use the first ones."""

_UNSPECIFIED: Final = 2
_EXTENDED_ASPECT: Final = 255


@dataclass(frozen=True)
class Sps:
    """A sequence parameter set, as far as it tells whether pictures are shown as they are coded.

    Attributes:
        number: by which picture parameter sets refer to it.
        is_plain: whether it is for progressive 4:2:0 pictures of 8 bits in one of the usual profiles, without anything
            else that changes what is shown.
        is_square: whether it says of pixels that they are square, or nothing.
        full_range: whether levels go from 0 to 255.
        colour: primaries, transfer and matrix (H.273); 2 is unspecified.
    """

    number: int
    is_plain: bool
    is_square: bool
    full_range: bool
    colour: tuple[int, int, int]


def _payload(nal: bytes) -> bytes:
    """Return what a NAL unit holds behind its header, without emulation prevention bytes (7.4.1)."""
    return nal[1:].replace(b"\0\0\3", b"\0\0")


class _Bits:
    """Reads the fields of a parameter set (section 7.2)."""

    def __init__(self, nal: bytes) -> None:
        payload = _payload(nal)
        self._number, self._left = int.from_bytes(payload, "big"), 8 * len(payload)

    def take(self, bits: int) -> int:
        """Read ``u(bits)``; ValueError behind the end."""
        self._left -= bits
        if self._left < 0:
            raise ValueError("the parameter set ends too early")
        return self._number >> self._left & ((1 << bits) - 1)

    def golomb(self) -> int:
        """Read ``ue(v)`` (9.1)."""
        zeros = 0
        while not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)


def read_sps(nal: bytes) -> Sps:
    """Read a sequence parameter set (7.3.2.1.1 and E.1.1).

    Raises:
        ValueError: it is cut off, or describes what nobody would show as it is.
    """
    bits = _Bits(nal)
    profile, constraints, _ = bits.take(8), bits.take(8), bits.take(8)
    number = bits.golomb()
    plain = profile in (MAIN, HIGH) or (profile == BASELINE and bool(constraints & 0x40))
    if profile == HIGH:
        plain &= bits.golomb() == 1  # 4:2:0
        plain &= (bits.golomb(), bits.golomb()) == (0, 0)  # 8 bits
        plain &= (bits.take(1), bits.take(1)) == (0, 0)  # no lossless mode, no scaling lists
    if not plain:
        return Sps(number, False, False, False, (_UNSPECIFIED,) * 3)  # what follows cannot be told without more rules
    bits.golomb()  # length of frame_num
    kind = bits.golomb()
    if kind == 0:
        bits.golomb()
    elif kind == 1:
        bits.take(1)
        bits.golomb(), bits.golomb()
        for _ in range(bits.golomb()):
            bits.golomb()
    bits.golomb()  # reference frames
    plain &= not bits.take(1)  # gaps in frame_num
    bits.golomb(), bits.golomb()  # width and height
    progressive = bool(bits.take(1))
    if not progressive:
        return Sps(number, False, False, False, (_UNSPECIFIED,) * 3)
    bits.take(1)
    if bits.take(1):  # cropping; on the right and below it fills up blocks, as everywhere
        left, _, top, _ = (bits.golomb() for _ in range(4))
        plain &= (left, top) == (0, 0)
    if not bits.take(1):
        return Sps(number, plain, True, False, (_UNSPECIFIED,) * 3)
    return _with_usability(bits, number, plain)


def _with_usability(bits: _Bits, number: int, plain: bool) -> Sps:
    """Read on at the video usability information (E.1.1)."""
    square, full_range, colour = True, False, (_UNSPECIFIED,) * 3
    if bits.take(1):
        aspect = bits.take(8)
        square = bits.take(16) == bits.take(16) if aspect == _EXTENDED_ASPECT else aspect in (0, 1)
    if bits.take(1):
        bits.take(1)  # overscan
    if bits.take(1):
        bits.take(3)
        full_range = bool(bits.take(1))
        if bits.take(1):
            colour = bits.take(8), bits.take(8), bits.take(8)
    if bits.take(1):
        plain &= (bits.golomb(), bits.golomb()) == (0, 0)  # where chroma lies: as usual
    if bits.take(1):
        bits.take(32), bits.take(32), bits.take(1)
    has_buffer = False
    for _ in range(2):
        if bits.take(1):
            has_buffer = True
            _skip_buffer(bits)
    if has_buffer:
        bits.take(1)
    plain &= not bits.take(1)  # pic_struct, which can call any picture interlaced
    return Sps(number, plain, square, full_range, colour)


def _skip_buffer(bits: _Bits) -> None:
    """Skip the parameters of a hypothetical decoder (E.1.2)."""
    count = bits.golomb() + 1
    bits.take(8)
    for _ in range(count):
        bits.golomb(), bits.golomb(), bits.take(1)
    bits.take(20)


def _pps_number(nal: bytes) -> int:
    return _Bits(nal).golomb()


@dataclass(frozen=True)
class Record:
    """An AVCDecoderConfigurationRecord: what a decoder must know before the first picture.

    Attributes:
        profile, compatibility, level: that all of the stream keeps to.
        length_size: bytes of the length before each NAL unit.
        sps, pps: parameter sets, as NAL units.
    """

    profile: int
    compatibility: int
    level: int
    length_size: int
    sps: tuple[bytes, ...]
    pps: tuple[bytes, ...]

    @staticmethod
    def parse(data: bytes | None) -> "Record | None":
        """Read a record; None for a stream that has none, or one that is torn."""
        if data is None or len(data) < 7 or data[0] != 1:  # else start codes: Annex B
            return None
        place, sets = 5, []
        for mask in (0x1F, 0xFF):
            if place >= len(data):
                return None
            count, place, found = data[place] & mask, place + 1, []
            for _ in range(count):
                size = int.from_bytes(data[place : place + 2], "big")
                found.append(data[place + 2 : place + 2 + size])
                place += 2 + size
            sets.append(tuple(found))
        if place > len(data) or not all(all(found) for found in sets):
            return None
        return Record(data[1], data[2], data[3], (data[4] & 3) + 1, *sets)

    def joined(self, other: "Record") -> "Record | None":
        """Return one record for both streams, one behind the other; None where parameter sets collide.

        Raises:
            ValueError: one of them cannot be read.
        """
        sps = {read_sps(nal).number: nal for nal in (*other.sps, *self.sps)}
        pps = {_pps_number(nal): nal for nal in (*other.pps, *self.pps)}
        same = {*sps.values(), *pps.values()} >= {*other.sps, *other.pps}
        if not same or self.length_size != other.length_size:
            return None
        return Record(
            max(self.profile, other.profile),
            self.compatibility & other.compatibility,
            max(self.level, other.level),
            self.length_size,
            tuple(nal for _, nal in sorted(sps.items())),
            tuple(nal for _, nal in sorted(pps.items())),
        )

    def has_number(self, number: int) -> bool:
        """Whether one of its parameter sets goes by a number; ValueError where one cannot be read."""
        return number in {read_sps(nal).number for nal in self.sps} | {_pps_number(nal) for nal in self.pps}

    def to_bytes(self) -> bytes:
        """Return the record as a file holds it."""
        head = bytes([1, self.profile, self.compatibility, self.level, 0xFC | self.length_size - 1])
        sps, pps = (b"".join(len(nal).to_bytes(2, "big") + nal for nal in sets) for sets in (self.sps, self.pps))
        # Profiles from High on say that pictures are 4:2:0 of 8 bits.
        tail = bytes([0xFD, 0xF8, 0xF8, 0]) if self.profile >= HIGH else b""
        return head + bytes([0xE0 | len(self.sps)]) + sps + bytes([len(self.pps)]) + pps + tail


def nals_of(packet: memoryview, length_size: int) -> Iterator[memoryview]:
    """Yield the NAL units of a packet in which each has its length in front, as views.

    Raises:
        ValueError: lengths contradict the packet's own.
    """
    place = 0
    while place < len(packet):
        size = int.from_bytes(packet[place : place + length_size], "big")
        place += length_size
        if not 0 < size <= len(packet) - place:
            raise ValueError(f"a NAL unit of {size} bytes in a packet that has {len(packet) - place} left")
        yield packet[place : place + size]
        place += size


def packed(nals: Sequence[memoryview]) -> bytes:
    """Return NAL units as a packet, each with its length in four bytes in front."""
    return b"".join(part for nal in nals for part in (len(nal).to_bytes(4, "big"), nal))


def sei_types(nal: bytes) -> set[int]:
    """Return the types of the messages in a SEI unit (7.3.2.3)."""
    payload, place, types = _payload(nal), 0, set()
    while place < len(payload) - 1:  # the last byte is a stop bit
        numbers = []
        for _ in range(2):  # type and size
            number = 0
            while place < len(payload) and payload[place] == 0xFF:
                number, place = number + 255, place + 1
            if place == len(payload):
                break
            numbers.append(number + payload[place])
            place += 1
        if len(numbers) < 2:
            break
        types.add(numbers[0])
        place += numbers[1]
    return types
