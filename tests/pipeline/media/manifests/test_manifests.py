"""Movies in segments: the pictures and sound of HLS and DASH, and what is said where a segment is missing."""

import os
import socket
from pathlib import Path

import pytest
from clips import Clip, ffmpeg, truncated
from flash_and_beep import Recording, ffmpeg_pictures, heard, seen, through

from pipeline.errors import InputError, NotAMovieError
from pipeline.media.decode import DecodeFaults, decode
from pipeline.media.manifests.dash import as_playlist
from pipeline.media.movie import open_movie
from pipeline.media.segments import cut, read_packets

WAYS = {
    "hls": ("index.m3u8", ("-hls_time", 1)),
    "hls, fragments": ("index.m3u8", ("-hls_time", 1, "-hls_segment_type", "fmp4")),
    "dash": ("film.mpd", ("-f", "dash", "-seg_duration", 1)),
    "dash, numbered": ("film.mpd", ("-f", "dash", "-seg_duration", 1, "-use_timeline", 0)),
    "dash, listed": ("film.mpd", ("-f", "dash", "-seg_duration", 1, "-use_template", 0)),
    "dash, a file each": ("film.mpd", ("-f", "dash", "-seg_duration", 1, "-single_file", 1)),
}


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> Path:
    return Recording(moments=(1.0, 2.0)).write(tmp_path_factory.mktemp("film") / "film.mp4")


def segmented(film: Path, folder: Path, way: str) -> Path:
    name, options = WAYS[way]
    folder.mkdir()
    ffmpeg("-i", film, "-map", "0:v", "-map", "0:a", "-c", "copy", *options, folder / name)
    return folder / name


@pytest.mark.parametrize("way", WAYS)
def test_all_pictures_with_their_sound(film, tmp_path, way):
    outcome = through(segmented(film, tmp_path / "ä b", way), tmp_path)
    assert (outcome.pictures == ffmpeg_pictures(film, 0)).all()
    assert outcome.packets.fault == ""
    assert outcome.seconds.tolist() == pytest.approx([0.04] * 74)
    flashes, beeps = seen(outcome.video), heard(outcome.video)
    assert len(flashes) == len(beeps) == 2
    assert flashes == pytest.approx(beeps, abs=0.04)


@pytest.mark.parametrize("way", [way for way in WAYS if way != "dash, a file each"])
def test_a_missing_segment_is_told(film, tmp_path, way):
    playlist = segmented(film, tmp_path / "stream", way)
    parts = sorted(path for path in playlist.parent.iterdir() if path != playlist and "init" not in path.name)
    parts[1].unlink()
    packets = read_packets(open_movie(playlist))
    assert packets.fault == f"1 of {len(parts)} segments are missing"
    assert 0 < packets.count < 75


@pytest.mark.parametrize("way", [way for way in WAYS if way != "dash, a file each"])
@pytest.mark.parametrize("part", [0.0, 0.5])
def test_a_segment_that_is_not_whole_is_told(film, tmp_path, way, part):
    playlist = segmented(film, tmp_path / "stream", way)
    parts = sorted(path for path in playlist.parent.iterdir() if path != playlist and "init" not in path.name)
    truncated(parts[1], part)
    movie = open_movie(playlist)
    packets = read_packets(movie)
    movie = packets.timed(movie)
    faults = DecodeFaults()
    found = sum(1 for segment in cut(movie, packets, 1) for _ in decode(movie, segment, faults))
    assert found < 75
    assert packets.fault
    assert abs(found + faults.missing + packets.absent - 75) <= 1


@pytest.mark.parametrize("kind", ["a playlist", "a playlist of playlists"])
def test_a_live_stream_that_was_saved_has_an_end(film, tmp_path, kind):
    """Else FFmpeg would wait for more of it, and leave out what came before."""
    playlist = segmented(film, tmp_path / "ä b", "hls")
    playlist.write_text(playlist.read_text().replace("#EXT-X-ENDLIST\n", ""))
    if kind != "a playlist":
        master = playlist.with_name("master.m3u8")
        master.write_text(f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{playlist.name}\n")
        playlist = master
    outcome = through(playlist, tmp_path)
    assert (outcome.pictures == ffmpeg_pictures(film, 0)).all()
    assert (outcome.packets.fault, str(outcome.faults)) == ("", "")
    assert seen(outcome.video) == pytest.approx(heard(outcome.video), abs=0.04)


@pytest.mark.parametrize("way", ["hls", "dash"])
def test_a_pipe_among_the_segments_is_refused(film, tmp_path, way):
    """Whoever opened it would wait for its writer."""
    playlist = segmented(film, tmp_path / "stream", way)
    part = sorted(path for path in playlist.parent.iterdir() if path != playlist and "init" not in path.name)[1]
    part.unlink()
    os.mkfifo(part)
    with pytest.raises(NotAMovieError, match=f"expected files in it, found a pipe.*: {part.name}"):
        open_movie(playlist)


def test_times_of_segments_may_be_rounded(film, tmp_path):
    playlist = segmented(film, tmp_path / "stream", "hls")
    for old, new in (("1.000000", "2"), ("1.000000", "1")):
        text = playlist.read_text().replace(f"#EXTINF:{old},", f"#EXTINF:{new},")
        other = playlist.with_name(f"{new}.m3u8")
        other.write_text(text)
        assert read_packets(open_movie(other)).fault == ""


def test_segments_may_be_called_anything(film, tmp_path):
    playlist = segmented(film, tmp_path / "stream", "hls")
    text = playlist.read_text()
    for number, part in enumerate(sorted(playlist.parent.glob("*.ts"))):
        part.rename(part.with_name(f"Teil {number} ä.bin"))
        text = text.replace(part.name, f"Teil {number} ä.bin")
    playlist.write_text(text, encoding="utf-8")
    assert read_packets(open_movie(playlist)).count == 75


def test_a_playlist_reaches_for_files_alone(tmp_path):
    path = tmp_path / "film.m3u8"
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.setblocking(False)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/a.ts"
        path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{address}\n#EXT-X-ENDLIST\n")
        with pytest.raises(InputError):
            open_movie(path)
        with pytest.raises(BlockingIOError):  # nobody came
            server.accept()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("no xml", "expected a manifest of DASH"),
        ('<!DOCTYPE a [<!ENTITY b "b">]><MPD>&b;</MPD>', "it declares entities"),
        ("<MPD/>", "expected video whose segments lie beside the manifest"),
        ('<MPD><Period><AdaptationSet mimeType="video/mp4"><Representation><BaseURL>http://a.example/b.mp4</BaseURL>'
         "</Representation></AdaptationSet></Period></MPD>", "its segments are elsewhere: http://a.example/b.mp4"),
        ('<MPD><Period><AdaptationSet mimeType="video/mp4"><Representation bandwidth="many"/><Representation/>'
         "</AdaptationSet></Period></MPD>", "expected a manifest of DASH"),
    ],
)  # fmt: skip
def test_a_manifest_that_is_of_no_use(tmp_path, content, words):
    path = tmp_path / "film.mpd"
    path.write_text(content)
    with pytest.raises(NotAMovieError, match=words):
        open_movie(path)


def test_a_manifest_does_not_reach_for_what_is_no_movie(tmp_path):
    (tmp_path / "secret").write_text("a secret")
    path = tmp_path / "film.mpd"
    path.write_text(
        '<MPD><Period><AdaptationSet mimeType="video/mp4"><Representation><BaseURL>secret</BaseURL></Representation>'
        "</AdaptationSet></Period></MPD>"
    )
    assert as_playlist(path).startswith("data:")
    with pytest.raises(InputError):
        open_movie(path)


def test_movies_that_are_files_lack_nothing(tmp_path):
    assert read_packets(open_movie(Clip(pts=range(6)).write(tmp_path / "film"))).fault == ""
