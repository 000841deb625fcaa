"""Rendering, without loss, so that every pixel that was not drawn on must be the source's."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from av.video.reformatter import ColorRange
from clips import B_FRAMES, MATRICES, VARIABLE, X264, Clip, decoded, ffmpeg, grey_of, number_in, numbered
from numpy.typing import NDArray

from pipeline.errors import FfmpegError, InputError
from pipeline.faces.track import TrackOptions
from pipeline.media.decode import DecodeFaults, decode
from pipeline.media.geometry import Orientation
from pipeline.media.movie import UNSPECIFIED, Movie, open_movie
from pipeline.media.segments import FIRST_PTS, LAST_PTS, Segment, cut, read_packets
from pipeline.tables.observations import Observations
from pipeline.tables.timeline import assemble
from pipeline.video.join import join
from pipeline.video.render import EncoderOptions, Upright, output_time_base, read_faces, render

Box = tuple[float, float, float, float]
Planes = list[NDArray[np.uint8]]

MS = Fraction(1, 1000)
WHOLE = Segment(0, FIRST_PTS, LAST_PTS, 0)
LOSSLESS = EncoderOptions(crf=0, preset="ultrafast")
BOX: Box = (40, 40, 80, 88)
LARGE = Clip(".mkv", pts=range(24), size=(160, 120), options={**B_FRAMES, "g": "12"})


def pts_of(movie: Movie) -> list[int]:
    return [frame.pts for frame in decode(movie, WHOLE, DecodeFaults())]


def write_timeline(path: Path, movie: Movie, frames: Sequence[int], box: Box = BOX) -> Path:
    """Write the timeline of a movie with one face on ``frames``."""
    pts, n = pts_of(movie), len(frames)
    seen = Observations(
        pts=np.array(pts, np.int64),
        change=np.zeros(len(pts), np.float32),
        ends=np.zeros((2, 90, 160, 3), np.uint8),
        face_frame=np.array(frames, np.int32),
        boxes=np.array([box] * n, np.float32).reshape(-1, 4),
        scores=np.ones(n, np.float32),
        probabilities=np.eye(7, dtype=np.float32)[[3] * n],
        yaw=np.zeros(n, np.float32),
        sharpness=np.full(n, 0.2, np.float32),
        contrast=np.full(n, 0.2, np.float32),
        miniatures=np.zeros((n, 8, 8), np.uint8),
        refused=0,
        damaged=0,
    )
    tables = assemble("m", movie, [seen], TrackOptions(max_gap=0, min_detections=1), {})
    pq.write_table(tables.timeline, path)
    return path


def planes(path: Path) -> list[Planes]:
    """Decode a rendered movie to its planes."""
    found = []
    for frame in decoded(path):
        assert frame.format.name in ("yuv420p", "yuvj420p")
        sizes = [(p.height, p.line_size, p.width) for p in frame.planes]
        views = [np.frombuffer(p, np.uint8).reshape(h, -1)[:, :w].copy() for p, (h, _, w) in
                 zip(frame.planes, sizes, strict=True)]  # type: ignore[call-overload]  # fmt: skip
        found.append(views)
    return found


def equal(one: Planes, other: Planes) -> bool:
    return all((a == b).all() for a, b in zip(one, other, strict=True))


def times_of(path: Path) -> list[Fraction]:
    return [frame.pts * frame.time_base for frame in decoded(path) if frame.pts is not None and frame.time_base]


def turned_back(upright: NDArray[np.uint8], orientation: Orientation) -> NDArray[np.uint8]:
    """Return a picture ``(h, w)`` as it was stored."""
    upright = upright[::-1] if orientation.flip_y else upright
    upright = upright[:, ::-1] if orientation.flip_x else upright
    return upright.swapaxes(0, 1) if orientation.transpose else upright


KINDS: dict[str, tuple[Clip, tuple[int, int]]] = {
    "plain": (Clip(options=X264), (64, 48)),
    "B-frames": (Clip(options=B_FRAMES), (64, 48)),
    "variable rate": (Clip(".mkv", VARIABLE, MS, options={**B_FRAMES, "g": "5"}), (64, 48)),
    "late": (Clip(".ts", options=B_FRAMES, muxer={"output_ts_offset": "10"}), (64, 48)),
    "quarter turn": (LARGE.but(suffix=".mp4", matrix=MATRICES["quarter"]), (120, 160)),
    "half turn": (LARGE.but(suffix=".mp4", matrix=MATRICES["half"]), (160, 120)),
    "mirrored": (LARGE.but(suffix=".mp4", matrix=MATRICES["mirrored"]), (160, 120)),
    "odd sides": (Clip(pixels="yuv444p", size=(65, 47), options=X264), (64, 48)),
    "anamorphic": (Clip(aspect=Fraction(4, 3), options=X264), (86, 48)),
    "anamorphic and turned": (LARGE.but(suffix=".mp4", aspect=Fraction(3, 2), matrix=MATRICES["quarter"]), (120, 240)),
    "10 bit": (Clip(".mkv", pixels="yuv420p10le", options=X264), (64, 48)),
    "grey": (Clip(".mkv", codec="ffv1", pixels="gray"), (64, 48)),
    "RGB": (Clip(".mkv", codec="ffv1", pixels="bgra"), (64, 48)),
    "full range": (Clip(".avi", codec="mjpeg", pixels="yuvj420p"), (64, 48)),
    "NTSC": (Clip(".mp4", range(0, 30030, 1001), Fraction(1, 30000), options=X264), (64, 48)),
    "one frame": (Clip(pts=[3], options=X264), (64, 48)),
}


@pytest.mark.parametrize(("clip", "size"), KINDS.values(), ids=KINDS)
def test_parts_hold_the_segments_frames_at_their_times(tmp_path: Path, clip: Clip, size: tuple[int, int]) -> None:
    movie = open_movie(clip.write(tmp_path / "m"))
    timeline = write_timeline(tmp_path / "timeline.parquet", movie, [])
    pts = pts_of(movie)
    borders = sorted({pts[len(pts) // 3], pts[len(pts) // 2] + 1})
    shown: list[tuple[Fraction, int]] = []
    for k, (start, end) in enumerate(pairwise([FIRST_PTS, *borders, LAST_PTS])):
        part = tmp_path / f"part{k}.mp4"
        calls: list[int] = []
        count = render(movie, Segment(k, start, end, 0), timeline, part, LOSSLESS, lambda c=calls: c.append(1))
        assert count == len(calls) == sum(start <= p < end for p in pts)
        assert part.exists() is (count > 0)
        for frame in decoded(part) if count else ():
            assert frame.pts is not None
            assert (frame.width, frame.height) == size == (movie.width, movie.height)
            shown.append((frame.pts * frame.time_base, number_in(turned_back(grey_of(frame), movie.orientation))))
    expected = [(p * movie.time_base - movie.clock_start, k) for k, p in enumerate(pts)]
    assert [number for _, number in shown] == [number for _, number in expected]
    assert all(abs(a - b) < MS / 2 for (a, _), (b, _) in zip(shown, expected, strict=True))
    if output_time_base(movie) == movie.time_base:
        assert shown == expected


@pytest.mark.parametrize("way", MATRICES)
def test_the_picture_is_the_sources_turned_upright(tmp_path: Path, way: str) -> None:
    movie = open_movie(LARGE.but(suffix=".mp4", matrix=MATRICES[way], pts=range(8)).write(tmp_path / "m"))
    out = tmp_path / "part.mp4"
    assert render(movie, WHOLE, write_timeline(tmp_path / "t.parquet", movie, []), out, LOSSLESS) == 8
    upright = [[movie.orientation.apply(plane) for plane in picture] for picture in planes(movie.path)]
    assert all(equal(a, b) for a, b in zip(planes(out), upright, strict=True))


@pytest.mark.parametrize("tagged", [False, True], ids=["", "tagged"])
@pytest.mark.parametrize("way", ["upright", "quarter", "mirrored"])
def test_drawing_stays_on_its_frames_and_in_its_place(tmp_path: Path, way: str, tagged: bool) -> None:
    """The decoder predicts later pictures from the ones it hands out: drawing on those would show up there."""
    # Only of a picture whose range is known does the converter hand on the decoder's own memory.
    params = "b-adapt=0:range=tv:colorprim=bt709:transfer=bt709:colormatrix=bt709" if tagged else "b-adapt=0"
    clip = LARGE.but(suffix=".mp4", matrix=MATRICES[way], options={**LARGE.options, "x264-params": params})
    movie = open_movie(clip.write(tmp_path / "m"))
    source = [[movie.orientation.apply(plane) for plane in picture] for picture in planes(movie.path)]
    faces = [0, 3, 4, 5, 11, 12, 17]
    out = tmp_path / "part.mp4"
    render(movie, WHOLE, write_timeline(tmp_path / "t.parquet", movie, faces), out, LOSSLESS)
    drawn = planes(out)
    changed = [k for k, (a, b) in enumerate(zip(drawn, source, strict=True)) if not equal(a, b)]
    assert changed == faces
    x1, y1, x2, y2 = (int(v) for v in BOX)
    for k in faces:
        y, x = np.nonzero(drawn[k][0] != source[k][0])
        # The label takes at most half of the picture's width and, with its box, lies above or below it.
        assert x1 - 2 <= x.min() <= x1 + 2
        assert y.min() >= y1 - 40
        assert y.max() <= y2 + 40
        assert np.ptp(drawn[k][0][y1 + 10 : y2 - 10, x1]) == 0
        inside = (slice(y1 + 8, y2 - 8), slice(x1 + 8, x2 - 8))
        assert (drawn[k][0][inside] == source[k][0][inside]).all()


@pytest.mark.parametrize("borders", [(480,), (1, 200, 333)])
def test_segments_do_not_matter(tmp_path: Path, borders: tuple[int, ...]) -> None:
    movie = open_movie(LARGE.write(tmp_path / "m"))
    timeline = write_timeline(tmp_path / "t.parquet", movie, [2, 8, 9, 14])
    render(movie, WHOLE, timeline, tmp_path / "whole.mp4", LOSSLESS)
    parts: list[Planes] = []
    times: list[Fraction] = []
    for k, (start, end) in enumerate(pairwise([FIRST_PTS, *borders, LAST_PTS])):
        part = tmp_path / f"{k}.mp4"
        if render(movie, Segment(k, start, end, 0), timeline, part, LOSSLESS):
            parts += planes(part)
            times += times_of(part)
    assert times == times_of(tmp_path / "whole.mp4")
    assert all(equal(a, b) for a, b in zip(parts, planes(tmp_path / "whole.mp4"), strict=True))


def test_a_segment_without_a_frame_leaves_no_file(tmp_path: Path) -> None:
    movie = open_movie(LARGE.write(tmp_path / "m"))
    timeline = write_timeline(tmp_path / "t.parquet", movie, [])
    assert render(movie, Segment(0, 41, 79, 0), timeline, tmp_path / "part.mp4", LOSSLESS) == 0
    assert not (tmp_path / "part.mp4").exists()


def test_a_part_begins_with_a_key_frame_and_has_one_every_two_seconds(tmp_path: Path) -> None:
    movie = open_movie(
        Clip(options=B_FRAMES, pts=range(130), paint=lambda _, w, h: numbered(5, w, h)).write(tmp_path / "m")
    )
    timeline = write_timeline(tmp_path / "t.parquet", movie, [])
    render(movie, WHOLE, timeline, tmp_path / "part.mp4", EncoderOptions(crf=30))
    keys = read_packets(open_movie(tmp_path / "part.mp4")).keyframes
    assert keys[0] == 0
    assert all(0 < b - a <= 2 * 12800 for a, b in pairwise(keys))
    assert len(keys) == 3  # the source's own, every 10 frames, are not taken over


def test_read_faces_of_a_span(tmp_path: Path) -> None:
    movie = open_movie(LARGE.write(tmp_path / "m"))
    timeline = write_timeline(tmp_path / "t.parquet", movie, [2, 3, 8])
    assert sorted(read_faces(timeline, WHOLE)) == [80, 120, 320]
    assert sorted(read_faces(timeline, Segment(0, 81, 320, 0))) == [120]
    (face,) = read_faces(timeline, WHOLE)[80]
    assert (face.box, face.emotion, face.confidence, face.track) == (BOX, "happy", 1, 0)


@pytest.mark.parametrize(
    ("time_base", "start", "expected"),
    [
        (MS, Fraction(0), MS),
        (MS, Fraction(21, 1000), MS),
        (MS, Fraction(1, 3000), Fraction(1, 90_000)),
        (Fraction(1, 24), Fraction(0), Fraction(1, 24)),
        (Fraction(1, 24), Fraction(5, 24), Fraction(1, 24)),
        (Fraction(1, 24), Fraction(7, 1000), Fraction(1, 90_000)),
        (Fraction(1, 90_000), Fraction(1, 7), Fraction(1, 90_000)),
        (Fraction(1, 1_200_000), Fraction(1, 7), Fraction(1, 1_200_000)),
        (Fraction(1001, 24_000), Fraction(1001, 24_000), Fraction(1001, 24_000)),
        (Fraction(1001, 24_000), Fraction(1, 24), Fraction(1, 90_000)),
    ],
)
def test_output_clock(time_base: Fraction, start: Fraction, expected: Fraction) -> None:
    movie = Movie(Path("m"), 0, "h264", time_base, start, 64, 48, Orientation(), Fraction(24), UNSPECIFIED)
    assert output_time_base(movie) == expected


def test_a_clock_that_starts_between_ticks(tmp_path: Path) -> None:
    """Sound that begins 21 ms before the picture shifts a movie of 1/24 s by no whole tick."""
    source = open_movie(Clip(".avi", range(12), Fraction(1, 24), "mpeg4").write(tmp_path / "m"))
    movie = Movie(
        source.path,
        0,
        source.codec,
        source.time_base,
        Fraction(-21, 1000),
        64,
        48,
        Orientation(),
        source.rate,
        source.colour,
    )
    assert movie.time_base == Fraction(1, 24)
    timeline = write_timeline(tmp_path / "t.parquet", movie, [])
    render(movie, WHOLE, timeline, tmp_path / "part.mp4", LOSSLESS)
    expected = [movie.time_of(pts) for pts in pts_of(movie)]
    assert [float(t) for t in times_of(tmp_path / "part.mp4")] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(("pixels", "codec"), [("yuvj420p", "mjpeg"), ("bgra", "ffv1"), ("gray", "ffv1")])
def test_full_range_becomes_limited(tmp_path: Path, pixels: str, codec: str) -> None:
    def steps(_number: int, width: int, height: int) -> NDArray[np.uint8]:
        return np.repeat(np.array([[0, 255]], np.uint8), width // 2, axis=1).repeat(height, axis=0)

    movie = open_movie(Clip(".mkv", range(2), codec=codec, pixels=pixels, paint=steps).write(tmp_path / "m"))
    picture = Upright(movie).yuv420p(next(decode(movie, WHOLE, DecodeFaults())).picture)
    luma = np.frombuffer(picture.planes[0], np.uint8).reshape(48, -1)  # type: ignore[call-overload]
    assert luma[24, 10] == pytest.approx(16, abs=1)
    assert luma[24, 50] == pytest.approx(235, abs=1)
    out = tmp_path / "part.mp4"
    render(movie, WHOLE, write_timeline(tmp_path / "t.parquet", movie, []), out, LOSSLESS)
    assert next(decoded(out)).color_range in (ColorRange.UNSPECIFIED, ColorRange.MPEG)


BT709 = {"x264-params": "colorprim=bt709:transfer=bt709:colormatrix=bt709"}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"aspect": Fraction(4, 3)},
        pytest.param(
            {"matrix": MATRICES["quarter"]},
        ),
    ],
    ids=["plain", "anamorphic", "turned"],
)
def test_what_the_colours_mean_is_kept(tmp_path: Path, changes: dict[str, object]) -> None:
    clip = Clip(options={**X264, **BT709}, pts=range(3)).but(**changes)
    movie = open_movie(clip.write(tmp_path / "m"))
    out = tmp_path / "part.mp4"
    render(movie, WHOLE, write_timeline(tmp_path / "t.parquet", movie, []), out, LOSSLESS)
    frame = next(decoded(out))
    assert (int(frame.colorspace), int(frame.color_primaries), int(frame.color_trc)) == (1, 1, 1)


def test_an_encoder_that_refuses_names_the_movie(tmp_path: Path) -> None:
    movie = open_movie(LARGE.write(tmp_path / "m"))
    timeline = write_timeline(tmp_path / "t.parquet", movie, [])
    with pytest.raises(FfmpegError, match=r"m\.mkv: the annotated video cannot be encoded"):
        render(movie, WHOLE, timeline, tmp_path / "part.mp4", EncoderOptions(preset="no such preset"))


def test_a_movie_that_is_gone(tmp_path: Path) -> None:
    movie = open_movie(LARGE.write(tmp_path / "m"))
    timeline = write_timeline(tmp_path / "t.parquet", movie, [])
    movie.path.unlink()
    with pytest.raises(InputError, match=r"m\.mkv: cannot be read"):
        render(movie, WHOLE, timeline, tmp_path / "part.mp4", LOSSLESS)
    assert not (tmp_path / "part.mp4").exists()


def test_parts_of_a_movie_whose_colours_change_can_be_joined(tmp_path: Path) -> None:
    """Clips of different makers cut together, each with its own colour tags."""
    parts = []
    for number, space in enumerate(("bt709", "smpte170m")):
        clip = Clip(".mkv", range(0, 500, 40), MS).write(tmp_path / f"{number}")
        tags = [word for name in ("colorspace", "color_primaries", "color_trc") for word in (f"-{name}", space)]
        ffmpeg("-i", clip, "-c:v", "libx264", *tags, tmp_path / f"{number}.ts")
        parts.append(tmp_path / f"{number}.ts")
    (tmp_path / "list.txt").write_text("".join(f"file {part.name}\n" for part in parts))
    ffmpeg("-f", "concat", "-i", tmp_path / "list.txt", "-c", "copy", tmp_path / "both.ts")
    movie = open_movie(tmp_path / "both.ts")
    assert len({frame.colorspace for frame in decoded(movie.path)}) == 2
    segments = cut(movie, read_packets(movie), 0.4)
    assert len(segments) > 1
    timeline = write_timeline(tmp_path / "t.parquet", movie, [])
    rendered = [tmp_path / f"part{segment.index}.mp4" for segment in segments]
    for segment, part in zip(segments, rendered, strict=True):
        render(movie, segment, timeline, part, LOSSLESS)
    join(rendered, tmp_path / "joined.mp4")
    assert len(list(decoded(tmp_path / "joined.mp4"))) == len(pts_of(movie)) == 26
