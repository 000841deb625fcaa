"""Muxed movies, read back by PyAV: every time stamp, every packet of sound."""

import re
import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import av.error
import numpy as np
import odd_timing as odd
import pytest
from clips import ffmpeg
from encoded_parts import MS, STEADY, VFR, packets, times, write_parts, write_video
from numpy.typing import NDArray
from shared_data import MOVIES

from pipeline.errors import FfmpegError
from pipeline.media.movie import Movie, open_movie
from pipeline.media.segments import read_packets
from pipeline.video.join import join
from pipeline.video.mux import mux

RATE = 48_000


def movie_pts(movie: Movie) -> list[int]:
    """Decode ``movie`` and return its frames' pts on the player's clock, in its time base."""
    shift = round(movie.clock_start / movie.time_base)
    pts: set[int] = set()
    with av.open(str(movie.path)) as container, suppress(av.error.FFmpegError):  # the end of a damaged movie
        pts.update(f.pts - shift for f in container.decode(container.streams[movie.stream]) if f.pts is not None)
    return sorted(pts)


def joined_video(folder: Path, movie: Movie) -> tuple[Path, list[Fraction]]:
    """Encode stand-ins for the frames of ``movie`` in parts and join them; return the times in s too."""
    pts = movie_pts(movie)
    third = len(pts) // 3
    parts = write_parts(folder, pts, movie.time_base, [third, 2 * third] if third else [])
    out = folder / "joined.mp4"
    join(parts, out)
    return out, [p * movie.time_base for p in pts]


def clicks(starts: Sequence[float], seconds: float = 2.5) -> NDArray[np.int16]:
    """Return sound ``(n,)`` at 48 kHz with a short click at each time in s."""
    sound = np.zeros(round(seconds * RATE), np.int16)
    for start in starts:
        sound[round(start * RATE) :][:16] = 28_000
    return sound


def write_wav(path: Path, starts: Sequence[float], seconds: float = 2.5, rate: int = RATE) -> Path:
    raw = path.with_suffix(".raw")
    clicks(starts, seconds).tofile(raw)
    ffmpeg("-f", "s16le", "-ar", RATE, "-ac", 1, "-i", raw, "-ar", rate, path)
    return path


def heard(path: Path, number: int = 0) -> list[float]:
    """Decode a sound track and return when clicks are heard, in s of the file's own time stamps."""
    found: list[float] = []
    with av.open(str(path)) as container:
        stream = container.streams.audio[number]
        resampler = av.AudioResampler("fltp", "mono")
        for frame in container.decode(stream):
            for piece in resampler.resample(frame):
                assert piece.pts is not None
                assert piece.time_base is not None
                start = float(piece.pts * piece.time_base)
                loud = np.flatnonzero(np.abs(piece.to_ndarray()[0]) > 0.4)
                found += [start + k / piece.sample_rate for k in loud.tolist()]
    return [t for before, t in pairwise([-1.0, *found]) if t - before > 0.1]


def make_source(
    path: Path,
    codec: str,
    pts: Sequence[int] = STEADY,
    sound_start: float = 0.0,
    rate: int = RATE,
    extra: Sequence[object] = (),
) -> Movie:
    """Write a movie with frames at ``pts`` ms and sound from ``sound_start`` s on that clicks every half second."""
    video = write_video(path.with_name("source_video.mp4"), pts, MS)
    sound = write_wav(path.with_name("source.wav"), [0.25, 0.75, 1.25, 1.75], rate=rate)
    ffmpeg(
        "-i", video, "-itsoffset", sound_start, "-i", sound, *extra, "-copyts", "-map", "0:v", "-map", "1:a",
        "-c:v", "copy", "-c:a", codec, "-b:a", "96k", path,
    )  # fmt: skip
    return open_movie(path)


def assert_in_sync(movie: Movie, out: Path, expected: Sequence[Fraction]) -> None:
    """Frames exactly where the source has them, clicks to within 1 ms, on the player's clock."""
    assert times(out) == list(expected)
    start = float(movie.clock_start)
    assert heard(out) == pytest.approx([t - start for t in heard(movie.path)], abs=1e-3)
    assert len(heard(out)) == 4


# mux: sound


@pytest.mark.parametrize(
    ("name", "codec", "pts", "sound_start"),
    [
        ("a.mp4", "aac", STEADY, 0.0),
        ("late_video.mp4", "aac", VFR, 0.008),
        ("late_sound.mov", "alac", STEADY, 0.7),
        ("a.ts", "aac", VFR, 0.0),
        ("late_sound.ts", "mp2", STEADY, 0.3),
        ("both_late.mkv", "aac", [p + 33 for p in VFR], 0.3),
        ("a.mkv", "libopus", STEADY, 0.1),
        ("b.mkv", "flac", VFR, 0.0),
        ("a.avi", "libmp3lame", STEADY, 0.0),
    ],
)
def test_copied_sound_is_bit_exact_and_in_sync(
    tmp_path: Path, name: str, codec: str, pts: list[int], sound_start: float
) -> None:
    extra = ["-bsf:v", "h264_mp4toannexb"] if name.endswith((".ts", ".avi")) else []
    movie = make_source(tmp_path / name, codec, pts, sound_start, extra=extra)
    video, expected = joined_video(tmp_path, movie)
    assert mux(video, movie, tmp_path / "out.mp4", "") == []
    assert_in_sync(movie, tmp_path / "out.mp4", expected)
    source, copy = packets(movie.path, "audio"), packets(tmp_path / "out.mp4", "audio")
    assert [m for _, m in copy] == [m for _, m in source]
    assert max(abs(a - b + movie.clock_start) for (a, _), (b, _) in zip(copy, source, strict=True)) < Fraction(1, 1000)


@pytest.mark.parametrize(
    ("name", "codec", "sound_start"),
    [
        ("a.mkv", "pcm_s16le", 0.0),
        ("b.mkv", "pcm_s16le", 0.5),
        ("c.mkv", "libvorbis", 0.2),
        ("d.mov", "pcm_s24le", 0.25),
    ],
)
def test_other_sound_is_encoded_in_sync(tmp_path: Path, name: str, codec: str, sound_start: float) -> None:
    movie = make_source(tmp_path / name, codec, VFR, sound_start)
    video, expected = joined_video(tmp_path, movie)
    (remark,) = mux(video, movie, tmp_path / "out.mp4", "")
    assert "audio stream 1" in remark
    assert remark.startswith("note: ")  # no warning: nothing is lost
    assert "encoded as AAC" in remark
    assert_in_sync(movie, tmp_path / "out.mp4", expected)


def test_sound_whose_channels_have_no_places(tmp_path: Path) -> None:
    movie = make_source(tmp_path / "a.mkv", "tta")
    video, _ = joined_video(tmp_path, movie)
    (remark,) = mux(video, movie, tmp_path / "out.mp4", "")
    assert "encoded as AAC" in remark
    assert heard(tmp_path / "out.mp4") == pytest.approx([0.25, 0.75, 1.25, 1.75], abs=1e-3)


def test_sound_of_a_kind_that_nobody_knows(tmp_path: Path) -> None:
    movie = make_source(tmp_path / "a.mp4", "aac")
    movie.path.write_bytes(movie.path.read_bytes().replace(b"mp4a", b"qqqq").replace(b"esds", b"free"))
    video, _ = joined_video(tmp_path, movie)
    assert "audio stream 1 (unknown) left out" in " ".join(mux(video, movie, tmp_path / "out.mp4", ""))


def test_sound_that_ends_before_the_picture_is_named(tmp_path: Path) -> None:
    # As in a program stream whose sound goes on under another number: FFmpeg then knows of the first alone.
    movie = make_source(tmp_path / "a.mp4", "aac", range(0, 5000, 40))
    video, _ = joined_video(tmp_path, movie)
    (remark,) = mux(video, movie, tmp_path / "out.mp4", "")
    assert re.fullmatch(r"note: audio stream 1 \(aac\) ends at 2\.5 s, the picture at 5\.0 s", remark), remark


def test_gap_in_sound_that_is_encoded_stays(tmp_path: Path) -> None:
    video = write_video(tmp_path / "v.mp4", STEADY, MS)
    first = write_wav(tmp_path / "1.wav", [0.25], 0.5)
    second = write_wav(tmp_path / "2.wav", [0.25], 0.5)
    (tmp_path / "list").write_text(f"file '{first}'\nduration 1.3\nfile '{second}'\n")
    source = tmp_path / "gap.mkv"
    ffmpeg("-i", video, "-f", "concat", "-safe", 0, "-i", tmp_path / "list", "-map", 0, "-map", 1, "-c", "copy", source)
    assert heard(source) == pytest.approx([0.25, 1.55], abs=2e-3)
    movie = open_movie(source)
    mux(joined_video(tmp_path, movie)[0], movie, tmp_path / "out.mp4", "")
    assert heard(tmp_path / "out.mp4") == pytest.approx([0.25, 1.55], abs=2e-3)


def test_sound_that_mp4_refuses_is_encoded_in_the_second_try(tmp_path: Path) -> None:
    movie = make_source(tmp_path / "a.mkv", "libmp3lame", rate=8000)  # mp4 has no place for MP3 below 16 kHz
    video, expected = joined_video(tmp_path, movie)
    remarks = mux(video, movie, tmp_path / "out.mp4", "")
    assert "could not be copied" in remarks[0]
    assert "first try failed" in remarks[-1]
    assert_in_sync(movie, tmp_path / "out.mp4", expected)


def test_source_that_has_gone_leaves_the_bare_video(tmp_path: Path) -> None:
    movie = make_source(tmp_path / "a.mp4", "aac")
    video, expected = joined_video(tmp_path, movie)
    size = movie.path.stat().st_size
    movie.path.write_bytes(b"\0" * size)
    remarks = mux(video, movie, tmp_path / "out.mp4", "still here")
    assert any("all but the picture left out" in remark for remark in remarks)
    assert times(tmp_path / "out.mp4") == expected
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.metadata["comment"] == "still here"


def test_no_video_at_all_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    movie = make_source(tmp_path / "a.mp4", "aac")
    with pytest.raises(FfmpegError, match="cannot be read"):
        mux(tmp_path / "absent.mp4", movie, tmp_path / "out.mp4", "")
    assert not list(tmp_path.glob("*out.mp4*"))
    assert not list(tmp_path.glob(".*"))


# mux: everything else


def test_subtitles_chapters_title_languages_and_covers(tmp_path: Path) -> None:
    write_video(tmp_path / "v.mp4", [p + 500 for p in STEADY], MS)
    write_wav(tmp_path / "s.wav", [0.25])
    (tmp_path / "s.srt").write_text(
        "1\n00:00:01,000 --> 00:00:01,500\nGrüße\n\n2\n00:00:02,000 --> 00:00:02,250\nbye\n"
    )
    (tmp_path / "m.txt").write_text(
        ";FFMETADATA1\ntitle=A title\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=500\nEND=1500\ntitle=one\n"
        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=1500\nEND=2500\ntitle=two\n"
    )
    (tmp_path / "font.ttf").write_bytes(b"no font")
    source = tmp_path / "full.mkv"
    ffmpeg(
        "-i", tmp_path / "v.mp4", "-itsoffset", 0.5, "-i", tmp_path / "s.wav", "-i", tmp_path / "s.srt",
        "-i", tmp_path / "m.txt", "-copyts", "-map", 0, "-map", 1, "-map", 1, "-map", 2, "-map_metadata", 3,
        "-map_chapters", 3, "-c:v", "copy", "-c:a", "aac", "-metadata:s:a:1", "language=deu", "-disposition:a:0", 0,
        "-disposition:a:1", "default", "-metadata:s:s:0", "language=fra", "-metadata:s:v", "language=ita",
        "-attach", tmp_path / "font.ttf",
        "-metadata:s:t", "mimetype=application/x-truetype-font", source,
    )  # fmt: skip
    movie = open_movie(source)
    assert movie.clock_start == Fraction(1, 2)
    video, expected = joined_video(tmp_path, movie)
    assert mux(video, movie, tmp_path / "out.mp4", "a comment\nin = two; lines") == []
    assert times(tmp_path / "out.mp4") == expected
    shift = float(movie.clock_start)
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.metadata["title"] == "A title"
        assert container.metadata["comment"] == "a comment\nin = two; lines"
        languages = [s.language for s in container.streams if s.type in ("video", "audio", "subtitle")]
        assert languages == ["ita", "und", "deu", "fra"]
        assert [bool(s.disposition & av.stream.Disposition.default) for s in container.streams.audio] == [False, True]
        assert [s.type for s in container.streams if s.type == "attachment"] == []
        starts = [c["start"] * Fraction(c["time_base"] or 0) for c in container.chapters()]
        assert [float(s) for s in starts] == pytest.approx([0.5 - shift, 1.5 - shift], abs=1e-3)
    shown = {float(t) for t in times(tmp_path / "out.mp4", "subtitle")}
    assert all(min(abs(t - (s - shift)) for t in shown) < 2e-3 for s in (1.0, 2.0))


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_titles_of_streams_stay(tmp_path: Path, suffix: str) -> None:
    titles = {"v:0": "Kamera ☃", "a:0": "Director's = commentary", "a:1": "-y", "s:0": "Hörgeschädigte"}
    (tmp_path / "words.srt").write_text("1\n00:00:00,500 --> 00:00:01,500\nhello\n")
    video = tmp_path / "v.mp4"
    write_video(video, STEADY, MS)
    source = tmp_path / f"source{suffix}"
    tones = [word for pitch in (440, 880) for word in ("-f", "lavfi", "-i", f"sine={pitch}:duration=2")]
    named = [word for place, title in titles.items() for word in (f"-metadata:s:{place}", f"title={title}")]
    subtitles = "mov_text" if suffix == ".mp4" else "srt"
    ffmpeg(
        "-i", video, *tones, "-i", tmp_path / "words.srt", "-map", 0, "-map", 1, "-map", 2, "-map", 3, "-c:v", "copy",
        "-c:a", "aac", "-c:s", subtitles, *named, "-metadata:s:a:1", "language=jpn", source,
    )  # fmt: skip
    movie = open_movie(source)
    mux(joined_video(tmp_path, movie)[0], movie, tmp_path / "out.mp4", "a comment")
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert [stream.metadata.get("name") for stream in container.streams] == list(titles.values())
        assert container.streams.audio[1].language == "jpn"


def test_subtitles_chapters_and_languages_follow_a_clock_that_steps(tmp_path: Path) -> None:
    stepped = odd.moved(tmp_path, "mkv", odd.by(500, 25))  # from 1 s on
    (tmp_path / "s.srt").write_text(
        "1\n00:00:00,500 --> 00:00:00,700\nfirst\n\n2\n00:08:21,600 --> 00:08:21,800\nthen\n"
    )
    (tmp_path / "m.txt").write_text(
        ";FFMETADATA1\ntitle=A title\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1000\ntitle=one\n"
        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=501200\nEND=502000\ntitle=two\n"
    )
    source = tmp_path / "source.mkv"
    ffmpeg(
        "-i", stepped, "-i", tmp_path / "s.srt", "-i", tmp_path / "m.txt", "-map", 0, "-map", 1, "-map_metadata", 2,
        "-map_chapters", 2, "-copyts", "-c", "copy", "-metadata:s:a:0", "language=deu", source,
    )  # fmt: skip
    movie = open_movie(source)
    packets = read_packets(movie)
    movie = packets.timed(movie)
    assert [float(step.step) for step in movie.clock.discontinuities] == pytest.approx([500], abs=0.2)
    start, tick = movie.clock_start, movie.time_base
    video = write_video(tmp_path / "joined.mp4", [round((p * tick - start) / MS) for p in packets.pts], MS)
    out = tmp_path / "out.mp4"
    assert mux(video, movie, out, "a comment") == []
    late = float(-start)
    assert heard(out) == pytest.approx([0.6 + late, 1.6 + late], abs=0.03)
    shown = [float(t) for t in times(out, "subtitle")]
    assert all(min(abs(t + late - s) for s in shown) < 0.03 for t in (0.5, 1.6))
    with av.open(str(out)) as container:
        assert (container.metadata["title"], container.metadata["comment"]) == ("A title", "a comment")
        assert container.streams.audio[0].language == "deu"
        starts = [float(c["start"] * Fraction(c["time_base"] or 0)) for c in container.chapters()]
    assert starts == pytest.approx([0, 1.2 + late], abs=0.03)
    assert not list(tmp_path.glob("*.moved"))


def test_bitmap_subtitles_and_other_pictures_are_left_out(tmp_path: Path) -> None:
    write_video(tmp_path / "v.mp4", STEADY, MS)
    segment = struct.pack(">2sIIBH", b"PG", 90_000, 0, 0x80, 0)  # a Blu-ray subtitle's "end of display set"
    (tmp_path / "s.sup").write_bytes(segment * 3)
    ffmpeg("-f", "lavfi", "-i", "color=s=320x240:d=1", "-frames:v", 1, tmp_path / "cover.png")
    source = tmp_path / "two.mkv"
    ffmpeg(
        "-i", tmp_path / "v.mp4", "-i", tmp_path / "v.mp4", "-i", tmp_path / "s.sup", "-map", 0, "-map", 1, "-map", 2,
        "-c", "copy", "-attach", tmp_path / "cover.png", "-metadata:s:t", "mimetype=image/png", source,
    )  # fmt: skip
    movie = open_movie(source)
    other = 1 - movie.stream
    video, expected = joined_video(tmp_path, movie)
    remarks = mux(video, movie, tmp_path / "out.mp4", "")
    assert remarks == [
        f"video stream {other} (h264) left out: only video stream {movie.stream} was looked at",
        "subtitle stream 2 (hdmv_pgs_subtitle) left out: mp4 holds text subtitles only",
    ]
    assert times(tmp_path / "out.mp4") == expected
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert [s.type for s in container.streams] == ["video"]


@pytest.mark.parametrize("name", ["-y.mp4", "100%d 日本 it's:#1.mp4", "a b.mp4"])
def test_odd_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    movie = make_source(tmp_path / "plain.mp4", "aac")
    monkeypatch.chdir(tmp_path)
    movie.path.rename(name)
    video, expected = joined_video(tmp_path, replace(movie, path=Path(name).absolute()))
    video.rename("%03d: v.mp4")
    assert mux(Path("%03d: v.mp4"), replace(movie, path=Path(name)), Path(f"out{name}"), "") == []
    assert times(tmp_path / f"out{name}") == expected


@pytest.mark.parametrize(
    "name",
    [
        "faces/hamilton_whitehouse.mp4",
        "noface/nasa_13013_2video_2audio_2subs.mp4",
        "robust/multi_audio_subs.mkv",
        "robust/starts_at_10s.ts",
        "robust/truncated.mkv",
        "robust/bitflips.mp4",
        "robust/mpeg2_interlaced_tff_sar.ts",
    ],
)
def test_real_movies(tmp_path: Path, name: str) -> None:
    if not (MOVIES / name).exists():
        pytest.skip("the collection of real movies is not beside this repository")
    movie = open_movie(MOVIES / name)
    video, expected = joined_video(tmp_path, movie)
    out = tmp_path / "out.mp4"
    remarks = mux(video, movie, out, "")
    assert all("video stream" in remark for remark in remarks)
    assert times(out) == expected
    with av.open(str(movie.path)) as container:
        tracks = len(container.streams.audio)
    for number in range(tracks):
        source, copy = packets(movie.path, "audio", number), packets(out, "audio", number)
        assert [m for _, m in copy] == [m for _, m in source]
        assert max(abs(a - b + movie.clock_start) for (a, _), (b, _) in zip(copy, source, strict=True)) < Fraction(
            1, 1000
        )
