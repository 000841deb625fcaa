"""Films of a bright disc on dark ground, round where it is shown as it should be; also such that change on the way."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import av.packet
import av.video.frame
import av.video.stream
import numpy as np
from clips import Clip, Picture
from numpy.typing import NDArray

from pipeline.faces.detect import Detections
from pipeline.media.geometry import Orientation

DARK: Final = 40
BRIGHT: Final = 200
CENTRE: Final = (0.4, 0.42)
"""Of the disc, in units of the upright picture's sides; in no symmetry, so that it tells the ways up apart."""
RADIUS: Final = 0.25
"""In units of the upright picture's shorter side."""

Box = tuple[float, float, float, float]


def disc(aspect: Fraction | float = 1, orientation: Orientation | None = None) -> Callable[[int, int, int], Picture]:
    """Return what paints the stored picture, grey, of an upright one with a round disc.

    Args:
        aspect: width of a stored pixel over its height.
        orientation: how the stored picture becomes upright.
    """
    turned = orientation or Orientation()

    def paint(_number: int, width: int, height: int) -> Picture:
        shown_width, shown_height = width * float(aspect), float(height)
        if turned.transpose:
            shown_width, shown_height = shown_height, shown_width
        across, down = (height, width) if turned.transpose else (width, height)
        x = (np.arange(across) + 0.5)[None, :] * shown_width / across
        y = (np.arange(down) + 0.5)[:, None] * shown_height / down
        radius = RADIUS * min(shown_width, shown_height)
        inside = (x - CENTRE[0] * shown_width) ** 2 + (y - CENTRE[1] * shown_height) ** 2 < radius**2
        upright = np.where(inside, BRIGHT, DARK).astype(np.uint8)
        return stored(upright, turned)

    return paint


def stored(upright: NDArray[np.uint8], orientation: Orientation) -> NDArray[np.uint8]:
    """Return a picture ``(h, w)`` as it is stored."""
    upright = upright[::-1] if orientation.flip_y else upright
    upright = upright[:, ::-1] if orientation.flip_x else upright
    return np.ascontiguousarray(upright.swapaxes(0, 1) if orientation.transpose else upright)


def disc_in(grey: NDArray[Any]) -> Box:
    """Return the box of what is bright in a picture ``(h, w)``."""
    y, x = np.nonzero(grey > (DARK + BRIGHT) / 2)
    return float(x.min()), float(y.min()), float(x.max() + 1), float(y.max() + 1)


class DiscDetector:
    """Finds the disc, as a detector of faces does a face."""

    name = "disc"

    def __init__(self, long_side: int = 160) -> None:
        self.long_side = long_side
        self.sizes: list[tuple[int, int]] = []
        """Width and height of the pictures that were searched."""

    def detect(self, bgr: NDArray[np.uint8]) -> Detections:
        self.sizes.append((bgr.shape[1], bgr.shape[0]))
        grey = bgr.mean(axis=2)
        if not (grey > (DARK + BRIGHT) / 2).any():
            return Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))
        return Detections(np.array([disc_in(grey)], np.float32), np.ones(1, np.float32))


class CropKeeper:
    """Stands for the network: keeps what it is asked about."""

    def __init__(self) -> None:
        self.crops: list[NDArray[np.uint8]] = []

    def predict(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.crops += list(crops)
        return np.full((len(crops), 7), 1 / 7, np.float32)


@dataclass(frozen=True)
class Part:
    """A stretch of a film whose geometry changes.

    Attributes:
        size: width and height of the stored pictures.
        frames: how many.
        aspect: of the pixels, told to the encoder.
        orientation: how the stored picture becomes upright.
        wrap: changes the bytes of each packet.
    """

    size: tuple[int, int]
    frames: int = 12
    aspect: Fraction | None = None
    orientation: Orientation = field(default_factory=Orientation)
    wrap: Callable[[bytes], bytes] | None = None

    def shown(self) -> tuple[int, int]:
        """Return width and height upright and with square pixels."""
        width, height = round(self.size[0] * (self.aspect or 1)), self.size[1]
        return (height, width) if self.orientation.transpose else (width, height)


def write_changing(
    path: Path, codec: str, parts: Sequence[Part], pixels: str = "yuv420p", options: dict[str, str] | None = None
) -> Path:
    """Encode each part on its own and put their packets into one stream, as recorders do.

    Args:
        path: of the file; its ending names the container.
        codec: FFmpeg's name of the encoder.
        parts: in the order of time.
        pixels: pixel format.
        options: of the encoder; must not reorder frames.
    """
    tick = Fraction(1, 25)
    with av.open(str(path), "w") as sink:
        target: av.video.stream.VideoStream | None = None
        begun = 0
        for part in parts:
            encoder = av.CodecContext.create(codec, "w")
            assert isinstance(encoder, av.video.codeccontext.VideoCodecContext)
            encoder.width, encoder.height = part.size
            encoder.pix_fmt, encoder.time_base, encoder.framerate = pixels, tick, Fraction(25)
            encoder.options = {"threads": "1", **(options or {})}
            if part.aspect is not None:
                encoder.sample_aspect_ratio = part.aspect
            clip = Clip(size=part.size, pixels=pixels, paint=disc(part.aspect or 1, part.orientation))
            packets = []
            for number in range(part.frames):
                frame = clip.frame(number)
                frame.pts, frame.time_base = number, tick
                packets += encoder.encode(frame)
            packets += encoder.encode(None)
            if target is None:
                target = sink.add_stream(codec, rate=25)  # type: ignore[assignment]
                assert isinstance(target, av.video.stream.VideoStream)
                target.width, target.height = part.size
                target.pix_fmt = pixels
                target.time_base = tick
                if encoder.extradata:
                    target.codec_context.extradata = encoder.extradata
            for number, packet in enumerate(sorted(packets, key=lambda packet: packet.pts or 0)):
                content = bytes(packet)
                copy = av.packet.Packet(part.wrap(content) if part.wrap else content)
                copy.pts = copy.dts = begun + number
                copy.time_base, copy.stream = tick, target
                copy.duration = 1
                copy.is_keyframe = packet.is_keyframe
                sink.mux(copy)
            begun += part.frames
    return path


def with_exif(orientation: int) -> Callable[[bytes], bytes]:
    """Return what puts an EXIF orientation (1..8) into a JPEG."""
    entry = (0x0112).to_bytes(2, "little") + b"\3\0" + b"\1\0\0\0" + orientation.to_bytes(4, "little")
    body = b"Exif\0\0" + b"II*\0\x08\0\0\0" + b"\1\0" + entry + b"\0\0\0\0"
    segment = b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body
    return lambda jpeg: jpeg[:2] + segment + jpeg[2:]
