"""The shapes and pixel formats that tests/pipeline/test_shapes.py tries; docs/media.md shows them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from textwrap import fill
from typing import Final

from clips import X264
from discs import Part

from pipeline.media.geometry import Orientation, even

WAYS: Final = {
    "upright": Orientation(),
    "quarter": Orientation(transpose=True, flip_x=True),
    "half": Orientation(flip_x=True, flip_y=True),
    "three quarters": Orientation(transpose=True, flip_y=True),
    "mirrored": Orientation(flip_x=True),
    "upside down mirrored": Orientation(flip_y=True),
    "transposed": Orientation(transpose=True),
    "transposed the other way": Orientation(transpose=True, flip_x=True, flip_y=True),
}

ASPECTS: Final = (Fraction(1, 2), Fraction(4, 3), Fraction(64, 45), Fraction(16, 11), Fraction(3))
ASPECT_FILMS: Final[tuple[tuple[str, str, dict[str, str]], ...]] = (
    (".mp4", "libx264", X264), (".mkv", "libx264", X264), (".ts", "libx264", X264), (".avi", "mpeg4", {}),
    (".mpg", "mpeg2video", {}), (".mov", "prores_ks", {}),
)  # fmt: skip

PIXELS: Final = (
    "yuv420p yuv422p yuv444p yuv411p yuv440p yuvj420p yuvj422p yuvj444p nv12 gray ya8 yuva420p yuva422p yuva444p "
    "yuv420p10le yuv422p10le yuv444p10le yuv440p10le yuva420p10le yuva444p10le gray10le yuv420p12le yuv422p12le "
    "yuv444p12le gray12le yuv420p16le yuv444p16le gray16le rgb24 bgr0 bgra rgba64le gbrp gbrp10le gbrp12le gbrap "
    "gbrap12le"
).split()


@dataclass(frozen=True)
class Change:
    """A film whose picture changes on the way.

    Attributes:
        suffix: of the file.
        codec: FFmpeg's name of the encoder.
        parts: in the order of time.
        pixels: pixel format.
        options: of the encoder.
    """

    suffix: str
    codec: str
    parts: Sequence[Part]
    pixels: str
    options: dict[str, str] = field(default_factory=dict)

    @property
    def picture(self) -> tuple[int, int]:
        """Width and height of the picture that the film gets: the shape of most frames."""
        frames: dict[tuple[int, int], int] = {}
        for part in self.parts:
            frames[part.shown()] = frames.get(part.shown(), 0) + part.frames
        width, height = max(frames, key=lambda shape: frames[shape])
        return even(Fraction(width)), even(Fraction(height))


PORTRAIT, LANDSCAPE = Part((120, 160)), Part((160, 120))
KEYS = {"g": "6", "bf": "0"}
H264 = {**X264, "x264-params": "repeat-headers=1:annexb=1"}
CHANGES: Final[dict[str, Change]] = {
    "a phone that was turned": Change(".ts", "libx264", [LANDSCAPE, PORTRAIT], "yuv420p", H264),
    "and turned back": Change(".ts", "libx264", [LANDSCAPE, PORTRAIT, LANDSCAPE], "yuv420p", H264),
    "parameters in band": Change(".mkv", "libx264", [LANDSCAPE, PORTRAIT], "yuv420p", H264),
    "4:3, then 16:9": Change(
        ".ts",
        "mpeg2video",
        [Part((180, 144), aspect=Fraction(16, 15)), Part((180, 144), aspect=Fraction(64, 45))],
        "yuv420p",
        KEYS,
    ),
    "16:9, then 4:3, H.264": Change(
        ".ts",
        "libx264",
        [Part((180, 144), aspect=Fraction(64, 45)), Part((180, 144), aspect=Fraction(16, 15))],
        "yuv420p",
        H264,
    ),
    "a conference that grows": Change(
        ".webm",
        "libvpx-vp9",
        [Part((96, 54), 6), Part((192, 108), 6), Part((320, 180), 24)],
        "yuv420p",
        {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"},
    ),
    "one that shrinks": Change(
        ".webm",
        "libvpx",
        [Part((320, 180)), Part((160, 90))],
        "yuv420p",
        {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"},
    ),
    "HEVC": Change(
        ".ts",
        "libx265",
        [Part((192, 108)), Part((96, 128))],
        "yuv420p",
        {"preset": "ultrafast", "x265-params": "bframes=0:repeat-headers=1:log-level=none"},
    ),
    # With low delay, for FFmpeg's decoder of MPEG-2 forgets the picture that it holds back when the size changes.
    "MPEG-2": Change(
        ".ts", "mpeg2video", [Part((192, 108)), Part((176, 144))], "yuv420p", {**KEYS, "flags": "+low_delay"}
    ),
    "odd sizes": Change(".avi", "mjpeg", [Part((161, 121)), Part((121, 163))], "yuvj420p", {}),
    "camera stills": Change(".mov", "mjpeg", [Part((160, 120)), Part((120, 120)), Part((96, 144))], "yuvj420p", {}),
    "10 bit": Change(".mkv", "libx264", [LANDSCAPE, PORTRAIT], "yuv420p10le", H264),
}


def shape_section() -> str:
    """Return the part of docs/media.md on shapes."""
    rows = []
    for name, change in CHANGES.items():
        width, height = change.picture
        rows.append(f"| {name} | {change.suffix[1:]}, {change.codec} | {_shapes(change.parts)} | {width}x{height} |")
    containers = ", ".join(f"{suffix[1:]} ({codec})" for suffix, codec, _ in ASPECT_FILMS)
    lists = {
        "Orientations (display matrix)": ", ".join(WAYS),
        "Pixel aspect ratios": f"{', '.join(str(aspect) for aspect in ASPECTS)}; in {containers}",
    }
    return _SECTION.format(
        lists="\n".join(fill(f"- {name}: {text}", 120, subsequent_indent="  ") for name, text in lists.items()),
        pixels=fill(f"Pixel formats (levels are compared, too): {', '.join(PIXELS)}.", 120),
        changes="\n".join(rows),
    )


def _shapes(parts: Sequence[Part]) -> str:
    named = []
    for part in parts:
        stored = f"{part.size[0]}x{part.size[1]}"
        named.append(f"{stored} at {part.aspect}" if part.aspect else stored)
    return ", ".join(named)


_SECTION: Final = """
## Shapes

`tests/pipeline/test_shapes.py` makes films of a round disc and runs them. The disc is round and in its place in the
pictures searched for faces, in the crops, in the boxes and in the annotated video.

{lists}
- Interlaced films, also rotated or mirrored; odd sides; sides above 16,384 px and aspect ratios such as 100:1, which
  are scaled to what H.264 can hold; EXIF orientations 1 to 8 that change from still to still; H.264 that signals its
  orientation only with a key frame

{pixels}

If the shape changes during the film, video and boxes use one picture. It has the aspect ratio of most frames, at the
largest size among these. Frames of another shape are placed in it unstretched, between black bars. A remark says so.

| film | container, codec | stored pictures | the movie's picture |
|---|---|---|---|
{changes}
"""
