"""Cutting a movie into spans: nothing between them, nothing twice, and what a truncated file is said to be."""

import re
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from clips import B_FRAMES, VARIABLE, X264, Clip, ffmpeg, remuxed, truncated, write_sound

from pipeline.errors import InputError
from pipeline.media.movie import UNSPECIFIED, Movie, Orientation, open_movie
from pipeline.media.segments import FIRST_PTS, LAST_PTS, Packets, Segment, as_one, cut, read_packets

MS = Fraction(1, 1000)
IN_MS = Movie(Path("m"), 0, "h264", MS, Fraction(0), 64, 48, Orientation(), Fraction(25), UNSPECIFIED)


@pytest.mark.parametrize(
    ("seconds", "borders"),
    [
        (0.1, [400, 800, 1200, 1600, 2000]),
        (0.4, [400, 800, 1200, 1600, 2000]),
        (0.5, [800, 1600]),
        (1, [1200]),
        (3600, [2000]),  # no segment has less than two seconds, but the last one
        (0, [400, 800, 1200, 1600, 2000]),
    ],
)
def test_segments_cover_all_of_time(tmp_path: Path, seconds: float, borders: list[int]) -> None:
    movie = open_movie(Clip(".mkv", options=B_FRAMES).write(tmp_path / "m"))
    packets = read_packets(movie)
    segments = cut(movie, packets, seconds)
    assert [s.start for s in segments[1:]] == borders
    assert segments[0].start == FIRST_PTS
    assert segments[-1].end == LAST_PTS
    assert all(a.end == b.start for a, b in pairwise(segments))
    assert [s.index for s in segments] == list(range(len(segments)))
    assert sum(s.frames for s in segments) == len(packets.pts) == 60
    assert [s.is_first for s in segments] == [True] + [False] * len(borders)
    assert all(s.trusted for s in segments)


def test_names_are_unique_however_a_movie_is_cut() -> None:
    packets = Packets(range(0, 10_000, 400), range(0, 10_000, 40), trusted=True, fault="")
    cuts = [cut(IN_MS, packets, seconds) for seconds in (0.1, 1, 3, 3600)]
    spans = {(s.start, s.end) for segments in cuts for s in segments}
    assert len({s.name for segments in cuts for s in segments}) == len(spans)
    assert as_one(packets).name not in {s.name for segments in cuts for s in segments}
    assert cuts[-1][0].name == "start_2000"
    assert cuts[0][1].name == "400_800"


def test_a_movie_of_one_segment_has_two_names_for_it() -> None:
    """A unit made before its time stamps were found bad must not be taken for one made after that."""
    packets = Packets([0], range(0, 400, 40), trusted=True, fault="")
    (trusted,), untrusted = cut(IN_MS, packets, 30), as_one(packets)
    assert (trusted.start, trusted.end) == (untrusted.start, untrusted.end)
    assert trusted.name == "start_end"
    assert untrusted.name == "untrusted"


def test_segments_grow_shorter_towards_the_end() -> None:
    packets = Packets(range(0, 600_000, 1000), range(0, 600_000, 40), trusted=True, fault="")
    segments = cut(IN_MS, packets, 30)
    lengths = [(b.start - a.start) // 1000 for a, b in pairwise(segments[1:])]
    assert segments[0].end == 30_000
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[:5] == [30] * 5
    assert set(lengths[-3:]) == {2}
    assert 20 < len(segments) < 50


def test_joints_are_where_it_might_have_been_cut_whatever_the_length() -> None:
    keyframes = [0, 200, 300, 500, 1300, 1400, 1690, 1700, 2500]
    packets = Packets(keyframes, range(0, 3000, 20), trusted=True, fault="")
    assert cut(IN_MS, packets, 3600)[0].joints == (500, 1300, 1700)
    for seconds in (0.1, 0.7, 1, 2, 3600):
        segments = cut(IN_MS, packets, seconds)
        borders = [segment.start for segment in segments[1:]]
        assert sorted([*borders, *(joint for segment in segments for joint in segment.joints)]) == [
            500,
            1300,
            1700,
            2500,
        ]
        assert all(segment.start < joint < segment.end for segment in segments for joint in segment.joints)


@pytest.mark.parametrize(
    ("packets", "expected"),
    [
        (Packets([], [], trusted=True, fault=""), [Segment(0, FIRST_PTS, LAST_PTS, 0)]),
        (Packets([], [0, 40], trusted=True, fault=""), [Segment(0, FIRST_PTS, LAST_PTS, 2)]),
        (
            Packets([-2000, -1000], [-2000, -1000, 0], trusted=True, fault=""),
            [Segment(0, FIRST_PTS, -1000, 1), Segment(1, -1000, LAST_PTS, 2)],
        ),
        (Packets([0, 9000], [0, 9000], trusted=False, fault=""), [Segment(0, FIRST_PTS, LAST_PTS, 2, trusted=False)]),
    ],
)
def test_cut_by_hand(packets: Packets, expected: list[Segment]) -> None:
    assert cut(IN_MS, packets, 1) == expected


@pytest.mark.parametrize(
    ("clip", "keyframes", "trusted"),
    [
        (Clip(".mkv", options=X264), [0, 400, 800, 1200, 1600, 2000], True),
        (Clip(".mkv", options=B_FRAMES, pts=VARIABLE, time_base=MS), [0, 1121], True),
        (Clip(".mkv", pts=[5], options=X264), [200], True),
        (Clip(".h264", options=X264), [], False),
    ],
)
def test_what_the_packets_tell(tmp_path: Path, clip: Clip, keyframes: list[int], trusted: bool) -> None:
    packets = read_packets(open_movie(clip.write(tmp_path / "m")))
    assert (list(packets.keyframes), packets.trusted, packets.fault) == (keyframes, trusted, "")
    assert len(packets.pts) == (len(clip.pts) if trusted else 0)
    assert list(packets.pts) == sorted(packets.pts)


def test_equal_time_stamps_are_not_trusted(tmp_path: Path) -> None:
    source = Clip(".mkv", options=X264).write(tmp_path / "source")
    # Two frames in each millisecond of a container that counts milliseconds.
    crowded = remuxed(source, tmp_path / "crowded.mkv", "-bsf:v", "setts=pts=N/2/TB/1000:dts=N/2/TB/1000")
    packets = read_packets(open_movie(crowded))
    assert len(set(packets.pts)) < len(packets.pts)
    assert not packets.trusted


@pytest.mark.parametrize(
    "clip",
    [
        Clip(".mkv", options=B_FRAMES),
        Clip(options=B_FRAMES, muxer={"movflags": "faststart"}),
        Clip(".avi", codec="mpeg4", options={"g": "10"}, pts=range(200), size=(128, 96)),
    ],
    ids=lambda clip: clip.suffix,
)
def test_a_truncated_file_says_what_was_promised_and_found(tmp_path: Path, clip: Clip) -> None:
    path = clip.write(tmp_path / "m")
    whole = read_packets(open_movie(path))
    assert whole.fault == ""
    packets = read_packets(open_movie(truncated(path, 0.6)))
    assert 0 < len(packets.pts) < len(whole.pts)
    if path.suffix == ".mkv":
        found = re.fullmatch(r"the header promises 2\.4 s, the data end at ([\d.]+) s", packets.fault)
        assert found is not None
        assert float(found[1]) == pytest.approx(len(packets.pts) / 25, abs=0.2)
    else:
        listed = "index" if path.suffix == ".mp4" else "header"
        expected, there = len(clip.pts), len(packets.pts)
        assert packets.fault == f"the {listed} lists {expected} pictures, the data hold {there}"
    assert abs(len(packets.pts) + packets.absent - len(clip.pts)) <= 2


@pytest.mark.parametrize("seconds", [0.3, 2.5, 4])
def test_sound_of_another_length_is_no_fault(tmp_path: Path, seconds: float) -> None:
    video = Clip(".mkv", options=X264).write(tmp_path / "video")
    sound = write_sound(tmp_path / "sound.mka")
    both = tmp_path / "both.mkv"
    ffmpeg("-i", video, "-stream_loop", -1, "-i", sound, "-map", 0, "-map", 1, "-c", "copy", "-t", seconds, both)
    assert read_packets(open_movie(both)).fault == ""


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    path = Clip(options=X264).write(tmp_path / "m")
    movie = open_movie(path)
    gone = replace(movie, path=tmp_path / "gone.mp4")
    with pytest.raises(InputError, match=r"gone\.mp4: cannot be read"):
        read_packets(gone)
