"""Tracks against faces whose places are known: films that tests make, and clips that a viewer labelled by hand.

A label is a face on a frame: where it is, from hairline to chin, and who it is in its shot. Those without a name are
of faces that nobody needs to find: smaller than 50 px in 1080p, turned away, or more than half hidden.
"""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.faces.linking.boxes import best_pairs, iou
from pipeline.schema import BOX

_SAME = 0.5
"""Overlap (intersection over union) from which a box is on a face."""

_NEAR_IGNORED = 0.3


@dataclass
class TrackScore:
    """What became of the labelled faces.

    Attributes:
        labels: faces that had to be found.
        found: those on which there is a box.
        ghosts: boxes on no face.
        doubled: faces on which more than one box lies, counted by frame.
        tracks: the tracks that were on each face, in time.
        pairs: on how many labels of a face a track is, by face and track.
    """

    labels: int = 0
    found: int = 0
    ghosts: int = 0
    doubled: int = 0
    tracks: dict[str, list[int]] = field(default_factory=dict)
    pairs: dict[tuple[str, int], int] = field(default_factory=dict)

    @property
    def fragments(self) -> float:
        """Tracks per face that was found."""
        return float(np.mean([len(set(tracks)) for tracks in self.tracks.values()]))

    @property
    def swaps(self) -> int:
        """How often the track on a face is another one than before."""
        return sum(a != b for tracks in self.tracks.values() for a, b in pairwise(tracks))

    @property
    def idf1(self) -> float:
        """Ristani et al., 2016: twice the labels that carry their face's own track, of all labels and boxes."""
        faces, tracks = sorted({face for face, _ in self.pairs}), sorted({track for _, track in self.pairs})
        count = np.zeros((len(faces), len(tracks)))
        for (face, track), n in self.pairs.items():
            count[faces.index(face), tracks.index(track)] = n
        own = sum(count[pair] for pair in best_pairs(count))
        return 2 * own / (self.labels + self.found + self.ghosts)


def score_tracks(labels: pd.DataFrame, timeline: pd.DataFrame) -> TrackScore:
    """Compare the timeline of a movie with its labels: frame, face, and the corners of the box."""
    score = TrackScore()
    seen = timeline[timeline.track.notna()]
    for frame, here in labels.groupby("frame"):
        wanted, ignored = here[here.face != ""], here[here.face == ""]
        shown = seen[seen.frame == frame]
        overlap = iou(_boxes(wanted), _boxes(shown))
        pairs = best_pairs(np.where(overlap >= _SAME, overlap, -np.inf))
        score.labels += len(wanted)
        score.found += len(pairs)
        score.doubled += int(((overlap >= _SAME).sum(axis=1) > 1).sum())
        for row, column in pairs:
            face, track = str(wanted.face.iloc[row]), int(shown.track.iloc[column])
            score.tracks.setdefault(face, []).append(track)
            score.pairs[face, track] = score.pairs.get((face, track), 0) + 1
        free = sorted(set(range(len(shown))) - {column for _, column in pairs})
        near = iou(_boxes(ignored), _boxes(shown.iloc[free])) >= _NEAR_IGNORED
        score.ghosts += int((~near.any(axis=0)).sum()) if len(ignored) else len(free)
    return score


def _boxes(table: pd.DataFrame) -> NDArray[np.float32]:
    return table[list(BOX)].to_numpy(np.float32)
