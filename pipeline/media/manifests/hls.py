"""Playlists of HLS (RFC 8216) as files: what they name, what they promise, and an end for those of live streams."""

import base64
import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

TYPE: Final = "data:application/vnd.apple.mpegurl;base64,"
_URI: Final = re.compile(r'(?<=URI=")[^"]+(?=")')
_SECONDS: Final = re.compile(r"^#EXTINF:\s*([\d.]+)", re.MULTILINE)
_LONGEST: Final = 16_000_000
"""Bytes of a playlist that are read."""

_DEEPEST: Final = 3
"""Playlists that name each other."""


def is_playlist(path: Path) -> bool:
    """Return whether a file calls itself a playlist of HLS."""
    return path.suffix.lower() == ".m3u8"


def data_address(lines: list[str]) -> str:
    """Return a playlist as an address that FFmpeg reads it from, so that nothing lies on the disk."""
    return TYPE + base64.b64encode(("\n".join(lines) + "\n").encode("utf-8", "surrogateescape")).decode()


def named_by(playlist: Path) -> list[Path]:
    """Return the local files that a playlist names, and those named by these: segments, headers, keys, playlists.

    Raises:
        OSError, ValueError: it cannot be read.
    """
    return list(dict.fromkeys(_named(playlist, {playlist})))


def segments_of_playlist(playlist: Path) -> list[Path]:
    """Return the local segments of a playlist, and of those that it names.

    Raises:
        OSError, ValueError: it cannot be read.
    """
    return [path for path in _named(playlist, {playlist}, with_uris=False) if not is_playlist(path)]


def slack_of(playlist: Path) -> Fraction:
    """Return by how many s pictures may be shorter than the playlist says: it may round the time of each segment.

    Raises:
        OSError, ValueError: it cannot be read.
    """
    times: list[str] = max(map(_SECONDS.findall, _texts(playlist)), key=len, default=[])
    each = Fraction(1, 50) if any("." in time for time in times) else Fraction(1)
    return each * len(times)


def as_closed(playlist: Path) -> str:
    """Return the address of a playlist that has an end, where this one, or one that it names, has none; else "".

    FFmpeg takes one without for a live stream: it would leave out what came before, and wait for more.

    Raises:
        OSError, ValueError: it cannot be read.
    """
    if not any(map(_is_open, _texts(playlist))):
        return ""
    return _closed(playlist, 0)


def _is_open(text: str) -> bool:
    return "#EXTINF" in text and "#EXT-X-ENDLIST" not in text


def _closed(playlist: Path, depth: int) -> str:
    text = _text(playlist)

    def address(named: str) -> str:
        path = _local(playlist, named)
        if path is None:
            return named
        if is_playlist(path) and path.is_file() and depth < _DEEPEST:
            return _closed(path, depth + 1)
        return f"file:{path.absolute()}"

    lines = [_with(address, line) for line in map(str.strip, text.splitlines()) if line]
    return data_address([*lines, "#EXT-X-ENDLIST"] if _is_open(text) else lines)


def _with(address: Callable[[str], str], line: str) -> str:
    return _URI.sub(lambda found: address(found[0]), line) if line.startswith("#") else address(line)


def _named(playlist: Path, seen: set[Path], with_uris: bool = True) -> Iterator[Path]:
    for line in filter(None, map(str.strip, _text(playlist).splitlines())):
        named = [line] if not line.startswith("#") else _URI.findall(line) if with_uris else []
        for path in filter(None, (_local(playlist, address) for address in named)):
            yield path
            if is_playlist(path) and path not in seen and path.is_file():
                seen.add(path)
                yield from _named(path, seen, with_uris)


def _local(playlist: Path, address: str) -> Path | None:
    """Return the file that an address in a playlist stands for; None if it is elsewhere."""
    parts = urlsplit(address)
    if parts.scheme not in ("", "file") or parts.netloc:
        return None
    path = playlist.parent / address
    return path if path.is_file() else playlist.parent / unquote(parts.path)


def _texts(playlist: Path) -> Iterator[str]:
    """Return the texts of a playlist, and of those that it names."""
    return (_text(path) for path in (playlist, *named_by(playlist)) if is_playlist(path) and path.is_file())


def _text(playlist: Path) -> str:
    with playlist.open("rb") as file:
        return file.read(_LONGEST).decode("utf-8", "surrogateescape")
