"""Movies that are several files: streams cut into segments, discs, camera cards with a small copy of each clip."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from pipeline.media.manifests.hls import named_by
from pipeline.media.manifests.parts import title_parts

_LONGEST: Final = 4_000_000
"""Bytes of a playlist; longer files are none."""

SEGMENT: Final = "segment of a stream"
MENU: Final = "menu of a disc"
COPY: Final = "small copy"
SOUND: Final = "sound"
PART: Final = "part of a title"

_DVD_MENU: Final = re.compile(r"(VIDEO_TS|VTS_\d\d_0)\.VOB", re.IGNORECASE)
_DASH_FILE: Final = re.compile(
    r"(?:media|initialization|sourceURL|index)\s*=\s*[\"']([^\"']+)[\"']|<BaseURL[^>]*>([^<]+)</BaseURL>"
)
_DASH_VARIABLE: Final = re.compile(r"\$(?:\$|[A-Za-z]+(?:%0\d+d)?\$)")
_DASH_ENDINGS: Final = frozenset(".m4s .mp4 .m4v .m4a .webm .mpd .cmfv .cmfa .ts .mp4v .mp4a .init".split())


def parts_of_titles(files: Iterable[Path]) -> dict[Path, str]:
    """Return the files among those of a folder, and below it, that are part of a title or its copy, and why each is.

    A playlist stands for its segments; of several playlists, the one that names the others. The first VOB of a DVD's
    title stands for those that follow, for titles are cut by size; menus are none. Small copies that cameras make of
    their clips are left out.
    """
    paths = {path.resolve(): path for path in files}
    stems = _by_stem(paths)
    parts: dict[Path, str] = {}
    for real, path in paths.items():
        ending = path.suffix.lower()
        if ending in (".m3u8", ".mpd"):
            named = _hls_files(real) if ending == ".m3u8" else _dash_files(real, paths)
            parts |= {paths[file]: SEGMENT for file in named if file in paths and file != real}
        elif _DVD_MENU.fullmatch(path.name):
            parts[path] = MENU
        elif title := title_parts(path):
            parts |= {paths[file]: PART for file in (part.resolve() for part in title[1:]) if file in paths}
        elif _is_copy(real, stems):
            parts[path] = COPY
        elif ending == ".mxf" and path.parent.name.upper() == "AUDIO" and (path.parent.parent / "VIDEO").is_dir():
            parts[path] = SOUND  # Panasonic P2
    return parts


_GOPRO: Final = re.compile(r"(?:GOPR|GP(\d\d)|G([HX])(\d\d))(\d{4})\.MP4", re.IGNORECASE)
"""Chapters of a recording: GOPR0001, GP010001, GP020001; GH010001, GH020001."""

_SPLIT_BYTES: Final = tuple(limit - (1 << 26) for limit in (1 << 31, 1 << 32))
"""At how many bytes less than 2 or 4 GiB cameras begin another file."""


def splits(movies: Sequence[Path]) -> Iterator[str]:
    """Yield lines on movies that are pieces of one recording: they are not joined, as no file says that they belong."""
    recordings: dict[tuple[Path, str | None, str], list[Path]] = {}
    for path in movies:
        if match := _GOPRO.fullmatch(path.name):
            recordings.setdefault((path.parent, match[2], match[4]), []).append(path)
    for chapters in recordings.values():
        if len(chapters) > 1:
            ordered = sorted(chapters, key=_chapter)
            names = ", ".join(path.name for path in ordered)
            yield f"{ordered[0].parent}: {names} are chapters of one recording; each is a movie of its own"
    for path, following in pairwise(movies):
        is_clip = path.suffix.lower() in (".mts", ".m2ts") and following.parent == path.parent
        if is_clip and _is_split(path):
            yield f"{path}: has the size at which cameras begin another file; {following.name} may be its continuation"


def _chapter(path: Path) -> int:
    match = _GOPRO.fullmatch(path.name)
    return int(match[1] or match[3] or 0) if match else 0


def _is_split(path: Path) -> bool:
    try:
        size = path.stat().st_size
    except OSError:
        return False
    return any(limit <= size <= limit + (1 << 26) for limit in _SPLIT_BYTES)


def is_list_of_movies(path: Path) -> bool:
    """Return whether a playlist is one of whole movies, as players write them, and not the stream of one movie."""
    if path.suffix.lower() != ".m3u8":
        return False
    text = _read(path)
    return bool(text.strip()) and "#EXT-X-" not in text


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_LONGEST).decode("utf-8", "replace")
    except (OSError, ValueError):
        return ""


def _hls_files(playlist: Path) -> list[Path]:
    """Return the local files that a playlist of HLS names: segments, other playlists, keys."""
    if "#EXT-X-" not in _read(playlist):
        return []
    try:
        return [path.resolve() for path in named_by(playlist)]
    except (OSError, ValueError):  # no name for a file
        return []


def _dash_files(manifest: Path, files: Iterable[Path]) -> Iterator[Path]:
    """Yield the files beside a manifest of DASH (ISO/IEC 23009-1) whose names it may make of its templates."""
    text = _read(manifest)
    if "<MPD" not in text:
        return
    patterns = [_pattern((first or second).strip()) for first, second in _DASH_FILE.findall(text)]
    if not patterns:
        return
    one = re.compile("|".join(f"(?:.*/)?{pattern}" for pattern in patterns))
    below = (path for path in files if path.is_relative_to(manifest.parent))
    for path in below:
        name = path.relative_to(manifest.parent).as_posix()
        if path.suffix.lower() in _DASH_ENDINGS and one.fullmatch(name):
            yield path


def _pattern(template: str) -> str:
    pieces = _DASH_VARIABLE.split(template.removeprefix("./").split("?")[0])
    return "[^/]+".join(re.escape(unquote(piece)) for piece in pieces)


def _by_stem(paths: Iterable[Path]) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in paths:
        found.setdefault(path.stem.lower(), []).append(path)
    return found


def _is_copy(path: Path, stems: dict[str, list[Path]]) -> bool:
    """Whether it is of the kind that cameras leave, in low resolution, in a folder beside that of the clips."""
    place, above, stem = path.parent.name.upper(), path.parent.parent, path.stem.lower()
    if place == "SUB":  # Sony: Sub/C0001S03.MP4
        original = re.sub(r"s\d\d$", "", stem)
    elif place == "PROXY":  # Panasonic, Canon, Blackmagic
        original = re.sub(r"([_-]?proxy|_s\d\d)$", "", stem)
    else:
        return False
    same = stems.get(original, [])
    return any(other.parent != path.parent and other.is_relative_to(above) for other in same)
