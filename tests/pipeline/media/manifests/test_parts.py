"""Titles of DVDs, cut by size into files: all pictures once, with their sound, whatever the cut goes through."""

import random
from itertools import pairwise
from pathlib import Path

import pytest
from flash_and_beep import Outcome, Recording, ffmpeg_pictures, heard, seen, through

from pipeline.media.manifests.parts import Joined, files_of, is_several_files, title_parts

TITLE = Recording(
    seconds=3.0, moments=(1.0, 2.2), video="mpeg2video", audio="ac3", options={"g": "12", "bf": "2", "b": "400k"}
)


def split(data: bytes, folder: Path, *places: int) -> Path:
    """Write a title of several files, as a disc has it; return the first."""
    folder.mkdir(exist_ok=True)
    borders = [0, *places, len(data)]
    for number, (begin, end) in enumerate(pairwise(borders), 1):
        (folder / f"VTS_01_{number}.VOB").write_bytes(data[begin:end])
    return folder / "VTS_01_1.VOB"


def check(outcome: Outcome, whole: Path, steps: int = 0) -> None:
    theirs = ffmpeg_pictures(whole, outcome.movie.stream)
    assert (outcome.pictures == theirs).all()
    assert (outcome.packets.fault, str(outcome.faults)) == ("", "")
    assert len(outcome.packets.clock.discontinuities) == steps
    assert outcome.seconds.max() < 0.05
    flashes, beeps = seen(outcome.video), heard(outcome.video)
    assert len(flashes) == len(beeps) == 2 * (steps + 1)
    assert flashes == pytest.approx(beeps, abs=0.04)


@pytest.mark.parametrize("sector", [2048, 1])
def test_a_title_is_what_it_was_before_it_was_cut(tmp_path, sector):
    whole = TITLE.write(tmp_path / "whole.vob")
    data = whole.read_bytes()
    places = [len(data) // 3 // sector * sector, len(data) // 2 // sector * sector + sector]
    check(through(split(data, tmp_path / "VIDEO_TS", *places), tmp_path), whole)


def test_a_title_whose_clock_restarts_in_each_cell(tmp_path):
    cells = [TITLE.but(numbers_from=75 * k).write(tmp_path / f"{k}.vob").read_bytes() for k in range(2)]
    whole = tmp_path / "whole.vob"
    whole.write_bytes(b"".join(cells))
    check(through(split(whole.read_bytes(), tmp_path / "disc", len(cells[0]) - 4096), tmp_path), whole, steps=1)


def test_which_files_are_a_title(tmp_path):
    for name in ("VTS_01_0.VOB", "VTS_01_1.VOB", "vts_01_2.vob", "VTS_01_4.VOB", "VTS_02_1.VOB", "VTS_011.VOB"):
        (tmp_path / name).touch()
    first, second = tmp_path / "VTS_01_1.VOB", tmp_path / "vts_01_2.vob"
    assert title_parts(first) == files_of(first) == [first, second]
    assert is_several_files(first)
    for alone in ("VTS_01_0.VOB", "vts_01_2.vob", "VTS_02_1.VOB", "VTS_03_1.VOB", "VTS_011.VOB"):
        assert title_parts(tmp_path / alone) == []
        assert files_of(tmp_path / alone) == [tmp_path / alone]


def test_reading_across_files(tmp_path):
    data = random.Random(0).randbytes(1000)
    first = split(data, tmp_path / "disc", 1, 1, 400)
    chance = random.Random(1)
    with Joined(title_parts(first)) as joined:
        assert joined.seek(0, 2) == 1000
        assert joined.read(10) == b""
        for _ in range(100):
            place = chance.randrange(1001)
            joined.seek(place - joined.tell(), 1)
            found = b""
            while piece := joined.read(chance.randrange(1, 50)):
                found += piece
            assert found == data[place:]


def test_files_of_a_stream(tmp_path):
    head = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n"
    (tmp_path / "a.m3u8").write_text(f"{head}#EXT-X-STREAM-INF:BANDWIDTH=1\nb.m3u8\n")
    (tmp_path / "b.m3u8").write_text(
        f'{head}#EXT-X-MAP:URI="init.mp4"\n#EXTINF:2,\ns%201.m4s\n#EXTINF:2,\nhttp://x/y.m4s\n#EXTINF:2,\ngone.m4s\n'
    )
    (tmp_path / "s 1.m4s").touch()
    names = [path.name for path in files_of(tmp_path / "a.m3u8")]
    assert names == ["a.m3u8", "b.m3u8", "init.mp4", "s 1.m4s", "gone.m4s"]
