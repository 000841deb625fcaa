"""Opening: what a file is said to be, and what is said of a file that is no movie."""

import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from clips import (
    B_FRAMES,
    MATRICES,
    X264,
    Clip,
    decoded,
    ffmpeg,
    grey_of,
    packets_of,
    spoiled,
    truncated,
    write_sound,
)

from pipeline.errors import InputError, NotAMovieError
from pipeline.media.geometry import Orientation, even
from pipeline.media.movie import open_movie
from pipeline.media.segments import read_packets

SHORT = Clip(pts=range(5), options=X264)
MS = Fraction(1, 1000)
COVER = np.zeros((64, 64, 3), np.uint8)


def quadrants(_number: int, width: int, height: int) -> np.ndarray:
    picture = np.empty((height, width), np.uint8)
    for k, (rows, columns) in enumerate(np.ndindex(2, 2)):
        picture[rows * height // 2 :, columns * width // 2 :] = 50 * (k + 1)
    return picture


def corners(picture: np.ndarray) -> list[int]:
    """Return the levels of the four quadrants, row by row, to the nearest 10."""
    h, w = picture.shape
    return [int(round(picture[y, x], -1)) for y in (h // 4, 3 * h // 4) for x in (w // 4, 3 * w // 4)]


@pytest.mark.parametrize(
    ("clip", "size"),
    [
        (SHORT, (64, 48)),
        (SHORT.but(aspect=Fraction(4, 3)), (86, 48)),
        (SHORT.but(suffix=".mkv", aspect=Fraction(16, 11), size=(66, 48)), (96, 48)),
        (SHORT.but(suffix=".ts", aspect=Fraction(1, 2)), (32, 48)),
        (SHORT.but(aspect=Fraction(2), matrix=MATRICES["quarter"]), (48, 128)),
        (SHORT.but(matrix=MATRICES["half"], size=(62, 46)), (62, 46)),
        (SHORT.but(pixels="yuv444p", size=(67, 45)), (68, 44)),
        (SHORT.but(suffix=".mkv", codec="ffv1", pixels="gray", size=(1, 1), options={}), (2, 2)),
    ],
)
def test_the_picture_is_upright_with_square_pixels_and_even_sides(
    tmp_path: Path, clip: Clip, size: tuple[int, int]
) -> None:
    movie = open_movie(clip.write(tmp_path / "m"))
    assert (movie.width, movie.height) == size
    assert movie.size == size


@pytest.mark.parametrize("matrix", MATRICES.values(), ids=MATRICES)
def test_a_picture_is_turned_as_ffmpeg_turns_it(tmp_path: Path, matrix: tuple[int, int, int, int]) -> None:
    path = SHORT.but(matrix=matrix, paint=quadrants).write(tmp_path / "m")
    movie = open_movie(path)
    ffmpeg("-i", path, "-frames:v", 1, tmp_path / "by_ffmpeg.png")
    expected = cv2.imread(str(tmp_path / "by_ffmpeg.png"), cv2.IMREAD_GRAYSCALE)
    upright = movie.orientation.apply(grey_of(next(decoded(path))))
    assert upright.shape == expected.shape == (movie.height, movie.width)
    assert corners(upright) == corners(np.asarray(expected))
    assert upright.flags.c_contiguous


def test_an_upright_picture_is_not_copied_and_colours_are_not_flipped() -> None:
    picture = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    assert Orientation().apply(picture) is picture
    assert Orientation(transpose=True).apply(picture).tolist() == picture.transpose(1, 0, 2).tolist()
    assert Orientation(flip_x=True).apply(picture)[0, 0].tolist() == picture[0, 2].tolist()


@pytest.mark.parametrize(
    ("clip", "start", "rate"),
    [
        (SHORT, 0, 25),
        (SHORT.but(pts=range(100, 160)), 4, 25),
        (SHORT.but(suffix=".mkv", pts=range(3, 63)), Fraction(3, 25), 25),
        (SHORT.but(suffix=".ts", muxer={"output_ts_offset": "10"}), 10, 25),
        (SHORT.but(pts=range(0, 60 * 1001, 1001), time_base=Fraction(1, 24000)), 0, Fraction(24000, 1001)),
        (Clip(".avi", codec="mpeg4", pts=range(30)), 0, 25),
    ],
)
def test_the_clock_starts_with_the_container(
    tmp_path: Path, clip: Clip, start: Fraction | int, rate: Fraction | int
) -> None:
    path = clip.write(tmp_path / "m")
    movie = open_movie(path)
    assert movie.clock_start == start
    assert float(movie.rate) == pytest.approx(float(rate), rel=1e-3)
    first = next(decoded(path)).pts
    assert first is not None
    assert movie.time_of(first) == pytest.approx(0, abs=1e-9)
    assert movie.time_of(first + round(1 / movie.time_base)) == pytest.approx(1, abs=1e-9)


def test_sound_that_begins_first_starts_the_clock(tmp_path: Path) -> None:
    video = SHORT.but(suffix=".mkv").write(tmp_path / "video")
    sound = write_sound(tmp_path / "sound.mka")
    ffmpeg("-itsoffset", 2, "-i", video, "-i", sound, "-c", "copy", "-copyts", tmp_path / "both.mkv")
    movie = open_movie(tmp_path / "both.mkv")
    assert movie.clock_start == 0
    assert movie.time_of(next(p.pts for p in decoded(movie.path) if p.pts is not None)) == pytest.approx(2, abs=0.01)


def test_any_name_will_do(tmp_path: Path) -> None:
    path = SHORT.write(tmp_path / "pipe:né #%3d ?* 'a'")
    assert open_movie(path).path == path
    assert open_movie(path).codec == "h264"


def test_moving_pictures_of_picture_formats_are_movies(tmp_path: Path) -> None:
    assert open_movie(Clip(".gif", codec="gif", pixels="gray").write(tmp_path / "m")).codec == "gif"


@pytest.mark.parametrize(("name", "size", "count"), [("a.mjpeg", (64, 48), 1), ("a.MJPG", (640, 480), 30)])
def test_jpegs_one_after_another_are_a_movie(tmp_path: Path, name: str, size: tuple[int, int], count: int) -> None:
    noise = np.random.default_rng(1)
    jpegs = [
        cv2.imencode(".jpg", noise.integers(0, 255, (*size[::-1], 3), np.uint8))[1].tobytes() for _ in range(count)
    ]
    (tmp_path / name).write_bytes(b"".join(jpegs))
    movie = open_movie(tmp_path / name)
    assert (movie.size, read_packets(movie).count) == (size, count)
    (tmp_path / "a.jpeg").write_bytes(jpegs[0])
    with pytest.raises(NotAMovieError, match="found a picture or text"):
        open_movie(tmp_path / "a.jpeg")


def test_a_cover_does_not_pass_for_the_movie(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "cover.png"), np.zeros((256, 256, 3), np.uint8))
    video = SHORT.write(tmp_path / "video")
    both = tmp_path / "both.mp4"
    ffmpeg(
        "-i", tmp_path / "cover.png", "-i", video, "-map", 0, "-map", 1, "-c", "copy", "-disposition:v:0",
        "attached_pic", both,
    )  # fmt: skip
    movie = open_movie(both)
    assert (movie.codec, movie.width, movie.height) == ("h264", 64, 48)


def picture_file(path: Path) -> None:
    cv2.imwrite(str(path), COVER)


def no_index(path: Path) -> None:
    truncated(SHORT.write(path.with_suffix("")), 0.5)


def no_packets(path: Path) -> None:
    SHORT.but(muxer={"movflags": "faststart"}).write(path.with_suffix(""))
    path.write_bytes(path.read_bytes()[: packets_of(path)[0][0]])


def all_spoiled(path: Path) -> None:
    SHORT.write(path.with_suffix(""))
    for number in range(5):
        spoiled(path, number)


NO_MOVIES: list[tuple[str, Callable[[Path], object], type[InputError], str]] = [
    ("empty.mp4", lambda p: p.touch(), NotAMovieError, "expected a movie, found an empty file of 0 bytes"),
    ("text.mp4", lambda p: p.write_text("hello " * 99), NotAMovieError, "expected a movie, found data that FFmpeg"),
    ("text.txt", lambda p: p.write_text("hello " * 99), NotAMovieError, "found a picture or text (tty)"),
    ("sub.srt", lambda p: p.write_text("1\n00:00:00,000 --> 00:00:01,000\nhi\n"), NotAMovieError, "only subtitle"),
    ("picture.png", picture_file, NotAMovieError, "found a picture or text (png_pipe)"),
    ("picture.jpg", picture_file, NotAMovieError, "found a picture or text (jpeg_pipe)"),
    ("sound.wav", write_sound, NotAMovieError, "expected a video stream, found only audio"),
    ("cover.m4a", lambda p: write_sound(p, COVER), NotAMovieError, "expected a video stream, found only audio"),
    ("index.mp4", no_index, NotAMovieError, "found data that FFmpeg cannot read"),
    ("packets.mp4", no_packets, InputError, "h264 video can be decoded: it holds no packet of it"),
    ("spoiled.mp4", all_spoiled, InputError, "h264 video can be decoded: Invalid data found"),
    ("missing.mp4", lambda _: None, InputError, "cannot be read: No such file"),
    ("folder.mp4", lambda p: p.mkdir(), InputError, "cannot be read: Is a directory"),
]


@pytest.mark.parametrize(("name", "make", "kind", "message"), NO_MOVIES, ids=[row[0] for row in NO_MOVIES])
def test_what_is_no_movie_is_named_and_described(
    tmp_path: Path, name: str, make: Callable[[Path], object], kind: type[InputError], message: str
) -> None:
    path = tmp_path / name
    make(path)
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        open_movie(path)
    assert type(caught.value) is kind
    assert str(path) in str(caught.value)


def test_a_cover_is_not_called_video(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "cover.m4a", COVER)
    with pytest.raises(NotAMovieError) as caught:
        open_movie(path)
    assert "found only audio, video" not in str(caught.value)


def test_one_good_frame_is_enough(tmp_path: Path) -> None:
    path = Clip(options=B_FRAMES).write(tmp_path / "m")
    for number in range(10):
        spoiled(path, number)
    assert open_movie(path).width == 64


@pytest.mark.parametrize(
    ("length", "expected"), [(0, 2), (1, 2), (2, 2), (Fraction(7, 2), 4), (48, 48), (Fraction(256, 3), 86)]
)
def test_even(length: Fraction | int, expected: int) -> None:
    assert even(Fraction(length)) == expected
