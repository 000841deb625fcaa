"""Results do not change unless their version does: otherwise an upgrade would mix results of two kinds.

Two tiny films, interlaced and progressive, go through everything that a version stands for. They are stored without
loss. What may differ in the last bit between processors (scaled pictures, fitted crops) is compared with a tolerance,
or only decides what is far from any threshold; all else is exact, whatever vector instructions there are.
"""

import hashlib
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.video.frame
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from clips import Clip, decoded
from golden import check, digest, rounded
from numpy.typing import NDArray

from pipeline import schema, version
from pipeline.analyze import Analysis, analyze
from pipeline.faces.crops import cut_crops
from pipeline.faces.detect import Detections
from pipeline.faces.track import TrackOptions
from pipeline.media.decode import DecodeFaults
from pipeline.media.frames import frames_of
from pipeline.media.movie import Fits, Movie, open_movie
from pipeline.media.segments import FIRST_PTS, LAST_PTS, Segment, cut, read_packets
from pipeline.tables.observations import Observations
from pipeline.tables.timeline import Tables, assemble
from pipeline.video.render import EncoderOptions, render

WIDTH, HEIGHT = 320, 192
FRAMES, CUT = 36, 18
WHOLE = Segment(0, FIRST_PTS, LAST_PTS, 0)

OBSERVATIONS = (5, {"interlaced": "7d8f12af1de81962", "progressive": "520c0aeea97b576d"})
"""The version, and the digests that belong to it. Whoever changes what is observed raises the one and stores both."""

LABELS = (2, {"interlaced": "1a2af21838c5d41d", "progressive": "2f3b198de965ee97"})
DRAWING = (4, {"interlaced": "2834170f0d5568ec", "progressive": "9ae53c73d8400188"})
COLUMNS = (3, "5ebc28c458c158fd")

CROP_LEVELS = [
    [54.0, 58.2, 54.0, 58.2, 63.0, 58.2, 54.8, 58.9, 54.8],
    [28.0, 66.5, 70.4, 28.0, 112.5, 121.0, 28.0, 112.5, 121.0],
    [31.4, 31.4, 40.5, 34.0, 34.0, 34.0, 33.1, 33.1, 33.1],
]
"""Mean levels of the ninths of three crops, row by row."""


def faces_at(moment: float) -> list[tuple[float, int, float]]:
    """Return left side, level and score of the faces at a moment, counted in frames."""
    number = int(moment)
    # Fast, so that each frame is searched, then slow, so that boxes are interpolated; trembling, so that it shows.
    way = 3 * moment if number < CUT else moment / 2 + number % 2
    faces = [(60 + way, 70 if number % 12 < 7 else 120, 0.95)]
    if number not in range(6, 10) and number not in range(15, CUT):
        faces.append((200.0, 120, 0.9))  # is lost for four frames, and leaves before the shot ends
    if number in range(3, 6):
        faces.append((130.0, 180, 0.4))  # never scores high enough
    return faces


def moment_planes(number: int, moment: float) -> list[NDArray[np.uint8]]:
    """Return the planes of the picture at ``moment``; the blocks on top say ``number`` in eight bits."""
    ground, colour = (40, 100) if number < CUT else (200, 160)
    y = np.full((HEIGHT, WIDTH), ground, np.uint8)
    y[100::2] += 10  # fine lines that never move
    for bit in range(8):
        y[:16, 40 * bit : 40 * bit + 40] = 220 if number >> (7 - bit) & 1 else 20
    for left, level, _ in faces_at(moment):
        y[60:100, round(left) : round(left) + 40] = level
    return [y, np.full((HEIGHT // 2, WIDTH // 2), colour, np.uint8), np.full((HEIGHT // 2, WIDTH // 2), 128, np.uint8)]


@dataclass(frozen=True)
class Film(Clip):
    """Frames are made of planes, so that nothing converts them."""

    interlaced: bool = False

    def frame(self, number: int) -> av.video.frame.VideoFrame:
        y, u, v = moment_planes(number, number)
        if self.interlaced:
            y[1::2] = moment_planes(number, number + 0.5)[0][1::2]
        stacked = np.concatenate([plane.reshape(-1) for plane in (y, u, v)]).reshape(-1, WIDTH)
        return av.VideoFrame.from_ndarray(stacked, "yuv420p")


LOSSLESS = {"preset": "veryfast", "qp": "0", "g": "10", "bf": "2"}
PROGRESSIVE = Film(
    ".mkv", range(0, 40 * FRAMES, 40), Fraction(1, 1000), size=(WIDTH, HEIGHT), options=LOSSLESS, interlaced=False
)
INTERLACED = PROGRESSIVE.but(options=LOSSLESS | {"flags": "+ildct+ilme", "x264-params": "tff=1"}, interlaced=True)
FILMS = {"interlaced": INTERLACED, "progressive": PROGRESSIVE}


class Reading:
    """Reads the picture's number and knows its faces."""

    name = "reading"
    long_side = 160

    def detect(self, bgr: NDArray[np.uint8]) -> Detections:
        bits = bgr[2:6, 5::20].mean(axis=(0, 2)).reshape(8, -1)[:, 0] > 120
        number = int(np.packbits(bits)[0])
        rows = [(left / 2, 30, (left + 40) / 2, 50, score) for left, _, score in faces_at(number)]
        array = np.array(rows, np.float32)
        # Each looks a little more to the right than the one before it.
        marks = np.array([[(4, 6), (14, 6), (9 + k, 10), (5, 15), (13, 15)] for k in range(len(rows))], np.float32)
        return Detections(array[:, :4], array[:, 4], marks + array[:, None, :2])


class Shade:
    """Takes dark, middle and bright faces for angry, disgusted and afraid."""

    def predict(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        level = np.digitize(crops[:, 16:32, 16:32].mean(axis=(1, 2)), [90, 150])
        probabilities = np.full((len(crops), 7), 0.05, np.float32)
        probabilities[np.arange(len(crops)), level] = 0.7
        return probabilities


@pytest.fixture(scope="module", params=FILMS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def movie(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Movie:
    movie = open_movie(FILMS[kind].write(tmp_path_factory.mktemp(kind) / "m"))
    stored = [frame.to_ndarray().tobytes() for frame in decoded(movie.path)]
    assert stored == [FILMS[kind].frame(number).to_ndarray().tobytes() for number in range(FRAMES)]
    return movie


@pytest.fixture(scope="module")
def segments(movie: Movie) -> list[Segment]:
    segments = cut(movie, read_packets(movie), 0.4)
    assert len(segments) > 2
    return segments


@pytest.fixture(scope="module")
def parts(movie: Movie, segments: list[Segment]) -> list[Observations]:
    analysis = Analysis(Reading(), Shade(), 0.12, TrackOptions())
    return [analyze(movie, segment, analysis) for segment in segments]


@pytest.fixture(scope="module")
def tables(movie: Movie, parts: list[Observations]) -> Tables:
    return assemble("m", movie, parts, TrackOptions(), {})


def without_labels(row: dict[str, Any]) -> dict[str, Any]:
    labels = ("quality", "emotion", "confidence", "dominant")
    return {k: v for k, v in row.items() if k not in labels and not k.startswith("share_")}


def test_observations(kind: str, movie: Movie, segments: list[Segment], tables: Tables) -> None:
    pictures = hashlib.sha256()
    for segment in segments:
        for frame in frames_of(movie, segment, DecodeFaults()):
            pictures.update(frame.picture.to_ndarray().tobytes())
    timeline, tracks = (rounded(table.to_pylist()) for table in (tables.timeline, tables.tracks))
    assert {row["track"] for row in timeline} == {0, 1, 2, 3}
    followed = [[without_labels(row) for row in rows] for rows in (timeline, tracks)]
    found = digest([pictures.hexdigest(), *followed])
    check(f"observations of the {kind} film", version.OBSERVATIONS, found, (OBSERVATIONS[0], OBSERVATIONS[1][kind]))


def test_labels(kind: str, tables: Tables) -> None:
    rows = [row for table in (tables.timeline, tables.tracks) for row in rounded(table.to_pylist())]
    found = digest([{k: v for k, v in row.items() if k not in without_labels(row)} for row in rows])
    check(f"labels of the {kind} film", version.LABELS, found, (LABELS[0], LABELS[1][kind]))


def test_crops(tmp_path: Path) -> None:
    movie = open_movie(PROGRESSIVE.write(tmp_path / "m"))
    frame = next(frames_of(movie, WHOLE, DecodeFaults()))
    boxes = np.array([[60, 60, 100, 100], [190, 50, 222, 98], [-20, 80, 70, 200]], np.float32)
    crops = cut_crops(frame.picture, boxes, Fits(movie).of(frame.picture))
    found = crops.reshape(3, 3, 16, 3, 16).mean(axis=(2, 4)).reshape(3, 9)
    assert OBSERVATIONS[0] == version.OBSERVATIONS
    assert np.abs(found - CROP_LEVELS).max() < 1.5, f"crops changed, raise OBSERVATIONS; now {found.round(1).tolist()}"


def test_drawing(kind: str, movie: Movie, segments: list[Segment], parts: list[Observations], tmp_path: Path) -> None:
    with_many_labels = assemble("m", movie, parts, TrackOptions(stay=0), {})
    timeline = with_many_labels.timeline
    place = timeline.schema.get_field_index("person")
    persons = [0 if track == 1 else None for track in timeline["track"].to_pylist()]
    timeline = timeline.set_column(place, timeline.schema.field(place), pa.array(persons, pa.int32()))
    pq.write_table(timeline, tmp_path / "timeline.parquet")
    pictures, count = hashlib.sha256(), 0
    for segment in segments:
        part = tmp_path / f"{segment.name}.mp4"
        render(movie, segment, tmp_path / "timeline.parquet", part, EncoderOptions(crf=0))  # without loss
        for frame in decoded(part):
            pictures.update(frame.to_ndarray().tobytes())
            count += 1
    assert count == FRAMES
    found = pictures.hexdigest()[:16]
    check(f"pictures of the {kind} film", version.DRAWING, found, (DRAWING[0], DRAWING[1][kind]))


def test_columns() -> None:
    names = ("TIMELINE", "TRACKS", "SHOTS", "SCENES", "ARC", "PEOPLE", "SCENE_PEOPLE", "RELATIVE", "MOVIES")
    columns = {name: [[f.name, str(f.type), f.nullable] for f in getattr(schema, name)] for name in names}
    check("columns", schema.VERSION, digest(columns), COLUMNS)
