"""What a file may cost this process, and what FFmpeg may open. A file may be made to break or to bury a decoder.

Limits belong to the process, like those of the system; whoever starts one sets them once.
"""

import stat
from dataclasses import dataclass
from typing import Final

PROTOCOLS: Final = "file,crypto,data"
"""FFmpeg's protocols by which a file may name others, as playlists do: never the network, pipes or parts of files."""


@dataclass(frozen=True)
class MediaLimits:
    """Limits on reading media.

    Attributes:
        pixels: of a stored picture, width times height; larger ones are not decoded.
        stall_s: s after which FFmpeg's program counts as hung, unless what it writes changes.
    """

    pixels: int = 135_000_000
    stall_s: float = 600.0


_limits = MediaLimits()


def media_limits() -> MediaLimits:
    """Return the limits of this process."""
    return _limits


def limit_media(limits: MediaLimits) -> None:
    """Set the limits of this process."""
    global _limits
    _limits = limits


def open_options() -> dict[str, str]:
    """Return options with which :func:`av.open` reads a file: for its container, and the decoders that probe it."""
    return {"protocol_whitelist": PROTOCOLS, "max_pixels": str(_limits.pixels)}


def decoder_options() -> dict[str, str]:
    """Return options for a decoder of video: pictures are cropped to the pixel, as FFmpeg's own program does it."""
    return {"max_pixels": str(_limits.pixels), "flags": "+unaligned"}


def too_large(width: int, height: int) -> str:
    """Say that pictures have too many pixels; "" if not."""
    if width * height <= _limits.pixels:
        return ""
    found, most = width * height / 1e6, _limits.pixels / 1e6
    return f"its pictures are {width}x{height}, {found:.3g} megapixels; frame_limit allows {most:g}"


def kind_of_file(mode: int) -> str:
    """Return in words what is no ordinary file."""
    kinds = {stat.S_IFIFO: "a pipe; write it to a file first", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")
