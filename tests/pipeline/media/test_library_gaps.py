"""What PyAV has no name for: kinds of side data that FFmpeg has learnt since."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import pytest
from av.sidedata.sidedata import Type
from clips import Clip, decoded
from flash_and_beep import Recording

from jobs.live.source import choose_live_source, connect
from pipeline.media.decode import DecodeFaults, decode
from pipeline.media.movie import open_movie
from pipeline.media.segments import cut, read_packets

COUNT = 8


@pytest.fixture
def camera(tmp_path: Path) -> Path:
    """A film of JPEG pictures with EXIF, as cameras that were turned make them."""
    source = Clip(".mov", range(COUNT), codec="mjpeg", pixels="yuvj420p").write(tmp_path / "source")
    entries = struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0)  # orientation: to be turned by a quarter
    tiff = b"MM" + struct.pack(">HIH", 42, 8, 1) + entries + bytes(4)
    exif = b"Exif\0\0" + tiff
    segment = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    path = tmp_path / "camera.mov"
    with av.open(str(source)) as container, av.open(str(path), "w") as sink:
        template = container.streams.video[0]
        target = sink.add_stream_from_template(template)
        for packet in container.demux(template):
            if packet.size:
                data = bytes(packet)
                changed = av.Packet(data[:2] + segment + data[2:])
                changed.pts, changed.dts, changed.time_base = packet.pts, packet.dts, packet.time_base
                changed.duration = packet.duration
                changed.is_keyframe, changed.stream = True, target
                sink.mux(changed)
    return path


def test_unknown_side_data_gets_a_name() -> None:
    nameless = Type(9999)
    assert nameless.value == 9999
    assert nameless.name == "NAMELESS_9999"
    assert Type(Type.DISPLAYMATRIX.value) is Type.DISPLAYMATRIX
    with pytest.raises(ValueError, match="not a valid Type"):
        Type("no number")


def test_a_cameras_film_is_read_and_turned(camera: Path) -> None:
    kinds = {data.type.name for frame in decoded(camera) for data in frame.side_data}
    assert "DISPLAYMATRIX" in kinds
    assert any(kind.startswith("NAMELESS") for kind in kinds)
    movie = open_movie(camera)
    assert (movie.width, movie.height) == (48, 64)
    packets = read_packets(movie)
    assert sum(len(list(decode(movie, s, DecodeFaults()))) for s in cut(movie, packets, 1)) == COUNT


def test_a_cameras_film_plays_live(camera: Path) -> None:
    with connect(choose_live_source(str(camera))) as connection:
        times = [picture.source_time for picture in connection.pictures()]
    assert times == [Fraction(k, 25) for k in range(COUNT)]


def test_streams_that_begin_amid_a_file(tmp_path: Path) -> None:
    """PyAV looks for them in a list that was made before: it raised IndexError at the end, or not, by chance."""
    plain = Recording(seconds=1, audio="").write(tmp_path / "plain.ts").read_bytes()
    later = Recording(seconds=1).write(tmp_path / "later.ts").read_bytes()
    film = tmp_path / "film.ts"
    film.write_bytes(plain * 40 + later)
    for _ in range(20):
        movie = open_movie(film)
        assert read_packets(movie).count == 25 * 41
