"""A loss is never reported as less than it is, and nothing whole is taken for a loss."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import pytest
from clips import X264, Clip, ffmpeg, packets_of, remuxed, truncated
from field_film import write_fields
from flash_and_beep import Recording

from pipeline.media.decode import DecodeFaults, TimestampError, decode
from pipeline.media.movie import open_movie
from pipeline.media.scan import Packets
from pipeline.media.segments import as_one, cut, read_packets

X265 = {"preset": "ultrafast", "x265-params": "log-level=none:keyint=20:min-keyint=20:bframes=0:scenecut=0"}
RASL = 9 << 1
"""First byte of an HEVC unit of a picture that decoders leave out behind a key frame such as x265's, without a word."""


def counted(path: Path, seconds: float = 0.4, threads: int = 1) -> tuple[int, DecodeFaults, Packets]:
    """Return how many frames are found, what goes wrong, and what the packets tell."""
    movie = open_movie(path)
    packets = read_packets(movie)
    movie = packets.timed(movie)
    try:
        faults = DecodeFaults()
        found = sum(1 for segment in cut(movie, packets, seconds) for _ in decode(movie, segment, faults, threads))
    except TimestampError:
        faults = DecodeFaults()
        found = sum(1 for _ in decode(movie, as_one(packets), faults, threads))
    return found, faults, packets


def unwhole(path: Path) -> str:
    """Return all that is said of a film's losses; "" for a whole one."""
    _, faults, packets = counted(path)
    return "; ".join(filter(None, [packets.fault, str(faults)]))


def retyped(path: Path, numbers: range) -> Path:
    """Make pictures of an HEVC film in mp4 such as decoders leave out."""
    data = bytearray(path.read_bytes())
    for place, _, _ in (packets_of(path)[number] for number in numbers):
        data[place + 4] = RASL
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("lost", [range(17, 20), range(5, 6), range(10, 20)])
def test_pictures_that_a_decoder_drops_without_a_word(tmp_path: Path, lost: range, threads: int) -> None:
    film = Clip(pts=range(20), codec="libx265", options=X265, size=(128, 96)).write(tmp_path / "m")
    found, faults, packets = counted(retyped(film, lost), threads=threads)
    assert found <= 20 - len(lost)  # others may lean on them
    assert (found + faults.missing, faults.leading, packets.absent) == (20, 0, 0)


def test_a_segment_of_which_nothing_is_left_is_counted(tmp_path: Path) -> None:
    keys = {**X265, "x265-params": X265["x265-params"].replace("=20", "=10")}
    film = Clip(pts=range(60), codec="libx265", options=keys, size=(128, 96)).write(tmp_path / "m")
    found, faults, _ = counted(retyped(film, range(20, 30)))
    assert (found, faults.missing) == (50, 10)


@pytest.mark.parametrize("suffix", [".ts", ".mkv", ".mp4"])
def test_fields_in_packets_of_their_own_are_no_loss(tmp_path: Path, suffix: str) -> None:
    found, faults, packets = counted(write_fields(tmp_path / f"m{suffix}", 30))
    assert (found, packets.count, str(faults), packets.fault) == (30, 60, "", "")


def test_lost_pictures_of_two_fields_count_once(tmp_path: Path) -> None:
    film = write_fields(tmp_path / "m.mp4", 30)
    data = bytearray(film.read_bytes())
    for place, size, _ in packets_of(film)[20:26]:
        data[place : place + size] = b"\0\0\0\2\x09\x10" + (size - 10).to_bytes(4, "big") + b"\x0c" * (size - 10)
    film.write_bytes(data)
    found, faults, _ = counted(film, seconds=10)
    assert (found, faults.missing) == (27, 3)


def test_pictures_that_are_never_shown_are_no_loss(tmp_path: Path) -> None:
    film = tmp_path / "m.webm"
    picture = ["-f", "lavfi", "-i", "testsrc2=size=128x96:rate=25:duration=2"]
    options = ["-c:v", "libvpx", "-b:v", "200k", "-auto-alt-ref", 1, "-lag-in-frames", 16, "-arnr-maxframes", 7]
    for number in (1, 2):
        ffmpeg(*picture, *options, "-pass", number, "-passlogfile", tmp_path / "log", film)
    assert len(packets_of(film)) > 50
    found, faults, packets = counted(film)
    assert (found, str(faults), packets.fault, packets.count, packets.trusted) == (50, "", "", 50, True)


def test_pictures_of_mpeg_4_that_are_not_coded_are_no_loss(tmp_path: Path) -> None:
    """As xvid and DivX write them for a picture that stays."""
    film = Clip(".avi", range(20), codec="mpeg4", options={"g": "30"}).write(tmp_path / "m")
    stays = b"\x00\x00\x01\xb6\x53\xcf"
    with av.open(str(film)) as container, av.open(str(tmp_path / "n.avi"), "w") as sink:
        stream = sink.add_stream_from_template(container.streams.video[0])
        for packet in container.demux():
            if packet.size:
                number = packet.pts
                if number in (7, 8, 15):
                    packet = av.Packet(stays)
                    packet.pts = packet.dts = number
                    packet.time_base = stream.time_base
                packet.stream = stream
                sink.mux(packet)
    found, faults, _ = counted(tmp_path / "n.avi")
    assert (found, str(faults)) == (17, "")


@pytest.mark.parametrize(
    ("codec", "options"),
    [
        ("libx264", {"g": "20", "keyint_min": "20", "sc_threshold": "0", "bf": "2", "preset": "ultrafast"}),
        ("libx265", {**X265, "x265-params": X265["x265-params"].replace("bframes=0", "bframes=3:open-gop=1")}),
        ("mpeg2video", {"g": "20", "bf": "2"}),
    ],
)
def test_a_recording_that_begins_amid_a_group_is_whole(tmp_path: Path, codec: str, options: dict[str, str]) -> None:
    film = Clip(".ts", range(60), codec=codec, options=options, size=(128, 96)).write(tmp_path / "m")
    data = film.read_bytes()
    begins = packets_of(film)[10][0] // 188 * 188
    film.write_bytes(data[188 : 3 * 188] + data[begins:])
    found, faults, packets = counted(film)
    assert 35 <= found < packets.count
    assert (faults.missing, faults.refused, packets.fault) == (0, 0, "")
    assert found + faults.leading == packets.count


def without(path: Path, start: float, count: int, put: bytes = b"") -> Path:
    """Take ``count`` bytes out of a film behind a ``start`` (0..1) of it."""
    data = path.read_bytes()
    place = int(len(data) * start) // 188 * 188
    path.write_bytes(data[:place] + put + data[place + count :])
    return path


NOISE = Recording(seconds=2.0, options={"g": "10", "bf": "2", "preset": "ultrafast"})


@pytest.mark.parametrize(
    ("suffix", "spoil"),
    [
        ("avi", lambda path: truncated(path, 0.8)),
        ("mkv", lambda path: truncated(path, 0.85)),
        ("mov", lambda path: without(path, 0.5, 188, bytes(188))),
    ],
)
def test_a_file_that_lacks_pictures_says_so(tmp_path: Path, suffix: str, spoil: Callable[[Path], Path]) -> None:
    kinds = {"avi": NOISE.but(video="mjpeg", audio="pcm_s16le", pixels="yuvj420p", options={})}
    film = kinds.get(suffix, NOISE).write(tmp_path / f"m.{suffix}")
    assert unwhole(film) == ""
    found, faults, packets = counted(spoil(film))
    if suffix != "mov":
        assert found < 50
        assert packets.fault
        assert abs(found + faults.missing + packets.absent - 50) <= 1


@pytest.mark.parametrize(("suffix", "put"), [("ts", b""), ("mkv", bytes(2000)), ("ts", bytes(2068))])
def test_pictures_that_are_gone_amid_a_film(tmp_path: Path, suffix: str, put: bytes) -> None:
    grain = Clip(f".{suffix}", range(50), options={**X264, "crf": "18"}, size=(128, 96)).write(tmp_path / "m")
    assert unwhole(grain) == ""
    found, faults, packets = counted(without(grain, 0.4, 2068 if suffix == "ts" else 2000, put))
    assert found < 50
    assert found + faults.missing + packets.absent == 50
    assert packets.fault or faults.missing


def test_a_variable_rate_is_no_damage(tmp_path: Path) -> None:
    steps = [k for k in range(80) if k % 7 and k % 11]
    for suffix in (".mkv", ".mp4", ".flv"):
        assert unwhole(Clip(suffix, steps, options=X264).write(tmp_path / "m")) == ""


def test_tracks_that_end_before_the_file(tmp_path: Path) -> None:
    """Sound that goes on says nothing about pictures."""
    long = replace(NOISE, sound_s=4.0)
    for suffix in ("mkv", "mp4", "mov", "avi", "flv"):
        film = long.but(audio="libmp3lame").write(tmp_path / f"m.{suffix}")
        assert unwhole(film) == "", suffix
    assert unwhole(remuxed(tmp_path / "m.mp4", tmp_path / "n.mkv", "-ss", "0.7")) == ""
    assert unwhole(remuxed(tmp_path / "m.mkv", tmp_path / "n.mp4", "-ss", "0.7")) == ""
