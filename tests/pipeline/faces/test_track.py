"""Following faces: cases small enough to be worked out by hand."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest

from pipeline.faces.detect import Detections
from pipeline.faces.linking.boxes import iou
from pipeline.faces.linking.smooth import smooth
from pipeline.faces.track import Sightings, TrackOptions, follow

OPTIONS = TrackOptions()
HAPPY, SAD = 3, 4

Face = tuple[int, float, float]
"""Frame, left side of a box of 10 px, score."""


@dataclass(frozen=True)
class Case:
    """Faces in a movie of 25 frames a second, and the tracks (frame, left side, detection) expected of them."""

    faces: Sequence[Face]
    tracks: Sequence[Sequence[tuple[int, float, int]]]
    frames: int = 30
    cuts: Sequence[int] = ()
    options: TrackOptions = OPTIONS
    frame_time: float = 0.04


def followed(case: Case) -> Sightings:
    column = np.array(case.faces, np.float32).reshape(-1, 3)
    left = column[:, 1]
    boxes = np.stack([left, 0 * left, left + 10, 0 * left + 10], axis=1).astype(np.float32)
    shot = np.zeros(case.frames, np.int32)
    shot[list(case.cuts)] = 1
    return follow(
        np.arange(case.frames) * case.frame_time,
        np.cumsum(shot, dtype=np.int32),
        column[:, 0].astype(np.int32),
        Detections(boxes, column[:, 2]),
        np.eye(7, dtype=np.float32)[np.arange(len(column)) % 7],
        case.options,
    )


def still(frames: Sequence[int], left: float = 0, score: float = 0.9) -> list[Face]:
    return [(frame, left, score) for frame in frames]


def row(frames: Sequence[int], left: float = 0, first: int = 0, step: int = 1) -> list[tuple[int, float, int]]:
    return [(frame, left, first + step * k) for k, frame in enumerate(frames)]


CASES: dict[str, Case] = {
    "no face": Case([], []),
    "no frame": Case([], [], frames=0),
    "one face": Case(still(range(5, 10)), [row(range(5, 10))]),
    "one that moves": Case(
        [(f, 3.0 * f, 0.9) for f in range(5)], [[(f, 3.0 * f, f) for f in range(5)]]
    ),
    "one that leaps": Case(
        [*still(range(5)), *still(range(5, 10), left=20)], [row(range(5)), row(range(5, 10), 20, 5)]
    ),
    "two side by side": Case(
        sorted(still(range(4)) + still(range(4), left=50)), [row(range(4), 0, 0, 2), row(range(4), 50, 1, 2)]
    ),
    "two that pass each other": Case(
        [face for f in range(12) for face in ((f, 2.0 * f, 0.9), (f, 23 - 2.0 * f, 0.9))],
        [[(f, 2.0 * f, 2 * f) for f in range(12)], [(f, 23 - 2.0 * f, 2 * f + 1) for f in range(12)]],
    ),
    "the better overlap wins": Case(
        [*still(range(3)), (3, 6.0, 0.9), (3, 1.0, 0.9), *((f, 6.0, 0.9) for f in range(4, 6))],
        [[(0, 0, 0), (1, 0, 1), (2, 0, 2), (3, 1, 4)], [(3, 6, 3), (4, 6, 5), (5, 6, 6)]],
    ),
    "a gap is bridged": Case(
        [(0, 0, 0.9), (1, 0, 0.9), (5, 4, 0.9), (6, 4, 0.9)],
        [[(0, 0, 0), (1, 0, 1), (2, 1, -1), (3, 2, -1), (4, 3, -1), (5, 4, 2), (6, 4, 3)]],
    ),
    "but not where another face is seen": Case(
        sorted(still(range(7)) + still([0, 1, 5, 6], left=5)),
        [[(0, 0, 0), (1, 0, 2), (2, 0, 4), (3, 0, 5), (4, 0, 6), (5, 0, 7), (6, 0, 9)],
         [(0, 5, 1), (1, 5, 3), (5, 5, 8), (6, 5, 10)]],
    ),
    "unless that is beside it": Case(
        sorted(still(range(7)) + still([0, 1, 5, 6], left=6)),
        [[(0, 0, 0), (1, 0, 2), (2, 0, 4), (3, 0, 5), (4, 0, 6), (5, 0, 7), (6, 0, 9)],
         [(0, 6, 1), (1, 6, 3), (2, 6, -1), (3, 6, -1), (4, 6, -1), (5, 6, 8), (6, 6, 10)]],
    ),
    "of two that go unseen, each is bridged": Case(
        sorted(still([0, 1, 5, 6]) + still([0, 1, 5, 6], left=5)),
        [[(0, 0, 0), (1, 0, 2), (2, 0, -1), (3, 0, -1), (4, 0, -1), (5, 0, 4), (6, 0, 6)],
         [(0, 5, 1), (1, 5, 3), (2, 5, -1), (3, 5, -1), (4, 5, -1), (5, 5, 5), (6, 5, 7)]],
    ),
    "a gap of just the longest": Case(
        still([0, 1, 2, 14, 15, 16]),
        [[(f, 0, {0: 0, 1: 1, 2: 2, 14: 3, 15: 4, 16: 5}.get(f, -1)) for f in range(17)]],
        options=replace(OPTIONS, max_gap=0.4801),
    ),
    "beyond a longer gap it is the same face, but not shown in between": Case(
        still([0, 1, 2, 14, 15, 16]),
        [[*row([0, 1, 2]), *row([14, 15, 16], first=3)]],
        options=replace(OPTIONS, max_gap=0.4799),
    ),
    "unless it is elsewhere by then": Case(
        [*still([0, 1, 2]), *still([14, 15, 16], left=10)],
        [row([0, 1, 2]), row([14, 15, 16], 10, 3)],
        options=replace(OPTIONS, max_gap=0.4799),
    ),
    "or was hidden for too long": Case(
        still([0, 1, 2, 41, 42, 43]), [row([0, 1, 2]), row([41, 42, 43], first=3)], frames=50
    ),
    "neighbours are no gap, however slow": Case(still(range(4)), [row(range(4))], frame_time=2),
    "but what is between slow ones is": Case(still([0, 1, 2, 4, 5, 6]), [row([0, 1, 2]), row([4, 5, 6], 0, 3)],
        frame_time=2),
    "a cut ends a track": Case(still(range(6)), [row(range(3)), row(range(3, 6), first=3)], cuts=[3]),
    "a gap does not reach across a cut": Case(
        still([0, 1, 2, 6, 7, 8]), [row([0, 1, 2]), row([6, 7, 8], first=3)], cuts=[4]
    ),
    "two detections are a false alarm": Case(still([3, 4]), []),
    "also with a gap between": Case(still([3, 9]), []),
    "in a shot of two frames they are a face": Case(still([3, 4]), [row([3, 4])], cuts=[3, 5]),
    "in a shot of one frame one is": Case(still([3]), [row([3])], cuts=[3, 4]),
    "in a shot of two frames one is not": Case(still([3]), [], cuts=[3, 5]),
    "in a movie of one frame one is": Case(still([0]), [row([0])], frames=1),
    "one good look is enough": Case(
        [(0, 0, 0.3), (1, 0, 0.85), (2, 0, 0.3)], [row(range(3))]
    ),
    "none is not": Case(still(range(20), score=0.79), []),
    "as good as needed": Case(still(range(3), score=0.5), [row(range(3))], options=replace(OPTIONS, min_peak=0.5)),
    "low overlap ends a track": Case(
        [*still(range(3)), *still(range(3, 6), left=7)], [row(range(3)), row(range(3, 6), 7, 3)]
    ),
    "less is required": Case(
        [*still(range(3)), *still(range(3, 6), left=7)],
        [[*row(range(3)), *row(range(3, 6), 7, 3)]],
        options=replace(OPTIONS, min_iou=0.15),
    ),
    "numbers have no holes": Case(
        sorted([(0, 50, 0.9), *still(range(1, 5)), *still(range(2, 6), left=100)]),
        [[(1, 0, 1), (2, 0, 2), (3, 0, 4), (4, 0, 6)], [(2, 100, 3), (3, 100, 5), (4, 100, 7), (5, 100, 8)]],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_follow(case: Case) -> None:
    seen = followed(case)
    assert seen.boxes.shape == (len(seen), 4)
    assert seen.smoothed.shape == (len(seen), 7)
    assert seen.boxes.dtype == seen.smoothed.dtype == np.float32
    assert seen.frame.dtype == seen.track.dtype == seen.detection.dtype == np.int32
    expected = sorted(
        (frame, track, detection, left) for track, rows in enumerate(case.tracks) for frame, left, detection in rows
    )
    found = zip(seen.frame.tolist(), seen.track.tolist(), seen.detection.tolist(), strict=True)
    assert list(found) == [key[:3] for key in expected]
    assert seen.boxes[:, 0].tolist() == pytest.approx([left for *_, left in expected], abs=1e-5)
    assert (seen.boxes[:, 2] - seen.boxes[:, 0]).tolist() == pytest.approx([10] * len(seen))


def test_boxes_between_are_interpolated_in_time_not_in_frames() -> None:
    time = np.array([0, 0.1, 0.2, 0.25, 0.6])
    corners = np.array([[0, 0, 10, 10], [0, 0, 10, 10], [4, 8, 14, 28]], np.float32)
    seen = follow(
        time,
        np.zeros(5, np.int32),
        np.array([0, 1, 4], np.int32),
        Detections(corners, np.ones(3, np.float32)),
        np.eye(7, dtype=np.float32)[[HAPPY, HAPPY, SAD]],
        replace(OPTIONS, min_iou=0.04),
    )
    assert seen.detection.tolist() == [0, 1, -1, -1, 2]
    assert seen.boxes[2].tolist() == pytest.approx([0.8, 1.6, 10.8, 13.6])
    assert seen.boxes[3].tolist() == pytest.approx([1.2, 2.4, 11.2, 15.4])


def test_labels_are_smoothed_along_the_track_and_no_other() -> None:
    frames = 50
    faces = np.repeat(np.arange(frames, dtype=np.int32), 2)
    boxes = np.tile(np.array([[0, 0, 10, 10], [50, 0, 60, 10]], np.float32), (frames, 1))
    probabilities = np.zeros((2 * frames, 7), np.float32)
    probabilities[0::2, HAPPY] = 1
    probabilities[1::2, SAD] = 1
    probabilities[40, [HAPPY, SAD]] = 0, 1  # one slip of the first face, at frame 20
    seen = follow(
        np.arange(frames) * 0.04, np.zeros(frames, np.int32), faces, Detections(boxes, np.ones(100, np.float32)),
        probabilities, OPTIONS,
    )  # fmt: skip
    first, second = seen.track == 0, seen.track == 1
    assert set(seen.smoothed[first].argmax(axis=1)) == {HAPPY}
    assert (seen.smoothed[second] == np.eye(7)[SAD]).all()
    assert seen.smoothed[first][20, SAD] == pytest.approx(1 / 25)  # half a second to each side: 12 + 1 + 12 frames
    assert seen.smoothed[first][10, SAD] == pytest.approx(1 / 23)  # frame 10 has but 10 before it
    assert seen.smoothed[first][33, SAD] == 0
    assert seen.smoothed.sum(axis=1) == pytest.approx(np.ones(100))


@pytest.mark.parametrize("window", [0, 0.05, 0.5, 1, 100])
@pytest.mark.parametrize("seed", range(3))
def test_smooth_is_the_plain_average(seed: int, window: float) -> None:
    rng = np.random.default_rng(seed)
    at = np.cumsum(rng.uniform(0.01, 0.3, 80))
    time = np.sort(rng.choice(at, 40, replace=False))
    values = rng.random((40, 7)).astype(np.float32)
    expected = []
    for moment in at:
        near = [v for t, v in zip(time, values, strict=True) if abs(t - moment) <= window / 2 + 5e-7]
        expected.append(np.mean(near, axis=0) if near else values[np.abs(time - moment).argmin()])
    found = smooth(at, time, values, window)
    assert found.dtype == np.float32
    assert found == pytest.approx(np.array(expected), abs=1e-6)


@pytest.mark.parametrize("start", [0, 0.1, 1 / 3, 1234.56, 1e4])
def test_the_edge_of_the_window_counts_whatever_the_last_bit_says(start: float) -> None:
    time = start + np.arange(26) / 25
    values = np.zeros((26, 1), np.float32)
    values[0] = 1
    expected = [1 / min(k + 25, 26) for k in range(25)]  # the first frame is within 24 frames of all of these
    assert smooth(time[:25], time, values, 24 / 25 * 2)[:, 0] == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(3))
def test_where_the_window_holds_nothing_the_nearest_counts(seed: int) -> None:
    rng = np.random.default_rng(seed)
    time = np.cumsum(rng.uniform(0.5, 2, 50))
    at = np.sort(np.concatenate([rng.uniform(-2, time[-1] + 2, 300), (time[1:] + time[:-1]) / 2]))
    values = rng.random((50, 7)).astype(np.float32)
    nearest = np.abs(at[:, None] - time[None, :]).argmin(axis=1)
    assert (smooth(at, time, values, 1e-9) == values[nearest]).all()


def test_the_memory_of_smoothing_grows_with_the_track_not_its_square() -> None:
    time = np.arange(200_000) / 25
    values = np.eye(7, dtype=np.float32)[np.arange(len(time)) % 7]
    assert (smooth(time + 0.01, time, values, 1e-3) == values).all()  # 320 GB, were all compared with all


def test_smooth_of_no_moment() -> None:
    assert smooth(np.zeros(0), np.zeros(1), np.zeros((1, 7), np.float32), 1).shape == (0, 7)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ((0, 0, 2, 2), (0, 0, 2, 2), 1),
        ((0, 0, 2, 2), (1, 0, 3, 2), 1 / 3),
        ((0, 0, 2, 2), (1, 1, 3, 3), 1 / 7),
        ((0, 0, 4, 4), (1, 1, 3, 3), 1 / 4),
        ((0, 0, 2, 2), (2, 0, 4, 2), 0),
        ((0, 0, 2, 2), (5, 5, 6, 6), 0),
        ((-2, -2, 0, 0), (-1, -2, 1, 0), 1 / 3),
        ((1, 1, 1, 1), (1, 1, 1, 1), 0),
        ((0, 0, 2, 2), (1, 1, 1, 1), 0),
        ((2, 2, 0, 0), (0, 0, 2, 2), 0),
    ],
)
def test_iou(a: tuple[float, ...], b: tuple[float, ...], expected: float) -> None:
    one, other = np.array([a], np.float32), np.array([b], np.float32)
    assert iou(one, other) == pytest.approx(np.array([[expected]]))
    assert iou(other, one) == pytest.approx(np.array([[expected]]))


@pytest.mark.parametrize(("n", "m"), [(0, 0), (0, 3), (2, 0), (2, 3)])
def test_iou_has_a_row_for_each_and_a_column_for_each_other(n: int, m: int) -> None:
    assert iou(np.ones((n, 4), np.float32), np.ones((m, 4), np.float32)).shape == (n, m)
