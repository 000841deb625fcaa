"""HDR to BT.709: the formulas at the points that the standards give, and films of both ranges that look the same."""

from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Interpolation
from clips import X264, Clip, decoded
from hdr import HLG, PQ, hdr_frame, hdr_levels
from numpy.typing import NDArray

from pipeline.faces.crops import cut_crops
from pipeline.media import colour
from pipeline.media.colour import Converter, is_hdr, to_sdr
from pipeline.media.geometry import Fit
from pipeline.media.movie import open_movie

WIDTH, HEIGHT = 192, 144
BOXES = np.array([[20, 20, 90, 90], [100, 40, 140, 80], [-20, 100, 60, 180]], np.float32)


def scene() -> NDArray[np.float64]:
    """Return a smooth picture ``(h, w, 3)`` of colours as skin has them, from dark to near white."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    light = 0.1 + 0.75 * (0.5 + 0.5 * np.sin(x / 23)) * (0.5 + 0.5 * np.cos(y / 31))
    return np.stack([light, light * 0.8, light * (0.65 + 0.1 * np.sin(x / 40))], axis=-1)


def grey(level: float) -> NDArray[np.float64]:
    return np.full((1, 3), level)


@pytest.mark.parametrize(
    ("level", "light"), [(0.0, 0.0), (0.508078, 100.0), (0.580689, 203.0), (0.751827, 1000.0), (1.0, 10_000.0)]
)
def test_pq_stands_for_light(level: float, light: float) -> None:
    """Levels of BT.2408, table 1, and BT.2100."""
    assert colour._pq_light(np.array(level)) == pytest.approx(light, rel=1e-3)
    assert colour._pq_level(np.array(light)) == pytest.approx(level, abs=1e-5)


@pytest.mark.parametrize(("level", "light"), [(0.0, 0.0), (0.38, 26.0), (0.75, 203.0), (1.0, 1000.0)])
def test_hlg_stands_for_light(level: float, light: float) -> None:
    """Levels of BT.2408, table 1: 18 % grey is 26 cd/m2, reference white 203, on a screen of 1,000."""
    assert colour._hlg_light(grey(level))[0] == pytest.approx([light] * 3, rel=0.02, abs=1e-3)


def test_highlights_are_compressed_and_nothing_else() -> None:
    light = np.geomspace(0.01, 2000, 400)
    found = colour._compressed(light)
    assert (np.diff(found) > -1e-9).all()
    assert (found[light < 144] == light[light < 144]).all()
    assert found.max() == pytest.approx(280, rel=1e-3)


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_what_was_sdr_comes_back(transfer: int) -> None:
    rgb = scene().reshape(-1, 3)
    assert to_sdr(hdr_levels(rgb, transfer), transfer) == pytest.approx(rgb, abs=0.006)
    white = to_sdr(hdr_levels(grey(1.0), transfer), transfer)
    assert white.min() > 0.97
    assert to_sdr(hdr_levels(grey(0.0), transfer), transfer) == pytest.approx(grey(0.0), abs=1e-3)


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_colours_keep_their_hue_where_they_are_bright(transfer: int) -> None:
    warm = np.array([[1.0, 0.6, 0.4]])
    level = hdr_levels(warm, transfer)
    brighter = np.clip(level * 1.15, 0, 1)
    r, g, b = to_sdr(brighter, transfer)[0]
    assert r >= g >= b
    assert r == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("transfer", [PQ, HLG])
@pytest.mark.parametrize("pixels", ["yuv420p10le", "yuv422p10le", "yuv444p12le", "p010le", "gbrp10le", "yuv420p"])
def test_pictures_look_like_those_of_sdr(transfer: int, pixels: str) -> None:
    deep = 3 if pixels != "yuv420p" else 8  # with 8 bits, HDR has steps
    sdr, hdr = hdr_frame(scene(), 1, "yuv444p10le"), hdr_frame(scene(), transfer, pixels)
    assert is_hdr(hdr)
    assert not is_hdr(sdr)
    for size in ((WIDTH, HEIGHT), (96, 72)):
        expected, found = (Converter(Interpolation.AREA).bgr(frame, size).astype(int) for frame in (sdr, hdr))
        assert found.shape == (size[1], size[0], 3)
        assert np.abs(found - expected).mean() < deep / 2
        assert np.percentile(np.abs(found - expected), 99) <= 2 * deep
    fit = Fit.filling(WIDTH, HEIGHT)
    expected, found = (cut_crops(frame, BOXES, fit).astype(int) for frame in (sdr, hdr))
    assert np.abs(found - expected).mean() < deep / 2
    assert np.abs(found - expected).max() <= 3 * deep


def test_videos_are_of_bt709() -> None:
    expected = Converter(Interpolation.BILINEAR).yuv420p(hdr_frame(scene(), 1, "yuv444p10le"), (WIDTH, HEIGHT))
    found = Converter(Interpolation.BILINEAR).yuv420p(hdr_frame(scene(), PQ), (WIDTH, HEIGHT))
    assert (found.format.name, found.color_range, found.colorspace) == ("yuv420p", ColorRange.MPEG, 1)
    for a, b in zip(found.planes, expected.planes, strict=True):
        pixels = [np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[:, : plane.width] for plane in (a, b)]  # type: ignore[call-overload]
        assert np.abs(pixels[0].astype(int) - pixels[1]).mean() < 1.5


def test_one_converter_takes_what_comes() -> None:
    """Films of both ranges cut together."""
    converter = Converter(Interpolation.AREA)
    frames = [hdr_frame(scene(), transfer) for transfer in (1, PQ, 1, HLG, PQ)]
    pictures = [converter.bgr(frame, (96, 72)).astype(int) for frame in frames]
    assert (pictures[0] == pictures[2]).all()
    assert (pictures[1] == pictures[4]).all()
    assert all(np.abs(picture - pictures[0]).mean() < 2 for picture in pictures)


@pytest.mark.parametrize("matrix", range(19))
@pytest.mark.parametrize("pixels", ["yuv420p", "yuv420p10le", "yuv444p"])
def test_no_matrix_is_refused(matrix: int, pixels: str) -> None:
    """FFmpeg's scaler knows eight; for the others (YCgCo, ICtCp, ...) the grey at least is right."""
    frame = hdr_frame(scene(), 1, pixels)
    expected = cut_crops(frame, BOXES, Fit.filling(WIDTH, HEIGHT)).astype(int)
    frame.colorspace = matrix
    assert np.abs(cut_crops(frame, BOXES, Fit.filling(WIDTH, HEIGHT)) - expected).max() <= 1
    assert Converter(Interpolation.AREA).bgr(frame, (96, 72)).std() > 20
    assert Converter(Interpolation.BILINEAR).yuv420p(frame, (96, 72)).width == 96


@pytest.mark.parametrize("matrix", [1, 5, 9])
def test_films_of_8_and_10_bit_give_the_same_crops(matrix: int) -> None:
    eight, ten = (hdr_frame(scene(), 1, pixels) for pixels in ("yuv420p", "yuv420p10le"))
    for frame in (eight, ten):
        frame.colorspace = matrix
    fit = Fit.filling(WIDTH, HEIGHT)
    assert np.abs(cut_crops(eight, BOXES, fit).astype(int) - cut_crops(ten, BOXES, fit)).max() <= 2


@pytest.mark.parametrize(("transfer", "name"), [(PQ, "smpte2084"), (HLG, "arib-std-b67")])
def test_a_film_says_that_it_is_hdr(tmp_path: Path, transfer: int, name: str) -> None:
    params = f"colorprim=bt2020:transfer={name}:colormatrix=bt2020nc"
    clip = Clip(".mp4", range(2), pixels="yuv420p10le", options={**X264, "x264-params": params})
    movie = open_movie(clip.write(tmp_path / "m"))
    assert movie.hdr == transfer
    assert (movie.colour.matrix, movie.colour.primaries, movie.colour.transfer) == (1, 1, 1)
    assert is_hdr(next(decoded(movie.path)))
    plain = open_movie(clip.but(options=X264).write(tmp_path / "plain"))
    assert plain.hdr == 0


def test_a_frame_of_sdr_is_converted_as_ever() -> None:
    """What ordinary films give is FFmpeg's, untouched."""
    frame = av.VideoFrame.from_ndarray((scene() * 255).astype(np.uint8), "rgb24").reformat(format="yuv420p")
    expected = frame.reformat(96, 72, "bgr24", interpolation=Interpolation.AREA).to_ndarray()
    assert (Converter(Interpolation.AREA).bgr(frame, (96, 72)) == expected).all()
    same = Converter(Interpolation.BILINEAR).yuv420p(frame, (WIDTH, HEIGHT))
    assert bytes(same.planes[0]) == bytes(frame.reformat(format="yuv420p", dst_color_range=ColorRange.MPEG).planes[0])
