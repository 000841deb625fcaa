"""Tiny movies for tests. Each picture shows its own number, which tells a decoded frame from all others."""

import importlib.util
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import av.container
import av.stream
import av.video.frame
import av.video.stream
import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.media.ffmpeg import ffmpeg_exe

Picture = NDArray[np.uint8]
Matrix = tuple[int, int, int, int]
"""a, b, c, d of a display matrix: a point (x, y) goes to (a x + c y, b x + d y)."""

BLACK: Final = 40
WHITE: Final = 210
_MIDDLE: Final = (BLACK + WHITE) / 2
MATRICES: Final[dict[str, Matrix]] = {
    "upright": (1, 0, 0, 1),
    "quarter": (0, 1, -1, 0),
    "half": (-1, 0, 0, -1),
    "three quarters": (0, -1, 1, 0),
    "mirrored": (-1, 0, 0, 1),
    "upside down mirrored": (1, 0, 0, -1),
    "transposed": (0, 1, 1, 0),
    "transposed the other way": (0, -1, -1, 0),
}
"""All the ways in which a display matrix can turn and mirror by quarter turns."""

_ROWS, _COLUMNS = 2, 4  # one bit a block; the highest bit is at the top left


@dataclass(frozen=True)
class Clip:
    """A recipe for a movie.

    Attributes:
        suffix: of the file; names the container.
        pts: of the pictures, in ``time_base``.
        time_base: in s.
        codec: FFmpeg's name of the encoder.
        pixels: pixel format.
        size: width and height of the stored pictures.
        options: of the encoder.
        muxer: options of the container.
        matrix: of the display matrix, or None for none.
        aspect: sample aspect ratio, or None for none.
        keys: numbers of pictures that must be key frames, beside those that the encoder chooses.
        paint: makes picture number ``k``: uint8 ``(h, w)`` grey or ``(h, w, 3)`` RGB.
    """

    suffix: str = ".mp4"
    pts: Sequence[int] = tuple(range(60))
    time_base: Fraction = Fraction(1, 25)
    codec: str = "libx264"
    pixels: str = "yuv420p"
    size: tuple[int, int] = (64, 48)
    options: dict[str, str] = field(default_factory=dict)
    muxer: dict[str, str] = field(default_factory=dict)
    matrix: Matrix | None = None
    aspect: Fraction | None = None
    keys: Sequence[int] = ()
    paint: Callable[[int, int, int], Picture] = field(default_factory=lambda: numbered)

    def write(self, path: Path) -> Path:
        """Encode the movie to ``path`` plus suffix and return that."""
        path = path.with_name(path.name + self.suffix)
        with av.open(str(path), "w", options=self.muxer) as sink:
            stream = sink.add_stream(self.codec, rate=25, options={"threads": "1", **self.options})
            assert isinstance(stream, av.video.stream.VideoStream)
            stream.width, stream.height = self.size
            stream.pix_fmt = self.pixels
            stream.codec_context.time_base = self.time_base
            if self.aspect is not None:
                stream.codec_context.sample_aspect_ratio = self.aspect
            if self.matrix is not None:
                a, b, c, d = (v << 16 for v in self.matrix)
                stream.set_display_matrix([a, b, 0, c, d, 0, 0, 0, 1 << 30])
            for number, pts in enumerate(self.pts):
                frame = self.frame(number)
                frame.pts, frame.time_base = pts, self.time_base
                if number in self.keys:
                    frame.pict_type = av.video.frame.PictureType.I
                sink.mux(stream.encode(frame))
            sink.mux(stream.encode(None))
        return path

    def frame(self, number: int) -> av.video.frame.VideoFrame:
        """Return picture ``number`` as the encoder gets it."""
        picture = self.paint(number, *self.size)
        frame = av.VideoFrame.from_ndarray(picture, "gray" if picture.ndim == 2 else "rgb24")
        return frame.reformat(format=self.pixels)

    def but(self, **changes: object) -> "Clip":
        """Return this recipe with other values."""
        return replace(self, **changes)  # type: ignore[arg-type]


X264: Final = {"preset": "veryfast", "crf": "28", "g": "10", "keyint_min": "1", "sc_threshold": "0", "bf": "0"}
B_FRAMES: Final = {**X264, "bf": "3", "b-pyramid": "normal", "x264-params": "b-adapt=0"}
VARIABLE: Final = [0, 40, 80, 81, 82, 200, 1000, 1040, 1080, 1120, 1121, 1400, 1433, 1466, 1500, 1533, 2400, 2500]
"""pts of a variable frame rate in ms, with frames of 1 ms and of nearly 1 s."""


def numbered(number: int, width: int, height: int) -> Picture:
    """Return a grey picture ``(h, w)`` that shows the eight lowest bits of ``number`` as black and white blocks."""
    y = np.arange(height)[:, None] * _ROWS // height
    x = np.arange(width)[None, :] * _COLUMNS // width
    bit = number >> (7 - (y * _COLUMNS + x)) & 1
    # The grain never moves: a decoder that starts where it must not shows that it has not seen it.
    grain = np.random.default_rng(0).integers(-25, 26, (height, width))
    return (np.where(bit == 1, WHITE, BLACK) + grain).astype(np.uint8)


def number_in(grey: Picture) -> int:
    """Read the number that a picture ``(h, w)`` of :func:`numbered` shows."""
    height, width = grey.shape
    number = 0
    for row in range(_ROWS):
        for column in range(_COLUMNS):
            y, x = (2 * row + 1) * height // (2 * _ROWS), (2 * column + 1) * width // (2 * _COLUMNS)
            middle = grey[max(y - 3, 0) : y + 4, max(x - 2, 0) : x + 3]
            number = 2 * number + int(middle.mean() > _MIDDLE)
    return number


def grey_of(frame: av.video.frame.VideoFrame) -> Picture:
    """Return a decoded frame as a grey picture ``(h, w)``."""
    return np.asarray(frame.to_ndarray(format="gray"), np.uint8)


def decoded(path: Path) -> Iterator[av.video.frame.VideoFrame]:
    """Decode the first video stream from its start, as simply as PyAV can; stop where reading stops."""
    with av.open(str(path)) as container:
        yield from container.decode(container.streams.video[0])


def shown(path: Path) -> list[tuple[int | None, int]]:
    """Return pts and painted number of all frames of a movie."""
    return [(frame.pts, number_in(grey_of(frame))) for frame in decoded(path)]


def ffmpeg(*arguments: object) -> None:
    """Run the project's ffmpeg."""
    command = [ffmpeg_exe(), "-hide_banner", "-nostdin", "-y", "-loglevel", "error", *map(str, arguments)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def remuxed(source: Path, out: Path, *arguments: object) -> Path:
    """Copy the streams of ``source`` to ``out`` with ffmpeg, ``arguments`` being options of the output."""
    ffmpeg("-i", source, "-c", "copy", *arguments, out)
    return out


def truncated(source: Path, part: float) -> Path:
    """Cut a file off behind a ``part`` (0..1) of its bytes, in place."""
    data = source.read_bytes()
    source.write_bytes(data[: int(len(data) * part)])
    return source


def packets_of(path: Path) -> list[tuple[int, int, bool]]:
    """Return where in the file each video packet begins, its size in bytes and whether it is a key frame."""
    with av.open(str(path)) as container:
        return [(p.pos, p.size, p.is_keyframe) for p in container.demux(container.streams.video[0]) if p.size]


def spoiled(path: Path, number: int) -> Path:
    """Overwrite the content of video packet ``number`` of an mp4 with nonsense of its size, in place."""
    position, size, _ = packets_of(path)[number]
    data = bytearray(path.read_bytes())
    data[position : position + size] = b"\x00\x00\x00\x02\x15\xff" + b"\xff" * (size - 6)
    path.write_bytes(data)
    return path


def write_sound(path: Path, cover: Picture | None = None) -> Path:
    """Write half a second of silence, with a ``cover`` picture (BGR) if there is one."""
    wav = path.with_suffix(".source.wav")
    with av.open(str(wav), "w") as sink:
        stream = sink.add_stream("pcm_s16le", rate=8000, layout="mono")
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 4000), np.int16), "s16", "mono")
        sound.sample_rate = 8000
        sink.mux(stream.encode(sound))
        sink.mux(stream.encode(None))
    if cover is None:
        ffmpeg("-i", wav, path)
        return path
    png = path.with_suffix(".source.png")
    cv2.imwrite(str(png), cover)
    ffmpeg("-i", wav, "-i", png, "-map", 0, "-map", 1, "-c:v", "copy", "-disposition:v:0", "attached_pic", path)
    return path


def find_portrait() -> NDArray[np.uint8] | None:
    """Return a picture of one face as BGR, from the packages that ship one, or None; imports neither."""
    for package, name in (("skimage", "data/astronaut.png"), ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg")):
        spec = importlib.util.find_spec(package)
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            picture = cv2.imread(str(Path(folder) / name))
            if picture is not None:
                return np.asarray(picture, np.uint8)
    return None
