"""When the movie's frames are shown, and how they are divided."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.faces.track import Sightings
from pipeline.media.decode import shown_for
from pipeline.media.movie import Movie
from pipeline.scenes.grouping import Wanted, cast_of, grouped
from pipeline.scenes.structure import Structure


@dataclass(frozen=True)
class Frames:
    """The movie's frames as columns of equal length: pts, time in s, s on screen, numbers of shot and scene."""

    pts: NDArray[np.int64]
    time: NDArray[np.float64]
    seconds: NDArray[np.float64]
    shot: NDArray[np.int32]
    scene: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.pts)


@dataclass(frozen=True)
class FrameTimes(Frames):
    """The frames, and the shots that they are divided into."""

    shots: Structure

    def in_scenes(self, wanted: Wanted, seen: Sightings, persons: NDArray[np.int32] | None) -> "FrameTimes":
        """Return the same shots grouped into scenes.

        Args:
            wanted: what scenes; see :mod:`pipeline.scenes.grouping`.
            seen: the movie's faces.
            persons: int32 ``(tracks,)``: whose face each track is, -1 where unsure; None where that was not tried.
        """
        cast = None if persons is None else cast_of(self.shot[seen.frame], persons[seen.track], len(self.shots))
        shots = grouped(self.shots, wanted, cast)
        return replace(self, shots=shots, scene=shots.scene[self.shot])


def frame_times(movie: Movie, pts: NDArray[np.int64], shots: Structure) -> FrameTimes:
    """Return the times of all frames of a movie.

    Args:
        movie: gives time base and start of the player's clock.
        pts: int64 ``(f,)``, rising, at least one.
        shots: how they are divided.
    """
    last = float(shown_for(movie, pts[-2:].tolist()))
    shot = shots.shot_of_frames(len(pts))
    return FrameTimes(
        pts=pts,
        time=np.array([movie.time_of(p) for p in pts.tolist()]),
        seconds=np.append(np.diff(pts) * float(movie.time_base), last),
        shot=shot,
        scene=shots.scene[shot],
        shots=shots,
    )
