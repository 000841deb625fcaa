"""Following faces as they come: never with what comes later, and with rows that the tables can be made of."""

import numpy as np
import pytest

from pipeline.faces.detect import Detections
from pipeline.faces.online import OnlineTracker
from pipeline.faces.track import Sightings, TrackOptions
from pipeline.scenes.shots import CutSpotter

NOBODY = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))
NONE = np.zeros((0, 7), np.float32)


def face(x: float, score: float = 0.9, y: float = 0) -> Detections:
    return Detections(np.array([[x, y, x + 100, y + 100]], np.float32), np.array([score], np.float32))


def happy(share: float) -> np.ndarray:
    rest = (1 - share) / 6
    return np.array([[rest, rest, rest, share, rest, rest, rest]], np.float32)


def follow(faces: list[Detections], rate: float = 25, **options: float) -> list[Sightings]:
    tracker = OnlineTracker(TrackOptions(**options))  # type: ignore[arg-type]
    return [
        tracker.step(k, k / rate, found, np.repeat(happy(0.8), len(found), axis=0)) for k, found in enumerate(faces)
    ]


def test_nobody():
    (seen,) = follow([NOBODY])
    assert len(seen) == 0
    assert (seen.boxes.shape, seen.smoothed.shape) == ((0, 4), (0, 7))


def test_a_face_counts_from_the_detection_that_makes_it_one():
    assert [len(s) for s in follow([face(k) for k in range(5)])] == [0, 0, 1, 1, 1]


def test_weak_candidates_never_count():
    assert [len(s) for s in follow([face(k, score=0.7) for k in range(10)])] == [0] * 10


def test_numbers_are_given_in_order_and_only_to_faces():
    flicker = face(500, score=0.5)
    both = Detections(np.concatenate([flicker.boxes, face(0).boxes]), np.array([0.5, 0.9], np.float32))
    assert follow([both] * 4)[-1].track.tolist() == [0]
    assert follow([both] * 4)[-1].detection.tolist() == [1]


def passing(frame: int) -> Detections:
    """Two who walk past each other, one behind the other."""
    return Detections(
        np.concatenate([face(45 * frame).boxes, face(400 - 45 * frame, y=20).boxes]), np.full(2, 0.9, np.float32)
    )


def test_faces_that_pass_each_other_keep_their_courses():
    seen = follow([passing(k) for k in range(10)])
    assert [s.track[np.argsort(s.detection)].tolist() for s in seen[2:]] == [[0, 1]] * 8


def test_faces_that_meet_are_told_apart_by_their_looks():
    """They jump so far that each is nearer to where the other was."""
    tracker, looks = OnlineTracker(TrackOptions()), np.eye(2, dtype=np.float32)
    for k, (one, other) in enumerate([(0, 60)] * 5 + [(35, 25)]):
        faces = Detections(np.concatenate([face(one).boxes, face(other).boxes]), np.full(2, 0.9, np.float32))
        seen = tracker.step(k, k / 25, faces, np.repeat(happy(0.8), 2, axis=0), appearance=looks)
        alone = [s for s in [seen.track[np.argsort(seen.detection)].tolist()] if k >= 2]
        assert alone in ([], [[0, 1]])


def test_an_unseen_face_stays_where_it_was_for_the_gap_and_has_a_row_in_every_frame():
    seen = follow([face(0)] * 4 + [NOBODY] * 20, max_gap=0.5)
    rows = [s.detection.tolist() for s in seen]
    assert rows[3] == [0]
    assert rows[4:16] == [[-1]] * 12  # 0.48 s
    assert rows[16:] == [[]] * 8
    assert seen[10].boxes.tolist() == [[0, 0, 100, 100]]


@pytest.mark.parametrize(
    ("apart", "rows"), [(50, [[0, 1], [0], [0], [0, 1]]), (60, [[0, 1], [0, -1], [0, -1], [0, 1]])]
)
def test_an_unseen_face_is_not_shown_over_one_that_is_seen(apart: int, rows: list[list[int]]):
    both = Detections(np.concatenate([face(0).boxes, face(apart).boxes]), np.array([0.9, 0.9], np.float32))
    seen = follow([both] * 4 + [face(0)] * 2 + [both])
    assert [s.detection.tolist() for s in seen[3:]] == rows
    assert seen[-1].track.tolist() == [0, 1]


def test_a_face_that_comes_back_in_time_is_the_same():
    assert follow([face(0)] * 4 + [NOBODY] * 5 + [face(10)])[-1].track.tolist() == [0]


def test_a_face_that_comes_back_too_late_is_another_one():
    assert follow([face(0)] * 4 + [NOBODY] * 20 + [face(0)] * 3)[-1].track.tolist() == [1]


def test_neighbours_belong_together_however_slow_the_pictures_come():
    assert follow([face(0)] * 4, rate=1)[-1].track.tolist() == [0]


def test_no_track_leaves_its_shot():
    tracker = OnlineTracker(TrackOptions())
    for k in range(4):
        tracker.step(k, k / 25, face(0), happy(0.5))
    assert len(tracker.step(4, 4 / 25, face(0), happy(0.5), new_shot=True)) == 0


def test_labels_lean_on_the_past_half_of_the_window():
    tracker = OnlineTracker(TrackOptions(smoothing=1.0))
    for k in range(25):
        tracker.step(k, k / 25, face(0), happy(0.0))
    means = [float(tracker.step(k, k / 25, face(0), happy(1.0)).smoothed[0, 3]) for k in range(25, 50)]
    assert means == sorted(means)
    assert means[0] == pytest.approx(1 / 13, abs=0.01)  # 0.5 s: itself and the 12 before
    assert means[12] == pytest.approx(1.0)


def spot(scores: list[float], rate: float = 25) -> list[int]:
    spotter = CutSpotter()
    return [k for k, score in enumerate(scores) if spotter.step(k / rate, score)]


def test_cuts_are_spotted_when_they_come():
    assert spot([0, *[2.0] * 29, 60, *[2.0] * 29, 55, 2, 2]) == [30, 60]


def test_calm_pictures_have_no_cut():
    assert spot([0, *[19.9] * 5, 1, 1, 19]) == []


def test_a_steady_whip_is_no_cut():
    assert spot([0, *[25.0] * 40]) == []


def test_cuts_are_not_closer_than_a_shot_may_be_short():
    assert spot([0, *[2.0] * 19, 60, 2, 2, 60, *[2.0] * 15]) == [20]
