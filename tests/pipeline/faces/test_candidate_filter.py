"""Leaving out what cannot be a face: decided once for each, and the tracks are those that all candidates would give."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.faces.candidate_filter import CandidateFilter
from pipeline.faces.detect import Detections
from pipeline.faces.track import Sightings, TrackOptions, follow

OPTIONS = TrackOptions()


def boxes(*lefts: float) -> NDArray[np.float32]:
    return np.array([(left, 0, left + 10, 10) for left in lefts], np.float32).reshape(-1, 4)


def one(score: float, left: float = 0) -> Detections:
    return Detections(boxes(left), np.array([score], np.float32))


NONE = Detections(boxes(), np.zeros(0, np.float32))


def test_a_sure_face_is_known_at_once_and_takes_the_weak_ones_before_it_along() -> None:
    candidates = CandidateFilter(OPTIONS)
    for k in range(20):  # long after the start
        candidates.add(k / 25, NONE)
    assert candidates.add(0.8, one(0.5)) == ([], [])
    assert candidates.add(0.84, one(0.6, 2)) == ([], [])
    assert candidates.add(0.88, one(0.85, 3)) == ([0, 1, 2], [])
    assert candidates.add(0.92, one(0.3, 3)) == ([3], [])


def test_a_weak_one_is_given_up_once_nothing_can_be_joined_to_it() -> None:
    candidates = CandidateFilter(OPTIONS)
    for k in range(20):
        candidates.add(k / 25, NONE)
    candidates.add(0.8, one(0.5))
    assert candidates.add(1.3, NONE) == ([], [])  # 0.5 s later, the tracker still would
    assert candidates.add(1.32, NONE) == ([], [0])
    assert candidates.add(1.36, one(0.9)) == ([1], [])


def test_neighbouring_frames_are_joined_however_slow() -> None:
    candidates = CandidateFilter(OPTIONS)
    candidates.add(0, NONE)
    candidates.add(10, one(0.5))
    assert candidates.add(20, one(0.9)) == ([0, 1], [])


def test_what_begins_with_the_segment_may_belong_to_the_one_before() -> None:
    candidates = CandidateFilter(OPTIONS)
    assert candidates.add(7, one(0.3)) == ([0], [])
    assert candidates.add(7.5, one(0.3, 100)) == ([1], [])
    assert candidates.add(7.6, one(0.3, 200)) == ([], [])


def test_what_lasts_to_the_end_may_belong_to_what_follows() -> None:
    candidates = CandidateFilter(OPTIONS)
    for k in range(25):
        candidates.add(k / 25, NONE)
    candidates.add(1, one(0.3))
    candidates.add(1.04, one(0.3, 4))
    assert candidates.finish() == ([0, 1], [])
    assert candidates.finish() == ([], [])


def test_a_later_face_can_join_two_clusters() -> None:
    candidates = CandidateFilter(OPTIONS)
    for k in range(25):
        candidates.add(k / 25, NONE)
    candidates.add(1, Detections(boxes(0, 12), np.array([0.3, 0.4], np.float32)))
    assert candidates.add(1.04, one(0.9, 6)) == ([0, 1, 2], [])


def tracked(frames: list[Detections], options: TrackOptions, kept: NDArray[np.int64] | None = None) -> Sightings:
    counts = [len(found) for found in frames]
    frame = np.repeat(np.arange(len(frames), dtype=np.int32), counts)
    faces = Detections(np.concatenate([f.boxes for f in frames]), np.concatenate([f.scores for f in frames]))
    rows = np.arange(len(frame)) if kept is None else kept
    probabilities = np.random.default_rng(0).random((len(frame), 7), np.float32)
    shot = (np.arange(len(frames)) >= len(frames) // 2).astype(np.int32)
    chosen = Detections(faces.boxes[rows], faces.scores[rows])
    return follow(np.arange(len(frames)) / 25, shot, frame[rows], chosen, probabilities[rows], options)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("options", [OPTIONS, replace(OPTIONS, min_peak=0.6, max_gap=0.1, min_iou=0.4)], ids=repr)
def test_tracks_are_those_of_all_candidates(seed: int, options: TrackOptions) -> None:
    rng = np.random.default_rng(seed)
    frames = []
    for _ in range(150):
        count = int(rng.integers(0, 5))
        lefts = rng.choice([0, 5, 20, 26, 60, 200], count, replace=False) + rng.normal(0, 1.5, count)
        frames.append(Detections(boxes(*lefts), rng.beta(2, 2, count).astype(np.float32) * 0.85))
    candidates = CandidateFilter(options)
    possible, ruled_out = [], []
    for number, found in enumerate(frames):
        verdict = candidates.add(number / 25, found)
        possible += verdict.possible
        ruled_out += verdict.ruled_out
    possible += candidates.finish().possible
    assert sorted(possible + ruled_out) == list(range(sum(map(len, frames))))
    everything = tracked(frames, options)
    kept = tracked(frames, options, np.array(sorted(possible)))
    for name in ("frame", "track", "boxes", "smoothed"):
        np.testing.assert_array_equal(getattr(kept, name), getattr(everything, name))


def test_some_are_given_up_in_noise() -> None:
    rng = np.random.default_rng(0)
    candidates = CandidateFilter(OPTIONS)
    given_up = 0
    for number in range(500):
        found = one(0.3, float(rng.integers(0, 2000))) if number % 10 == 0 else NONE
        given_up += len(candidates.add(number / 25, found).ruled_out)
    assert given_up > 30
