"""Segments that a movie should have and has not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from pipeline.errors import InputError
from pipeline.media.manifests.dash import is_manifest, segments_of

_LONGEST: Final = 4_000_000


def loss_of(path: Path) -> str:
    """Return what a movie lacks of its segments, in words; "" where nothing, or where it has none."""
    try:
        if is_manifest(path):
            missing, count = segments_of(path)
        elif path.suffix.lower() == ".m3u8":
            there = [segment.is_file() for segment in _segments(path, {path})]
            missing, count = there.count(False), len(there)
        else:
            return ""
    except (InputError, OSError, ValueError):
        return ""
    return f"{missing} of {count} segments are missing" if missing else ""


def _segments(playlist: Path, seen: set[Path]) -> Iterator[Path]:
    """Yield the local segments of a playlist of HLS, and of those that it names."""
    with playlist.open("rb") as file:
        lines = file.read(_LONGEST).decode("utf-8", "replace").splitlines()
    for line in filter(None, map(str.strip, lines)):
        parts = urlsplit(line)
        if line.startswith("#") or parts.scheme not in ("", "file"):
            continue
        path = playlist.parent / line
        if not path.is_file():
            path = playlist.parent / unquote(parts.path)
        if path.suffix.lower() != ".m3u8":
            yield path
        elif path not in seen and path.is_file():
            seen.add(path)
            yield from _segments(path, seen)
