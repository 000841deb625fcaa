"""A manifest of DASH (ISO/IEC 23009-1) as a playlist of HLS (RFC 8216), which PyAV's FFmpeg can read.

Of each track the representation of the highest rate is taken. Its segments must be files: nothing is fetched.
"""

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from pipeline.errors import NotAMovieError
from pipeline.media.manifests.hls import data_address

HLS_OPTIONS: Final = {
    "allowed_extensions": "ALL",
    "extension_picky": "0",
}
"""With which, beside :func:`pipeline.limits.open_options`, what :func:`as_playlist` gives is to be opened."""

_LONGEST: Final = 4_000_000
"""Bytes of a manifest."""

_MOST: Final = 1_000_000
"""Segments of a track."""

_TIME: Final = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?")
_VARIABLE: Final = re.compile(r"\$(RepresentationID|Number|Bandwidth|Time|)(?:%0(\d+)d)?\$")


@dataclass(frozen=True)
class _Segment:
    """A file, what must be read before it ("" for nothing), how long it lasts in s, its bytes, if not all."""

    address: str
    header: str
    seconds: float
    span: str = ""
    is_there: bool = True


@dataclass
class _Track:
    kind: str
    language: str
    segments: list[_Segment]


def is_manifest(path: Path) -> bool:
    """Return whether a file calls itself a manifest of DASH."""
    return path.suffix.lower() == ".mpd"


def as_playlist(manifest: Path) -> str:
    """Return a master playlist as a ``data:`` address, for the demuxer ``hls``.

    Raises:
        NotAMovieError: it is no manifest, or one without local video.
        OSError: it cannot be read.
    """
    pictures, sound = _read(manifest)
    lines = ["#EXTM3U", "#EXT-X-VERSION:7"]
    for number, track in enumerate(sound):
        lines.append(
            f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="sound",NAME="{number}",LANGUAGE="{track.language}",'
            f'DEFAULT={"NO" if number else "YES"},URI="{_playlist(track)}"'
        )
    lines += ["#EXT-X-STREAM-INF:BANDWIDTH=1" + (',AUDIO="sound"' if sound else ""), _playlist(pictures)]
    return data_address(lines)


def segments_of(manifest: Path) -> tuple[int, int]:
    """Return how many segments of pictures and sound are missing, and how many there should be.

    Raises:
        NotAMovieError, OSError: see :func:`as_playlist`.
    """
    pictures, sound = _read(manifest)
    there = [segment.is_there for track in (pictures, *sound) for segment in track.segments]
    return there.count(False), len(there)


def segment_files(manifest: Path) -> list[Path]:
    """Return the files of which pictures and sound are read, missing ones included.

    Raises:
        NotAMovieError, OSError: see :func:`as_playlist`.
    """
    pictures, sound = _read(manifest)
    addresses = [a for track in (pictures, *sound) for one in track.segments for a in (one.header, one.address) if a]
    return [Path(address.removeprefix("file:")) for address in addresses]


def _read(manifest: Path) -> tuple[_Track, list[_Track]]:
    """Return the track of the pictures, and those of sound."""
    with manifest.open("rb") as file:
        content = file.read(_LONGEST)
    try:
        if b"<!ENTITY" in content:  # a manifest has none, and some are made to fill the memory
            raise ValueError("it declares entities")
        tracks = _tracks(ET.fromstring(content), manifest)
    except (ET.ParseError, ValueError, OverflowError, ZeroDivisionError) as error:
        raise NotAMovieError(f"{manifest}: expected a manifest of DASH: {error}") from error
    tracks = [track for track in tracks if any(segment.is_there for segment in track.segments)]
    pictures = [track for track in tracks if track.kind == "video"]
    if not pictures:
        raise NotAMovieError(f"{manifest}: expected video whose segments lie beside the manifest, found none")
    return pictures[0], [track for track in tracks if track.kind == "audio"]


def _playlist(track: _Track) -> str:
    lines = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-PLAYLIST-TYPE:VOD"]
    lines.append(f"#EXT-X-TARGETDURATION:{math.ceil(max(segment.seconds for segment in track.segments))}")
    header = ""
    for segment in track.segments:
        if segment.header != header:
            lines += ["#EXT-X-DISCONTINUITY"] if header else []
            lines.append(f'#EXT-X-MAP:URI="{segment.header}"')
            header = segment.header
        lines.append(f"#EXTINF:{segment.seconds:.6f},")
        if segment.span:
            first, last = (int(place) for place in segment.span.split("-"))
            lines.append(f"#EXT-X-BYTERANGE:{last - first + 1}@{first}")
        lines.append(segment.address)
    return data_address([*lines, "#EXT-X-ENDLIST"])


def _tracks(root: ET.Element, manifest: Path) -> list[_Track]:
    """Return the tracks, those of one period after those of the one before."""
    found: list[_Track] = []
    whole = _seconds(root.get("mediaPresentationDuration"))
    for period in root.findall("{*}Period"):
        lasts = _seconds(period.get("duration")) or whole
        counts: dict[str, int] = {}
        for choice in period.findall("{*}AdaptationSet"):
            kinds = [_kind(choice, representation) for representation in choice.findall("{*}Representation")]
            if not kinds or kinds[0] not in ("video", "audio"):
                continue
            best = max(choice.findall("{*}Representation"), key=lambda one: int(one.get("bandwidth", "0")))
            language = re.sub(r"[^A-Za-z-]", "", choice.get("lang", "und"))
            segments = list(_segments([root, period, choice, best], manifest, lasts))
            track = _Track(kinds[0], language, segments)
            place = counts[kinds[0]] = counts.get(kinds[0], 0) + 1
            same = [one for one in found if one.kind == kinds[0]]
            if len(same) >= place:
                same[place - 1].segments += segments
            else:
                found.append(track)
    return found


def _kind(choice: ET.Element, representation: ET.Element) -> str:
    said = choice.get("contentType") or choice.get("mimeType") or representation.get("mimeType") or ""
    return said.split("/")[0]


def _segments(levels: list[ET.Element], manifest: Path, lasts: float) -> Iterator[_Segment]:
    """Yield the segments of a representation; ``levels`` lead from the manifest to it."""
    base = manifest.absolute().parent
    for level in levels:
        named = level.find("{*}BaseURL")
        if named is not None and named.text:
            base = base / _local(named.text.strip())
    template, listed = _merged(levels, "SegmentTemplate"), _merged(levels, "SegmentList")
    best = levels[-1]
    if base.is_file():  # all of it in one file: where its segments begin does not matter
        yield _Segment(f"file:{base}", "", lasts or 1.0)
    elif template:
        yield from _of_template(template, best, base, lasts)
    elif listed:
        header = next(
            (_file(base, one.get("sourceURL", "")) for e in listed for one in e.findall("{*}Initialization")), ""
        )
        seconds = float(_attribute(listed, "duration", "0")) / float(_attribute(listed, "timescale", "1")) or 1.0
        for count, one in enumerate(listed[0].findall("{*}SegmentURL")):
            name, left = one.get("media", ""), lasts - count * seconds
            is_there, shown = bool(_file(base, name)), min(seconds, left) if left > 0 else seconds
            yield _Segment(f"file:{base / _local(name)}", header, shown, one.get("mediaRange", ""), is_there)


def _of_template(template: list[ET.Element], best: ET.Element, base: Path, lasts: float) -> Iterator[_Segment]:
    timescale = float(_attribute(template, "timescale", "1"))
    number = int(_attribute(template, "startNumber", "1"))
    values = {"RepresentationID": best.get("id", ""), "Bandwidth": best.get("bandwidth", "")}
    header = _file(base, _filled(_attribute(template, "initialization", ""), values))
    media = _attribute(template, "media", "")
    timeline = next((one for element in template for one in element.findall("{*}SegmentTimeline")), None)
    steps = _uniform(template, timescale, lasts) if timeline is None else _listed(timeline)
    for count, (time, duration, is_sure) in enumerate(steps):
        name = _filled(media, values | {"Number": str(number + count), "Time": str(time)})
        is_there = bool(_file(base, name))
        if count >= _MOST or not (is_there or is_sure):
            return
        yield _Segment(f"file:{base / _local(name)}", header, duration / timescale, is_there=is_there)


def _uniform(template: list[ET.Element], timescale: float, lasts: float) -> Iterator[tuple[int, int, bool]]:
    """Yield time and duration of each segment, and whether it must be there."""
    duration = int(_attribute(template, "duration", "0"))
    if duration <= 0:
        raise ValueError("its segments have no duration")
    sure = math.ceil(lasts * timescale / duration) - 1  # the last one may be empty, and there may be more
    ends = lasts * timescale
    for k in range(_MOST):
        left = ends - k * duration
        yield k * duration, min(duration, math.ceil(left)) if left > 0 else duration, k < sure


def _listed(timeline: ET.Element) -> Iterator[tuple[int, int, bool]]:
    time = 0
    for step in timeline.findall("{*}S"):
        time = int(step.get("t", time))
        duration, repeats = int(step.get("d", "0")), int(step.get("r", "0"))
        for _ in range(_MOST if repeats < 0 else min(repeats, _MOST) + 1):
            yield time, duration, repeats >= 0
            time += duration


def _merged(levels: list[ET.Element], name: str) -> list[ET.Element]:
    """Return the elements of a name, the innermost first: what it lacks, it has from those around it."""
    return [found for level in reversed(levels) if (found := level.find(f"{{*}}{name}")) is not None]


def _attribute(elements: list[ET.Element], name: str, default: str) -> str:
    return next((value for element in elements if (value := element.get(name)) is not None), default)


def _filled(template: str, values: dict[str, str]) -> str:
    def value(found: "re.Match[str]") -> str:
        name, width = found.groups()
        return values.get(name, "").zfill(int(width or 0)) if name else "$"

    return _VARIABLE.sub(value, template)


def _local(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme not in ("", "file") or parts.netloc:
        raise ValueError(f"its segments are elsewhere: {address}")
    return unquote(parts.path)


def _file(base: Path, address: str) -> str:
    """Return the address of a segment's file; "" where there is none."""
    path = base / _local(address) if address else base
    is_there = "\n" not in str(path) and path.is_file() and path.stat().st_size > 0
    return f"file:{path}" if is_there else ""


def _seconds(text: str | None) -> float:
    match = _TIME.fullmatch(text or "")
    if match is None:
        return 0.0
    days, hours, minutes, seconds = (float(value or 0) for value in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
