"""What is drawn of the faces of a picture, and where: the one plan behind annotated pictures and subtitle tracks.

Whatever carries colour begins and ends on even coordinates, so that it covers whole chroma cells (2 x 2 pixels) and
no colour bleeds into the picture beside it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

import cv2
import numpy as np

from pipeline.schema import BOX

FONT: Final = cv2.FONT_HERSHEY_DUPLEX  # its doubled strokes stay white, not grey, where letters are small
_FONT_CAP: Final = 21  # height of the font's capitals at scale 1, in pixels
_MARGIN: Final = 256  # pixels; boxes end at most this far outside, which is more than any line is thick
_UNSURE: Final = "unsure"


@dataclass(frozen=True)
class LabelledFace:
    """A face and what its label says.

    Attributes:
        box: Left, top, right, bottom in pixels of the picture; may reach outside.
        emotion: A key of ``LABEL_COLOURS``; ``unsure`` gets a thin box without a word.
        confidence: Of the most likely emotion, 0..1.
        track: Its track.
        person: Whose face it is; None where that is not known.
    """

    box: tuple[float, float, float, float]
    emotion: str
    confidence: float
    track: int
    person: int | None = None

    @property
    def name(self) -> str:
        """What the label calls the face: ``P1``, the first person, or ``#0``, a track whose person is not known."""
        return f"#{self.track}" if self.person is None else f"P{self.person + 1}"


LABEL_COLUMNS: Final = ("pts", "track", "person", *BOX, "emotion", "confidence")
"""Of a timeline, what :func:`labelled_face` needs, and which frame it is."""


def labelled_face(row: Mapping[str, Any]) -> LabelledFace:
    """Return the face of a timeline's row, a dictionary of LABEL_COLUMNS whose track is not null."""
    x1, y1, x2, y2 = (row[corner] for corner in BOX)
    return LabelledFace((x1, y1, x2, y2), row["emotion"], row["confidence"], row["track"], row["person"])


class Rect(NamedTuple):
    """Whole pixels; right and bottom are exclusive."""

    x1: int
    y1: int
    x2: int
    y2: int

    def grown(self, by: int) -> "Rect":
        """Return it larger by so many pixels on each side."""
        return Rect(self.x1 - by, self.y1 - by, self.x2 + by, self.y2 + by)

    def overlap(self, other: "Rect") -> int:
        """Number of pixels that both have."""
        wide = min(self.x2, other.x2) - max(self.x1, other.x1)
        high = min(self.y2, other.y2) - max(self.y1, other.y1)
        return wide * high if wide > 0 and high > 0 else 0

    def ring(self, thickness: int) -> Iterator["Rect"]:
        """The four strips along the inside of the border."""
        x1, y1, x2, y2 = self
        yield Rect(x1, y1, x2, min(y1 + thickness, y2))
        yield Rect(x1, max(y2 - thickness, y1), x2, y2)
        yield Rect(x1, y1, min(x1 + thickness, x2), y2)
        yield Rect(max(x2 - thickness, x1), y1, x2, y2)


@dataclass(frozen=True)
class Lettering:
    """The words of a label and their sizes in pixels.

    Attributes:
        text: what is written.
        cap: height of a capital letter.
        strip: width of the coloured strip at the left.
        indent: from the left to the first letter.
        width, height: of the whole label, even.
    """

    text: str
    cap: int
    strip: int
    indent: int
    width: int
    height: int

    @property
    def baseline(self) -> int:
        """From the top to the line that letters stand on, in pixels."""
        return (self.height + self.cap) // 2

    @property
    def scale(self) -> float:
        """Of ``FONT``."""
        return self.cap / _FONT_CAP

    @property
    def stroke(self) -> int:
        """Thickness of the letters' strokes in pixels."""
        return max(1, round(self.scale))


@dataclass(frozen=True)
class Label:
    """A label: words on a dark plate, with a strip of the emotion's colour at the left."""

    place: Rect
    lettering: Lettering
    percent: int


@dataclass(frozen=True)
class FaceMark:
    """What is drawn of one face.

    Attributes:
        track: the face's.
        emotion: gives the colour.
        box: the coloured rectangle's outside, on even coordinates; it may reach outside of the picture.
        line: thickness of the coloured rectangle in pixels.
        edge: thickness of its dark outline, on either side.
        label: None where the label is not sure.
    """

    track: int
    emotion: str
    box: Rect
    line: int
    edge: int
    label: Label | None


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


def plan_marks(faces: Sequence[LabelledFace], height: int, width: int) -> list[FaceMark]:
    """Plan what is drawn, in this order: all rectangles, so that none crosses a label, then all labels.

    Faces without a label come before the others. One whose box holds no part of the picture is left out.

    Args:
        faces: of one picture.
        height: of the picture in pixels, even.
        width: of the picture in pixels, even.
    """
    if not faces:
        return []
    sizes = _sizes(height, width)
    seen = [(face, box) for face in faces if (box := _snapped(face.box, height, width)) is not None]
    unsure, sure = ([one for one in seen if (one[0].emotion == _UNSURE) is wanted] for wanted in (True, False))
    marks = [FaceMark(f.track, f.emotion, box, max(1, sizes.line // 2), 1, None) for f, box in unsure]
    boxes = [box for _, box in seen]
    labels: list[Rect] = []
    for face, box in sure:
        percent = round(100 * min(max(face.confidence, 0.0), 1.0))
        lettering = _lettering(face.emotion, percent, face.name, sizes.cap, sizes.label)
        places = _places((lettering.height, lettering.width), box, (height, width), sizes.line)
        # The first of the best: other labels count most, then faces, this one's too.
        place = min(places, key=lambda place: (_hidden(place, labels), _hidden(place, boxes)))
        label = Label(place, lettering, percent)
        marks.append(FaceMark(face.track, face.emotion, box, sizes.line, sizes.edge, label))
        labels.append(place)
    return marks


def _hidden(place: Rect, others: Sequence[Rect]) -> int:
    """Count the pixels of others that something at a place would hide."""
    return sum(map(place.overlap, others))


def _snapped(box: tuple[float, float, float, float], height: int, width: int) -> Rect | None:
    """Move a box to even coordinates; ``None`` if no part of it is in the picture (or it is not a number)."""
    x1, y1, x2, y2 = box
    if not (max(x1, 0) < min(x2, width) and max(y1, 0) < min(y2, height)):
        return None
    left, right = (2 * round(min(max(x, -_MARGIN), width + _MARGIN) / 2) for x in (x1, x2))
    top, bottom = (2 * round(min(max(y, -_MARGIN), height + _MARGIN) / 2) for y in (y1, y2))
    return Rect(left, top, max(right, left + 2), max(bottom, top + 2))


@lru_cache(maxsize=256)  # a label changes far less often than the picture
def _lettering(emotion: str, percent: int, name: str, cap: int, widest: int) -> Lettering:
    """Choose the words of a label.

    Args:
        emotion: A key of ``LABEL_COLOURS``.
        percent: 0..100.
        name: The face's.
        cap: Height of a capital letter, in pixels.
        widest: Width in pixels beyond which the name, then the percentage, is left out.
    """
    strip, gap = _even(0.5 * cap), round(0.5 * cap)
    found = Lettering("", cap, strip, strip + gap, 0, _even(1.9 * cap))
    for text in (f"{emotion} {percent}% {name}", f"{emotion} {percent}%", emotion):
        (text_width, _), _ = cv2.getTextSize(text, FONT, found.scale, found.stroke)
        found = Lettering(text, cap, strip, strip + gap, _even(strip + gap + text_width + gap), found.height)
        if found.width <= widest:
            break
    return found


def _even(length: float) -> int:
    """Round up to an even number of pixels."""
    return 2 * int(np.ceil(length / 2))


def _places(size: tuple[int, int], box: Rect, picture: tuple[int, int], line: int) -> list[Rect]:
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
    return [Rect(x, y, x + wide, y + high) for x, y in (*outside, *beside, inside)]
