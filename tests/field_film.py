"""H.264 whose pictures are pairs of fields, a packet each, which no encoder at hand writes: uncompressed levels."""

from pathlib import Path
from typing import Final

from clips import ffmpeg

_BLOCKS: Final = 2
"""Macroblocks of a picture's width, and of its height."""

_PCM: Final = 25
"""The type of a macroblock that holds its levels (ITU-T H.264, table 7-11)."""


class _Bits:
    def __init__(self) -> None:
        self._bits = ""

    def number(self, value: int, bits: int) -> "_Bits":
        self._bits += format(value, f"0{bits}b")
        return self

    def golomb(self, *values: int) -> "_Bits":
        for value in values:
            code = format(value + 1, "b")
            self._bits += "0" * (len(code) - 1) + code
        return self

    def levels(self, level: int) -> "_Bits":
        self._bits += "0" * (-len(self._bits) % 8) + format(level, "08b") * 256 + format(128, "08b") * 128
        return self

    def unit(self, head: int) -> bytes:
        """Return a NAL unit of Annex B, without the bytes that would look like the start of another one."""
        bits = self._bits + "1"
        bits += "0" * (-len(bits) % 8)
        data = int(bits, 2).to_bytes(len(bits) // 8, "big")
        for after in range(4):
            data = data.replace(bytes([0, 0, after]), bytes([0, 0, 3, after]))
        return b"\0\0\0\1" + bytes([head]) + data


def _parameters() -> bytes:
    sequence = _Bits().number(77, 8).number(0, 8).number(30, 8).golomb(0, 0, 0, 4, 1).number(0, 1)
    sequence.golomb(_BLOCKS - 1, _BLOCKS // 2 - 1).number(0b00100, 5)
    picture = _Bits().golomb(0, 0).number(0, 2).golomb(0, 0, 0).number(0, 3).golomb(0, 0, 0).number(0b100, 3)
    return sequence.unit(0x67) + picture.unit(0x68)


def _field(number: int, is_second: bool) -> bytes:
    bits = _Bits().golomb(0, 7, 0).number(0, 4).number(1, 1).number(is_second, 1)
    bits = bits.number(1, 8).number(0, 1) if is_second else bits.golomb(number % 2).number(0, 8).number(0, 2)
    bits.golomb(0, 1)
    for _ in range(_BLOCKS * _BLOCKS // 2):
        bits.golomb(_PCM).levels(40 + 3 * number % 180)
    return b"\0\0\0\1\x09\x10" + bits.unit(0x61 if is_second else 0x65)


def write_fields(path: Path, pictures: int) -> Path:
    """Write so many pictures at 25 a second to ``path``, in a container of its suffix."""
    raw = path.with_suffix(".264")
    parameters = _parameters()
    raw.write_bytes(b"".join(parameters + _field(n, second) for n in range(pictures) for second in (False, True)))
    stream = path.with_suffix(".field.ts")  # whose muxer times them
    ffmpeg("-i", raw, "-c", "copy", stream)
    ffmpeg("-i", stream, "-c", "copy", path)
    return path
