"""Damaged films: small ones of many formats, bits flipped, cut off, spliced, repeated, and with headers that lie."""

import os
import random
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from flash_and_beep import Recording

_BASE: Final = Recording(seconds=0.4, moments=(0.2,), options={})
_X264: Final = {"preset": "ultrafast", "g": "5"}
SEEDS: Final[dict[str, Recording]] = {
    "mp4": _BASE.but(options=_X264),
    "mkv": _BASE.but(audio="libmp3lame", options=_X264),
    "ts": _BASE.but(options=_X264),
    "mov": _BASE.but(video="mjpeg", audio="pcm_s16le", pixels="yuvj420p"),
    "avi": _BASE.but(video="mpeg4", audio="libmp3lame"),
    "webm": _BASE.but(video="libvpx", audio="libopus", options={"deadline": "realtime", "cpu-used": "8"}),
    "mpg": _BASE.but(video="mpeg2video", audio="mp2"),
    "flv": _BASE.but(video="flv", audio="libmp3lame"),
    "asf": _BASE.but(video="mpeg4", audio="libmp3lame"),
    "mxf": _BASE.but(video="mpeg2video", audio="pcm_s16le", pixels="yuv422p"),
    "nut": _BASE.but(video="ffv1", audio="pcm_s16le"),
    "gif": _BASE.but(video="gif", audio="", pixels="gray"),
    "m2ts": _BASE.but(video="libx265", options={"preset": "ultrafast", "x265-params": "log-level=none"}),
}
FLIPS, CUTS, SPLICES = 1000, 100, 60


def seeds(folder: Path) -> dict[str, bytes]:
    """Return a whole film of each format, by suffix."""
    folder.mkdir(parents=True, exist_ok=True)
    return {suffix: film.write(folder / f"film.{suffix}").read_bytes() for suffix, film in SEEDS.items()}


def flipped(data: bytes, chance: random.Random) -> bytes:
    """Flip 1 to 32 bits: one of three in the header, where a parser believes everything."""
    spoiled = bytearray(data)
    most = len(data) if chance.random() < 2 / 3 else min(len(data), 1024)
    for _ in range(2 ** chance.randrange(6)):
        spoiled[chance.randrange(most)] ^= 1 << chance.randrange(8)
    return bytes(spoiled)


def cut_off(data: bytes, chance: random.Random) -> bytes:
    """Keep the beginning, of any length."""
    return data[: chance.randrange(1, len(data))]


def spliced(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """Repeat a stretch, move it, leave it out, or put in one of another format."""
    a, b = sorted(chance.randrange(len(data)) for _ in range(2))
    place, middle = chance.randrange(len(data)), data[a:b]
    foreign = other[: chance.randrange(len(other))]
    ways = (data[:b] + middle * 20 + data[b:], data[:a] + data[b:], data[:place] + middle + data[place:],
            data[:place] + foreign + data[place:])  # fmt: skip
    return chance.choice(ways)


def lies(films: dict[str, bytes]) -> dict[str, bytes]:
    """Return films whose headers lie: of 65,535 x 65,535 pixels, 1e9 pictures a second, 1e9 s, 2^32 samples."""
    mp4, mkv, avi, mov = (films[suffix] for suffix in ("mp4", "mkv", "avi", "mov"))
    huge = b"\xff\xff\xff\xff"
    sizes = {f"size.{s}": _behind(films[s], b"avc1" if s == "mp4" else b"jpeg", 24, huge) for s in ("mp4", "mov")}
    return sizes | {
        "size.avi": _behind(avi, b"strf", 8, struct.pack("<II", 65_535, 65_535)),
        "size.mkv": mkv.replace(b"\xb0\x81\x60", b"\xb0\x81\xff").replace(b"\xba\x81\x40", b"\xba\x81\xff"),
        "size.gif": films["gif"][:6] + huge + films["gif"][10:],
        "rate.avi": _behind(avi, b"avih", 4, struct.pack("<I", 1)),
        "rate.mp4": _behind(mp4, b"mdhd", 12, struct.pack(">I", 1_000_000_000)),
        "ticks.mov": _behind(mov, b"mdhd", 12, struct.pack(">I", 1)),
        "duration.mp4": _behind(mp4, b"mvhd", 16, huge),
        "duration.mkv": mkv.replace(b"\x44\x89\x88", b"\x44\x89\x88\x41\xcd\xcd\x65\x00", 1),
        "samples.mp4": _behind(mp4, b"stsz", 8, huge),
        "offsets.mp4": _behind(mp4, b"stco", 8, huge * 2),
        "times.mp4": _behind(mp4, b"stts", 8, b"\0\0\0\x0a\x7f\xff\xff\xff"),
        "edit.mp4": _behind(mp4, b"elst", 8, b"\x7f\xff\xff\xff" * 2),
        "pictures.avi": _behind(avi, b"strh", 36, huge),
        "box.mp4": mp4[:32].replace(b"ftyp", b"moov") * 4000,
        "deep.mp4": b"".join(struct.pack(">I4s", 8 * (5000 - k), b"moov") for k in range(5000)),
        "deep.mkv": mkv[:64] + b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff" * 5000,
    }


def _behind(data: bytes, mark: bytes, skip: int, new: bytes) -> bytes:
    """Replace what lies ``skip`` bytes behind ``mark``."""
    place = data.find(mark)
    assert place >= 0, mark
    place += len(mark) + skip
    return data[:place] + new + data[place + len(new) :]


ODD_NAMES: Final = tuple(
    os.fsdecode(name)
    for name in (
        b"line\nend.mp4", b"quo'te\"s.mp4", b"-o.mp4", b"--help.mp4", b"%d.mp4", b"a|b;c&d.mp4", b"$(touch x).mp4",
        b"`touch x`.mp4", b"file:x.mp4", b"http:x.mp4", b"concat:a|b.mp4", b"~.mp4", b"*?[a].mp4", b"\xff\xfe.mp4",
        "\u202eright to left.mp4".encode(), "שלום.mp4".encode(), b" space .mp4",
        b"tab\t.mp4", b"\x1b[2J.mp4", b"CON.mp4",
        b"x" * 251 + b".mp4", "é".encode() * 125 + b".mp4", b"back\\slash.mp4", b"dot..mp4", b"a:b.mp4",
    )
)  # fmt: skip


def write_damaged(folder: Path, films: dict[str, bytes], part: slice = slice(None)) -> int:
    """Write damaged films into ``folder`` and return how many; ``part`` of all 1,000 flips, 100 cuts and 60 splices."""
    kinds: list[tuple[str, int]] = [("flip", k) for k in range(FLIPS)]
    kinds += [("cut", k) for k in range(CUTS)] + [("splice", k) for k in range(SPLICES)]
    written = 0
    for kind, number in kinds[part]:
        suffix = list(films)[number % len(films)]
        path = folder / kind / f"{number:04}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(damaged(kind, number, suffix, films))
        written += 1
    return written


def damaged(kind: str, number: int, suffix: str, films: dict[str, bytes]) -> bytes:
    """Return film ``number`` of a kind of damage, ever the same."""
    chance = random.Random(f"{kind} {number}")
    ways: dict[str, Callable[[], bytes]] = {
        "flip": lambda: flipped(films[suffix], chance),
        "cut": lambda: cut_off(films[suffix], chance),
        "splice": lambda: spliced(films[suffix], films[chance.choice(list(films))], chance),
    }
    return ways[kind]()


def files_below(folder: Path) -> Iterator[tuple[str, int, int]]:
    """Yield path, size and time of every file and folder below ``folder``, as far as they can be seen."""
    for here, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = os.path.join(here, name)
            status = os.lstat(path)
            yield path, status.st_size, status.st_mtime_ns if name in files else 0
