"""Films whose time stamps are odd in every way that was met with, made from :mod:`flash_and_beep`."""

import struct
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Final

from flash_and_beep import FPS, Mover, Recording, remuxed_with

BASE: Final = Recording(seconds=2.4, moments=(0.6, 1.6))
"""60 pictures."""
CODECS: Final = {
    "ts": ("libx264", "aac"),
    "m2ts": ("libx264", "aac"),
    "mpg": ("mpeg2video", "mp2"),
    "vob": ("mpeg2video", "mp2"),
    "mkv": ("libx264", "aac"),
    "nut": ("libx264", "aac"),
    "webm": ("libvpx-vp9", "libopus"),
    "mp4": ("libx264", "aac"),
    "mov": ("libx264", "aac"),
    "flv": ("libx264", "aac"),
    "asf": ("mpeg4", "libmp3lame"),
    "avi": ("mpeg4", "pcm_s16le"),
}
"""Video and sound of each container here."""
_OPTIONS: Final = {
    "libx264": BASE.options,
    "mpeg2video": {"g": "12", "bf": "2"},
    "libvpx-vp9": {"g": "25", "deadline": "realtime", "cpu-used": "8"},
}
KEY: Final = {suffix: 24 if codecs[0] in ("mpeg2video", "mpeg4") else 25 for suffix, codecs in CODECS.items()}
"""The number of a key frame in the middle."""
FRAGMENTED: Final = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}

Patch = Callable[[int, str], float]
"""Takes the number of a picture and "pts" or "dts"; returns the s that are added to it."""


def recording(suffix: str, **changes: object) -> Recording:
    """Return the film in the codecs that go with a container."""
    video, audio = CODECS[suffix]
    return BASE.but(video=video, audio=audio, options=_OPTIONS.get(video, {}), **changes)


def moved(folder: Path, suffix: str, move: Mover, muxer: dict[str, str] | None = None, name: str = "film") -> Path:
    """Write the film with other time stamps."""
    source = folder / f"source.{'mkv' if suffix in ('webm', 'avi') else 'mp4'}"
    if not source.exists():
        recording(suffix).write(source)
    return remuxed_with(source, folder / f"{name}.{suffix}", move, muxer)


def by(seconds: float, picture: int = 0, sound_from: float | None = None) -> Mover:
    """Return a mover that adds ``seconds`` from a picture on, in the order of decoding, and from some time of sound."""
    heard = Fraction(-1 if not picture else picture / FPS if sound_from is None else sound_from)

    def move(kind: str, number: int, time: Fraction) -> Fraction:
        return Fraction(seconds) if (number >= picture if kind == "video" else time >= heard) else Fraction(0)

    return move


def joined(folder: Path, suffix: str, starts: list[float]) -> Path:
    """Write recordings one behind the other as ``cat`` would, each starting at its own time."""
    parts = [moved(folder, suffix, by(start), name=f"part{number}") for number, start in enumerate(starts)]
    header = 13 if suffix == "flv" else 0  # which only the first one of FLV files may have
    whole = folder / f"joined.{suffix}"
    whole.write_bytes(b"".join(part.read_bytes()[header if number else 0 :] for number, part in enumerate(parts)))
    return whole


def clusters_restart(folder: Path) -> Path:
    """Write a Matroska film that starts at 100 s and whose clusters start at 0 from its second half on."""
    path = moved(folder, "mkv", by(100), {"cluster_time_limit": "400"})
    data = bytearray(path.read_bytes())
    places = list(_clusters(data))
    half = places[len(places) // 2 :]
    restart = int.from_bytes(data[half[0]], "big")
    for place in half:
        data[place] = (int.from_bytes(data[place], "big") - restart).to_bytes(place.stop - place.start, "big")
    path.write_bytes(data)
    return path


def _clusters(data: bytearray) -> Iterator[slice]:
    """Yield where the time stamp of each cluster is."""
    cluster = data.find(b"\x1f\x43\xb6\x75")
    while cluster >= 0:
        stamp = data.find(b"\xe7", cluster + 4, cluster + 16)
        yield slice(stamp + 2, stamp + 2 + (data[stamp + 1] & 0x7F))
        cluster = data.find(b"\x1f\x43\xb6\x75", cluster + 4)


def patched(folder: Path, patch: Patch, bframes: int = 2) -> Path:
    """Write a transport stream with other time stamps in the headers of its pictures, in any order."""
    source = folder / "source.mp4"
    BASE.but(options={**BASE.options, "bf": str(bframes)}).write(source)
    path = moved(folder, "ts", by(0))
    data = bytearray(path.read_bytes())
    number = -1
    for packet in range(0, len(data), 188):
        if not data[packet + 1] & 0x40:
            continue
        start = packet + 4 + (1 + data[packet + 4] if data[packet + 3] & 0x20 else 0)
        if data[start : start + 3] != b"\0\0\1" or not 0xE0 <= data[start + 3] <= 0xEF:
            continue
        number += 1
        for place, kind in ((9, "pts"), (14, "dts"))[: {2: 1, 3: 2}.get(data[start + 7] >> 6, 0)]:
            stamp = slice(start + place, start + place + 5)
            data[stamp] = _stamped(data[stamp], round(patch(number, kind) * 90_000))
    path.write_bytes(data)
    return path


def _stamped(old: bytearray, more: int) -> bytes:
    """Return the five bytes of a time stamp, increased."""
    a, b, c, d, e = old
    value = ((a >> 1 & 7) << 30 | b << 22 | c >> 1 << 15 | d << 7 | e >> 1) + more
    value %= 1 << 33
    return bytes(
        [
            a & 0xF1 | (value >> 30 & 7) << 1,
            value >> 22 & 255,
            (value >> 15 & 127) << 1 | 1,
            value >> 7 & 255,
            (value & 127) << 1 | 1,
        ]
    )


def emptied(folder: Path, suffix: str, video: str, numbers: range) -> Path:
    """Write an mp4 or mov in which the samples of some pictures are empty: dropped, the one before stays."""
    options = {"g": "10", "bf": "0", "preset": "ultrafast"} if video == "libx264" else {}
    pixels = "yuvj420p" if video == "mjpeg" else "yuv420p"
    # Sound between any two pictures: each is in a chunk of its own, and no other one moves.
    film = BASE.but(video=video, audio="pcm_s16le" if suffix == "mov" else "aac", options=options, pixels=pixels)
    path = film.write(folder / f"film.{suffix}")
    data = bytearray(path.read_bytes())
    table = data.find(b"stsz")
    while struct.unpack(">II", data[table + 8 : table + 16]) != (0, film.frames):
        table = data.index(b"stsz", table + 1)
    for number in numbers:
        data[table + 16 + 4 * number : table + 20 + 4 * number] = bytes(4)
    path.write_bytes(data)
    return path


def variable(folder: Path, suffix: str) -> Path:
    """Write pictures at a variable rate: half of them half as long as the others."""

    def move(kind: str, number: int, _: Fraction) -> Fraction:
        return Fraction(number // 2, 2 * FPS) if kind == "video" else Fraction(0)

    BASE.but(options={**BASE.options, "bf": "0"}, moments=(), sound_s=3.0).write(folder / "source.mp4")
    return moved(folder, suffix, move)


def slides(folder: Path, suffix: str, times: Callable[[int], float]) -> Path:
    """Write ten pictures without sound at ``times`` in s."""
    options = {"g": "1", "bf": "0", "preset": "ultrafast"}
    source = BASE.but(seconds=0.4, moments=(), audio="", options=options).write(folder / "source.mp4")
    move: Mover = lambda _, number, time: Fraction(times(number)) - time  # noqa: E731
    return remuxed_with(source, folder / f"film.{suffix}", move)


def lying(path: Path, element: bytes, value: bytes) -> Path:
    """Overwrite what follows an ``element`` of a header, in place."""
    data = bytearray(path.read_bytes())
    place = data.index(element) + len(element)
    data[place : place + len(value)] = value
    path.write_bytes(data)
    return path
