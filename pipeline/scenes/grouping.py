"""Shots -> scenes, by overlapping links.

After Hanjalic, Lagendijk and Biemond, "Automated high-level movie segmentation for advanced video-retrieval systems",
1999, and Kender and Yeo, "Video scene segmentation via continuous video coherence", 1998: a shot that resembles one of
the next few is linked to it, and whatever lies between them is in the same scene. So A-B-A-B is one. A scene ends where
no link crosses.

Two shots resemble each other if they show the same view; or if their light and colours are spread alike, as those of
two views of one place are, and they do not show different persons; the more so if they show the same ones.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.scenes.looks import KEY_FRAMES, LIGHT, SIZE
from pipeline.scenes.structure import FADE, Structure

Wanted = Literal["auto", "shots"] | int
"""Scenes as they are found, a scene per shot, or so many scenes."""

AHEAD: Final = 3
"""Shots that a link reaches: a dialogue comes back to each of its views so soon."""

MAX_APART: Final = 22.0
"""Levels; of shots that are linked. Between views of one place there are 5 to 25, between places mostly more."""

_VIEW_COUNTS: Final = 0.4
"""Part of the distance between two views below which that between two shots does not fall, however alike their colours
are: two films in black and white are spread alike."""

_SHARED: Final = 0.6
"""By this, each person that two shots share brings them nearer to each other."""

_FADED: Final = 1.25
"""Times as far apart as they seem are shots between which the picture fades: an editor's full stop."""


SCENES_WANTED: Final = "scenes wanted: "
"""How remarks on the number of scenes begin."""


Cast = Sequence[frozenset[int]]
"""The persons that each shot shows, those that are known."""


def cast_of(shot: NDArray[np.int32], person: NDArray[np.int32], shots: int) -> Cast:
    """Return who is in each of ``shots`` shots.

    Args:
        shot: int32 ``(n,)``: of each face.
        person: int32 ``(n,)``: whose it is, -1 where unsure.
        shots: how many there are.
    """
    cast: list[set[int]] = [set() for _ in range(shots)]
    persons, known = int(person.max(initial=-1)) + 1, person >= 0
    for key in np.unique(shot[known].astype(np.int64) * persons + person[known]).tolist():
        cast[key // persons].add(key % persons)
    return [frozenset(one) for one in cast]


def grouped(shots: Structure, wanted: Wanted, cast: Cast | None = None) -> Structure:
    """Return the same shots in other scenes.

    Args:
        shots: in any scenes.
        wanted: see :func:`group`, as for the rest.
        cast: who is in each shot.
    """
    return replace(shots, scene=group(shots.look, shots.transition, wanted, cast))


def scene_remarks(wanted: Wanted, shots: int) -> list[str]:
    """Return what the user should know where there cannot be as many scenes as are wanted."""
    if isinstance(wanted, str) or wanted <= shots:
        return []
    return [f"{SCENES_WANTED}{wanted}, but the movie has {shots} shot{'s' * (shots > 1)}; each is a scene"]


def group(
    looks: NDArray[np.uint8], transition: NDArray[np.int8], wanted: Wanted = "auto", cast: Cast | None = None
) -> NDArray[np.int32]:
    """Return the scene of each shot, int32 ``(s,)``, from 0 on, never falling.

    Args:
        looks: uint8 ``(s, d)``: of each shot; where ``d`` is 0, nothing is known and each shot is a scene.
        transition: int8 ``(s,)``: how each begins.
        wanted: how many scenes; where there are fewer shots, each is one.
        cast: who is in each shot; None where persons were not told apart.
    """
    count = len(transition)
    if wanted == "shots" or looks.shape[1] == 0:
        return np.arange(count, dtype=np.int32)
    apart = _apart_across(looks, transition, cast or [frozenset()] * count)
    if wanted == "auto":
        begins = apart > MAX_APART
    else:
        begins = np.zeros(count - 1, np.bool_)
        begins[np.argsort(-apart, kind="stable")[: wanted - 1]] = True
    return np.concatenate([[0], np.cumsum(begins)]).astype(np.int32)


def _apart_across(looks: NDArray[np.uint8], transition: NDArray[np.int8], cast: Cast) -> NDArray[np.float64]:
    """Return for each place between two shots how far apart the most alike are that a link across it would join."""
    count = len(looks)
    frames = looks.reshape(count, KEY_FRAMES, SIZE).astype(np.float32)
    palettes = _palettes(frames)
    apart = np.full(count - 1, np.inf)
    for reach in range(1, min(AHEAD, count - 1) + 1):
        view = _between_views(frames[:-reach], frames[reach:])
        colour = _PLACE * np.abs(palettes[:-reach] - palettes[reach:]).mean(axis=1)
        between = _between(view, colour, cast[:-reach], cast[reach:])
        for step in range(reach):
            places = slice(step, count - reach + step)
            apart[places] = np.minimum(apart[places], between)
    return np.where(transition[1:] == FADE, apart * _FADED, apart)


def _between(view: NDArray[np.float32], colour: NDArray[np.float32], cast: Cast, other: Cast) -> NDArray[np.float64]:
    """Return how far apart pairs of shots are, levels, float64 ``(n,)``.

    Args:
        view: float32 ``(n,)``: between their most alike frames, levels.
        colour: float32 ``(n,)``: between their light and colours.
        cast: who is in the first of each.
        other: who is in the second.
    """
    shared = np.array([len(one & two) for one, two in zip(cast, other, strict=True)])
    both = np.array([bool(one) and bool(two) for one, two in zip(cast, other, strict=True)])
    unknown = np.minimum(view, np.maximum(colour, _VIEW_COUNTS * view))
    known = np.where(shared > 0, np.minimum(view, colour) * _SHARED**shared, view)
    return np.where(both, known, unknown).astype(np.float64)


def _between_views(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the distances of the most alike frames, float32 ``(n,)``, of shots' frames ``(n, 4, 192)``."""
    pairs = product(range(KEY_FRAMES), repeat=2)
    squares = [((one[:, a] - other[:, b]) ** 2).mean(axis=1) for a, b in pairs]
    return np.asarray(np.sqrt(np.min(squares, axis=0)), np.float32)


def _palettes(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how light and colours are spread over each shot's frames ``(s, 4, 192)``, wherever in the picture."""
    quantiles = np.linspace(0.05, 0.95, 16)
    values = (frames[..., :LIGHT], frames[..., LIGHT::2], frames[..., LIGHT + 1 :: 2])
    light, red, blue = (np.quantile(one.reshape(len(frames), -1), quantiles, axis=1).T for one in values)
    return np.concatenate([light, 3 * red, 3 * blue], axis=1).astype(np.float32)


_PLACE: Final = 1.6
"""Levels of view that weigh as much as one of the palette."""
