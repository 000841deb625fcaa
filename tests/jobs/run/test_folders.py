"""Folders as they are: what is no movie, what is a part of one, and what is said of it."""

import os
from pathlib import Path

import pytest
from clips import Clip

from jobs.errors import UsageError
from jobs.run.folders.companions import KIND_OF, kind_of
from jobs.run.folders.discover import discover

HLS = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n"
RUN = '{"movies": [{"name": "a.mp4"}], "pid": 1, "host": "h", "started": "", "ended": null}'
BINARY = bytes(range(256)) * 4


def put(folder: Path, names: str | dict[str, str | bytes]) -> Path:
    files = names if isinstance(names, dict) else dict.fromkeys(names.split(), BINARY)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def taken(folder: Path) -> tuple[list[str], list[str]]:
    """Return the names of the movies, and the lines."""
    lines: list[str] = []
    return [source.name for source in discover([folder], folder.parent / "out", lines.append)], lines


def test_one_line_says_how_many_of_which_kinds(tmp_path):
    films = put(
        tmp_path / "films",
        "a.mp4 a.THM a.xmp a.AAE a.srt a.nfo b.mp3 c.jpg c.HEIC c.avif Thumbs.db d.mp4.part VTS_01_0.IFO VTS_01_0.BUP "
        "INDEX.BDM 00000.CPI",
    )
    names, lines = taken(films)
    assert names == ["a.mp4"]
    assert lines == [
        "skipped 15 files besides movies: "
        "6 files of a camera or disc (aae bdm bup cpi ifo xmp), 4 pictures (avif heic jpg thm), 1 data (db), "
        "1 sound (mp3), 1 subtitle (srt), 1 text (nfo), 1 unfinished download (part)"
    ]


def test_nothing_is_said_where_nothing_was_passed_over(tmp_path):
    assert taken(put(tmp_path / "films", "a.mp4 .hidden")) == (["a.mp4"], [])


@pytest.mark.parametrize(
    "content", ["int main;\n", "Grüße aus Käsdorf ☃\n", "a\tb\r\n", "Gr\xfc\xdfe\n".encode("latin-1")]
)
@pytest.mark.parametrize("name", ["README", "shim.xyz", "component.ts", "go.mod"])
def test_text_is_told_by_its_content(tmp_path, name, content):
    assert taken(put(tmp_path / "films", {name: content, "a.mp4": BINARY}))[0] == ["a.mp4"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_text_of_windows(tmp_path, encoding):
    assert kind_of(put(tmp_path, {"note": "Käse\r\n".encode(encoding)}) / "note") == "text"


def test_text_that_is_cut_amid_a_letter(tmp_path):
    assert kind_of(put(tmp_path, {"note": "x" + "☃" * 5000}) / "note") == "text"


@pytest.mark.parametrize("content", ["no movie at all\n", b"", BINARY])
@pytest.mark.parametrize("name", ["a.mp4", "a.MKV", "a.m4a"])
def test_what_promises_a_movie_is_tried_whatever_it_holds(tmp_path, name, content):
    assert taken(put(tmp_path / "films", {name: content}))[0] == [name]


def test_pictures_and_archives_without_an_ending(tmp_path):
    heads = {
        "1": b"\xff\xd8\xff\xe0",
        "2": b"\x89PNG\r\n\x1a\n",
        "3": b"PK\3\4",
        "4": b"\0\0\0\x20ftypavif",
        "5": b"%PDF-",
    }
    films = put(tmp_path / "films", {name: head + BINARY for name, head in heads.items()} | {"a": BINARY})
    assert taken(films)[0] == ["a"]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".avi", ".flv", ".mpg", ".gif", ".ogv", ".y4m", ".nut"])
def test_no_movie_is_taken_for_something_else_by_its_content(tmp_path, suffix):
    codecs = {".y4m": "rawvideo", ".gif": "gif", ".ogv": "libvpx", ".flv": "flv", ".mpg": "mpeg2video", ".avi": "mpeg4"}
    pixels = "rgb8" if suffix == ".gif" else "yuv420p"
    film = Clip(suffix=suffix, codec=codecs.get(suffix, "libx264"), pts=range(6), pixels=pixels).write(
        tmp_path / "film"
    )
    for name in ("film", "film.xyz", "film.dat"):
        film = film.rename(tmp_path / name)
        assert kind_of(film) == ""


def test_a_stream_in_segments_is_one_movie(tmp_path):
    films = put(
        tmp_path / "films",
        {
            "show/master.m3u8": HLS
            + '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",URI="sound.m3u8"\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlow/index.m3u8\n',
            "show/sound.m3u8": HLS + "#EXTINF:2,\nsound0.aac\n",
            "show/low/index.m3u8": HLS
            + '#EXT-X-MAP:URI="init.mp4"\n#EXTINF:2,\nseg%200.m4s\n#EXTINF:2,\nseg1.m4s?t=1\n',
            "show/low/init.mp4": BINARY,
            "show/low/seg 0.m4s": BINARY,
            "show/low/seg1.m4s": BINARY,
            "show/sound0.aac": BINARY,
            "show/bonus.mp4": BINARY,
        },
    )
    names, (line,) = taken(films)
    assert names == ["show/bonus.mp4", "show/master.m3u8"]
    assert "6 segments of a stream" in line


def test_a_list_of_whole_movies_is_not_one(tmp_path):
    films = put(tmp_path / "films", {"mine.m3u8": "#EXTM3U\n#EXTINF:10,A\na.mp4\nb.mp4\n", "a.mp4": "", "b.mp4": ""})
    assert taken(films) == (["a.mp4", "b.mp4"], ["skipped 1 file besides movies: 1 list of movies (m3u8)"])


def test_a_manifest_of_dash_stands_for_its_segments(tmp_path):
    manifest = (
        "<MPD><BaseURL>whole_$RepresentationID$.mp4</BaseURL>"
        '<SegmentTemplate initialization="init-$RepresentationID$.m4s" '
        'media="video/chunk-$RepresentationID$-$Number%05d$.m4s"/></MPD>'
    )
    films = put(
        tmp_path / "films",
        {"show/a.mpd": manifest}
        | dict.fromkeys(
            ("show/init-0.m4s", "show/video/chunk-0-00001.m4s", "show/video/chunk-1-12.m4s", "show/whole_2.mp4"), BINARY
        )
        | {"show/other.mp4": BINARY, "init-0.m4s": BINARY},
    )
    names, (line,) = taken(films)
    assert names == ["init-0.m4s", "show/a.mpd", "show/other.mp4"]
    assert "4 segments of a stream (m4s mp4)" in line


def test_a_disc_is_its_titles(tmp_path):
    films = put(
        tmp_path / "films",
        "VIDEO_TS/VIDEO_TS.VOB VIDEO_TS/VIDEO_TS.IFO VIDEO_TS/VTS_01_0.VOB VIDEO_TS/VTS_01_1.VOB VIDEO_TS/VTS_01_2.VOB "
        "VIDEO_TS/VTS_01_0.BUP AVCHD/BDMV/STREAM/00000.MTS AVCHD/BDMV/STREAM/00001.MTS AVCHD/BDMV/PLAYLIST/00000.MPL "
        "AVCHD/BDMV/CLIPINF/00000.CPI AVCHD/BDMV/INDEX.BDM AVCHD/BDMV/STREAM/SSIF/00000.ssif",
    )
    names, (line,) = taken(films)
    assert names == [
        "AVCHD/BDMV/STREAM/00000.MTS",
        "AVCHD/BDMV/STREAM/00001.MTS",
        "VIDEO_TS/VTS_01_1.VOB",
    ]
    assert "2 menus of a disc (vob)" in line
    assert "1 part of a title (vob)" in line


def test_parts_of_a_title_that_are_named_are_not_doubled(tmp_path):
    disc = put(tmp_path / "VIDEO_TS", "VTS_01_1.VOB VTS_01_2.VOB VTS_01_4.VOB VTS_02_2.VOB")
    lines: list[str] = []
    sources = discover(sorted(disc.iterdir()), tmp_path / "out", lines.append)
    assert [source.name for source in sources] == ["VTS_01_1.VOB", "VTS_01_4.VOB", "VTS_02_2.VOB"]
    assert lines == [
        f"{disc}/VTS_01_2.VOB is a part of the title that begins with {disc}/VTS_01_1.VOB, which is used instead"
    ]
    assert [s.name for s in discover([disc / "VTS_01_2.VOB"], tmp_path / "out")] == ["VTS_01_2.VOB"]


def test_pieces_of_a_recording_are_named(tmp_path):
    card = put(
        tmp_path / "card",
        "GOPR0001.MP4 GP010001.MP4 GP020001.MP4 GH010007.MP4 GH020007.MP4 GX010008.MP4 MVI_0001.MP4 MVI_0002.MP4 "
        "00000.MTS 00001.MTS",
    )
    os.truncate(card / "00000.MTS", (1 << 32) - 6144)
    names, lines = taken(card)
    assert len(names) == 10
    assert lines == [
        f"{card}: GH010007.MP4, GH020007.MP4 are chapters of one recording; each is a movie of its own",
        f"{card}: GOPR0001.MP4, GP010001.MP4, GP020001.MP4 are chapters of one recording; each is a movie of its own",
        f"{card}/00000.MTS: has the size at which cameras begin another file; 00001.MTS may be its continuation",
    ]


def test_small_copies_of_clips_are_not_doubled(tmp_path):
    films = put(
        tmp_path / "films",
        "M4ROOT/CLIP/C0001.MP4 M4ROOT/SUB/C0001S03.MP4 DCIM/GX010001.MP4 DCIM/GL010001.LRV DCIM/DJI_0001.LRF "
        "CONTENTS/VIDEO/A1.MXF CONTENTS/AUDIO/A100.MXF CONTENTS/PROXY/A1.MP4 Proxy/alone.mp4",
    )
    names, (line,) = taken(films)
    assert names == ["CONTENTS/VIDEO/A1.MXF", "DCIM/GX010001.MP4", "M4ROOT/CLIP/C0001.MP4", "Proxy/alone.mp4"]
    assert "2 small copies" in line


def test_linked_folders_are_searched_once(tmp_path):
    films = put(tmp_path / "films", "a.mp4")
    put(tmp_path / "elsewhere", "b.mp4")
    (films / "more").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "up").symlink_to(films)
    names, (line,) = taken(films)
    assert names == ["a.mp4", "more/b.mp4"]
    assert line == f"{films}/more/up: a link to a folder that is already searched; skipped"


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_two_links_to_one_movie_are_named(tmp_path, link):
    films = put(tmp_path / "films", "a.mp4")
    link(films / "a.mp4", films / "b.mp4")
    assert taken(films) == (["a.mp4"], [f"{films}/b.mp4 is the same file as {films}/a.mp4, which is used instead"])


def test_earlier_results_are_passed_over(tmp_path):
    films = put(tmp_path / "films", {"a.mp4": BINARY, "old/run.json": RUN, "old/a.mp4/annotated.mp4": BINARY})
    put(films, {"copied/job.json": '{"movie": "a.mp4", "status": "done"}', "copied/annotated.mp4": BINARY})
    put(films, {"theirs/job.json": '{"id": 3}', "theirs/run.json": "[]", "theirs/b.mp4": BINARY})
    names, lines = taken(films)
    assert names == ["a.mp4", "theirs/b.mp4"]
    assert lines[:2] == [f"{films}/{name}: results of moodreel; skipped" for name in ("copied", "old")]


def test_nothing_left_says_what_there_was(tmp_path):
    films = put(tmp_path / "films", {"old/run.json": RUN, "old/a.mp4/annotated.mp4": BINARY, "a.jpg": BINARY})
    with pytest.raises(UsageError, match=r"films: no movies found; .*/old: results of moodreel; skipped$"):
        taken(films)


def test_names_that_differ_in_bytes_that_are_no_utf8(tmp_path):
    films = put(tmp_path / "films", "a.mp4")
    try:
        for name in (b"caf\xe9.mp4", b"caf\xe8.mp4"):
            Path(os.fsdecode(os.fsencode(films) + b"/" + name)).touch()
    except OSError:
        pytest.skip("this file system takes only UTF-8")
    assert taken(films)[0] == ["a.mp4", "caf\\xe8.mp4", "caf\\xe9.mp4"]


def test_no_ending_is_of_two_kinds():
    assert not {".mp4", ".mkv", ".ts", ".mts", ".mov", ".gif", ".m3u8", ".dat", ".bin", ""} & KIND_OF.keys()
