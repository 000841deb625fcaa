"""Which way up a stored picture is, how wide its pixels are, and where it lies in the movie's one picture.

All of that belongs to each frame, not to the movie: phones are turned while they record, broadcasts change from 4:3 to
16:9, conferences change their size with the line. The movie has one picture all the same, for boxes and video need
one. A frame of another shape is fitted into it, unstretched, between bars.
"""

from collections import OrderedDict
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import av.error
import av.filter
import av.video.frame
import numpy as np
from av.sidedata.sidedata import Type as SideDataType
from numpy.typing import NDArray

LONGEST_SIDE: Final = 16_384
"""Pixels: what H.264's encoders take. Larger pictures, and those whose pixels make them so, are scaled down to it."""

_SAME_SHAPE: Final = Fraction(1, 100)
"""Part of a side up to which a picture is stretched to fill, rather than given bars: 1088 lines are 1080."""

_FINEST: Final = 2**12
_FINEST_DENOMINATOR: Final = 300
_MOST_GRAPHS: Final = 8


_Kind = tuple[int, int, str]
"""Width, height and pixel format of a stored picture."""


@dataclass(frozen=True)
class Orientation:
    """How a stored picture becomes upright: first ``transpose``, then the flips."""

    transpose: bool = False
    flip_x: bool = False
    flip_y: bool = False

    @property
    def is_upright(self) -> bool:
        """Whether the stored picture is upright already."""
        return self == Orientation()

    def apply(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return ``picture`` ``(h, w)`` or ``(h, w, c)`` upright, contiguous; itself where it is upright."""
        if self.is_upright:
            return picture
        if self.transpose:
            picture = picture.swapaxes(0, 1)
        if self.flip_x:
            picture = picture[:, ::-1]
        if self.flip_y:
            picture = picture[::-1]
        return np.ascontiguousarray(picture)

    @staticmethod
    def of_matrix(matrix: bytes) -> "Orientation":
        """Read a display matrix.

        FFmpeg's ``libavutil/display.h``: nine int32, row major, a point being a row vector; the first two
        columns of the first two rows, in 16.16 fixed point, turn and mirror. Angles between the quarter
        turns are rounded to the nearest.
        """
        numbers = np.frombuffer(matrix, np.int32)
        a, b, c, d = (int(numbers[k]) for k in (0, 1, 3, 4))
        if abs(a) + abs(d) >= abs(b) + abs(c):  # x' = a x, y' = d y
            return Orientation(False, flip_x=a < 0, flip_y=d < 0)
        return Orientation(True, flip_x=c < 0, flip_y=b < 0)  # x' = c y, y' = b x


@dataclass(frozen=True)
class Shape:
    """What a decoded picture says of its geometry.

    Attributes:
        width, height: as stored, in pixels.
        aspect: width of a pixel over its height; 1 where the decoder does not know it.
        orientation: how it becomes upright.
    """

    width: int
    height: int
    aspect: Fraction = Fraction(1)
    orientation: Orientation = Orientation()


@dataclass(frozen=True)
class Fit:
    """Where a stored picture lies in the movie's picture.

    Attributes:
        orientation: how it becomes upright.
        size: width and height of the upright picture with square pixels, even, before it is fitted.
        x, y, width, height: of its place, in pixels of the movie's picture, even.
    """

    orientation: Orientation
    size: tuple[int, int]
    x: int
    y: int
    width: int
    height: int

    @staticmethod
    def filling(width: int, height: int, orientation: Orientation | None = None) -> "Fit":
        """Return the fit of a picture that fills the movie's picture.

        Args:
            width: of both, upright.
            height: likewise.
            orientation: of the stored picture; None for one that is stored upright.
        """
        return Fit(orientation or Orientation(), (width, height), 0, 0, width, height)

    def stored(self, width: int, height: int) -> tuple[int, int]:
        """Return the sides of an upright picture before it is turned upright."""
        return (height, width) if self.orientation.transpose else (width, height)

    def to_movie(self, boxes: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
        """Move boxes ``(n, 4)``, found on the upright picture at ``size``, to the movie's picture."""
        scale = np.array([self.width / size[0], self.height / size[1]] * 2, np.float32)
        return boxes * scale + np.array([self.x, self.y] * 2, np.float32)

    def from_movie(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return boxes ``(n, 4)`` of the movie's picture in units of the upright picture's sides."""
        moved = boxes - np.array([self.x, self.y] * 2, np.float32)
        return np.asarray(moved / np.array([self.width, self.height] * 2, np.float32))


def even(length: Fraction) -> int:
    """Round a length in pixels to the nearest even number that is at least 2: 4:2:0 pictures have no odd sides."""
    return max(2, 2 * round(length / 2))


def upright_size(shape: Shape, aspect: Fraction) -> tuple[int, int]:
    """Return width and height of a picture upright and with square pixels, even, at most LONGEST_SIDE.

    Args:
        shape: of the stored picture.
        aspect: of its pixels; what the container says goes before what the decoder says.
    """
    width, height = shape.width * aspect, Fraction(shape.height)
    if shape.orientation.transpose:
        width, height = height, width
    scale = min(Fraction(1), LONGEST_SIDE / max(width, height))
    return even(width * scale), even(height * scale)


def fitted(size: tuple[int, int], into: tuple[int, int], orientation: Orientation) -> Fit:
    """Place an upright picture of ``size`` in a movie's picture of size ``into``: as large as it can be, in the middle.

    Args:
        size: width and height, even.
        into: width and height, even.
        orientation: of the stored picture.
    """
    scale = min(Fraction(whole, part) for whole, part in zip(into, size, strict=True))
    width, height = (
        whole if whole - part * scale <= whole * _SAME_SHAPE else min(whole, even(part * scale))
        for whole, part in zip(into, size, strict=True)
    )
    x, y = (2 * ((whole - part) // 4) for whole, part in zip(into, (width, height), strict=True))
    return Fit(orientation, size, x, y, width, height)


class ShapeReader:
    """Reads what decoded pictures say of their geometry; for one thread, and for pictures in the order of time.

    Decoders change it with key frames, or with the size; H.264 and HEVC may say it with a key frame alone for all that
    follow. Other pictures are taken for like the one before, unless they turn, which is quick to see.
    """

    def __init__(self, orientation: Orientation | None = None) -> None:
        """Begin anywhere in a movie.

        Args:
            orientation: of the pictures before.
        """
        self._shape = Shape(0, 0, orientation=orientation or Orientation())
        self._kind: _Kind | None = None  # of the picture before
        self._turn = 0
        self._graphs: OrderedDict[_Kind, av.filter.Graph | None] = OrderedDict()

    def read(self, picture: av.video.frame.VideoFrame) -> Shape:
        """Return the next picture's shape."""
        kind = picture.width, picture.height, picture.format.name
        turn = picture.rotation
        if picture.key_frame or kind != self._kind or turn not in (0, self._turn):
            self._shape = self._read(picture, kind)
            self._kind, self._turn = kind, turn
        return self._shape

    def _read(self, picture: av.video.frame.VideoFrame, kind: _Kind) -> Shape:
        width, height, _ = kind
        line = self._line(picture, kind)
        if line is None:
            return Shape(width, height, orientation=self._shape.orientation)
        # Not of the picture itself: to ask PyAV for side data ties a knot, and only now and then knots are untied.
        matrix = line.side_data.get(SideDataType.DISPLAYMATRIX)  # type: ignore[call-overload]  # takes a Type too
        if matrix is not None:
            orientation = Orientation.of_matrix(bytes(matrix))
        else:
            orientation = Orientation() if picture.key_frame else self._shape.orientation
        return Shape(width, height, _aspect_told_by(line.width), orientation)

    def _line(self, picture: av.video.frame.VideoFrame, kind: _Kind) -> av.video.frame.VideoFrame | None:
        """Return a line of pixels whose number tells the aspect; None where FFmpeg cannot scale such a picture.

        PyAV does not hand out a picture's aspect, and the decoder's own is already that of pictures to come. FFmpeg's
        filter ``scale`` knows it.
        """
        if kind not in self._graphs:
            self._graphs[kind] = _graph_for(kind)
            if len(self._graphs) > _MOST_GRAPHS:
                self._graphs.popitem(last=False)
        graph = self._graphs[kind]
        if graph is None:
            return None
        try:
            graph.vpush(picture)
            return graph.vpull()
        except av.error.FFmpegError:
            self._graphs[kind] = None  # what cannot be scaled is said where it is needed
            return None


def _graph_for(kind: _Kind) -> av.filter.Graph | None:
    width, height, pixels = kind
    graph = av.filter.Graph()
    graph.threads = 1
    try:
        graph.link_nodes(
            graph.add("buffer", f"video_size={width}x{height}:pix_fmt={pixels}:time_base=1/25"),
            graph.add("setfield", "prog"),  # the fields of interlaced pictures would be scaled apart, for 0.3 ms
            graph.add("scale", f"w=1+round({_FINEST}*sar/(1+sar)):h=1:flags=neighbor:eval=frame"),
            graph.add("buffersink"),
        ).configure()
    except (av.error.FFmpegError, ValueError):
        return None
    return graph


def _aspect_told_by(width: int) -> Fraction:
    """Return the simplest ratio that gives a line of this width."""
    if width == 1 + _FINEST // 2:
        return Fraction(1)
    lower, upper = ((width - 1 + half) / _FINEST for half in (-0.5, 0.5))
    middle = Fraction(min(max(width - 1, 1), _FINEST - 1), _FINEST)
    aspect = middle / (1 - middle)
    for denominator in range(1, _FINEST_DENOMINATOR):
        simple = Fraction(round(aspect * denominator), denominator)
        if simple > 0 and lower <= simple / (1 + simple) <= upper:
            return simple
    return aspect
