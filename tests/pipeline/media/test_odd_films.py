"""Healthy films of rare kinds: the pictures of FFmpeg's own program, at their time, and no false word."""

import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import pytest
from clips import X264, Clip, ffmpeg
from flash_and_beep import Outcome, Recording, ffmpeg_pictures, heard, seen, through

FILM = Recording(seconds=2.4, moments=(0.8, 1.6), options={"g": "20", "bf": "2", "preset": "ultrafast"})


def check(film: Path, folder: Path, fault: str = "") -> Outcome:
    outcome = through(film, folder, 0.4)
    theirs = ffmpeg_pictures(film, outcome.movie.stream)
    assert outcome.pictures.shape == theirs.shape
    assert abs(outcome.pictures.astype(int) - theirs).mean(axis=(1, 2)).max() < 4
    assert outcome.packets.fault == fault
    assert str(outcome.faults) == ""
    return outcome


def test_a_palette_comes_with_the_first_packet_alone(tmp_path: Path) -> None:
    raw = FILM.but(video="ffv1", audio="pcm_s16le", options={}).write(tmp_path / "raw.mkv")
    film = tmp_path / "film.avi"
    ffmpeg("-i", raw, "-c:v", "rawvideo", "-pix_fmt", "pal8", "-c:a", "copy", film)
    outcome = check(film, tmp_path)
    assert not outcome.movie.seekable
    assert seen(outcome.video) == pytest.approx(heard(outcome.video), abs=0.04)


@pytest.mark.parametrize(
    ("codec", "crops"), [("h264", "crop_left=6:crop_right=10:crop_top=4"), ("hevc", "crop_left=20")]
)
def test_pictures_are_cropped_to_the_pixel(tmp_path: Path, codec: str, crops: str) -> None:
    options = X264 if codec == "h264" else {"preset": "ultrafast", "x265-params": "log-level=none"}
    whole = Clip(".mp4", range(20), codec="libx264" if codec == "h264" else "libx265", options=options)
    film = tmp_path / "film.mp4"
    ffmpeg("-i", whole.write(tmp_path / "whole"), "-c", "copy", "-bsf:v", f"{codec}_metadata={crops}", film)
    outcome = check(film, tmp_path)
    assert outcome.movie.size == ((48, 44) if codec == "h264" else (44, 48))


def boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    while data:
        size, kind = struct.unpack(">I4s", data[:8])
        yield kind, data[8:size]
        data = data[size:]


def box(kind: bytes, *content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + sum(map(len, content)), kind) + b"".join(content)


def edited(film: Path, edits: list[tuple[float, int]]) -> Path:
    """Give each track of an mp4 these edits: how long in s, and from where in the track, in its ticks."""
    found = dict(boxes(film.read_bytes()))
    scale = struct.unpack(">I", dict(boxes(found[b"moov"]))[b"mvhd"][12:16])[0]
    listed = b"".join(struct.pack(">IiI", round(s * scale), start, 1 << 16) for s, start in edits)
    table = box(b"edts", box(b"elst", struct.pack(">II", 0, len(edits)), listed))
    tracks = []
    for kind, content in boxes(found[b"moov"]):
        inner = (
            [box(k, c) + (table if k == b"tkhd" else b"") for k, c in boxes(content) if k != b"edts"]
            if (kind == b"trak")
            else [content]
        )
        tracks.append(box(kind, *inner))
    film.write_bytes(b"".join(box(k, *(tracks if k == b"moov" else [c])) for k, c in boxes(film.read_bytes())))
    return film


@pytest.mark.parametrize(
    ("edits", "frames"),
    [([(0.8, 1024), (0.8, 1024 + 20480)], 40), ([(0.8, 1024), (0.8, 1024)], 40), ([(1.2, 1024)], 30)],
)
def test_edits_are_no_steps_of_the_clock(tmp_path: Path, edits: list[tuple[float, int]], frames: int) -> None:
    outcome = check(edited(FILM.but(audio="").write(tmp_path / "film.mp4"), edits), tmp_path)
    assert len(outcome.pts) == frames
    assert outcome.tables.summary["duration"] == pytest.approx(frames / 25, abs=0.01)
    assert outcome.packets.clock.remark() == ""


def test_a_recording_that_goes_on_in_other_streams(tmp_path: Path) -> None:
    first = FILM.write(tmp_path / "a.ts")
    second = FILM.write(tmp_path / "b.ts", muxer={"mpegts_start_pid": "512", "mpegts_pmt_start_pid": "4100"})
    film = tmp_path / "film.ts"
    film.write_bytes(first.read_bytes() + second.read_bytes())
    half = round(100 * first.stat().st_size / film.stat().st_size)
    said = "of the file; what follows belongs to no stream of its start"
    outcome = through(film, tmp_path)
    assert outcome.packets.fault in [f"picture and sound end at {p} % {said}" for p in (half - 1, half)]


@pytest.mark.parametrize("size", [188, 192])
def test_padding_at_the_end_of_a_recording_is_no_loss(tmp_path: Path, size: int) -> None:
    muxer = {"mpegts_m2ts_mode": "1"} if size == 192 else {}
    film = FILM.write(tmp_path / ("film.m2ts" if size == 192 else "film.ts"), muxer=muxer)
    with film.open("ab") as file:
        file.write((bytes(size - 188) + b"\x47\x1f\xff\x10" + b"\xff" * 184) * (film.stat().st_size // size))
    outcome = through(film, tmp_path)
    assert (outcome.packets.fault, len(outcome.pts)) == ("", 60)


@pytest.mark.parametrize("empty", [range(3, 60, 10), range(57, 60), range(59, 60)])
def test_empty_pictures_of_an_avi(tmp_path: Path, empty: range) -> None:
    whole = Clip(".mov", range(60), codec="mjpeg", pixels="yuvj420p").write(tmp_path / "whole")
    film = tmp_path / "film.avi"
    with av.open(str(whole)) as source, av.open(str(film), "w") as sink:
        stream = sink.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(p for p in source.demux() if p.size):
            kept = av.Packet(b"" if number in empty else bytes(packet))
            kept.pts = kept.dts = number
            kept.time_base, kept.stream = Fraction(1, 25), stream
            kept.is_keyframe = True
            sink.mux(kept)
    outcome = check(film, tmp_path)
    assert len(outcome.pts) == 60 - len(empty)


def test_fields_of_pictures_in_an_order_of_their_own(tmp_path: Path) -> None:
    """Bottom field first, and pictures that are pulled down among others that are not."""
    for name, how in (("bff.mpg", "setfield=bff"), ("pulled.ts", "telecine")):
        film = tmp_path / name
        options = ["-c:v", "mpeg2video", "-flags", "+ildct+ilme", "-c:a", "mp2"]
        ffmpeg("-i", FILM.write(tmp_path / "whole.mp4"), "-vf", f"scale=180:144,{how}", *options, film)
        outcome = through(film, tmp_path)
        assert len(outcome.pts) == len(ffmpeg_pictures(film, outcome.movie.stream))
        assert (outcome.packets.fault, str(outcome.faults)) == ("", "")
        assert outcome.movie.size == (180, 144)
        assert abs(float(sum(outcome.seconds)) - 2.4) < 0.1
        assert seen(outcome.video) == pytest.approx(heard(outcome.video), abs=0.04)
        assert Fraction(outcome.movie.rate) > 20
