"""Where shots begin: hard cuts, fades and dissolves, decided over the whole movie."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.scenes.gradual import Transition, find_gradual
from pipeline.scenes.looks import KEY_FRAMES
from pipeline.scenes.shots import MIN_SHOT, find_cuts
from pipeline.scenes.structure import CUT, START, Structure

_FLASH: Final = 0.4
"""Seconds; who returns within it to what was seen before has not left the shot."""

_SAME: Final = 0.35
"""Difference to what was seen before, in that of the change, of a picture that has returned."""


def find_boundaries(
    pts: Sequence[int],
    time_base: Fraction,
    change: NDArray[np.float32],
    looks: NDArray[np.uint8],
    detail: NDArray[np.float32],
) -> list[Transition]:
    """Return where new shots begin, in the order of time; each ``frame`` is known, rising, and not 0.

    Args:
        pts: of every frame, rising.
        time_base: their unit in s.
        change: float32 ``(f,)``: of each frame against the one before.
        looks: uint8 ``(f, 192)``: what each frame shows.
        detail: float32 ``(f,)``: how much detail each has.
    """
    time = np.array(pts, np.float64) * float(time_base)
    gradual = find_gradual(time, looks, detail)
    taken = np.zeros(len(pts) + 1, np.bool_)
    for one in gradual:
        taken[one.start : one.end + 2] = True  # what seems a cut there is part of the change
    cuts = find_cuts(pts, time_base, change, 0.0)
    hard = [Transition(CUT, k - 1, k, k) for k in cuts if not taken[k] and not _returns(time, looks, k)]
    found: list[Transition] = []
    begun = time[0] if len(time) else 0.0
    for one in sorted([*hard, *gradual], key=lambda one: one.frame or 0):
        if not one.frame:
            continue
        since = time[one.frame] - begun
        if since < MIN_SHOT and one.kind == CUT:
            continue
        if since < MIN_SHOT and found and found[-1].kind == CUT:
            found.pop()  # between a cut and a change that goes on, there is no shot
        found.append(one)
        begun = time[one.frame]
    return found


def _returns(time: NDArray[np.float64], looks: NDArray[np.uint8], cut: int) -> bool:
    """Whether what is seen before a change is soon seen again: a flash, a strobe, a frame of something else."""
    first, last = np.searchsorted(time, [time[cut] - _FLASH, time[cut] + _FLASH])
    first = min(first, cut - 1)  # a slow film's last frame before the change has been there for longer
    before, behind = looks[first:cut].astype(np.float32), looks[cut : last + 1].astype(np.float32)
    apart = np.sqrt(((before[:, None] - behind) ** 2).mean(axis=2))
    return bool(apart.min() < _SAME * apart[-1, 0])


def structure_of(time: NDArray[np.float64], looks: NDArray[np.uint8], boundaries: Sequence[Transition]) -> Structure:
    """Return the shots between boundaries, each a scene of its own.

    Args:
        time: float64 ``(f,)``, s: of every frame, at least one.
        looks: uint8 ``(f, 192)``: what each shows.
        boundaries: as :func:`find_boundaries` returns them.
    """
    count = len(boundaries) + 1
    first = np.array([0, *(one.frame for one in boundaries)], np.int32)
    # Frames that show one shot alone; the neighbours' would blur what it shows.
    alone = np.array([[0, *(one.end for one in boundaries)], [*(one.start for one in boundaries), len(time) - 1]])
    alone[1] = np.maximum(alone[0], alone[1])
    part = (np.arange(KEY_FRAMES) + 0.5) / KEY_FRAMES
    keys = np.rint(alone[0][:, None] + part * (alone[1] - alone[0])[:, None]).astype(np.int64)
    return Structure(
        first=first,
        transition=np.array([START, *(one.kind for one in boundaries)], np.int8),
        seconds=np.array([0.0, *(0.0 if one.kind == CUT else time[one.end] - time[one.start] for one in boundaries)]),
        scene=np.arange(count, dtype=np.int32),
        look=looks[keys.clip(0, len(time) - 1)].reshape(count, -1),
    )
