"""Every geometry and pixel format that a frame can have: a round disc is round, and in its place, wherever it is seen.

Searched, cut out and drawn; the reference is what was painted, and FFmpeg's own program for what is the same all along.
"""

from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from clips import MATRICES, X264, Clip, decoded, ffmpeg, grey_of
from discs import (
    BRIGHT,
    CENTRE,
    DARK,
    RADIUS,
    Box,
    CropKeeper,
    DiscDetector,
    Part,
    disc,
    disc_in,
    with_exif,
    write_changing,
)
from shape_matrix import ASPECT_FILMS, ASPECTS, CHANGES, PIXELS, WAYS

from pipeline.analyze import Analysis, analyze
from pipeline.faces.track import TrackOptions
from pipeline.media.movie import Movie, open_movie
from pipeline.media.segments import as_one, cut, read_packets
from pipeline.tables.observations import Observations
from pipeline.tables.picture import in_one_picture
from pipeline.tables.timeline import assemble, concatenated
from pipeline.video.render import EncoderOptions, render

LOSSLESS = EncoderOptions(crf=0, preset="ultrafast")
PICTURE = Clip(pts=range(4), size=(160, 120), options=X264)
FFV1 = PICTURE.but(suffix=".mkv", codec="ffv1", options={})


@dataclass
class Seen:
    """What the pipeline makes of a film.

    Attributes:
        movie: with its one picture.
        boxes: of the disc, by frame.
        crops: by frame.
        searched: sizes of the pictures that were searched.
        drawn: the annotated video, grey.
        observations: of the whole.
    """

    movie: Movie
    boxes: list[Box]
    crops: list[np.ndarray]
    searched: list[tuple[int, int]]
    drawn: list[np.ndarray]
    observations: Observations
    parts: list[Observations] = field(default_factory=list)


def see(path: Path, folder: Path, seconds: float = 1000) -> Seen:
    """Analyze and render a film, cut into segments of so many ``seconds``."""
    opened = open_movie(path)
    packets = read_packets(opened)
    opened = packets.timed(opened)
    segments = cut(opened, packets, seconds) if packets.trusted else [as_one(packets)]
    detector, keeper = DiscDetector(), CropKeeper()
    parts = [analyze(opened, segment, Analysis(detector, keeper)) for segment in segments]
    whole = concatenated(parts)
    movie, moved = in_one_picture(opened, whole)
    per_face = ("face_frame", "boxes", "scores", "probabilities", "yaw", "sharpness", "contrast", "miniatures")
    faceless = replace(whole, **{name: getattr(whole, name)[:0] for name in per_face})
    timeline = folder / "timeline.parquet"
    pq.write_table(assemble("m", opened, [faceless], TrackOptions(), {}).timeline, timeline)
    drawn = []
    for segment in segments:
        part = folder / f"{segment.name}.mp4"
        if render(movie, segment, timeline, part, LOSSLESS):
            drawn += [grey_of(frame) for frame in decoded(part)]
    boxes = [tuple(box) for box in moved.boxes.tolist()]
    return Seen(movie, boxes, keeper.crops, detector.sizes, drawn, moved, parts)


def check_round(box: Box, tolerance: float) -> None:
    width, height = box[2] - box[0], box[3] - box[1]
    assert width == pytest.approx(height, rel=tolerance)


def check(seen: Seen, frames: int, tolerance: float = 0.08) -> None:
    """Check that the disc of each frame is round and in one place wherever it is seen."""
    assert len(seen.boxes) == len(seen.crops) == len(seen.drawn) == frames
    for box, crop, picture in zip(seen.boxes, seen.crops, seen.drawn, strict=True):
        assert picture.shape == (seen.movie.height, seen.movie.width)
        check_round(box, tolerance)
        check_round(disc_in(crop), 0.08)
        shown = disc_in(picture)
        check_round(shown, 0.08)
        assert box == pytest.approx(shown, abs=max(seen.movie.size) / 60)


def expected_box(size: tuple[int, int], place: tuple[int, int, int, int]) -> Box:
    """Return where the disc of an upright picture of this size is, if it lies at a place: x, y, width, height."""
    x, y, width, height = place
    scale = width / size[0]
    radius = RADIUS * min(size) * scale
    middle = x + CENTRE[0] * width, y + CENTRE[1] * height
    return middle[0] - radius, middle[1] - radius, middle[0] + radius, middle[1] + radius


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_turned_and_mirrored(tmp_path: Path, suffix: str, way: str) -> None:
    clip = PICTURE.but(suffix=suffix, matrix=MATRICES[way], paint=disc(1, WAYS[way]))
    seen = see(clip.write(tmp_path / "m"), tmp_path)
    check(seen, 4)
    size = (120, 160) if WAYS[way].transpose else (160, 120)
    assert seen.movie.size == size
    assert disc_in(seen.drawn[0]) == pytest.approx(expected_box(size, (0, 0, *size)), abs=2)


@pytest.mark.parametrize("aspect", ASPECTS, ids=str)
@pytest.mark.parametrize(("suffix", "codec", "options"), ASPECT_FILMS)
def test_pixels_that_are_not_square(
    tmp_path: Path, suffix: str, codec: str, options: dict[str, str], aspect: Fraction
) -> None:
    pixels = "yuv422p10le" if codec == "prores_ks" else "yuv420p"
    if codec == "mpeg2video":  # knows four aspects of the whole picture
        aspect = {Fraction(4, 3): Fraction(1), Fraction(3): Fraction(221, 100) * Fraction(3, 4)}.get(
            aspect, Fraction(16, 9) * Fraction(3, 4)
        )
    clip = PICTURE.but(suffix=suffix, codec=codec, options=options, pixels=pixels, aspect=aspect, paint=disc(aspect))
    seen = see(clip.write(tmp_path / "m"), tmp_path)
    check(seen, 4, 0.1)
    assert seen.movie.size == pytest.approx((160 * aspect, 120), abs=2)


def test_turned_pixels_that_are_not_square(tmp_path: Path) -> None:
    clip = PICTURE.but(aspect=Fraction(3, 2), matrix=MATRICES["quarter"], paint=disc(Fraction(3, 2), WAYS["quarter"]))
    seen = see(clip.write(tmp_path / "m"), tmp_path)
    check(seen, 4)
    assert seen.movie.size == (120, 240)


@pytest.mark.parametrize("way", ["upright", "quarter", "mirrored"])
def test_interlaced(tmp_path: Path, way: str) -> None:
    flags = {"flags": "+ildct+ilme"}
    painted = disc(Fraction(16, 11), WAYS[way])
    clip = PICTURE.but(codec="mpeg2video", options=flags, aspect=Fraction(16, 11), matrix=MATRICES[way], paint=painted)
    path = clip.write(tmp_path / "plain")
    ffmpeg("-noautorotate", "-i", path, "-vf", "setfield=tff", "-c:v", "mpeg2video", "-flags", "+ildct+ilme", "-q:v", 2,
           tmp_path / "m.mkv")  # fmt: skip
    source = tmp_path / "m.mkv"
    assert next(decoded(source)).interlaced_frame
    seen = see(source, tmp_path)
    check(seen, 4, 0.1)
    assert (seen.movie.width < seen.movie.height) is WAYS[way].transpose


@pytest.mark.parametrize("pixels", PIXELS)
def test_pixel_formats(tmp_path: Path, pixels: str) -> None:
    """8 to 16 bit, grey, 4:1:1 to 4:4:4, limited and full range, alpha, RGB: the same picture, levels included."""
    codec = {"nv12": "rawvideo", "rgb24": "rawvideo", "gbrp": "utvideo", "gbrap": "utvideo"}.get(pixels, "ffv1")
    clip = FFV1.but(pixels=pixels, codec=codec, paint=disc())
    suffix = ".mkv" if codec == "ffv1" and not pixels.startswith("yuvj") else ".nut"
    if pixels.startswith("yuvj"):
        clip = clip.but(codec="mjpeg", options={"q:v": "2"})
    seen = see(clip.but(suffix=suffix).write(tmp_path / "m"), tmp_path)
    check(seen, 4)
    assert seen.movie.size == (160, 120)
    crop, drawn = seen.crops[0], seen.drawn[0]
    levels = sorted((int(np.median(crop[:4, :4])), int(np.median(crop[20:28, 20:28]))))
    assert levels == pytest.approx([DARK, BRIGHT], abs=4)
    luma = drawn.astype(float)
    assert luma[48, 64] == pytest.approx(BRIGHT, abs=4)
    assert luma[5, 150] == pytest.approx(DARK, abs=4)


@pytest.mark.parametrize("size", [(161, 121), (159, 119), (17, 33), (320, 18), (2, 2)], ids=str)
def test_odd_and_extreme_sizes(tmp_path: Path, size: tuple[int, int]) -> None:
    seen = see(FFV1.but(size=size, pixels="yuv444p", paint=disc()).write(tmp_path / "m"), tmp_path)
    assert all(side % 2 == 0 for side in seen.movie.size)
    assert {picture.shape for picture in seen.drawn} == {seen.movie.size[::-1]}
    if min(size) > 100:
        check(seen, 4)


def write_change(name: str, folder: Path) -> tuple[Path, list[Part]]:
    change = CHANGES[name]
    path = folder / f"m{change.suffix}"
    return write_changing(path, change.codec, change.parts, change.pixels, change.options), list(change.parts)


@pytest.mark.parametrize("name", CHANGES)
def test_changes_on_the_way(tmp_path: Path, name: str) -> None:
    path, parts = write_change(name, tmp_path)
    seen = see(path, tmp_path)
    frames = sum(part.frames for part in parts)
    check(seen, frames, 0.12)
    # The picture is that of most frames; the others lie in it as large as they can, in the middle, between black bars.
    assert seen.movie.size == pytest.approx(CHANGES[name].picture, abs=2)
    begun = 0
    for part in parts:
        width, height = seen.movie.size
        scale = min(width / part.shown()[0], height / part.shown()[1])
        fitted = part.shown()[0] * scale, part.shown()[1] * scale
        place = ((width - fitted[0]) / 2, (height - fitted[1]) / 2, *fitted)
        expected = expected_box(part.shown(), place)  # type: ignore[arg-type]
        for number in (begun, begun + part.frames - 1):
            picture = seen.drawn[number]
            assert disc_in(picture) == pytest.approx(expected, abs=4)
            left, top = int(place[0]) - 2, int(place[1]) - 2
            if left > 4:
                assert picture[:, :left].max() <= 2
                assert picture[:, -left:].max() <= 2
            if top > 4:
                assert picture[:top].max() <= 2
                assert picture[-top:].max() <= 2
        begun += part.frames


@pytest.mark.parametrize("name", ["and turned back", "parameters in band", "4:3, then 16:9", "a conference that grows"])
def test_segments_do_not_matter(tmp_path: Path, name: str) -> None:
    path, _ = write_change(name, tmp_path)
    whole, parts = see(path, tmp_path), see(path, tmp_path, 0.2)
    assert parts.movie == whole.movie
    assert parts.boxes == whole.boxes
    assert (parts.observations.shapes == whole.observations.shapes).all()
    assert all((a == b).all() for a, b in zip(parts.drawn, whole.drawn, strict=True))
    if path.suffix == ".webm":
        assert len(parts.parts) > 1


def test_searched_in_their_own_shape(tmp_path: Path) -> None:
    path, _ = write_change("a phone that was turned", tmp_path)
    seen = see(path, tmp_path)
    assert set(seen.searched) == {(160, 120), (120, 160)}
    assert seen.observations.shapes[:, 1:].tolist() == [[160, 120], [120, 160]]


@pytest.mark.parametrize("suffix", [".mov", ".avi"])
def test_cameras_that_were_turned_between_stills(tmp_path: Path, suffix: str) -> None:
    """EXIF, frame by frame; PyAV has no name for it."""
    exif = dict(enumerate(["upright", "mirrored", "half", "upside down mirrored", "transposed", "quarter",
                           "transposed the other way", "three quarters"], 1))  # fmt: skip
    parts = [Part((160, 120), 3, orientation=WAYS[way], wrap=with_exif(number)) for number, way in exif.items()]
    seen = see(write_changing(tmp_path / f"m{suffix}", "mjpeg", parts, "yuvj420p"), tmp_path)
    check(seen, 24)
    assert seen.movie.size == (160, 120)
    places = [(0, 0, 160, 120)] * 4 + [(34, 0, 90, 120)] * 4
    for number, (part, place) in enumerate(zip(parts, places, strict=True)):
        assert disc_in(seen.drawn[3 * number]) == pytest.approx(expected_box(part.shown(), place), abs=4)


def test_orientation_that_is_said_with_key_frames_alone(tmp_path: Path) -> None:
    """H.264 says nothing between key frames; each part begins with its only one."""
    ways = {"upright": "", "three quarters": "rotate=90", "mirrored": "flip=horizontal"}
    joined = tmp_path / "m.ts"
    with joined.open("wb") as sink:
        for way, change in ways.items():
            clip = PICTURE.but(suffix=".mkv", pts=range(12), options={**X264, "g": "50"}, paint=disc(1, WAYS[way]))
            said = ["-bsf:v", f"h264_metadata={change}:display_orientation=insert"] if change else []
            ffmpeg("-i", clip.write(tmp_path / "plain"), "-c", "copy", *said, tmp_path / "part.ts")
            sink.write((tmp_path / "part.ts").read_bytes())
    assert [frame.rotation != 0 for frame in decoded(joined)][12:24] == [True] + [False] * 11
    seen = see(joined, tmp_path)
    check(seen, 36)
    sizes = [(160, 120), (120, 160), (160, 120)]
    places = [(0, 0, 160, 120), (34, 0, 90, 120), (0, 0, 160, 120)]
    for number, (size, place) in enumerate(zip(sizes, places, strict=True)):
        for frame in (12 * number, 12 * number + 3, 12 * number + 11):
            assert disc_in(seen.drawn[frame]) == pytest.approx(expected_box(size, place), abs=4)


def test_what_no_encoder_takes_is_scaled_down(tmp_path: Path) -> None:
    wide = FFV1.but(size=(16_500, 66), pts=range(2), paint=disc())
    seen = see(wide.write(tmp_path / "m"), tmp_path)
    assert seen.movie.size == (16_384, 66)
    assert {picture.shape for picture in seen.drawn} == {(66, 16_384)}
    assert seen.movie.is_scaled_down


@pytest.mark.parametrize(
    ("aspect", "size"), [(Fraction(100), (16_000, 120)), (Fraction(120), (16_384, 102)), (Fraction(1, 100), (2, 120))]
)
def test_aspects_that_no_encoder_takes(tmp_path: Path, aspect: Fraction, size: tuple[int, int]) -> None:
    seen = see(PICTURE.but(aspect=aspect, pts=range(2), paint=disc()).write(tmp_path / "m"), tmp_path)
    assert seen.movie.size == size
    assert {picture.shape for picture in seen.drawn} == {size[::-1]}
    assert seen.movie.is_scaled_down is (max(size) == 16_384)


@pytest.mark.parametrize("way", WAYS)
def test_ffmpegs_own_program_shows_the_same(tmp_path: Path, way: str) -> None:
    clip = PICTURE.but(aspect=Fraction(4, 3), matrix=MATRICES[way], paint=disc(Fraction(4, 3), WAYS[way]))
    path = clip.write(tmp_path / "m")
    ffmpeg("-i", path, "-vf", "scale='if(gt(sar,1),iw*sar,iw)':'if(gt(sar,1),ih,ih/sar)',setsar=1", "-frames:v", 1,
           tmp_path / "m.png")  # fmt: skip
    theirs = cv2.imread(str(tmp_path / "m.png"), cv2.IMREAD_GRAYSCALE)
    assert theirs is not None
    seen = see(path, tmp_path)
    theirs = cv2.resize(theirs, seen.movie.size, interpolation=cv2.INTER_AREA)
    assert np.abs(seen.drawn[0].astype(int) - theirs).mean() < 3
