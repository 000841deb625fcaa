"""Joined parts, read back by PyAV: every time stamp, every picture."""

from fractions import Fraction
from pathlib import Path

import av
import pytest
from encoded_parts import MS, STEADY, VFR, times, write_parts, write_video

from pipeline.errors import FfmpegError
from pipeline.video.join import join


@pytest.mark.parametrize("cuts", [[], [5], [1, 2, 9], [4, 8, 12]])
def test_join_keeps_every_pts(tmp_path: Path, cuts: list[int]) -> None:
    join(write_parts(tmp_path, VFR, MS, cuts), tmp_path / "out.mp4")
    assert times(tmp_path / "out.mp4") == [p * MS for p in VFR]
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.streams.video[0].time_base == MS
        assert sum(1 for _ in container.decode(video=0)) == len(VFR)


def test_join_makes_dts_rise_and_never_pass_pts(tmp_path: Path) -> None:
    parts = write_parts(tmp_path, VFR, MS, [4, 8, 12])
    join(parts, tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        stamps = [(p.dts, p.pts) for p in container.demux(video=0) if p.size]
    dts = [d for d, _ in stamps if d is not None]
    assert dts == sorted(set(dts))
    assert all(d is not None and p is not None and d <= p for d, p in stamps)
    assert [p for _, p in stamps] != sorted(p for _, p in stamps if p is not None), (
        "the clip has no B-frame to test with"
    )


def test_join_keeps_pictures_in_order(tmp_path: Path) -> None:
    parts = write_parts(tmp_path, STEADY, MS, [7, 30])
    join(parts, tmp_path / "out.mp4")

    def decoded(path: Path) -> list[bytes]:
        with av.open(str(path)) as container:
            return [frame.to_ndarray().tobytes() for frame in container.decode(video=0)]

    assert decoded(tmp_path / "out.mp4") == [picture for part in parts for picture in decoded(part)]


@pytest.mark.parametrize(
    "time_base", [Fraction(1, 90_000), Fraction(1001, 24_000), Fraction(1, 100), Fraction(1, 11_988)]
)
def test_join_is_exact_in_any_time_base(tmp_path: Path, time_base: Fraction) -> None:
    pts = [7, 11, 12, 20, 21, 33, 34, 35]
    join(write_parts(tmp_path, pts, time_base, [3, 6]), tmp_path / "out.mp4")
    assert times(tmp_path / "out.mp4") == [p * time_base for p in pts]


def test_join_of_one_frame(tmp_path: Path) -> None:
    join(write_parts(tmp_path, [500], MS, []), tmp_path / "out.mp4")
    assert times(tmp_path / "out.mp4") == [Fraction(1, 2)]


def test_join_refuses_what_does_not_fit(tmp_path: Path) -> None:
    one = write_video(tmp_path / "one.mp4", [0, 40], MS)
    large = write_video(tmp_path / "large.mp4", [80, 120], MS, size=(128, 96))
    fine = write_video(tmp_path / "fine.mp4", [80, 120], Fraction(1, 90_000))
    (tmp_path / "torn.mp4").write_bytes(one.read_bytes()[:500])
    out = tmp_path / "out.mp4"
    for parts, words in [
        ([], "found none"),
        ([one, large], "extradata"),
        ([one, fine], "time base"),
        ([one, one], "two frames with pts 0"),
        ([one, tmp_path / "torn.mp4"], "cannot be read"),
        ([tmp_path / "absent.mp4"], "cannot be read"),
    ]:
        with pytest.raises(FfmpegError, match=words):
            join(parts, out)
    assert not list(tmp_path.glob("*out.mp4*"))
    assert not list(tmp_path.glob(".*"))
