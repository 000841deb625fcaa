"""Labels along a track: they follow what lasts, not what flickers, and unseen frames follow their neighbours."""

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.faces.track import Sightings, TrackOptions
from pipeline.schema import UNSURE
from pipeline.tables.decode import decode, rows_by_track, track_labels

HAPPY, SAD = 3, 4


def track(*spans: tuple[int, int, float]) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Return times at 25 frames/s, and probabilities, of spans of frames with an emotion and its probability."""
    rows = [
        [part if emotion == k else (1 - part) / 6 for k in range(7)]
        for count, emotion, part in spans
        for _ in range(count)
    ]
    return np.arange(len(rows)) / 25, np.array(rows, np.float32)


def labels(*spans: tuple[int, int, float], sure: float = 0.0, quality: float = 0.9) -> list[int]:
    time, probabilities = track(*spans)
    return decode(time, probabilities, np.full(len(time), quality, np.float32), 2.0, sure).tolist()


def test_a_flicker_is_no_change_and_what_lasts_is_one_at_its_place() -> None:
    assert labels((25, HAPPY, 0.8), (3, SAD, 0.8), (25, HAPPY, 0.8)) == [HAPPY] * 53
    assert labels((50, HAPPY, 0.8), (50, SAD, 0.8)) == [HAPPY] * 50 + [SAD] * 50
    assert labels((13, HAPPY, 0.5), *[(1, SAD, 0.4), (1, HAPPY, 0.4)] * 20) == [HAPPY] * 53


@pytest.mark.parametrize(("part", "shown"), [(0.65, True), (0.59, False)])
def test_a_steady_face_has_a_label_where_its_support_reaches_sure(part: float, shown: bool) -> None:
    expected = HAPPY if shown else UNSURE
    assert labels((60, HAPPY, part), sure=0.62) == [expected] * 60
    assert labels((1, HAPPY, part), sure=0.62) == [expected]
    assert labels((60, HAPPY, part), sure=0) == [HAPPY] * 60
    assert labels((60, HAPPY, part), sure=1) == [UNSURE] * 60


def test_support_that_hovers_does_not_flicker_and_bad_crops_are_unsure() -> None:
    hovering = [(1, HAPPY, 0.57 if k % 2 else 0.67) for k in range(60)]
    assert len(set(labels(*hovering, sure=0.62))) == 1
    assert labels((60, HAPPY, 0.9), sure=0.62, quality=0.1) == [UNSURE] * 60


def test_what_was_not_seen_speaks_for_nothing() -> None:
    time, probabilities = track((20, HAPPY, 0.8), (20, SAD, 0.9), (20, HAPPY, 0.8))
    quality = np.full(60, 0.9, np.float32)
    probabilities[20:40], quality[20:40] = np.nan, np.nan
    assert decode(time, probabilities, quality, 2.0, 0.6).tolist() == [HAPPY] * 60
    probabilities[:], quality[:] = np.nan, np.nan
    assert len(decode(time, probabilities, quality, 2.0, 0.6)) == 60


def test_rows_of_tracks() -> None:
    assert [rows.tolist() for rows in rows_by_track(np.array([2, 0, 2, 1, 0], np.int32))] == [[1, 4], [3], [0, 2]]
    assert rows_by_track(np.zeros(0, np.int32)) == []


def test_a_label_does_not_outlive_its_support() -> None:
    time, probabilities = track((50, HAPPY, 0.9), (10, HAPPY, 0.45), (50, HAPPY, 0.9))
    quality = np.full(110, 0.9, np.float32)
    nothing = np.zeros(110, np.int32)
    seen = Sightings(nothing, nothing, nothing, np.zeros((110, 4), np.float32), probabilities, quality)
    assert decode(time, probabilities, quality, 2.0, 0.6).tolist() == [HAPPY] * 110
    found = track_labels(time, seen, probabilities, quality, TrackOptions(), 0.6).tolist()
    assert found == [HAPPY] * 50 + [UNSURE] * 10 + [HAPPY] * 50
    assert track_labels(time, seen, probabilities, quality, TrackOptions(), 0).tolist() == [HAPPY] * 110
