"""What a picture's levels stand for: high dynamic range (HDR) becomes BT.709, the range of screens, faces and networks.

The mapping, from R'G'B' to R'G'B':

1. To light on the screen in cd/m2. PQ: the EOTF of ITU-R BT.2100, table 4. HLG: the inverse OETF and the OOTF of
   BT.2100, table 5, for a screen of 1,000 cd/m2 (system gamma 1.2).
2. Highlights are compressed by the EETF of ITU-R BT.2390, section 5.4.1, from a peak of 1,000 cd/m2 to one of 280, on
   the largest of R, G and B, so that hues stay. What is below 145 stays as it is, and so do faces.
3. Primaries of BT.2020 to those of BT.709, by the matrix of ITU-R BT.2087, section 4. What BT.709 does not hold is cut
   off.
4. To levels by the inverse EOTF of ITU-R BT.1886 (gamma 2.4), 1 being HDR's reference white of 203 cd/m2 (BT.2408),
   from which little is left to cut off. With a peak of 203 in step 2, the levels of an SDR film that was converted to
   HDR and back would differ from 180 on.

FFmpeg's scaler does not know these, and its filter that does (zscale) is not in the libraries that PyAV comes with. So
the mapping is sampled as a cube of 33 x 33 x 33 colours, which the filter ``lut3d`` interpolates.
"""

import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import av.filter
import av.video.frame
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray

PQ: Final = 16
"""FFmpeg's number (H.273) of the transfer of SMPTE ST 2084."""
HLG: Final = 18
"""That of ARIB STD-B67."""
HDR_NAMES: Final = {PQ: "PQ", HLG: "HLG"}

_BT2020_PRIMARIES: Final = 9
_KNOWN_MATRICES: Final = frozenset({0, 1, 2, 4, 5, 6, 7, 9})
"""Those that FFmpeg's scaler converts from; it refuses pictures of others."""

_PEAK: Final = 1000.0
_COMPRESSED_PEAK: Final = 280.0
_WHITE: Final = 203.0
_GAMMA: Final = 2.4
_CUBE_SIDE: Final = 33

_TO_BT709: Final = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float64
)
_BT2020_LUMA: Final = np.array([0.2627, 0.6780, 0.0593])

_M1: Final = 2610 / 16384
_M2: Final = 2523 / 4096 * 128
_C1: Final = 3424 / 4096
_C2: Final = 2413 / 4096 * 32
_C3: Final = 2392 / 4096 * 32

_HLG_A: Final = 0.17883277
_HLG_B: Final = 1 - 4 * _HLG_A
_HLG_C: Final = 0.5 - _HLG_A * float(np.log(4 * _HLG_A))
_HLG_GAMMA: Final = 1.2

Levels = NDArray[np.float64]


def is_hdr(picture: av.video.frame.VideoFrame) -> bool:
    """Whether a picture's levels stand for a high dynamic range."""
    return picture.color_trc in HDR_NAMES


def to_sdr(rgb: Levels, transfer: int) -> Levels:
    """Map HDR levels to those of BT.709, as this module says.

    Args:
        rgb: float ``(..., 3)``, 0..1: R'G'B' of BT.2020 primaries.
        transfer: PQ or HLG.

    Returns:
        float ``(..., 3)``, 0..1: R'G'B' of BT.709.
    """
    light = _pq_light(rgb) if transfer == PQ else _hlg_light(rgb)
    brightest = light.max(axis=-1, keepdims=True)
    light = light * (_compressed(brightest) / np.maximum(brightest, 1e-6))
    return np.asarray(np.clip(light @ _TO_BT709.T / _WHITE, 0, 1) ** (1 / _GAMMA))


def _pq_light(level: Levels) -> Levels:
    """Return the light in cd/m2 that PQ levels stand for."""
    power = np.clip(level, 0, 1) ** (1 / _M2)
    return np.asarray(10_000 * (np.maximum(power - _C1, 0) / (_C2 - _C3 * power)) ** (1 / _M1))


def _pq_level(light: Levels) -> Levels:
    """Undo :func:`_pq_light`."""
    power = (np.clip(light, 0, 10_000) / 10_000) ** _M1
    return np.asarray(((_C1 + _C2 * power) / (1 + _C3 * power)) ** _M2)


def _hlg_light(level: Levels) -> Levels:
    """Return the light in cd/m2 that HLG levels ``(..., 3)`` stand for."""
    level = np.clip(level, 0, 1)
    scene = np.where(level <= 0.5, level**2 / 3, (np.exp((level - _HLG_C) / _HLG_A) + _HLG_B) / 12)
    luminance = np.maximum(scene @ _BT2020_LUMA, 1e-9)[..., None]
    return np.asarray(_PEAK * luminance ** (_HLG_GAMMA - 1) * scene)


def _compressed(light: Levels) -> Levels:
    """Apply the EETF of BT.2390 to light in cd/m2."""
    top = float(_pq_level(np.array(_PEAK)))
    level = np.minimum(_pq_level(light) / top, 1)
    most = float(_pq_level(np.array(_COMPRESSED_PEAK))) / top
    knee = 1.5 * most - 0.5
    t = np.maximum((level - knee) / (1 - knee), 0)
    spline = (
        (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (-2 * t**3 + 3 * t**2) * most
    )  # fmt: skip
    return np.where(level < knee, light, _pq_light(spline * top))


@lru_cache(maxsize=2)
def _cube(transfer: int) -> str:
    """Return the mapping as the content of a .cube file; red varies fastest."""
    grid = np.linspace(0, 1, _CUBE_SIDE)
    blue, green, red = np.meshgrid(grid, grid, grid, indexing="ij")
    colours = to_sdr(np.stack([red, green, blue], axis=-1).reshape(-1, 3), transfer)
    lines = (f"{r:.6f} {g:.6f} {b:.6f}" for r, g, b in colours.tolist())
    return "\n".join((f"LUT_3D_SIZE {_CUBE_SIDE}", *lines, ""))


def _mapping(transfer: int, width: int, height: int) -> av.filter.Graph:
    """Return a filter that maps gbrp16le pictures of one size."""
    with tempfile.TemporaryDirectory(prefix="moodreel-") as folder:
        file = Path(folder) / "hdr.cube"
        file.write_text(_cube(transfer), encoding="ascii")
        graph = av.filter.Graph()
        graph.threads = 1
        source = f"video_size={width}x{height}:pix_fmt=gbrp16le:time_base=1/25:colorspace=0:range=2"
        graph.link_nodes(
            graph.add("buffer", source),
            graph.add("lut3d", file=str(file), interp="tetrahedral"),
            graph.add("buffersink"),
        ).configure()  # reads the file
    return graph


class Converter:
    """Converts decoded pictures to one size and pixel format, HDR to BT.709; keeps its tables between pictures.

    Not to be used by several threads.
    """

    def __init__(self, interpolation: Interpolation) -> None:
        """Scale by ``interpolation``."""
        self._interpolation = interpolation
        self._scaler, self._finisher = VideoReformatter(), VideoReformatter()
        self._mappings: dict[tuple[int, int, int], av.filter.Graph] = {}

    def bgr(self, picture: av.video.frame.VideoFrame, size: tuple[int, int]) -> NDArray[np.uint8]:
        """Return a picture as it is stored, at ``size`` (width, height): uint8 BGR ``(h, w, 3)``, contiguous."""
        if is_hdr(picture):
            converted = self._finisher.reformat(self._mapped(picture, size), format="bgr24")
        else:
            matrix = scaler_matrix(picture)
            converted = self._scaler.reformat(picture, *size, "bgr24", interpolation=self._interpolation, **matrix)
        return np.ascontiguousarray(converted.to_ndarray(), np.uint8)

    def yuv420p(
        self, picture: av.video.frame.VideoFrame, size: tuple[int, int], matrix: Colorspace | None = None
    ) -> av.video.frame.VideoFrame:
        """Return a picture as it is stored, at ``size``, limited range. Its memory may be the decoder's own.

        Args:
            picture: as decoded.
            size: width and height.
            matrix: of the result; None for the picture's own. HDR pictures come out with BT.709's at least.
        """
        chosen: dict[str, Any] = {"dst_colorspace": matrix} if matrix is not None else {}
        if is_hdr(picture):
            chosen.setdefault("dst_colorspace", Colorspace.ITU709)
            return self._finisher.reformat(
                self._mapped(picture, size), format="yuv420p", dst_color_range=ColorRange.MPEG, **chosen
            )
        return self._scaler.reformat(
            picture,
            *size,
            "yuv420p",
            dst_color_range=ColorRange.MPEG,
            interpolation=self._interpolation,
            **(scaler_matrix(picture) | chosen),
        )

    def _mapped(self, picture: av.video.frame.VideoFrame, size: tuple[int, int]) -> av.video.frame.VideoFrame:
        """Return an HDR picture at ``size`` as gbrp16le of BT.709."""
        scaled = self._scaler.reformat(
            picture,
            *size,
            "gbrp16le",
            interpolation=self._interpolation,
            src_colorspace=hdr_matrix(picture),
            dst_color_range=ColorRange.JPEG,
        )
        key = (picture.color_trc, *size)
        if key not in self._mappings:
            self._mappings[key] = _mapping(*key)
        self._mappings[key].vpush(scaled)
        return self._mappings[key].vpull()


def can_convert(matrix: int) -> bool:
    """Whether FFmpeg's scaler converts from a matrix (H.273)."""
    return matrix in _KNOWN_MATRICES


def scaler_matrix(picture: av.video.frame.VideoFrame) -> dict[str, Any]:
    """Return arguments for PyAV's ``reformat`` without which it would refuse a picture's matrix (YCgCo, ICtCp, ...).

    Such a picture is taken for one of BT.709, or of BT.2020 where its primaries are: its grey is right or nearly so.
    """
    if can_convert(picture.colorspace):
        return {}
    stand_in = Colorspace.BT2020 if picture.color_primaries == _BT2020_PRIMARIES else Colorspace.ITU709
    return {"src_colorspace": stand_in, "dst_colorspace": stand_in}


def hdr_matrix(picture: av.video.frame.VideoFrame) -> Colorspace:
    """Return the matrix of an HDR picture: BT.2020 but where it says BT.709."""
    return Colorspace.ITU709 if picture.colorspace == Colorspace.ITU709 else Colorspace.BT2020
