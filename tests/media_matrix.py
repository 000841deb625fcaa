"""The media matrix: films of many kinds, and what is right for each. docs/media.md shows it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import odd_timing as odd
from clips import ffmpeg
from flash_and_beep import Recording
from shape_matrix import shape_section


@dataclass(frozen=True)
class Case:
    """A film and what is right for it.

    Attributes:
        kind: what is odd about it.
        suffix: of its container.
        make: writes it to a folder.
        frames: that it has.
        seconds: for which they are shown.
        longest: s for which one of them is shown at most.
        joints: frames behind steps of the file's clock.
        fault: what the reason for a partial film begins with; none with "".
        in_sync: whether flashes and beeps come at the same moments.
    """

    kind: str
    suffix: str
    make: Callable[[Path], Path]
    frames: int = 60
    seconds: float = 2.4
    longest: float = 0.041
    joints: tuple[int, ...] = ()
    fault: str = ""
    in_sync: bool = True

    @property
    def name(self) -> str:
        """Return its name in the table."""
        return f"{self.kind}: {self.suffix}"


def timing_cases() -> list[Case]:
    """Return the films with odd time stamps."""
    cases = [
        Case(f"starts at {start:,} s", suffix, lambda f, s=suffix, t=start: odd.moved(f, s, odd.by(t)))
        for suffix, start in (("ts", 10), ("mkv", 10), ("mp4", 10), ("mov", 10), ("flv", 10), ("mpg", 10), ("asf", 10))
    ]
    cases += [
        Case(f"starts at {start:,} s", suffix, lambda f, s=suffix, t=start: odd.moved(f, s, odd.by(t)))
        for suffix, start in (("mkv", 95_442), ("nut", 1_000_000), ("webm", 3_600))
    ]
    cases += [
        Case("clock restarts", s, lambda f, s=s: odd.joined(f, s, [0, 0]), 120, 4.8, joints=(60,))
        for s in ("ts", "m2ts", "mpg", "vob", "flv")
    ]
    cases += [
        Case("clock restarts twice", s, lambda f, s=s: odd.joined(f, s, [0, 0, 0]), 180, 7.2, joints=(60, 120))
        for s in ("ts", "mpg", "flv")
    ]
    cases += [
        Case("1,000 s, then 0", s, lambda f, s=s: odd.joined(f, s, [1000, 0]), 120, 4.8, joints=(60,))
        for s in ("ts", "mpg", "flv")
    ]
    cases += [
        Case("0, then 1,000 s", s, lambda f, s=s: odd.joined(f, s, [0, 1000]), 120, 4.8, joints=(60,))
        for s in ("ts", "flv")
    ]
    cases += [
        Case("clock restarts in its clusters", "mkv", odd.clusters_restart, joints=(29,)),
        Case("a gap of 1,000 s between segments", "ts", lambda f: odd.joined(f, "ts", [5, 1005, 3000]), 180, 7.2,
             joints=(60, 120)),
    ]  # fmt: skip
    cases += [
        Case("a gap of 1,000 s", s, lambda f, s=s: odd.moved(f, s, odd.by(1000, odd.KEY[s])), joints=(odd.KEY[s],))
        for s in ("ts", "mkv", "webm", "mp4", "mov", "flv", "asf", "nut")
    ]
    # Small pictures of a program stream share a time stamp: the gap comes before the next one that has its own.
    cases += [Case("a gap of 1,000 s", "mpg", lambda f: odd.moved(f, "mpg", odd.by(1000, 24)), joints=(43,))]
    cases += [
        Case("a gap of 1,000 s amid a group", s, lambda f, s=s: odd.moved(f, s, odd.by(1000, 33)), joints=(32,))
        for s in ("ts", "mkv", "mp4", "flv", "nut")
    ]
    cases += [
        Case("a gap of 30 s", s, lambda f, s=s: odd.moved(f, s, odd.by(30, 25)), joints=(25,))
        for s in ("ts", "mkv", "mp4", "flv")
    ]
    cases += [
        Case(f"a gap, the sound's {how}", s, lambda f, s=s, t=t: odd.moved(f, s, odd.by(1000, 25, t)), joints=(25,))
        for s in ("ts", "mkv", "flv")
        for how, t in (("later", 1.3), ("earlier", 0.8))
    ]
    first = lambda kind, number, _: Fraction(0 if kind == "video" and number == 0 else 1000)  # noqa: E731
    cases += [
        Case("the first stamp is of another day", s, lambda f, s=s: odd.moved(f, s, first), joints=(1,))
        for s in ("ts", "mkv")
    ]
    cases += [
        Case("33 bits overflow", "ts", lambda f: odd.moved(f, "ts", odd.by(95_442.5))),
    ]
    cases += [
        Case(f"one stamp wrong by {wrong:+,} s, {b} B-frames", "ts", lambda f, w=wrong, b=b: odd.patched(
            f, lambda n, _: w if n == 30 else 0, b))
        for wrong, b in ((1000, 2), (1000, 0), (-1, 2), (-1, 0), (-0.2, 0))
    ]  # fmt: skip
    cases += [
        Case("five stamps wrong by -1 s", "ts", lambda f: odd.patched(f, lambda n, _: -1 if 30 <= n < 35 else 0)),
        Case("each tenth stamp doubled", "ts", lambda f: odd.patched(f, lambda n, _: -0.04 if n % 10 == 9 else 0)),
        Case("stamps in pairs", "ts", lambda f: odd.patched(f, lambda n, _: -0.04 * (n % 2), 0)),
    ]
    cases += [
        Case("some empty packets", s, lambda f, s=s, v=v: odd.emptied(f, s, v, range(3, 60, 10)), 54, 2.4, 0.081)
        for s, v in (("mov", "mjpeg"), ("mp4", "mpeg4"))
    ]
    cases += [
        Case("an empty packet", "mov", lambda f: odd.emptied(f, "mov", "libx264", range(1, 2)), 59, 2.4, 0.081),
        Case("empty packets but one in ten", "mp4",
             lambda f: odd.emptied(f, "mp4", "mpeg4", range(1, 56)), 5, 2.4, 2.25, in_sync=False),
    ]  # fmt: skip
    cases += [
        Case("variable rate", s, lambda f, s=s: odd.variable(f, s), 60, 2.96, 0.061, in_sync=False)
        for s in ("mp4", "mkv")
    ]
    late = lambda kind, _, time: None if kind == "audio" and time < Fraction(1, 2) else Fraction(0)  # noqa: E731
    cases += [Case("sound starts late", s, lambda f, s=s: odd.moved(f, s, late)) for s in ("ts", "mkv", "mp4", "flv")]
    early = lambda kind, number, _: None if kind == "video" and number < 25 else Fraction(0)  # noqa: E731
    cases += [
        Case("sound starts early", s, lambda f, s=s: odd.moved(f, s, early), 35, 1.4, in_sync=False)
        for s in ("ts", "mkv")
    ]
    hole = lambda kind, _, time: None if kind == "audio" and 1 < time < Fraction(3, 2) else Fraction(0)  # noqa: E731
    cases += [Case("a hole in the sound", s, lambda f, s=s: odd.moved(f, s, hole)) for s in ("ts", "mkv", "mp4")]
    cases += [
        Case("slides of 100 s, silent", s, lambda f, s=s: odd.slides(f, s, lambda n: 100 * n), 10, 1000, 101)
        for s in ("mkv", "mp4", "ts")
    ]
    cases += [
        Case(
            "a still of 40 s, silent",
            s,
            lambda f, s=s: odd.slides(f, s, lambda n: n / 25 + (40 if n > 4 else 0)),
            10,
            40.4,
            41,
        )
        for s in ("mkv", "mp4")
    ]
    cases += [
        Case("no length in the header", "mkv", lambda f: odd.moved(f, "mkv", odd.by(0), {"live": "1"})),
        Case("no length in the header", "flv",
             lambda f: odd.moved(f, "flv", odd.by(0), {"flvflags": "no_duration_filesize"})),
        Case("no length in the header", "mp4", lambda f: odd.moved(f, "mp4", odd.by(0), odd.FRAGMENTED)),
        Case("a length of 1e9 s", "mkv", lambda f: odd.lying(
            odd.moved(f, "mkv", odd.by(0)), b"\x44\x89\x88", b"\x42\x6d\x1a\x94\xa2\x00\x00\x00"), fault="the header "),
        Case("a length of 49 days", "mp4", lambda f: odd.lying(
            odd.moved(f, "mp4", odd.by(0)), b"mvhd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x03\xe8", b"\xff\xff\xff\xf0")),
    ]  # fmt: skip
    return cases


VPX: Final = {"deadline": "realtime", "cpu-used": "8"}
X265: Final = {"preset": "ultrafast", "x265-params": "log-level=none"}
FORMATS: Final = (
    # suffix, video, sound, pixel format, options
    ("mp4", "libx264", "aac", "yuv420p", {}),
    ("mp4", "libx265", "aac", "yuv420p", {"preset": "ultrafast", "x265-params": "log-level=none:bframes=3"}),
    ("mp4", "libsvtav1", "aac", "yuv420p", {"preset": "12"}),
    ("mp4", "mpeg4", "aac", "yuv420p", {"bf": "2"}),
    ("mov", "prores_ks", "pcm_s16le", "yuv422p10le", {}),
    ("mov", "mjpeg", "alac", "yuvj444p", {}),
    ("mov", "qtrle", "pcm_s16be", "argb", {}),
    ("mkv", "libx264", "flac", "yuv420p10le", {}),
    ("mkv", "libx264", "libmp3lame", "yuv444p", {}),
    ("mkv", "ffv1", "pcm_s24le", "yuv420p12le", {}),
    ("mkv", "ffv1", "pcm_s16le", "gray", {}),
    ("mkv", "mpeg2video", "ac3", "yuv420p", {"bf": "2"}),
    ("webm", "libvpx", "libopus", "yuv420p", VPX),
    ("webm", "libvpx-vp9", "libopus", "yuva420p", VPX),
    ("webm", "libvpx-vp9", "libopus", "yuv444p", VPX),
    ("webm", "libsvtav1", "libopus", "yuv420p10le", {"preset": "12"}),
    ("avi", "mjpeg", "pcm_s16le", "yuvj422p", {}),
    ("avi", "ffv1", "pcm_s16le", "yuv422p", {}),
    ("avi", "libx264", "libmp3lame", "yuv420p", {}),
    ("ts", "libx264", "aac", "yuv420p", {}),
    ("ts", "mpeg2video", "mp2", "yuv420p", {"bf": "2"}),
    ("ts", "libx265", "ac3", "yuv420p", {"preset": "ultrafast", "x265-params": "log-level=none"}),
    ("mpg", "mpeg2video", "mp2", "yuv420p", {"bf": "2"}),
    ("vob", "mpeg2video", "ac3", "yuv420p", {"bf": "2"}),
    ("flv", "libx264", "aac", "yuv420p", {}),
    ("flv", "flv", "libmp3lame", "yuv420p", {}),
    ("asf", "mpeg4", "libmp3lame", "yuv420p", {}),
    ("gif", "gif", "", "gray", {}),
    ("ogv", "libvpx", "libopus", "yuv420p", VPX),
    ("mxf", "mpeg2video", "pcm_s16le", "yuv422p", {"bf": "2"}),
    ("y4m", "wrapped_avframe", "", "yuv420p", {}),
    ("nut", "ffvhuff", "pcm_s16le", "yuv420p", {}),
    ("mp4", "libx264", "aac", "yuv422p10le", {}),
    ("mp4", "libx264", "ac3", "yuvj420p", {}),
    ("mp4", "libx264", "aac", "gray10le", {}),
    ("mp4", "libx265", "aac", "yuv420p10le", X265),
    ("mp4", "libx265", "aac", "yuv444p12le", X265),
    ("mp4", "libx265", "aac", "gray", X265),
    ("mp4", "libvpx-vp9", "libopus", "yuv420p", VPX),
    ("mp4", "mpeg2video", "aac", "yuv420p", {"bf": "2"}),
    ("mp4", "mjpeg", "aac", "yuvj420p", {}),
    ("mov", "libx264", "aac", "yuv444p10le", {}),
    ("mov", "libx265", "aac", "yuv422p12le", {**X265, "tag": "hvc1"}),
    ("mov", "prores_ks", "pcm_s24le", "yuva444p10le", {"profile": "4444"}),
    ("mov", "mpeg4", "aac", "yuv420p", {"bf": "2"}),
    ("mkv", "libx265", "aac", "yuv422p10le", X265),
    ("mkv", "libvpx", "libopus", "yuva420p", {**VPX, "auto-alt-ref": "0"}),
    ("mkv", "libsvtav1", "flac", "yuv420p", {"preset": "12"}),
    ("mkv", "mpeg4", "libmp3lame", "yuv420p", {"bf": "2"}),
    ("mkv", "mjpeg", "pcm_s16le", "yuvj422p", {}),
    ("mkv", "prores_ks", "pcm_s16le", "yuv422p10le", {}),
    ("mkv", "ffv1", "flac", "yuva444p10le", {}),
    ("mkv", "ffv1", "flac", "gray16le", {}),
    ("mkv", "ffv1", "flac", "yuv444p16le", {}),
    ("avi", "mpeg2video", "mp2", "yuv420p", {}),
    ("avi", "ffv1", "pcm_s16le", "yuv444p10le", {}),
    ("ts", "libx264", "ac3", "yuv422p10le", {}),
    ("ts", "libx265", "aac", "yuv420p10le", X265),
    ("mpg", "libx264", "mp2", "yuv420p", {}),
    ("asf", "mjpeg", "libmp3lame", "yuvj420p", {}),
    ("mxf", "libx264", "pcm_s16le", "yuv422p10le", {}),
    ("mxf", "prores_ks", "pcm_s24le", "yuv422p10le", {}),
    ("y4m", "wrapped_avframe", "", "yuv444p", {}),
    ("y4m", "wrapped_avframe", "", "gray", {}),
    ("nut", "mjpeg", "pcm_s16le", "yuvj444p", {}),
    ("ts", "libx264", "mp2", "yuv420p", {"x264-params": "tff=1"}),
    ("mp4", "libx264", "flac", "yuv420p", {"x264-params": "bff=1"}),
    ("mpg", "mpeg2video", "ac3", "yuv420p", {"flags": "+ildct+ilme", "bf": "2"}),
    ("mov", "prores_ks", "pcm_s16be", "yuv422p10le", {"flags": "+ildct+ilme"}),
    ("avi", "rawvideo", "pcm_s16le", "bgr24", {}),
    ("avi", "huffyuv", "pcm_s16le", "yuv422p", {}),
    ("avi", "msmpeg4", "pcm_s16le", "yuv420p", {}),
    ("asf", "wmv2", "libmp3lame", "yuv420p", {}),
    ("mov", "png", "pcm_s16le", "rgb24", {}),
    ("mov", "v210", "pcm_s24le", "yuv422p10le", {}),
    ("mxf", "jpeg2000", "pcm_s16le", "yuv422p", {}),
    ("mpg", "mpeg1video", "mp2", "yuv420p", {"bf": "2"}),
    ("wtv", "mpeg2video", "mp2", "yuv420p", {"bf": "2"}),
    ("ismv", "libx264", "aac", "yuv420p", {}),
    ("apng", "apng", "", "rgb24", {}),
)
"""Containers, codecs and pixel formats that PyAV's FFmpeg can write."""


def company_cases() -> list[Case]:
    """Return films with more than one picture and one sound in them, or with sound of another length."""
    cases = [
        Case(kind, suffix, lambda f, s=suffix, t=seconds: odd.BASE.but(sound_s=t).write(f / f"film.{s}"))
        for kind, seconds in (("sound goes on for 2 s", 4.4), ("sound ends 0.3 s early", 2.1))
        for suffix in ("mp4", "mkv", "ts", "mov", "flv", "avi")
    ]
    cases += [Case("a cover picture", s, lambda f, s=s: with_cover(f, s)) for s in ("mp4", "mov", "mkv")]
    cases += [Case("a second film in it", s, lambda f, s=s: with_second(f, s)) for s in ("mp4", "mkv", "ts", "mov")]
    cases += [Case("a second sound", s, lambda f, s=s: with_second(f, s, "a")) for s in ("mp4", "mkv", "ts")]
    return cases


def with_cover(folder: Path, suffix: str) -> Path:
    """Write a film with a cover picture."""
    cover = folder / "cover.png"
    cv2.imwrite(str(cover), np.full((600, 600, 3), 200, np.uint8))
    film, out = odd.BASE.write(folder / f"plain.{suffix}"), folder / f"film.{suffix}"
    ffmpeg("-i", film, "-i", cover, "-map", 0, "-map", 1, "-c", "copy", "-disposition:v:1", "attached_pic", out)
    return out


def with_second(folder: Path, suffix: str, kind: str = "v") -> Path:
    """Write a film with the pictures, or the sound, of another one behind its own."""
    film = odd.BASE.write(folder / f"plain.{suffix}")
    other = odd.BASE.but(moments=(0.2,), numbers_from=100).write(folder / f"other.{suffix}")
    out = folder / f"film.{suffix}"
    ffmpeg("-i", film, "-i", other, "-map", "0:v", "-map", "0:a", "-map", f"1:{kind}", "-c", "copy", out)
    return out


@dataclass(frozen=True)
class Format(Case):
    """A film with nothing odd about its time stamps."""

    recording: Recording = field(default_factory=Recording)


def _interlaced(options: dict[str, str]) -> str:
    return ", interlaced" if "ff=1" in options.get("x264-params", "") or "+ilme" in options.get("flags", "") else ""


def format_cases() -> list[Format]:
    """Return a film of each format."""
    return [
        Format(
            f"{video}, {pixels}" + (f", {audio}" if audio else "") + _interlaced(options),
            suffix,
            lambda f, s=suffix, r=film: r.write(f / f"film.{s}"),
            recording=film,
        )
        for suffix, video, audio, pixels, options in FORMATS
        for film in [
            odd.BASE.but(
                video=video,
                audio=audio,
                pixels=pixels,
                options={**(odd.BASE.options if video == "libx264" else {}), **options},
            )
        ]
    ]


_PAGE: Final = """# Which films are read, and how

<!-- Generated by scripts/make_media_page.py: do not edit; run `make media-page`. -->

Each row is a film that `tests/pipeline/media/test_matrix.py` makes and runs through the pipeline. Its pictures are
those of `ffmpeg -fps_mode passthrough`, each once, in order. The table gives their number and how many seconds they are
shown. In the annotated video, flashes and beeps come within 40 ms of each other, unless there is no sound or the table
has a `-`. A `-` means that the film has no flashes and beeps that belong together.

## Containers, codecs, pixel formats

| container | video and sound | pictures | s |
|---|---|---|---|
{formats}

Ogg with Theora has no row, because these tests' FFmpeg has no encoder for it. moodreel reads it anyway.

## Several streams, sound of another length

moodreel reads the first film in a file; a cover picture does not count. Video and tables are as long as the pictures.

| kind | container | pictures | s |
|---|---|---|---|
{company}

## Time stamps

Where the file's clock steps, shots and tracks end, and picture and sound continue together. A remark in `job.json`
says so. A step is a backward jump of the clock, or a gap of 10 s with neither picture nor sound. In formats whose clock
is not supposed to step (Matroska, MP4, AVI, ...), a gap in a film without sound counts only from 60 s on, and from
360 s on if the file declares it to be display time. Slides that are each shown that long are not gaps.

| time stamps | container | pictures | s | steps before picture | in sync | longest picture, s | partial |
|---|---|---|---|---|---|---|---|
{timing}
"""


def page() -> str:
    """Return docs/media.md."""
    formats = [f"| {case.suffix} | {case.kind} | {case.frames} | {case.seconds:g} |" for case in format_cases()]
    company = [f"| {case.kind} | {case.suffix} | {case.frames} | {case.seconds:g} |" for case in company_cases()]
    return (
        _PAGE.format(
            company="\n".join(company), formats="\n".join(formats), timing="\n".join(map(_row, timing_cases()))
        )
        + shape_section()
    )


def _row(case: Case) -> str:
    steps = ", ".join(str(joint) for joint in case.joints)
    sync = "yes" if case.in_sync and "silent" not in case.kind else "-"
    cells = [
        case.kind, case.suffix, case.frames, f"{case.seconds:g}", steps, sync,
        f"{case.longest - 0.001:.2f}", "its length is wrong" if case.fault else "",
    ]  # fmt: skip
    return "| " + " | ".join(str(cell) for cell in cells) + " |"
