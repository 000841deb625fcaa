"""Tables of persons whose every number can be worked out by hand."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pipeline import schema
from pipeline.faces.quality import Looks
from pipeline.faces.track import Sightings, TrackOptions
from pipeline.media.movie import UNSPECIFIED, Movie, Orientation
from pipeline.scenes.structure import Structure
from pipeline.schema import EMOTIONS, LABELS, UNSURE
from pipeline.tables.observations import RowValues
from pipeline.tables.relabel import relabel
from pipeline.tables.timeline import make_tables
from pipeline.tables.times import FrameTimes

MOVIE = Movie(
    Path("m.mkv"), 0, "h264", Fraction(1, 10), Fraction(0), 640, 360, Orientation(), Fraction(10), UNSPECIFIED
)
HAPPY, SAD = (LABELS.index(name) for name in ("happy", "sad"))


def film(tracks, persons, frames=400, shots=(0, 100, 200, 300), scenes=(0, 0, 1, 1)):
    """Make the tables of a film of 10 frames a second.

    Each of ``tracks`` is its first and last frame, label, probability of happy, quality and size.
    """
    first = np.array(shots, np.int32)
    count = len(first)
    structure = Structure(
        first, np.ones(count, np.int8), np.zeros(count), np.array(scenes, np.int32), np.zeros((count, 0), np.uint8)
    )
    pts, shot = np.arange(frames), structure.shot_of_frames(frames)
    times = FrameTimes(pts, pts / 10, np.full(frames, 0.1), shot, structure.scene[shot], structure)
    rows = sorted((f, k) for k, track in enumerate(tracks) for f in range(track[0], track[1] + 1))
    frame, track = np.array(rows, np.int32).reshape(-1, 2).T
    label, happy, quality, size = (
        np.array([tracks[k][value] for k in track], kind)
        for value, kind in ((2, np.int32), (3, np.float32), (4, np.float32), (5, np.float32))
    )
    probabilities = np.zeros((len(frame), 7), np.float32)
    probabilities[:, HAPPY], probabilities[:, SAD] = happy, 1 - happy
    zero = np.zeros(len(frame), np.float32)
    boxes = np.stack([zero, zero, size, size], axis=1)
    seen = Sightings(frame, track, np.arange(len(frame), dtype=np.int32), boxes, probabilities, quality)
    values = RowValues(quality * 0 + 0.9, probabilities, Looks(size, zero, zero + 0.2, quality))
    of_tracks = None if persons is None else np.array(persons, np.int32)
    return make_tables("m", MOVIE, times, seen, values, label, {"path": "m"}, of_tracks)


FILM = film(
    [
        (0, 149, HAPPY, 0.8, 0.9, 100),  # person 0, 15 s, over a cut
        (50, 69, SAD, 0.1, 0.9, 50),  # person 1, 2 s
        (200, 249, SAD, 0.2, 0.8, 200),  # person 0 again, 5 s
        (250, 259, UNSURE, 0.5, 0.3, 20),  # nobody
    ],
    [0, 1, 0, -1],
)


def test_a_row_per_person() -> None:
    first, second = FILM.people.to_pylist()
    assert FILM.people.schema.remove_metadata() == schema.PEOPLE
    assert (first["tracks"], first["shots"], first["scenes"], first["frames"]) == (2, 3, 2, 200)
    assert (first["start"], first["end"]) == pytest.approx((0, 25))
    assert (first["seconds"], first["coverage"]) == pytest.approx((20, 0.5))
    assert (first["share_happy"], first["share_sad"], first["share_unsure"]) == pytest.approx((0.75, 0.25, 0))
    by_size = 15 * 100**2 / (15 * 100**2 + 5 * 200**2)
    assert (first["size_share_happy"], first["size_share_unsure"]) == pytest.approx((by_size, 0))
    assert first["dominant"] == "happy"
    assert first["best_tracks"] == [0, 2]
    assert [0 <= first["best_frames"][0] < 150, 200 <= first["best_frames"][1] < 250] == [True, True]
    assert (second["seconds"], second["dominant"], second["best_tracks"]) == (pytest.approx(2), "sad", [1])


def test_only_who_was_seen_for_long_enough_has_a_baseline() -> None:
    first, second = FILM.people.to_pylist()
    assert first["baseline_seconds"] == pytest.approx(20)
    assert (first["baseline_happy"], first["baseline_sad"]) == pytest.approx((0.8, 0.2))  # medians: 15 of 20 s
    assert second["baseline_seconds"] == pytest.approx(2)
    assert all(second[f"baseline_{emotion}"] is None for emotion in EMOTIONS)


def test_what_is_seen_badly_makes_no_baseline() -> None:
    blurred = film([(0, 299, HAPPY, 0.8, 0.2, 20)], [0])
    assert blurred.people["baseline_happy"].to_pylist() == [None]
    assert len(blurred.relative) == 0


def test_a_row_per_person_and_scene() -> None:
    rows = FILM.scene_people.to_pylist()
    assert FILM.scene_people.schema.remove_metadata() == schema.SCENE_PEOPLE
    assert [(row["scene"], row["person"]) for row in rows] == [(0, 0), (0, 1), (1, 0)]
    here, other, later = rows
    assert (here["seconds"], here["coverage"], here["shots"]) == (pytest.approx(15), pytest.approx(0.75), 2)
    assert (here["change_happy"], later["change_happy"]) == pytest.approx((0, -0.6))
    assert other["change_happy"] is None
    assert (later["share_sad"], later["start"], later["end"]) == pytest.approx((1, 20, 25))
    assert FILM.scenes["people"].to_pylist() == [2, 1]


def test_relative_is_what_differs_from_the_baseline() -> None:
    assert FILM.relative.schema.remove_metadata() == schema.RELATIVE
    rows = FILM.relative.to_pylist()
    assert len(rows) == 200
    assert {row["person"] for row in rows} == {0}
    assert [rows[0]["relative_happy"], rows[-1]["relative_happy"]] == pytest.approx([0, -0.6])
    assert (rows[-1]["frame"], rows[-1]["scene"], rows[-1]["track"]) == (249, 1, 2)


def test_seconds_count_frames_once_even_if_a_face_has_two_boxes() -> None:
    twice = film([(0, 99, HAPPY, 0.8, 0.9, 100), (0, 99, HAPPY, 0.8, 0.9, 90)], [0, 0])
    assert twice.people["seconds"].to_pylist() == pytest.approx([10])
    assert twice.people["coverage"].to_pylist() == pytest.approx([0.25])


def test_nothing_but_unsure_has_null_shares() -> None:
    [row] = film([(0, 9, UNSURE, 0.5, 0.9, 100)], [0]).people.to_pylist()
    assert (row["share_happy"], row["size_share_happy"], row["share_unsure"], row["dominant"]) == (
        None,
        None,
        1,
        "unsure",
    )


@pytest.mark.parametrize("tracks", [[], [(0, 9, HAPPY, 0.8, 0.9, 100)]])
def test_nobody(tracks) -> None:
    tables = film(tracks, [-1] * len(tracks))
    for name, expected in (
        ("people", schema.PEOPLE),
        ("scene_people", schema.SCENE_PEOPLE),
        ("relative", schema.RELATIVE),
    ):
        table = getattr(tables, name)
        assert (len(table), table.schema.remove_metadata()) == (0, expected)
    assert tables.scenes["people"].to_pylist() == [0, 0]
    assert tables.summary["people"] == 0


def test_not_tried_is_null_not_none() -> None:
    tables = film([(0, 9, HAPPY, 0.8, 0.9, 100)], None)
    assert tables.scenes["people"].to_pylist() == [None, None]
    assert (tables.summary["people"], len(tables.people)) == (None, 0)


def test_other_labels_leave_persons_as_they_are() -> None:
    again = relabel("m", MOVIE, FILM.timeline, FILM.shots, TrackOptions(), {"path": "m"}, 0.0)
    assert again.tracks["person"].to_pylist() == [0, 1, 0, None]
    kept = ["person", "tracks", "seconds", "best_frames", "baseline_happy", "baseline_seconds"]
    assert again.people.select(kept).equals(FILM.people.select(kept))
    # FILM has scenes of its own making; relabelling finds them anew.
    assert again.relative.drop_columns("scene").equals(FILM.relative.drop_columns("scene"))
