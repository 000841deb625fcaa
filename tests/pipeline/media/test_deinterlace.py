"""Interlaced movies: as many frames as before at the same pts, without combs; all others are left as they are."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from clips import X264, Clip
from numpy.typing import NDArray

from pipeline.media.decode import DecodeFaults, Frame, decode
from pipeline.media.deinterlace import deinterlaced
from pipeline.media.movie import open_movie
from pipeline.media.segments import FIRST_PTS, LAST_PTS, Segment, cut, read_packets

WHOLE = Segment(0, FIRST_PTS, LAST_PTS, 0)
FAST = 6
"""Pixels that the bar moves from one field to the next."""


def bar(moment: int, width: int, height: int) -> NDArray[np.uint8]:
    picture = np.full((height, width), 40, np.uint8)
    left = 10 + FAST * moment % (width - 40)
    picture[:, left : left + 20] = 200
    return picture


def woven(number: int, width: int, height: int) -> NDArray[np.uint8]:
    """The odd lines of one moment and the even lines of the next, as encoders take it that pictures are."""
    picture = bar(2 * number + 1, width, height)
    picture[1::2] = bar(2 * number, width, height)[1::2]
    return picture


TELEVISION = Clip(
    ".mkv", pts=tuple(range(0, 800, 40)), time_base=Fraction(1, 1000), size=(160, 96), paint=woven,
    options={**X264, "crf": "10", "flags": "+ildct+ilme"},
)  # fmt: skip
CLIPS = {
    "H.264": TELEVISION,
    "MPEG-2": TELEVISION.but(
        suffix=".ts",
        codec="mpeg2video",
        pts=tuple(range(20)),
        time_base=Fraction(1, 25),
        options={"flags": "+ildct+ilme", "g": "6", "b": "8M"},
    ),
    "10 bit": TELEVISION.but(pixels="yuv420p10le"),
}


def luma(frame: Frame) -> NDArray[np.int64]:
    return frame.picture.to_ndarray(format="gray").astype(np.int64)


def combs(frame: Frame) -> float:
    """How much lines differ from the mean of their neighbours."""
    y = luma(frame)
    return float(np.abs(2 * y[1:-1] - y[2:] - y[:-2]).mean())


def both(path: Path, segment: Segment = WHOLE, threads: int = 1) -> tuple[list[Frame], list[Frame]]:
    movie = open_movie(path)
    stored = list(decode(movie, segment, DecodeFaults()))
    return stored, list(deinterlaced(decode(movie, segment, DecodeFaults()), threads))


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("clip", CLIPS.values(), ids=CLIPS)
def test_every_frame_is_there_at_its_time_and_without_combs(clip: Clip, threads: int, tmp_path: Path) -> None:
    stored, whole = both(clip.write(tmp_path / "a"), threads=threads)
    assert len(stored) == len(clip.pts)
    assert [frame.pts for frame in whole] == [frame.pts for frame in stored]
    assert all(frame.picture.interlaced_frame for frame in stored)
    assert not any(frame.picture.interlaced_frame for frame in whole)
    assert min(map(combs, stored)) > 15
    assert max(map(combs, whole)) < 5
    assert {f.picture.format.name for f in whole} == {clip.pixels}
    assert {(f.picture.width, f.picture.height) for f in whole} == {clip.size}


def test_each_shows_its_first_moment(tmp_path: Path) -> None:
    _, whole = both(TELEVISION.write(tmp_path / "a"))
    for number, frame in enumerate(whole):
        assert np.abs(luma(frame) - bar(2 * number, *TELEVISION.size)).mean() < 4
        assert np.abs(luma(frame) - bar(2 * number + 1, *TELEVISION.size)).mean() > 8


def test_what_does_not_move_keeps_its_lines(tmp_path: Path) -> None:
    def lined(_: int, width: int, height: int) -> NDArray[np.uint8]:
        picture = np.full((height, width), 40, np.uint8)
        picture[height // 3 :: 5] = 200
        return picture

    stored, whole = both(TELEVISION.but(paint=lined).write(tmp_path / "a"))
    assert np.abs(luma(whole[5]) - luma(stored[5])).mean() < 1


def test_segments_have_the_frames_of_their_own_span(tmp_path: Path) -> None:
    path = TELEVISION.write(tmp_path / "a")
    movie = open_movie(path)
    segments = cut(movie, read_packets(movie), 0.3)
    assert len(segments) > 1
    assert [f.pts for segment in segments for f in both(path, segment)[1]] == [*TELEVISION.pts]


def test_progressive_frames_are_passed_on_as_they_are(tmp_path: Path) -> None:
    frames = list(decode(open_movie(Clip(paint=woven, options=X264).write(tmp_path / "a")), WHOLE, DecodeFaults()))
    passed = list(deinterlaced(iter(frames)))
    assert [id(frame) for frame in passed] == [id(frame) for frame in frames]


def test_progressive_frames_among_interlaced_ones_keep_their_lines(tmp_path: Path) -> None:
    television = both(TELEVISION.write(tmp_path / "a"))[0]
    film = both(TELEVISION.but(options={**X264, "crf": "10"}).write(tmp_path / "b"))[0]
    mixed = [*film[:3], *television[3:6], *film[6:9], *television[9:]]
    whole = list(deinterlaced(iter(mixed)))
    assert [frame.pts for frame in whole] == [*TELEVISION.pts]
    assert [combs(frame) > 10 for frame in whole] == [True] * 3 + [False] * 3 + [True] * 3 + [False] * 11
    for k in (0, 1, 2, 6, 7, 8):
        assert (luma(whole[k]) == luma(mixed[k])).all()


def test_another_size_gets_another_filter(tmp_path: Path) -> None:
    small = both(TELEVISION.but(size=(128, 64)).write(tmp_path / "a"))[0]
    large = both(TELEVISION.write(tmp_path / "b"))[0]
    whole = list(deinterlaced(iter([*small[:5], *large[5:10]])))
    assert [frame.pts for frame in whole] == [*TELEVISION.pts[:10]]
    assert [frame.picture.width for frame in whole] == [128] * 5 + [160] * 5
    assert max(map(combs, whole)) < 5


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_frames(count: int, tmp_path: Path) -> None:
    stored, _ = both(TELEVISION.write(tmp_path / "a"))
    assert [frame.pts for frame in deinterlaced(iter(stored[:count]))] == [*TELEVISION.pts[:count]]
