"""Shots -> scenes, by overlapping links.

After Hanjalic, Lagendijk and Biemond, "Automated high-level movie segmentation for advanced video-retrieval systems",
1999, and Kender and Yeo, "Video scene segmentation via continuous video coherence", 1998: a shot that resembles one of
the next few is linked to it, and whatever lies between them is in the same scene. So A-B-A-B is one. A scene ends where
no link crosses.
"""

from dataclasses import replace
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

_FADED: Final = 1.25
"""Times as far apart as they seem are shots between which the picture fades: an editor's full stop."""


SCENES_WANTED: Final = "scenes wanted: "
"""How remarks on the number of scenes begin."""


def grouped(shots: Structure, wanted: Wanted) -> Structure:
    """Return the same shots in other scenes; see :func:`group`."""
    return replace(shots, scene=group(shots.look, shots.transition, wanted))


def scene_remarks(wanted: Wanted, shots: int) -> list[str]:
    """Return what the user should know where there cannot be as many scenes as are wanted."""
    if isinstance(wanted, str) or wanted <= shots:
        return []
    return [f"{SCENES_WANTED}{wanted}, but the movie has {shots} shot{'s' * (shots > 1)}; each is a scene"]


def group(looks: NDArray[np.uint8], transition: NDArray[np.int8], wanted: Wanted = "auto") -> NDArray[np.int32]:
    """Return the scene of each shot, int32 ``(s,)``, from 0 on, never falling.

    Args:
        looks: uint8 ``(s, d)``: of each shot; where ``d`` is 0, nothing is known and each shot is a scene.
        transition: int8 ``(s,)``: how each begins.
        wanted: how many scenes; where there are fewer shots, each is one.
    """
    count = len(transition)
    if wanted == "shots" or looks.shape[1] == 0:
        return np.arange(count, dtype=np.int32)
    apart = _apart_across(looks, transition)
    if wanted == "auto":
        begins = apart > MAX_APART
    else:
        begins = np.zeros(count - 1, np.bool_)
        begins[np.argsort(-apart, kind="stable")[: wanted - 1]] = True
    return np.concatenate([[0], np.cumsum(begins)]).astype(np.int32)


def _apart_across(looks: NDArray[np.uint8], transition: NDArray[np.int8]) -> NDArray[np.float64]:
    """Return for each place between two shots how far apart the most alike are that a link across it would join.

    Two shots are as far apart as their most alike frames, or as their light and colours, whichever is less.
    """
    count = len(looks)
    frames = looks.reshape(count, KEY_FRAMES, SIZE).astype(np.float32)
    palettes = [_palette(one) for one in frames]
    apart = np.full(count - 1, np.inf)
    for reach in range(1, AHEAD + 1):
        for first in range(count - reach):
            view = np.sqrt(((frames[first][:, None] - frames[first + reach]) ** 2).mean(axis=2)).min()
            between = min(view, _PLACE * np.abs(palettes[first] - palettes[first + reach]).mean())
            place = slice(first, first + reach)
            apart[place] = np.minimum(apart[place], between)
    return np.where(transition[1:] == FADE, apart * _FADED, apart)


def _palette(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how light and colours are spread over all frames, wherever in the picture they are."""
    quantiles = np.linspace(0.05, 0.95, 16)
    light = np.quantile(frames[:, :LIGHT], quantiles)
    red, blue = (np.quantile(frames[:, LIGHT + k :: 2], quantiles) for k in range(2))
    return np.concatenate([light, 3 * red, 3 * blue]).astype(np.float32)


_PLACE: Final = 1.6
"""Levels of view that weigh as much as one of the palette."""
