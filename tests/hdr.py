"""HDR pictures of SDR ones, by the inverse of what BT.2100 and BT.2087 say: 203 cd/m2 is white."""

from typing import Final

import av
import av.video.frame
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from numpy.typing import NDArray

from pipeline.media.colour import HLG, PQ

_FROM_BT709: Final = np.linalg.inv(
    np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]])
)
_LUMA: Final = np.array([0.2627, 0.6780, 0.0593])
_WHITE: Final = 203.0
_SCREEN: Final = 1000.0


def hdr_levels(rgb: NDArray[np.float64], transfer: int) -> NDArray[np.float64]:
    """Return R'G'B' of BT.2020 in an HDR transfer for R'G'B' ``(..., 3)`` of BT.709, 0..1."""
    light = np.clip(rgb**2.4 @ _FROM_BT709.T, 0, None) * _WHITE
    if transfer == PQ:
        power = (light / 10_000) ** (2610 / 16384)
        return ((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)
    luminance = np.maximum(light @ _LUMA, 1e-9)[..., None] / _SCREEN
    scene = np.clip(light / _SCREEN * luminance ** (1 / 1.2 - 1), 0, 1)
    a = 0.17883277
    b, c = 1 - 4 * a, 0.5 - a * np.log(4 * a)
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), a * np.log(np.maximum(12 * scene - b, 1e-9)) + c)


def hdr_frame(rgb: NDArray[np.float64], transfer: int, pixels: str = "yuv420p10le") -> av.video.frame.VideoFrame:
    """Return an HDR picture of an SDR one; ``transfer`` 1 makes one of BT.709 in as many bits.

    Args:
        rgb: ``(h, w, 3)``, 0..1, of BT.709.
        transfer: PQ, HLG or 1.
        pixels: pixel format.
    """
    levels = rgb if transfer == 1 else hdr_levels(rgb, transfer)
    matrix, tag = (Colorspace.ITU709, 1) if transfer == 1 else (Colorspace.BT2020, 9)
    height, width, _ = levels.shape
    frame = av.VideoFrame(width, height, "rgb48le")
    plane = frame.planes[0]
    lines = np.zeros((height, plane.line_size // 2), "<u2")
    lines[:, : width * 3] = np.round(np.clip(levels, 0, 1) * 65535).reshape(height, -1)
    plane.update(lines.tobytes())
    made = VideoReformatter().reformat(
        frame, width, height, pixels, dst_colorspace=matrix, dst_color_range=ColorRange.MPEG
    )
    made.color_trc, made.color_primaries, made.colorspace = transfer, tag, tag
    return made


__all__ = ["HLG", "PQ", "hdr_frame", "hdr_levels"]
