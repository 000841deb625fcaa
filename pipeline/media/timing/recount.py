"""Pictures whose time stamps are missing or contradict each other -> pictures with pts that rise.

They stay on the file's clock as far as it goes, so that they keep to their sound.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final

import av.video.frame

_MOST: Final = 16
"""Pictures that are held back until one comes that is later; after so many, the frame rate counts on."""

_FIRST: Final = 8
"""Pictures that show, before any of them is passed on, which of their time stamps fall."""

_FAR: Final = 20
"""Frames by which a picture must be ahead of its neighbours for its time stamp to be wrong."""


@dataclass(frozen=True)
class Frame:
    """One decoded picture as it is stored: not yet turned upright, its pixels perhaps not square.

    Attributes:
        pts: when it is shown, in the movie's time base.
        picture: the decoder's picture, any pixel format. Treat as read-only: the decoder may still refer to it.
    """

    pts: int
    picture: av.video.frame.VideoFrame


def recounted(step: int, start: int, pictures: Iterator[av.video.frame.VideoFrame]) -> Iterator[Frame]:
    """Yield all pictures in their order, each later than the one before.

    A picture that is not is put between its neighbours. Where no later one follows soon, pictures are shown as long as
    the one before, and where none has a time stamp (raw H.264), for a ``step``.

    Args:
        step: ticks for which a picture is shown, as far as is known.
        start: pts of the first picture, if its decoding time is all that is known.
        pictures: in presentation order.
    """
    first = list(islice(pictures, _FIRST))
    guess = _Guess(start, first)
    held: list[av.video.frame.VideoFrame] = []
    last: int | None = None
    offset = 0
    for picture, pts, following in _with_next((picture, guess.of(picture)) for picture in chain(first, pictures)):
        time = None if pts is None else pts + offset
        if last is None:
            last = 0 if time is None else time
            yield Frame(last, picture)
        elif time is not None and time > last + len(held) and not _is_outlier(last, time, following, offset, step):
            for place, one in enumerate(held, 1):
                yield Frame(last + (time - last) * place // (len(held) + 1), one)
            step = max(1, (time - last) // (len(held) + 1))
            held = []
            last = time
            yield Frame(last, picture)
        else:
            held.append(picture)
            if len(held) > _MOST:
                for one in held:
                    last += step
                    yield Frame(last, one)
                held = []
                offset += 0 if time is None else last - time
    for one in held:
        assert last is not None
        last += step
        yield Frame(last, one)


def _is_outlier(last: int, time: int, following: int | None, offset: int, step: int) -> bool:
    """Say whether a picture at ``time`` is far ahead of the ones before it and after it."""
    return following is not None and last < following + offset < time - _FAR * step and time - last > _FAR * step


def _with_next(
    pairs: Iterator[tuple[av.video.frame.VideoFrame, int | None]],
) -> Iterator[tuple[av.video.frame.VideoFrame, int | None, int | None]]:
    """Yield each picture with its pts and the pts of the next one."""
    held: tuple[av.video.frame.VideoFrame, int | None] | None = None
    for pair in pairs:
        if held is not None:
            yield *held, pair[1]
        held = pair
    if held is not None:
        yield *held, None


class _Guess:
    """Chooses between presentation and decoding times as FFmpeg does (``guess_correct_pts`` in libavcodec/decode.c).

    A decoder passes on the dts of the packet that completed a picture; those rise by the frame's duration where the
    container has any (AVI).
    """

    def __init__(self, start: int, first: Sequence[av.video.frame.VideoFrame]) -> None:
        """Look at the ``first`` pictures; ``start`` is the pts of the very first one if only its dts is known."""
        self._faulty_pts = self._faulty_dts = 0
        self._forget()
        for picture in first:
            self._look_at(picture)
        self._forget()
        self._start = start
        self._shift: int | None = None

    def of(self, picture: av.video.frame.VideoFrame) -> int | None:
        """Return the next picture's pts; None where there is nothing to guess from."""
        self._look_at(picture)
        pts, dts = picture.pts, picture.dts
        no_dts = dts is None and self._shift is None
        if pts is not None and (self._faulty_pts <= self._faulty_dts or no_dts):
            if self._shift is None and dts is not None:
                self._shift = pts - dts
            return pts
        if dts is None:
            return None
        if self._shift is None:
            self._shift = self._start - dts
        return dts + self._shift

    def _forget(self) -> None:
        self._last_pts: int | None = None
        self._last_dts: int | None = None

    def _look_at(self, picture: av.video.frame.VideoFrame) -> None:
        """Count time stamps that are not later than the last one; where one kind is missing, the other stands in."""
        pts, dts = picture.pts, picture.dts
        if dts is not None:
            self._faulty_dts += self._last_dts is not None and dts <= self._last_dts
        if pts is not None:
            self._faulty_pts += self._last_pts is not None and pts <= self._last_pts
        if pts is not None or dts is not None:
            self._last_pts, self._last_dts = dts if pts is None else pts, pts if dts is None else dts
