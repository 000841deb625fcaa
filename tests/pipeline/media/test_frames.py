"""The frames that analysis and drawing see are the same pixel by pixel, wherever an interlaced movie is cut."""

import zlib
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from clips import VARIABLE, X264, Clip, decoded, ffmpeg, grey_of, number_in, numbered
from numpy.typing import NDArray

from pipeline import schema
from pipeline.analyze import Analysis, analyze
from pipeline.faces.detect import Detections
from pipeline.media.decode import DecodeFaults, Frame, decode, frame_before
from pipeline.media.frames import frames_of
from pipeline.media.movie import Movie, open_movie
from pipeline.media.segments import FIRST_PTS, LAST_PTS, Segment, cut, read_packets
from pipeline.video.join import join
from pipeline.video.render import EncoderOptions, render

WHOLE = Segment(0, FIRST_PTS, LAST_PTS, 0)
SIZE = (160, 96)
MS = Fraction(1, 1000)


def moment(number: int, width: int, height: int) -> NDArray[np.uint8]:
    """Fine lines that never move, which only their neighbours in time can fill in, and a bar that moves."""
    picture = np.full((height, width), 60, np.uint8)
    picture[1 : height // 2 : 2] = 180
    picture[height // 2 :: 3] = 120
    left = 10 + 6 * number % (width - 40)
    picture[height // 4 : -height // 4, left : left + 20] = 220
    return picture


def woven(bottom_first: bool) -> Callable[[int, int, int], NDArray[np.uint8]]:
    def paint(number: int, width: int, height: int) -> NDArray[np.uint8]:
        picture, first = moment(2 * number + 1, width, height), moment(2 * number, width, height)
        picture[int(bottom_first) :: 2] = first[int(bottom_first) :: 2]
        return picture

    return paint


def x264(field: str, **options: str) -> dict[str, str]:
    return {**X264, "crf": "12", "flags": "+ildct+ilme", "x264-params": f"{field}=1:b-adapt=0", **options}


TOP = Clip(".mkv", range(0, 4800, 40), MS, size=SIZE, paint=woven(bottom_first=False), options=x264("tff"))
BOTTOM = TOP.but(paint=woven(bottom_first=True), options=x264("bff"))
UNEVEN = [40 * k + (k % 7) * 5 for k in range(120)]


def top(folder: Path) -> Path:
    return TOP.write(folder / "m")


def bottom(folder: Path) -> Path:
    return BOTTOM.write(folder / "m")


def variable(folder: Path) -> Path:
    """A rate and distances between key frames that vary, and B-frames."""
    options = x264("tff", g="999", bf="3") | {"forced-idr": "1"}
    return TOP.but(pts=UNEVEN, options=options, keys=(11, 13, 40, 41, 90)).write(folder / "m")


def mpeg2(folder: Path) -> Path:
    options = {"flags": "+ildct+ilme", "g": "12", "bf": "2", "b": "8M"}
    return TOP.but(suffix=".ts", codec="mpeg2video", pts=range(120), time_base=Fraction(1, 25), options=options).write(
        folder / "m"
    )


def mixed(folder: Path) -> Path:
    """Turns of progressive and interlaced film, neither beginning or ending where the movie may be cut alone."""
    names = []
    for number in range(12):
        clip = TOP if number % 2 else TOP.but(options=x264("tff", flags="-ildct-ilme") | {"x264-params": "b-adapt=0"})
        lasts = (7, 23, 10, 13)[number % 4]
        path = clip.but(pts=range(0, 40 * lasts, 40), suffix=".ts").write(folder / f"{number}")
        names.append(path.name)
    (folder / "list.txt").write_text("".join(f"file {name}\n" for name in names))
    ffmpeg("-f", "concat", "-i", folder / "list.txt", "-c", "copy", folder / "m.ts")
    return folder / "m.ts"


MOVIES = {"top first": top, "bottom first": bottom, "variable": variable, "MPEG-2": mpeg2, "mixed": mixed}


@pytest.fixture(scope="module", params=MOVIES.values(), ids=MOVIES)
def movie(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Movie:
    return open_movie(request.param(tmp_path_factory.mktemp("movie")))


def crc(frame: Frame) -> tuple[int, int]:
    return frame.pts, zlib.crc32(frame.picture.to_ndarray().tobytes())


def sought(movie: Movie, segments: Sequence[Segment]) -> list[tuple[int, int]]:
    return [crc(frame) for segment in segments for frame in frames_of(movie, segment, DecodeFaults())]


def cuts(movie: Movie) -> list[list[Segment]]:
    packets = read_packets(movie)
    assert packets.trusted
    short, long = (cut(movie, packets, seconds) for seconds in (0.4, 2))
    assert 1 < len(long) < len(short)
    anywhere = [FIRST_PTS, *packets.pts[1::5], LAST_PTS]
    return [short, long, [Segment(k, start, end, 0) for k, (start, end) in enumerate(pairwise(anywhere))]]


def test_frames_do_not_depend_on_the_cuts(movie: Movie) -> None:
    whole = sought(movie, [WHOLE])
    stored = [crc(frame) for frame in decode(movie, WHOLE, DecodeFaults())]
    assert [pts for pts, _ in whole] == [pts for pts, _ in stored]
    assert sum(a != b for a, b in zip(whole, stored, strict=True)) > len(whole) / 4
    for segments in cuts(movie):
        assert sought(movie, segments) == whole, len(segments)


def test_a_frame_is_deinterlaced_if_it_is_flagged(movie: Movie) -> None:
    stored = list(decode(movie, WHOLE, DecodeFaults()))
    seen = list(frames_of(movie, WHOLE, DecodeFaults()))
    assert not any(frame.picture.interlaced_frame for frame in seen)
    for before, after in zip(stored, seen, strict=True):
        assert before.picture.interlaced_frame or crc(before) == crc(after)


def test_static_lines_stay_sharp_at_each_joint(movie: Movie) -> None:
    """Without neighbours, half of the fine lines would be gone on the first frame of each segment."""
    frames = [f for segment in cuts(movie)[0] for f in frames_of(movie, segment, DecodeFaults())]
    lines = slice(4, SIZE[1] // 4 - 4)
    contrast = [np.ptp(grey_of(f.picture)[lines].astype(int).mean(axis=1)) for f in frames[1:-1]]
    assert min(contrast) > 90


class Everywhere:
    """Finds a face whose place and score depend on every pixel that it is shown."""

    name = "everywhere"
    long_side = 0

    def detect(self, bgr: NDArray[np.uint8]) -> Detections:
        digest = zlib.crc32(bgr.tobytes())
        left, high = digest % 64, digest // 64 % 32
        return Detections(
            np.array([[left, 8, left + 60, 40 + high]], np.float32), np.array([digest / 2**32], np.float32)
        )


class Levels:
    """Stands for the network: its answer depends on every pixel of a crop."""

    def predict(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        digests = np.array([zlib.crc32(crop.tobytes()) for crop in crops])
        return np.asarray(digests[:, None] % np.arange(101, 108), np.float32)


def test_observations_do_not_depend_on_the_cuts(movie: Movie) -> None:
    whole = analyze(movie, WHOLE, Analysis(Everywhere(), Levels()))
    for segments in cuts(movie):
        parts = [analyze(movie, segment, Analysis(Everywhere(), Levels())) for segment in segments]
        for name in ("pts", "boxes", "scores", "probabilities"):
            assert (np.concatenate([getattr(part, name) for part in parts]) == getattr(whole, name)).all(), name


def test_drawn_pictures_do_not_depend_on_the_cuts(movie: Movie, tmp_path: Path) -> None:
    row = dict.fromkeys(schema.TIMELINE.names)
    row |= {"movie": "m", "frame": 0, "time": 0.0, "shot": 0, "scene": 0, "track": 0, "emotion": "happy"}
    row |= {"x1": 20.0, "y1": 20.0, "x2": 80.0, "y2": 80.0, "confidence": 0.5}
    pts = [frame.pts for frame in decode(movie, WHOLE, DecodeFaults())]
    timeline = tmp_path / "timeline.parquet"
    pq.write_table(pa.Table.from_pylist([row | {"pts": p} for p in pts[::2]], schema.TIMELINE), timeline)
    found = []
    for number, segments in enumerate([[WHOLE], *cuts(movie)[:2]]):
        parts = [tmp_path / f"{number}-{segment.index}.mp4" for segment in segments]
        for segment, part in zip(segments, parts, strict=True):
            render(movie, segment, timeline, part, EncoderOptions(crf=0, preset="ultrafast"))
        join(parts, tmp_path / f"{number}.mp4")
        found.append([zlib.crc32(frame.to_ndarray().tobytes()) for frame in decoded(tmp_path / f"{number}.mp4")])
    assert len(found[0]) == len(pts)
    assert found[0] == found[1] == found[2]


def test_progressive_movies_decode_nothing_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a progressive movie needs no neighbours")

    monkeypatch.setattr("pipeline.media.frames.frame_before", refuse)
    movie = open_movie(Clip(options=X264).write(tmp_path / "m"))
    segments = cut(movie, read_packets(movie), 0.4)
    stored = [crc(frame) for segment in segments for frame in decode(movie, segment, DecodeFaults())]
    assert sought(movie, segments) == stored


@pytest.mark.parametrize("options", [X264, {**X264, "bf": "3", "g": "25"}])
def test_the_frame_before(tmp_path: Path, options: dict[str, str]) -> None:
    clip = Clip(".mkv", VARIABLE, MS, options=options, paint=numbered)
    movie = open_movie(clip.write(tmp_path / "m"))
    for number, pts in enumerate(VARIABLE):
        for start in (pts, pts + 1) if pts + 1 not in VARIABLE else (pts,):
            expected = number - 1 if start == pts else number
            before = frame_before(movie, Segment(1, start, LAST_PTS, 0))
            if expected < 0:
                assert before is None
            else:
                assert before is not None
                assert (before.pts, number_in(grey_of(before.picture))) == (VARIABLE[expected], expected)
