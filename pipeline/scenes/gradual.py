"""Fades and dissolves: frames that are mixtures of a picture before and one behind, in steadily changing parts.

Editors make them that way, cameras do not: while a camera pans or people move, the pictures in between show something
else, not a mixture. A span of frames is tested at several lengths (as Lienhart does, "Reliable transition detection in
videos", 2001): a frame v between the ends s and e is projected on their difference; its place on that line must rise
steadily from 0 to 1, and what is left beside the line must be small. Over a short time, a pan can look like that at
the coarseness of a look; but it keeps its details, and in a mixture they fade (Alattar, "Detecting and compressing
dissolve regions in video sequences", 1993). One end of a fade is a single colour.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.scenes.looks import LIGHT
from pipeline.scenes.structure import DISSOLVE, FADE

LENGTHS: Final = tuple(0.3 * 2 ** (k / 2) for k in range(8))
"""Seconds, 0.3 to 3.4: of the spans that are tested."""

_SHORTEST: Final = 0.2
"""Seconds; of a dissolve without its edges. Shorter ones are cuts, or flashes that an encoder smeared."""

_SAMPLES: Final = 9
"""Frames of a span that are looked at, its ends included."""

_MIN_DISTINCT: Final = 6
"""Of them, at least so many must be different frames; of fewer, a cut looks the same."""

_MAX_BESIDE: Final = 0.08
"""Mean square beside the line, in that of the ends' difference. A pan has 0.2 to 1, a wipe 0.25."""

_MAX_STEP: Final = 0.36
"""From one sample to the next; a steady change has 1/8, a cut 1."""

_MAX_BACK: Final = -0.08
_MIN_DIFFERENCE: Final = 12.0
"""Root mean square between the ends of a dissolve, in levels."""

_MAX_ALIKE: Final = 0.75
"""Correlation of the ends' light. Where a lamp goes on, or the camera moves a little, they are more alike."""

_FLAT: Final = 8.0
"""Standard deviation, in levels, of the light of what counts as a single colour ..."""

_BLACK: Final = 36.0
_WHITE: Final = 225.0
"""... which must be as dark, or as bright."""

_MIN_LOSS: Final = 0.6
"""Part of the details that a mixture of unrelated pictures loses that must be lost. A pan loses 0 to 0.2 of them."""

_CHUNK: Final = 4096


@dataclass(frozen=True)
class Transition:
    """A change from one shot to the next.

    Attributes:
        kind: CUT, FADE or DISSOLVE.
        start: the last frame that shows the shot before alone.
        frame: the first frame that counts as the next shot's; None where there is no shot before or behind: a movie
            that begins or ends with a fade.
        end: the first frame that shows the next shot alone.
    """

    kind: int
    start: int
    frame: int | None
    end: int

    def later(self, frames: int) -> "Transition":
        """Return the same, counted from ``frames`` before."""
        frame = None if self.frame is None else self.frame + frames
        return Transition(self.kind, self.start + frames, frame, self.end + frames)


def find_gradual(time: NDArray[np.float64], looks: NDArray[np.uint8], detail: NDArray[np.float32]) -> list[Transition]:
    """Return the gradual changes of a movie in the order of time; they do not overlap.

    Args:
        time: float64 ``(f,)``, s, rising.
        looks: uint8 ``(f, 192)``: of each frame, see :mod:`pipeline.scenes.looks`.
        detail: float32 ``(f,)``: energy of the details of each.
    """
    found: list[Transition] = []
    if len(time) < _MIN_DISTINCT:
        return found
    light = looks[:, :LIGHT]
    spread, level = light.std(axis=1), light.mean(axis=1)
    flat = (spread < _FLAT) & ((level < _BLACK) | (level > _WHITE))
    fades = list(_fades(time, looks, flat))
    for one in [*fades, *_dissolves(time, looks, spread, detail)]:
        if all(one.end <= other.start or one.start >= other.end for other in found):
            found.append(one)
    return sorted(found, key=lambda one: one.start)


@dataclass(frozen=True)
class _Spans:
    """Spans of frames under test.

    Attributes:
        ends: int ``(n, 2)``: first and last frame.
        difference: float32 ``(n,)``: mean square between them.
        place: float32 ``(n, 9)``: of the samples on the line between the ends, 0 to 1.
        beside: float32 ``(n,)``: mean square beside the line, in that of the difference.
    """

    ends: NDArray[np.int64]
    difference: NDArray[np.float32]
    place: NDArray[np.float32]
    beside: NDArray[np.float32]

    @property
    def steady(self) -> NDArray[np.bool_]:
        """Which are mixtures in steadily changing parts, bool ``(n,)``."""
        steps = np.diff(self.place, axis=1)
        steady: NDArray[np.bool_] = (steps.max(axis=1) < _MAX_STEP) & (steps.min(axis=1) > _MAX_BACK)
        return steady & (self.beside < _MAX_BESIDE)


def _spans(looks: NDArray[np.uint8], frames: NDArray[np.int64]) -> _Spans:
    """Measure spans whose samples are ``frames``, int ``(n, 9)``."""
    first, last = looks[frames[:, 0]].astype(np.float32), looks[frames[:, -1]].astype(np.float32)
    line = last - first
    square = np.maximum((line**2).sum(axis=1), 1e-6)
    place = np.zeros(frames.shape, np.float32)
    beside = np.zeros(len(frames), np.float32)
    for k in range(frames.shape[1]):
        way = looks[frames[:, k]] - first
        place[:, k] = (way * line).sum(axis=1) / square
        beside += ((way - place[:, k : k + 1] * line) ** 2).sum(axis=1)
    return _Spans(frames[:, [0, -1]], square / looks.shape[1], place, beside / square / (frames.shape[1] - 2))


def _dissolves(
    time: NDArray[np.float64], looks: NDArray[np.uint8], spread: NDArray[np.float64], detail: NDArray[np.float32]
) -> Iterator[Transition]:
    """Yield dissolves; of those that overlap, the one between the most different ends first."""
    candidates: list[tuple[float, int, int]] = []  # difference, first and last frame
    for length in LENGTHS:
        starts = np.arange(time[0], time[-1] - length, length / 8)
        for chunk in range(0, len(starts), _CHUNK):
            moments = starts[chunk : chunk + _CHUNK, None] + np.linspace(0, length, _SAMPLES)
            frames = _nearest(time, moments)
            frames = frames[_distinct(frames) & _differ(looks, spread, frames[:, 0], frames[:, -1])]
            spans = _spans(looks, frames)
            for k in np.flatnonzero(spans.steady & (_loss(detail[frames], spans.place) > _MIN_LOSS)):
                candidates.append((float(spans.difference[k]), *spans.ends[k].tolist()))
    taken: list[Transition] = []
    for _, start, end in sorted(candidates, key=lambda one: (-one[0], one[2] - one[1], one[1])):
        if all(end <= other.start or start >= other.end for other in taken):
            taken.append(_tightened(looks, start, end))
    yield from (one for one in taken if time[one.end] - time[one.start] >= _SHORTEST)


def _loss(detail: NDArray[np.float32], place: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return which part of the details that mixtures of unrelated pictures lose is lost, about 0 to 1, ``(n,)``.

    Args:
        detail: float32 ``(n, 9)``: energy of the samples' details.
        place: float32 ``(n, 9)``: part of the last picture in each.
    """
    first, last, part = detail[:, :1], detail[:, -1:], place.clip(0, 1)
    kept = (1 - part) * first + part * last
    mixed = (1 - part) ** 2 * first + part**2 * last
    loss: NDArray[np.float32] = (kept - detail).sum(axis=1) / np.maximum((kept - mixed).sum(axis=1), 1e-6)
    return loss


def _nearest(time: NDArray[np.float64], moments: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the frame that is shown at each moment."""
    return (np.searchsorted(time, moments, "right") - 1).astype(np.int64)


def _distinct(frames: NDArray[np.int64]) -> NDArray[np.bool_]:
    distinct: NDArray[np.bool_] = (np.diff(frames, axis=1) > 0).sum(axis=1) >= _MIN_DISTINCT - 1
    return distinct


def _differ(
    looks: NDArray[np.uint8], spread: NDArray[np.float64], first: NDArray[np.int64], last: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return which pairs of frames show different things, and neither a single colour."""
    a, b = looks[first].astype(np.float32), looks[last].astype(np.float32)
    differ = np.sqrt(((a - b) ** 2).mean(axis=1)) > _MIN_DIFFERENCE
    a, b = a[:, :LIGHT], b[:, :LIGHT]
    together = ((a - a.mean(axis=1, keepdims=True)) * (b - b.mean(axis=1, keepdims=True))).mean(axis=1)
    alike = together / np.maximum(spread[first] * spread[last], 1e-6)
    structured = (spread[first] > _FLAT) & (spread[last] > _FLAT)
    result: NDArray[np.bool_] = differ & structured & (alike < _MAX_ALIKE)
    return result


def _tightened(looks: NDArray[np.uint8], start: int, end: int) -> Transition:
    """Return the dissolve between two frames, without what is already or still one shot alone."""
    spans = _spans(looks, np.arange(start, end + 1)[None])
    place = spans.place[0]
    first = int(np.flatnonzero(place < _EDGE)[-1])
    last = int(np.flatnonzero(place > 1 - _EDGE)[0])
    if first >= last:  # it trembles: the ends stay
        first, last = 0, len(place) - 1
    middle = first + int(np.flatnonzero(place[first : last + 1] >= 0.5)[0])
    return Transition(DISSOLVE, start + first, start + max(middle, first + 1), start + last)


_EDGE: Final = 0.05
"""Part of the other shot that is not seen yet."""


def _fades(time: NDArray[np.float64], looks: NDArray[np.uint8], flat: NDArray[np.bool_]) -> Iterator[Transition]:
    """Yield the fades: frames of a single colour, with a steady change to it, or from it, or both."""
    edges = np.flatnonzero(np.diff(flat.astype(np.int8), prepend=0, append=0))
    for first, behind in edges.reshape(-1, 2).tolist():
        last = behind - 1
        start = _fade_end(time, looks, first, -1)
        end = _fade_end(time, looks, last, 1)
        if start is None and end is None:
            continue
        if first == 0 or last == len(time) - 1:
            frame = None
        elif start is None:
            frame = first  # cut to a single colour, out of which the next shot comes
        elif end is None:
            frame = last + 1
        else:
            frame = (first + last + 1) // 2
        yield Transition(FADE, max(first - 1, 0) if start is None else start, frame, behind if end is None else end)


def _fade_end(time: NDArray[np.float64], looks: NDArray[np.uint8], flat: int, way: int) -> int | None:
    """Return the frame where a fade to or from a frame of a single colour begins, or ends; None without one.

    Args:
        time: float64 ``(f,)``.
        looks: uint8 ``(f, 192)``.
        flat: the first or last frame of a single colour.
        way: -1 to look before it, 1 behind.
    """
    best: tuple[float, int] | None = None
    for length in LENGTHS:
        moments = time[flat] + way * np.linspace(length, 0, _SAMPLES)[None]
        if moments[0, 0] < time[0] or moments[0, 0] > time[-1]:
            continue
        frames = _nearest(time, moments)
        spans = _spans(looks, frames)
        if best is not None and spans.difference[0] < best[0] * 1.02:
            break  # farther away, the shot is as bright as here
        if _distinct(way * -frames)[0] and spans.steady[0] and spans.difference[0] > _MIN_DIFFERENCE**2:
            best = float(spans.difference[0]), int(frames[0, 0])
    if best is None:
        return None
    far = best[1]
    span = np.arange(far, flat + 1) if way < 0 else np.arange(far, flat - 1, -1)
    place = _spans(looks, span[None]).place[0]
    return int(span[np.flatnonzero(place < _EDGE)[-1]])
