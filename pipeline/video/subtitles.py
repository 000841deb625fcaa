"""The marks of a movie's frames -> events of an ASS subtitle track, thinned to what an eye sees.

ASS is what players draw subtitles with; its drawings are vector paths in pixels of the movie's picture, which players
scale to the screen. An event is one path or one line of text, with a begin and an end.
"""

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.palette import LABEL_COLOURS
from pipeline.video.plan import FaceMark, Rect

_LONGEST_MS: Final = 1000
"""An event that began long ago is not seen by whoever jumps to a place behind its begin; so none is longer."""

_STILL_PX: Final = 2
"""Pixels that an edge may be away from where it should be, in pictures of up to 1080 lines; more in larger ones."""

_STILL_PERCENT: Final = 2
"""Points by which a percentage may be wrong: nobody reads one that changes from frame to frame."""

_TEXT_PER_CAP: Final = 1.56
"""Font size over the height of a capital letter; Arial's, and nearly that of what takes its place."""

_HEADER: Final = """\
[Script Info]
; Predicted expression labels, not feelings
ScriptType: v4.00+
PlayResX: {width}
PlayResY: {height}
LayoutResX: {width}
LayoutResY: {height}
ScaledBorderAndShadow: yes
WrapStyle: 2
YCbCr Matrix: None

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, \
StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Box,Arial,20,&H00FFFFFF,&H00FFFFFF,&H00000000,&H00000000,0,0,0,0,100,100,0,0,1,1,0,7,0,0,0,1
Style: Plate,Arial,20,&H00090909,&H00FFFFFF,&H00000000,&H00000000,0,0,0,0,100,100,0,0,1,0,0,7,0,0,0,1
Style: Label,Arial,20,&H00FFFFFF,&H00FFFFFF,&H00000000,&H00000000,0,0,0,0,100,100,0,0,1,0,0,4,0,0,0,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""

_UNSURE_BOX, _BOX, _PLATE, _STRIP, _TEXT = range(5)
"""Layers, from the lowest: as in :func:`pipeline.video.plan.plan_marks`, no rectangle crosses a label."""

_PLAIN: Final = str.maketrans({"{": "(", "}": ")", "\\": "/", "\n": " ", "\r": " "})
"""What would be read as commands in a text."""


@dataclass(frozen=True)
class Event:
    """A line of the track: ``start`` and ``end`` in ms, the latter exclusive; ``fields`` as Matroska stores them."""

    start: int
    end: int
    fields: str

    def data(self, number: int) -> bytes:
        """Return the packet of the event with this number in the order of the track."""
        return f"{number},{self.fields}".encode()


def header(width: int, height: int) -> str:
    """Return the track's header, for a picture of this size with square pixels."""
    return _HEADER.format(width=width, height=height)


def nothing(start: int, end: int) -> Event:
    """Return an event from ``start`` to ``end``, in ms, that shows nothing."""
    return Event(start, end, f"{_BOX},Box,,0,0,0,,")


class Thinner:
    """Turns the marks of frames into events, each as long as a box or a label stays where it is."""

    def __init__(self, side: int) -> None:
        """Begin before the first frame; ``side``, the picture's shorter one in pixels, says what an eye sees."""
        self._still = max(_STILL_PX, _STILL_PX * side // 1080)
        self._boxes: dict[int, tuple[int, FaceMark]] = {}  # by track: since when in ms, and what
        self._labels: dict[int, tuple[int, FaceMark]] = {}
        self._closed: list[tuple[int, int, Event]] = []  # a heap by begin; the second number is unique
        self._count = 0

    def add(self, time: int, marks: Sequence[FaceMark]) -> Iterator[Event]:
        """Take the next frame, shown from ``time`` in ms on; yield the events that no other can precede."""
        self._follow(self._boxes, time, marks, self._is_same_box, _box_events)
        self._follow(self._labels, time, [m for m in marks if m.label is not None], self._is_same_label, _label_events)
        oldest = min((since for since, _ in (*self._boxes.values(), *self._labels.values())), default=time)
        while self._closed and self._closed[0][0] <= oldest:
            yield heapq.heappop(self._closed)[2]

    def finish(self, end: int) -> Iterator[Event]:
        """Yield the rest; the last frame leaves the screen at ``end``, in ms."""
        yield from self.add(end, [])

    def _follow(
        self,
        held: dict[int, tuple[int, FaceMark]],
        time: int,
        marks: Sequence[FaceMark],
        is_same: Callable[[FaceMark, FaceMark], bool],
        events: Callable[[FaceMark, int, int], list[Event]],
    ) -> None:
        now = {mark.track: mark for mark in marks}
        for track, (since, before) in list(held.items()):
            if track in now and time - since < _LONGEST_MS and is_same(before, now[track]):
                del now[track]
                continue
            del held[track]
            for event in events(before, since, time):
                heapq.heappush(self._closed, (event.start, self._count, event))
                self._count += 1
        held.update({track: (time, mark) for track, mark in now.items()})

    def _is_same_box(self, one: FaceMark, other: FaceMark) -> bool:
        return one.emotion == other.emotion and one.line == other.line and self._is_still(one.box, other.box)

    def _is_same_label(self, one: FaceMark, other: FaceMark) -> bool:
        if one.label is None or other.label is None or one.emotion != other.emotion:
            return False
        near = abs(one.label.percent - other.label.percent) <= _STILL_PERCENT
        # The width may differ by a digit's.
        return near and self._is_still(
            Rect(*one.label.place[:2], *one.label.place[:2]), Rect(*other.label.place[:2], *other.label.place[:2])
        )

    def _is_still(self, one: Rect, other: Rect) -> bool:
        return all(abs(a - b) <= self._still for a, b in zip(one, other, strict=True))


def _box_events(mark: FaceMark, start: int, end: int) -> list[Event]:
    """Return the coloured rectangle; its dark outline is the border of the path, on both sides of the line."""
    box, inset = mark.box, mark.line
    width, height = box.x2 - box.x1, box.y2 - box.y1
    path = _rectangle(0, 0, width, height)
    if min(width, height) > 2 * inset:
        path += " " + _rectangle(inset, inset, width - inset, height - inset, is_hole=True)
    layer = _UNSURE_BOX if mark.label is None else _BOX
    border = f"\\bord{mark.edge}" if mark.edge != 1 else ""
    return [_drawing(start, end, layer, "Box", box, f"{border}\\1c{_colour(mark.emotion)}", path)]


def _label_events(mark: FaceMark, start: int, end: int) -> list[Event]:
    """Return the plate, its strip and its words."""
    assert mark.label is not None
    place, lettering = mark.label.place, mark.label.lettering
    middle = (place.y1 + place.y2) // 2
    size = round(lettering.cap * _TEXT_PER_CAP)
    words = f"{{\\pos({place.x1 + lettering.indent},{middle})\\fs{size}}}{lettering.text.translate(_PLAIN)}"
    plate, strip = (
        _rectangle(0, 0, lettering.width, lettering.height),
        _rectangle(0, 0, lettering.strip, lettering.height),
    )
    return [
        _drawing(start, end, _PLATE, "Plate", place, "", plate),
        _drawing(start, end, _STRIP, "Plate", place, f"\\1c{_colour(mark.emotion)}", strip),
        Event(start, end, f"{_TEXT},Label,,0,0,0,,{words}"),
    ]


def _drawing(start: int, end: int, layer: int, style: str, place: Rect, how: str, path: str) -> Event:
    """Return the event of a path that begins at (0, 0).

    Args:
        start: in ms.
        end: in ms.
        layer: which of two is above.
        style: by name.
        place: where (0, 0) is: its left and top.
        how: further commands.
        path: of lines.
    """
    fields = f"{layer},{style},,0,0,0,,{{\\pos({place.x1},{place.y1}){how}\\p1}}{path}"
    return Event(start, end, fields)


def _rectangle(x1: int, y1: int, x2: int, y2: int, is_hole: bool = False) -> str:
    """Return a closed path; one of a hole runs the other way round.

    Args:
        x1: left.
        y1: top.
        x2: right.
        y2: bottom.
        is_hole: whether it is cut out of what is around.
    """
    corners = [(x1, y1), (x2, y1), (x2, y2), (x1, y2)]
    first, *others = corners[:1] + corners[:0:-1] if is_hole else corners
    return " ".join([f"m {first[0]} {first[1]} l", *(f"{x} {y}" for x, y in others)])


def _colour(emotion: str) -> str:
    """Return the colour of a label as ASS has it: blue, green, red."""
    rgb = LABEL_COLOURS[emotion]
    return f"&H{rgb[5:7]}{rgb[3:5]}{rgb[1:3]}&"
