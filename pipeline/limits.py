"""What a file may cost this process, and what FFmpeg may open. A file may be made to break or to bury a decoder.

Limits belong to the process, like those of the system; whoever starts one sets them once.
"""

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
    """Return options for a decoder of video."""
    return {"max_pixels": str(_limits.pixels)}
