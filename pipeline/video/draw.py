"""Draw labelled faces straight onto the planes of a yuv420p picture, with no way through RGB.

What is drawn, and where, is planned in :mod:`pipeline.video.plan`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

import av.video.frame
import av.video.plane
import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.palette import LABEL_COLOURS
from pipeline.video.plan import FONT, FaceMark, LabelledFace, Lettering, Rect, plan_marks

__all__ = ["LabelledFace", "Planes", "draw_faces"]

_WHITE: Final = 235


class _Colour(NamedTuple):
    """A colour in BT.601 limited range."""

    y: int
    u: int
    v: int


_PLATE: Final = _Colour(24, 128, 128)
_EDGE: Final = _Colour(16, 128, 128)


def _bt601(rgb: str) -> _Colour:
    """Convert ``#RRGGBB`` to limited-range YUV (ITU-R BT.601)."""
    r, g, b = (int(rgb[k : k + 2], 16) / 255 for k in (1, 3, 5))
    luma = 0.299 * r + 0.587 * g + 0.114 * b
    return _Colour(round(16 + 219 * luma), round(128 + 224 * (b - luma) / 1.772), round(128 + 224 * (r - luma) / 1.402))


_COLOURS: Final = {emotion: _bt601(rgb) for emotion, rgb in LABEL_COLOURS.items()}


@dataclass(frozen=True)
class Planes:
    """Writable planes of one yuv420p picture, limited range; width and height are even.

    Attributes:
        y: ``(h, w)``, 16..235.
        u: ``(h / 2, w / 2)``, 16..240.
        v: ``(h / 2, w / 2)``, 16..240.
    """

    y: NDArray[np.uint8]
    u: NDArray[np.uint8]
    v: NDArray[np.uint8]

    @staticmethod
    def of_frame(frame: av.video.frame.VideoFrame) -> "Planes":
        """View a frame's planes without their padding; writing to them changes the frame.

        A frame whose memory is shared, as a decoder's often is, gets its own copy first: the decoder predicts later
        pictures from the one it holds.

        Raises:
            ValueError: The frame is not yuv420p.
        """
        if frame.format.name != "yuv420p":
            raise ValueError(f"expected a yuv420p frame, got {frame.format.name}: reformat it first")
        frame.make_writable()
        return Planes(*(_view(plane) for plane in frame.planes))


def _view(plane: av.video.plane.VideoPlane) -> NDArray[np.uint8]:
    """View a plane of bytes as ``(h, w)`` uint8; a negative line size means that it is stored bottom-up."""
    data: NDArray[np.uint8] = np.frombuffer(plane, np.uint8)  # type: ignore[call-overload]  # has the buffer protocol
    rows = data.reshape(plane.height, abs(plane.line_size))[:, : plane.width]
    return rows if plane.line_size > 0 else rows[::-1]


def draw_faces(planes: Planes, faces: Sequence[LabelledFace]) -> None:
    """Draw each face's rectangle and label, in place, as :func:`pipeline.video.plan.plan_marks` plans it."""
    marks = plan_marks(faces, *planes.y.shape)
    for mark in marks:
        _draw_box(planes, mark)
    for mark in marks:
        if mark.label is not None:
            _paste(planes, _rendered(mark.label.lettering, mark.emotion), mark.label.place)


def _draw_box(planes: Planes, mark: FaceMark) -> None:
    """Draw a coloured rectangle along the inside of a box, between two thin dark ones."""
    for strip in mark.box.grown(mark.edge).ring(mark.line + 2 * mark.edge):
        # An edge of one pixel shares its chroma cells with the picture: only its luma can be set.
        _fill(planes, strip, _EDGE, chroma=mark.edge % 2 == 0)
    for strip in mark.box.ring(mark.line):
        _fill(planes, strip, _COLOURS[mark.emotion], chroma=True)


def _fill(planes: Planes, rect: Rect, colour: _Colour, chroma: bool) -> None:
    """Fill what is visible of a rectangle, and every chroma cell that it touches."""
    x1, y1, x2, y2 = (max(edge, 0) for edge in rect)
    planes.y[y1:y2, x1:x2] = colour.y
    if chroma:
        cells = slice(y1 // 2, (y2 + 1) // 2), slice(x1 // 2, (x2 + 1) // 2)
        planes.u[cells] = colour.u
        planes.v[cells] = colour.v


@lru_cache(maxsize=256)  # a label changes far less often than the picture
def _rendered(lettering: Lettering, emotion: str) -> Planes:
    """Render a label: a strip of the emotion's colour, then white text on a dark plate.

    Returns:
        A small picture, read-only, of even width and height.
    """
    height, width = lettering.height, lettering.width
    halves = height // 2, width // 2
    plate = Planes(np.empty((height, width), np.uint8), np.empty(halves, np.uint8), np.empty(halves, np.uint8))
    _fill(plate, Rect(0, 0, width, height), _PLATE, chroma=True)
    _fill(plate, Rect(0, 0, lettering.strip, height), _COLOURS[emotion], chroma=True)
    start = lettering.indent, lettering.baseline
    cv2.putText(plate.y, lettering.text, start, FONT, lettering.scale, _WHITE, lettering.stroke, cv2.LINE_AA)
    for plane in (plate.y, plate.u, plate.v):
        plane.flags.writeable = False
    return plate


def _paste(planes: Planes, label: Planes, place: Rect) -> None:
    """Copy a label to its place; what would be outside of the picture is cut off."""
    for plane, part, cell in ((planes.y, label.y, 1), (planes.u, label.u, 2), (planes.v, label.v, 2)):
        target = plane[place.y1 // cell : place.y2 // cell, place.x1 // cell : place.x2 // cell]
        target[:] = part[: target.shape[0], : target.shape[1]]
