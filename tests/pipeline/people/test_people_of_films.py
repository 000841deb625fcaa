"""Films to persons: the same ones however a film is cut into segments."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from clips import Clip

from pipeline.analyze import Analysis, analyze
from pipeline.faces.detect import Detections
from pipeline.faces.track import TrackOptions
from pipeline.media.movie import open_movie
from pipeline.media.segments import FIRST_PTS, LAST_PTS, Segment, cut, read_packets
from pipeline.people.align import ALIGNED_SIZE, PLACES, align
from pipeline.people.embed import DIMENSIONS, EVERY, Sampler
from pipeline.tables.relabel import relabel
from pipeline.tables.timeline import assemble

SHOT = 24  # frames, of 40 ms
FACE = np.array([100, 40, 148, 88], np.float32)


def cast(number, width, height):
    """Paint six shots of two persons in turn: one dark, one bright, before grounds that differ."""
    dark = number // SHOT % 2 == 0
    picture = np.full((height, width, 3), 200 if dark else 40, np.uint8)
    picture[40:88, 100 + number % 4 : 148 + number % 4] = 70 if dark else 180
    return picture


class Spotter:
    """Knows where the face is."""

    name = "spotter"
    long_side = 0

    def detect(self, _):
        marks = PLACES[None] / ALIGNED_SIZE * 48 + FACE[:2]
        return Detections(FACE[None], np.array([0.95], np.float32), marks.astype(np.float32))


class Guess:
    def predict(self, crops):
        return np.full((len(crops), 7), 1 / 7, np.float32)


class Level:
    """Describes a face by how bright it is."""

    def __init__(self):
        self.described = 0

    def embed(self, pictures):
        self.described += len(pictures)
        bright = pictures.mean(axis=(1, 2)) > 120
        found = np.zeros((len(pictures), DIMENSIONS), np.float32)
        found[np.arange(len(pictures)), bright.astype(int)] = 1
        return found


@pytest.fixture(scope="module")
def movie(tmp_path_factory):
    clip = Clip(
        ".mkv", range(0, 40 * 6 * SHOT, 40), Fraction(1, 1000), size=(256, 144), options={"g": "10"}, paint=cast
    )
    return open_movie(clip.write(tmp_path_factory.mktemp("cast") / "m"))


def results(movie, segments, embedder, people=True):
    analysis = Analysis(Spotter(), Guess(), 0.12, TrackOptions(), embedder)
    parts = [analyze(movie, segment, analysis) for segment in segments]
    return parts, assemble("m", movie, parts, TrackOptions(), {}, people=people)


def uncut(movie):
    """Return the movie as one segment that knows where it might have been cut."""
    segments = cut(movie, read_packets(movie), 0.4)
    joints = sorted({joint for segment in segments for joint in (segment.start, *segment.joints)} - {FIRST_PTS})
    return [Segment(0, FIRST_PTS, LAST_PTS, 6 * SHOT, joints=tuple(joints))]


@pytest.mark.parametrize("seconds", [0.4, 1.3])
def test_two_persons_in_six_shots(movie, seconds):
    segments, embedder = cut(movie, read_packets(movie), seconds), Level()
    assert len(segments) > 2
    parts, tables = results(movie, segments, embedder)
    assert tables.tracks["person"].to_pylist() == [0, 1, 0, 1, 0, 1]
    assert tables.people["person"].to_pylist() == [0, 1]
    assert tables.people["shots"].to_pylist() == [3, 3]
    assert tables.summary["people"] == 2
    [whole], one = results(movie, uncut(movie), Level())
    for name in ("timeline", "tracks", "people", "scene_people", "relative"):
        assert getattr(tables, name).equals(getattr(one, name)), name
    assert sum(len(part.embedded) for part in parts) == len(whole.embedded) == embedder.described
    assert embedder.described <= 6 * SHOT / 4  # far from every frame


@pytest.mark.parametrize("scenes", ["auto", "shots", 2, 4])
def test_other_scenes_of_the_same_persons_are_made_of_the_tables_that_stand(movie, scenes):
    analysis = Analysis(Spotter(), Guess(), 0.12, TrackOptions(), Level())
    parts = [analyze(movie, segment, analysis) for segment in uncut(movie)]
    before, expected = (assemble("m", movie, parts, TrackOptions(), {}, scenes=one) for one in (3, scenes))
    found = relabel("m", movie, before.timeline, before.shots, TrackOptions(), {}, 0, scenes=scenes)
    assert before.tracks["person"].to_pylist() == [0, 1, 0, 1, 0, 1]
    for name in ("timeline", "tracks", "shots", "scenes", "people", "scene_people", "relative"):
        assert getattr(found, name).equals(getattr(expected, name)), name


def test_without_people_nothing_is_described(movie):
    parts, tables = results(movie, uncut(movie), None, people=False)
    assert len(parts[0].embedded) == 0
    assert tables.timeline["person"].null_count == len(tables.timeline)
    assert (len(tables.people), len(tables.scene_people), len(tables.relative)) == (0, 0, 0)
    assert tables.scenes["people"].null_count == len(tables.scenes)
    assert tables.summary["people"] is None


def test_faces_without_landmarks_are_nobodys(movie):
    class Blind(Spotter):
        def detect(self, _):
            return Detections(FACE[None], np.array([0.95], np.float32))

    embedder = Level()
    analysis = Analysis(Blind(), Guess(), 0.12, TrackOptions(), embedder)
    part = analyze(movie, *uncut(movie), analysis)
    assert embedder.described == 0
    assert assemble("m", movie, [part], TrackOptions(), {}).tracks["person"].null_count == 6


def test_frames_are_chosen_by_the_movies_clock_and_its_joints():
    every = int(EVERY * 1000)
    crops = np.zeros((1, 48, 48), np.uint8)
    face = Spotter().detect(crops)

    def chosen(frames, joints):
        embedder = Level()
        sampler, found, before = Sampler(embedder, Fraction(1, 1000), joints), [], 0
        for number, pts in enumerate(frames):
            sampler.add(pts, [number], face, crops)
            if len(sampler._waiting) > before:
                found.append(pts)
            before = len(sampler._waiting)
        return found

    frames = list(range(0, 5 * every, 40))
    joints = [every // 2, 3 * every + 80]
    whole = chosen(frames, joints)
    edges = [0, *joints, 10**9]
    parts = [chosen([p for p in frames if a <= p < b], []) for a, b in pairwise(edges)]
    assert whole == [pts for part in parts for pts in part]
    assert all(after - before <= every for before, after in pairwise(whole))


class TestAlign:
    def picture(self, angle, scale):
        """Return a crop with a bright dot at each landmark of a face that is turned and scaled, and the face."""
        turn = np.deg2rad(angle)
        rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        marks = (PLACES - ALIGNED_SIZE / 2) * scale @ rotation.T + 24
        y, x = np.mgrid[:48, :48] + 0.5
        crop = np.zeros((48, 48))
        for mark in marks:
            crop += 200 * np.exp(-((x - mark[0]) ** 2 + (y - mark[1]) ** 2) / 4)
        side = 48 / 1.1
        box = np.array([[0, 0, side, side]], np.float32) + np.float32(100)
        at = (marks / 48 * 48 + 100 - (48 - side) / 2).astype(np.float32)
        return crop.clip(0, 255).astype(np.uint8), Detections(box, np.ones(1, np.float32), at[None])

    @pytest.mark.parametrize(("angle", "scale"), [(0, 1.0), (25, 1.0), (-40, 0.9), (0, 0.7)])
    def test_landmarks_come_to_their_places(self, angle, scale):
        crop, face = self.picture(angle, scale)
        [found] = align(crop[None], face)
        assert found.shape == (ALIGNED_SIZE, ALIGNED_SIZE)
        for x, y in PLACES.astype(int):
            assert found[y - 1 : y + 2, x - 1 : x + 2].max() > 140
        assert found[:4].mean() < 20

    def test_all_in_one_place_and_none(self):
        crop, face = self.picture(0, 1.0)
        lone = Detections(face.boxes, face.scores, np.full((1, 5, 2), 120, np.float32))
        assert align(crop[None], lone).shape == (1, ALIGNED_SIZE, ALIGNED_SIZE)
        assert align(crop[:0].reshape(0, 48, 48), Detections(face.boxes[:0], face.scores[:0])).shape == (0, 40, 40)
