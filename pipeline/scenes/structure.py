"""How a movie is divided: into shots, and these into scenes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.schema import TRANSITIONS

START, CUT, FADE, DISSOLVE = range(len(TRANSITIONS))


@dataclass(frozen=True)
class Structure:
    """The shots of a movie, at least one, in the order of time, as columns.

    Attributes:
        first: int32 ``(s,)``: the first frame of each; the first one's is 0.
        transition: int8 ``(s,)``: index into TRANSITIONS: how it begins.
        seconds: float64 ``(s,)``: for how long it takes over from the shot before; 0 for a cut.
        scene: int32 ``(s,)``: the scene it is in, counted from 0; never falls.
        look: uint8 ``(s, d)``: what it shows (:mod:`pipeline.scenes.looks`); ``d`` is 0 where that was not observed.
    """

    first: NDArray[np.int32]
    transition: NDArray[np.int8]
    seconds: NDArray[np.float64]
    scene: NDArray[np.int32]
    look: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.first)

    def shot_of_frames(self, frames: int) -> NDArray[np.int32]:
        """Return the shot of each of the movie's ``frames``, int32 ``(f,)``."""
        return np.repeat(np.arange(len(self), dtype=np.int32), np.diff(self.first, append=np.int32(frames)))

    @staticmethod
    def of_cuts(shot: NDArray[np.int32]) -> "Structure":
        """Return the structure of a movie that has nothing but cuts, and of which no more is known.

        Args:
            shot: int32 ``(f,)``: the shot of each frame, from 0 on.
        """
        first = np.flatnonzero(np.diff(shot, prepend=-1)).astype(np.int32)
        count = len(first)
        transition = np.full(count, CUT, np.int8)
        transition[:1] = START
        number = np.arange(count, dtype=np.int32)
        return Structure(first, transition, np.zeros(count), number, np.zeros((count, 0), np.uint8))
