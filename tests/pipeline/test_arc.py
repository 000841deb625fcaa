"""The arc: a row a second, computed here once more, slowly and plainly."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made_up import make_up

from pipeline import schema
from pipeline.arc import make_arc
from pipeline.schema import EMOTIONS, LABELS


def timeline(frames: list[tuple[float, list[tuple[int, str]]]], scene: list[int] | None = None) -> pa.Table:
    """Return a timeline of frames, each with its time in s and its faces: track and label."""
    rows = []
    for number, (time, faces) in enumerate(frames):
        where = {"movie": "a.mp4", "frame": number, "pts": number, "time": time, "shot": 0}
        where["scene"] = scene[number] if scene else 0
        for track, label in faces or [(None, None)]:
            row = dict.fromkeys(schema.TIMELINE.names) | where
            if track is not None:
                row |= {"track": track, "emotion": label, "confidence": 0.9, "score": 0.9}
                row |= {name: float(name == label) for name in EMOTIONS}
            rows.append(row)
    table = pa.Table.from_pylist(rows, schema.TIMELINE)
    return table.replace_schema_metadata({b"moodreel": json.dumps({"schema_version": schema.VERSION}).encode()})


def test_a_frame_counts_in_each_second_by_the_time_it_is_shown_there():
    film = timeline([(0.0, [(0, "happy")]), (0.5, []), (0.75, [(0, "sad"), (1, "happy")])])
    arc = make_arc(film, 2.25).to_pylist()
    assert [row["second"] for row in arc] == [0, 1, 2]
    assert [row["coverage"] for row in arc] == pytest.approx([0.75, 1, 1])
    assert [row["faces"] for row in arc] == pytest.approx([1.0, 2, 2])
    assert [row["frames"] for row in arc] == [3, 1, 1]
    assert [row["faces_max"] for row in arc] == [2, 2, 2]
    assert arc[0]["share_happy"] == pytest.approx(0.75)  # 0.5 s + 0.25 s of 1 s of face-time
    assert arc[1]["share_happy"] == pytest.approx(0.5)
    assert arc[0]["mean_sad"] == pytest.approx(0.25)


def test_a_second_without_a_face_is_null_and_there():
    arc = make_arc(timeline([(0.0, [(0, "happy")]), (1.0, []), (2.0, [(1, "unsure")])]), 3.0)
    assert arc.schema.equals(schema.ARC)
    empty = arc.to_pylist()[1]
    assert {name: empty[name] for name in ("coverage", "faces", "faces_max", "tracks")} == dict.fromkeys(
        ("coverage", "faces", "faces_max", "tracks"), 0
    )
    assert all(empty[f"mean_{name}"] is None and empty[f"share_{name}"] is None for name in EMOTIONS)
    assert (empty["share_unsure"], empty["dominant"]) == (None, None)
    last = arc.to_pylist()[2]
    assert (last["share_unsure"], last["dominant"], last["share_happy"]) == (1.0, "unsure", None)


def test_a_second_before_the_first_frame_is_null():
    row = make_arc(timeline([(1.5, [(0, "sad")])]), 2.0).to_pylist()[0]
    assert (row["movie"], row["second"]) == ("a.mp4", 0)
    assert [value for name, value in row.items() if name not in ("movie", "second")] == [None] * (len(schema.ARC) - 2)


def test_no_face_at_all():
    arc = make_arc(timeline([(0.0, []), (0.5, [])]), 1.0)
    assert arc["coverage"].to_pylist() == [0.0]
    assert arc["dominant"].to_pylist() == [None]


def test_a_film_that_ends_at_a_full_second_has_no_second_behind_it():
    times = [k / 25 for k in range(75)]
    assert len(make_arc(timeline([(t, []) for t in times]), times[-1] + 0.04)) == 3


def test_a_frame_that_stays_for_seconds_is_in_each():
    arc = make_arc(timeline([(0.0, [(0, "fear")]), (3.5, [])]), 4.0)
    assert arc["coverage"].to_pylist() == pytest.approx([1, 1, 1, 0.5])
    assert arc["dominant"].to_pylist() == ["fear"] * 4


def test_the_scene_is_the_one_that_is_shown_longest():
    film = timeline([(0.0, []), (0.4, []), (1.0, []), (1.5, [])], scene=[0, 1, 1, 2])
    assert make_arc(film, 2.0)["scene"].to_pylist() == [1, 1]  # of equal parts, the first


def test_sums_over_seconds_are_those_of_the_movie(tmp_path):
    folder = make_up(tmp_path, frames=1007, faces=2)
    table = pq.read_table(folder.timeline)
    arc = make_arc(table, 1007 / 25)
    face_time = sum(row["faces"] * min(1, 1007 / 25 - row["second"]) for row in arc.to_pylist())
    assert face_time == pytest.approx(2 * 1007 / 25)
    labels = table["emotion"].to_pylist()
    for label in EMOTIONS:
        whole = sum(
            (row[f"share_{label}"] or 0) * row["faces"] * min(1, 1007 / 25 - row["second"]) for row in arc.to_pylist()
        )
        assert whole == pytest.approx(labels.count(label) / 25)
    assert arc.schema.metadata == table.schema.metadata
    assert set(arc["dominant"].to_pylist()) <= set(LABELS)
    assert np.array_equal(arc["second"].to_numpy(), np.arange(41))
