"""Draw labelled faces straight onto the planes of a yuv420p picture, with no way through RGB.

Whatever carries colour begins and ends on even coordinates, so that it covers whole chroma cells (2 x 2 pixels) and
no colour bleeds into the picture beside it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

import av.video.frame
import av.video.plane
import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.palette import LABEL_COLOURS

_FONT: Final = cv2.FONT_HERSHEY_DUPLEX  # its doubled strokes stay white, not grey, where letters are small
_FONT_CAP: Final = 21  # height of the font's capitals at scale 1, in pixels
_WHITE: Final = 235
_MARGIN: Final = 256  # pixels; boxes end at most this far outside, which is more than any line is thick


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


_UNSURE: Final = "unsure"
_COLOURS: Final = {emotion: _bt601(rgb) for emotion, rgb in LABEL_COLOURS.items()}


@dataclass(frozen=True)
class LabelledFace:
    """A face and what its label says.

    Attributes:
        box: Left, top, right, bottom in pixels of the picture; may reach outside.
        emotion: A key of ``LABEL_COLOURS``; ``unsure`` gets a thin box without a word.
        confidence: Of the most likely emotion, 0..1.
        track: The number after ``#``.
    """

    box: tuple[float, float, float, float]
    emotion: str
    confidence: float
    track: int


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


class _Rect(NamedTuple):
    """Whole pixels; right and bottom are exclusive."""

    x1: int
    y1: int
    x2: int
    y2: int

    def grown(self, by: int) -> "_Rect":
        return _Rect(self.x1 - by, self.y1 - by, self.x2 + by, self.y2 + by)

    def overlap(self, other: "_Rect") -> int:
        """Number of pixels that both have."""
        wide = min(self.x2, other.x2) - max(self.x1, other.x1)
        high = min(self.y2, other.y2) - max(self.y1, other.y1)
        return wide * high if wide > 0 and high > 0 else 0

    def ring(self, thickness: int) -> Iterator["_Rect"]:
        """The four strips along the inside of the border."""
        x1, y1, x2, y2 = self
        yield _Rect(x1, y1, x2, min(y1 + thickness, y2))
        yield _Rect(x1, max(y2 - thickness, y1), x2, y2)
        yield _Rect(x1, y1, min(x1 + thickness, x2), y2)
        yield _Rect(max(x2 - thickness, x1), y1, x2, y2)


class _Sizes(NamedTuple):
    """Sizes in pixels that suit one picture."""

    line: int  # thickness of the coloured rectangle
    edge: int  # thickness of its dark outline, on either side
    cap: int  # height of a capital letter
    label: int  # greatest width of a label plate


def _sizes(height: int, width: int) -> _Sizes:
    """Choose sizes by the shorter side, so that portrait pictures do not get huge letters."""
    side = min(height, width)
    line = max(1, 2 * round(side / 600))  # even, or 1 where 2 would be coarse
    return _Sizes(line, 1 if line < 6 else 2, max(9, round(5 + side / 55)), width // 2)


def draw_faces(planes: Planes, faces: Sequence[LabelledFace]) -> None:
    """Draw each face's rectangle and label, in place.

    All rectangles come first, so that none crosses a label, and those without a label before the others. A face whose
    box holds no part of the picture is left out.
    """
    if not faces:
        return
    height, width = planes.y.shape
    sizes = _sizes(height, width)
    seen = [(face, box) for face in faces if (box := _snapped(face.box, height, width)) is not None]
    unsure, sure = ([one for one in seen if (one[0].emotion == _UNSURE) is wanted] for wanted in (True, False))
    for _, box in unsure:
        _draw_box(planes, box, _COLOURS[_UNSURE], sizes._replace(line=max(1, sizes.line // 2), edge=1))
    for face, box in sure:
        _draw_box(planes, box, _COLOURS[face.emotion], sizes)
    boxes = [box for _, box in seen]
    labels: list[_Rect] = []
    for face, box in sure:
        percent = round(100 * min(max(face.confidence, 0.0), 1.0))
        label = _label(face.emotion, percent, face.track, sizes.cap, sizes.label)
        places = _places(label.y.shape, box, planes.y.shape, sizes.line)
        # The first of the best: other labels count most, then faces, this one's too.
        place = min(places, key=lambda place: (_hidden(place, labels), _hidden(place, boxes)))
        _paste(planes, label, place)
        labels.append(place)


def _hidden(place: _Rect, others: Sequence[_Rect]) -> int:
    """Count the pixels of others that something at a place would hide."""
    return sum(map(place.overlap, others))


def _snapped(box: tuple[float, float, float, float], height: int, width: int) -> _Rect | None:
    """Move a box to even coordinates; ``None`` if no part of it is in the picture (or it is not a number)."""
    x1, y1, x2, y2 = box
    if not (max(x1, 0) < min(x2, width) and max(y1, 0) < min(y2, height)):
        return None
    left, right = (2 * round(min(max(x, -_MARGIN), width + _MARGIN) / 2) for x in (x1, x2))
    top, bottom = (2 * round(min(max(y, -_MARGIN), height + _MARGIN) / 2) for y in (y1, y2))
    return _Rect(left, top, max(right, left + 2), max(bottom, top + 2))


def _draw_box(planes: Planes, box: _Rect, colour: _Colour, sizes: _Sizes) -> None:
    """Draw a coloured rectangle along the inside of a box, between two thin dark ones."""
    for strip in box.grown(sizes.edge).ring(sizes.line + 2 * sizes.edge):
        # An edge of one pixel shares its chroma cells with the picture: only its luma can be set.
        _fill(planes, strip, _EDGE, chroma=sizes.edge % 2 == 0)
    for strip in box.ring(sizes.line):
        _fill(planes, strip, colour, chroma=True)


def _fill(planes: Planes, rect: _Rect, colour: _Colour, chroma: bool) -> None:
    """Fill what is visible of a rectangle, and every chroma cell that it touches."""
    x1, y1, x2, y2 = (max(edge, 0) for edge in rect)
    planes.y[y1:y2, x1:x2] = colour.y
    if chroma:
        cells = slice(y1 // 2, (y2 + 1) // 2), slice(x1 // 2, (x2 + 1) // 2)
        planes.u[cells] = colour.u
        planes.v[cells] = colour.v


@lru_cache(maxsize=256)  # a label changes far less often than the picture
def _label(emotion: str, percent: int, track: int, cap: int, widest: int) -> Planes:
    """Render a label: a strip of the emotion's colour, then white text on a dark plate.

    Args:
        emotion: A key of ``LABEL_COLOURS``.
        percent: 0..100.
        track: The track's number.
        cap: Height of a capital letter, in pixels.
        widest: Width in pixels beyond which the track's number, then the percentage, is left out.

    Returns:
        A small picture, read-only, of even width and height.
    """
    scale, thickness = cap / _FONT_CAP, max(1, round(cap / _FONT_CAP))
    strip, gap = _even(0.5 * cap), round(0.5 * cap)
    for text in (f"{emotion} {percent}% #{track}", f"{emotion} {percent}%", emotion):
        (text_width, _), _ = cv2.getTextSize(text, _FONT, scale, thickness)
        width = _even(strip + gap + text_width + gap)
        if width <= widest:
            break
    height = _even(1.9 * cap)
    halves = height // 2, width // 2
    plate = Planes(np.empty((height, width), np.uint8), np.empty(halves, np.uint8), np.empty(halves, np.uint8))
    _fill(plate, _Rect(0, 0, width, height), _PLATE, chroma=True)
    _fill(plate, _Rect(0, 0, strip, height), _COLOURS[emotion], chroma=True)
    baseline = (height + cap) // 2
    cv2.putText(plate.y, text, (strip + gap, baseline), _FONT, scale, _WHITE, thickness, cv2.LINE_AA)
    for plane in (plate.y, plate.u, plate.v):
        plane.flags.writeable = False
    return plate


def _even(length: float) -> int:
    """Round up to an even number of pixels."""
    return 2 * int(np.ceil(length / 2))


def _places(size: tuple[int, ...], box: _Rect, picture: tuple[int, ...], line: int) -> list[_Rect]:
    """List where a label may go, the best first: above its box, below it, beside it, inside at the top.

    Above and below, it begins where the box begins, or else ends where the box ends.

    Args:
        size: The label's height and width, even.
        box: The face's box, on even coordinates.
        picture: The picture's height and width, even.
        line: Thickness of the box's line, in pixels.

    Returns:
        At least one place, all inside the picture; if the label is larger than the picture, they begin at its border.
    """
    high, wide = size
    room_y, room_x = (max(whole - part, 0) for whole, part in zip(picture, size, strict=True))
    left, right = (min(max(x, 0), room_x) for x in (box.x1, box.x2 - wide))
    outside = [(x, y) for y in (box.y1 - high, box.y2) if 0 <= y <= room_y for x in (left, right)]
    top = min(max(box.y1, 0), room_y)
    beside = [(x, top) for x in (box.x2, box.x1 - wide) if 0 <= x <= room_x]
    inside = left, min(max(box.y1 + _even(line), 0), room_y)
    return [_Rect(x, y, x + wide, y + high) for x, y in (*outside, *beside, inside)]


def _paste(planes: Planes, label: Planes, place: _Rect) -> None:
    """Copy a label to its place; what would be outside of the picture is cut off."""
    for plane, part, cell in ((planes.y, label.y, 1), (planes.u, label.u, 2), (planes.v, label.v, 2)):
        target = plane[place.y1 // cell : place.y2 // cell, place.x1 // cell : place.x2 // cell]
        target[:] = part[: target.shape[0], : target.shape[1]]
