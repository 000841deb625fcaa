"""Encoders of H.264 by the names that users give: x264, and graphics cards', probed by encoding and decoding."""

import io
from fractions import Fraction
from typing import Any, Final

import av
import av.error
import numpy as np
from numpy.typing import NDArray

from pipeline.errors import EncoderError

ENCODERS: Final = {
    "x264": "libx264",
    "nvenc": "h264_nvenc",
    "videotoolbox": "h264_videotoolbox",
    "qsv": "h264_qsv",
    "vaapi": "h264_vaapi",
    "amf": "h264_amf",
}
"""FFmpeg's names; after x264 in the order in which ``auto`` tries them."""

_FRAMES: Final = 12
_SIZE: Final = (320, 192)
_LEAST_PSNR: Final = 30.0
"""dB of luma against what was encoded; less is no picture of it, but an encoder or a driver that is broken."""


def encoder_options(encoder: str, crf: int, preset: str) -> dict[str, str]:
    """Return FFmpeg's options for constant quality.

    Args:
        encoder: one of ``ENCODERS``.
        crf: 0 to 51; cards' scales are alike, not equal.
        preset: x264's; cards have presets of their own and take their usual one.
    """
    if encoder == "x264":
        # With macroblock trees x264 now and then encodes the same pictures differently: see docs/decisions/mbtree.md.
        return {"crf": str(crf), "preset": preset, "x264-params": "mbtree=0"}
    return {
        "nvenc": {"rc": "constqp", "qp": str(crf), "forced-idr": "1"},
        "videotoolbox": {"q:v": str(round(100 - 100 * crf / 51)), "flags": "+qscale"},
        "qsv": {"global_quality": str(crf)},
        "vaapi": {"qp": str(crf)},
        "amf": {"rc": "cqp", "qp_i": str(crf), "qp_p": str(crf), "qp_b": str(crf)},
    }[encoder]


def choose_encoder(name: str) -> str:
    """Return the encoder for a name or ``auto``, which is the first card's that works, else x264.

    Raises:
        EncoderError: the one that was named does not work here; with what FFmpeg says.
    """
    if name == "x264":
        return name
    reasons = []
    for candidate in [one for one in ENCODERS if one != "x264"] if name == "auto" else [name]:
        try:
            probe_encoder(candidate)
            return candidate
        except EncoderError as error:
            reasons.append(str(error))
    if name == "auto":
        return "x264"
    raise EncoderError(f"--encoder {name}: {'; '.join(reasons)}; --encoder x264 works everywhere")


def probe_encoder(name: str) -> float:
    """Encode some pictures, decode them, and return the luma's PSNR in dB.

    Raises:
        EncoderError: the encoder is not there or fails, or what comes out is not what went in.
    """
    pictures = [_picture(number) for number in range(_FRAMES)]
    try:
        found = _decoded(_encoded(name, pictures))
    except (av.error.FFmpegError, ValueError, OSError) as error:
        raise EncoderError(f"{ENCODERS[name]} cannot be used: {error}") from error
    if len(found) != _FRAMES:
        raise EncoderError(f"{ENCODERS[name]}: expected {_FRAMES} frames, found {len(found)}")
    errors = [np.square(a.astype(float) - b).mean() for a, b in zip(pictures, found, strict=True)]
    psnr = float(10 * np.log10(255**2 / max(float(np.mean(errors)), 1e-9)))
    if psnr < _LEAST_PSNR:
        raise EncoderError(f"{ENCODERS[name]}: its pictures are not those encoded: PSNR {psnr:.1f} dB")
    return psnr


def _picture(number: int) -> NDArray[np.uint8]:
    """Return luma ``(h, w)``: a ramp with a square that moves."""
    width, height = _SIZE
    luma = np.linspace(40, 200, width).astype(np.uint8)[None, :].repeat(height, 0)
    luma[40:90, 10 + 8 * number : 60 + 8 * number] = 220
    return luma


def _encoded(name: str, pictures: list[NDArray[np.uint8]]) -> bytes:
    target = io.BytesIO()
    with av.open(target, "w", format="matroska") as sink:
        stream: Any = sink.add_stream(ENCODERS[name], rate=25)
        stream.width, stream.height, stream.pix_fmt = *_SIZE, "yuv420p"
        stream.codec_context.options = encoder_options(name, 18, "veryfast")
        for number, luma in enumerate(pictures):
            planes = np.concatenate([luma, np.full((_SIZE[1] // 2, _SIZE[0]), 128, np.uint8)])
            frame = av.VideoFrame.from_ndarray(planes, "yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            sink.mux(stream.encode(frame))
        sink.mux(stream.encode(None))
    return target.getvalue()


def _decoded(data: bytes) -> list[NDArray[np.uint8]]:
    with av.open(io.BytesIO(data), "r") as container:
        return [np.asarray(frame.to_ndarray()[: _SIZE[1]], np.uint8) for frame in container.decode(video=0)]
