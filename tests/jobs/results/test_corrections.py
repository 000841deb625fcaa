"""Corrections applied on reading: rows, shares, scenes, persons; the tables themselves stay as they were measured."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from correcting import FRAMES, LABELS, give, mark, taken_back
from made_up import make_up

from jobs.errors import ReviewConflictError, ReviewFileError
from jobs.results.corrections import corrected, read_changes
from jobs.store.sidecar.corrections import corrections_in, revision_of
from jobs.store.sidecar.review_file import NAME, read_review


@pytest.fixture
def film(tmp_path):
    return make_up(tmp_path, frames=FRAMES, name="film.mp4")


def bytes_of_tables(film):
    return {path.name: path.read_bytes() for path in film.root.glob("*.parquet")}


def assert_same(found, measured):
    for name in ("timeline", "tracks", "shots", "scenes", "people", "scene_people", "relative", "arc"):
        assert getattr(found, name).equals(pq.read_table(getattr(measured, name))), name


def test_nothing_is_computed_where_nothing_is_corrected(film):
    found = corrected(film)
    assert_same(found, film)
    assert (found.changes.count, found.figures, found.notes) == (0, {}, ())


def test_a_label_that_says_what_is_there_already_changes_no_figure(film):
    row = next(row for row in pq.read_table(film.timeline).to_pylist() if (row["track"], row["frame"]) == (2, 160))
    give(film, "label", (2, 160), text=row["emotion"], start=row["time"], end=row["time"] + 0.04)
    found = corrected(film)
    for name in ("tracks", "shots", "scenes"):
        one, other = (t.to_pandas() for t in (getattr(found, name), pq.read_table(getattr(film, name))))
        kinds = [f"{kind}_{label}" for kind in ("share", "mean", "face_share", "size_share") for label in LABELS]
        kinds += ["share_unsure", "face_share_unsure", "size_share_unsure", "people", "coverage", "start", "end"]
        shares = [column for column in kinds if column in one.columns]
        np.testing.assert_allclose(one[shares], other[shares], rtol=1e-6, atol=1e-12, err_msg=name)
        assert one["dominant"].equals(other["dominant"])
    plain = [t.to_pandas().astype({"emotion": str}) for t in (found.timeline, pq.read_table(film.timeline))]
    changed = plain[0].compare(plain[1])
    assert list(changed.columns.get_level_values(0).unique()) == ["confidence"]
    assert changed.index.tolist() == [320]


def test_a_rejected_face_is_gone_from_every_table_and_share(film):
    before = bytes_of_tables(film)
    give(film, "reject", (2, 200))
    found = corrected(film)
    assert bytes_of_tables(film) == before
    frame = found.timeline.to_pandas()
    assert not (frame.track == 2).any()
    assert len(frame) == 2 * FRAMES - 150
    assert found.tracks["track"].to_pylist() == [0, 1, 3, 4, 5]
    assert found.scenes["tracks"].to_pylist() == [2, 1, 2]
    assert found.scenes["faces_max"].to_pylist() == [2, 1, 2]
    assert found.figures["tracks"] == 5
    alone = found.tracks.filter(np.array(found.tracks["track"].to_pylist()) == 3).to_pylist()[0]
    scene = found.scenes.to_pylist()[1]
    for label in LABELS:
        for view in ("", "face_", "size_"):
            assert scene[f"{view}share_{label}"] == pytest.approx(alone[f"share_{label}"])
        assert found.figures[f"face_share_{label}"] == pytest.approx(
            np.mean([one[f"share_{label}"] for one in found.tracks.to_pylist()])
        )
    assert found.scenes["people"].to_pylist() == [2, 1, 2]
    give(film, "reject", (3, 200), number="b")
    found = corrected(film)
    frame = found.timeline.to_pandas()
    assert len(frame) == 2 * FRAMES - 150
    bare = frame[frame.shot == 1]
    assert bare.track.isna().all()
    assert bare[[*LABELS, "x1", "score", "emotion", "confidence"]].isna().all().all()
    assert frame.frame.is_monotonic_increasing
    scene = found.scenes.to_pylist()[1]
    assert (scene["coverage"], scene["tracks"], scene["share_happy"], scene["dominant"]) == (0, 0, None, None)
    assert found.figures["coverage"] == pytest.approx(2 / 3)


def test_another_label_of_a_whole_face_and_of_a_moment(film):
    give(film, "label", (0, 10), text="fear")
    give(film, "label", (0, 10), number="b", text="sad", start=1.0, end=2.0, seen=1)
    give(film, "label", (1, 10), number="c", text="unsure", seen=2)
    found = corrected(film)
    frame = found.timeline.to_pandas()
    mine = frame[frame.track == 0]
    assert set(mine.emotion[(mine.time >= 1) & (mine.time < 2)]) == {"sad"}
    assert set(mine.emotion[(mine.time < 1) | (mine.time >= 2)]) == {"fear"}
    assert (mine.confidence == 1).all()
    measured = pq.read_table(film.timeline).to_pandas()
    assert (frame[list(LABELS)] == measured[list(LABELS)]).all().all()
    other = frame.track == 1
    assert set(frame.emotion[other]) == {"unsure"}
    assert (frame.confidence[other] == measured.confidence[other]).all()
    track = found.tracks.to_pylist()[0]
    assert (track["share_sad"], track["share_fear"]) == (pytest.approx(25 / 150), pytest.approx(125 / 150))
    assert found.scenes.to_pylist()[0]["share_unsure"] == pytest.approx(0.5)
    assert found.shots.to_pylist()[0]["dominant"] == "fear"


def test_undo_brings_the_measured_tables_back(film):
    give(film, "reject", (2, 200))
    give(film, "label", (0, 10), number="b", text="fear", seen=1)
    taken_back(film, "a")
    assert 2 in corrected(film).tracks["track"].to_pylist()
    content = taken_back(film, "b")
    assert_same(corrected(film), film)
    assert [entry["undone"]["by"] for entry in content["corrections"]] == ["ann", "ann"]
    assert revision_of(content) == 4


def test_scenes_are_merged_split_and_named(film):
    give(film, "merge_scenes", number="a", frame=150)
    give(film, "split_scene", number="b", frame=225, seen=1)
    give(film, "name_scene", number="c", frame=30, text="The talk", seen=2)
    give(film, "name_scene", number="d", frame=300, text="The end", seen=3)
    found = corrected(film)
    scenes = found.scenes.to_pylist()
    assert [(one["first_frame"], one["last_frame"], one["shots"]) for one in scenes] == [
        (0, 224, 2), (225, 299, 1), (300, 449, 1),
    ]  # fmt: skip
    assert [round(one["end"] - one["start"], 6) for one in scenes] == [9, 3, 6]
    assert found.scene_names == {0: "The talk", 2: "The end"}
    assert found.tracks["scene"].to_pylist() == [0, 0, 0, 0, 2, 2]
    assert found.shots["scene"].to_pylist() == [0, 0, 2]
    frame = found.timeline.to_pandas()
    assert (frame.groupby("scene").frame.agg(["min", "max"]).values == [[0, 224], [225, 299], [300, 449]]).all()
    assert found.figures["scenes"] == 3
    assert sum(one["share_sad"] for one in scenes[2:]) == pytest.approx(
        pq.read_table(film.scenes).to_pylist()[2]["share_sad"]
    )


def test_merged_scenes_have_every_figure_of_a_scene(film):
    give(film, "merge_scenes", frame=150)
    scene, _ = corrected(film).scenes.to_pylist()
    tracks = pq.read_table(film.tracks).to_pylist()[:4]
    rows = pq.read_table(film.timeline).to_pandas().query("track < 4 and emotion != 'unsure'")
    area = ((rows.x2 - rows.x1) * (rows.y2 - rows.y1)).groupby(rows.emotion.astype(str)).sum()
    for label in LABELS:
        assert scene[f"face_share_{label}"] == pytest.approx(np.mean([one[f"share_{label}"] for one in tracks]))
        assert scene[f"size_share_{label}"] == pytest.approx(area.get(label, 0) / area.sum())
    assert scene["people"] == 2


def test_scenes_count_persons_as_corrected(film):
    assert pq.read_table(film.scenes)["people"].to_pylist() == [2, 2, 2]
    give(film, "merge_people", (2, 200), other=mark(film, 3, 200))
    assert corrected(film).scenes["people"].to_pylist() == [1, 1, 1]


def test_persons_that_were_not_told_apart_stay_uncounted(film):
    for path in (film.timeline, film.tracks, film.scenes):
        table = pq.read_table(path)
        name = "people" if path == film.scenes else "person"
        at = table.schema.get_field_index(name)
        pq.write_table(table.set_column(at, table.schema.field(at), pa.nulls(len(table), pa.int32())), path)
    give(film, "merge_scenes", frame=150)
    assert corrected(film).scenes["people"].to_pylist() == [None, None]


def test_persons_are_named_merged_and_split(film):
    assert pq.read_table(film.tracks)["person"].to_pylist() == [0, 1, 0, 1, 0, 1]
    give(film, "name_person", (0, 10), number="a", text="Anna")
    give(film, "person", (2, 200), number="b", seen=1)
    give(film, "name_person", (1, 10), number="c", text="Ben", seen=2)
    changes = read_changes(film)
    assert changes.persons == {2: 2}
    assert changes.person_names == {0: "Anna", 1: "Ben"}
    give(film, "merge_people", (1, 10), number="d", other=mark(film, 2, 200), seen=3)
    changes = read_changes(film)
    assert changes.persons == {2: 1}
    assert changes.person_names == {0: "Anna", 1: "Ben"}
    give(film, "person", (1, 10), number="e", seen=4)
    give(film, "person", (3, 200), number="f", other=mark(film, 0, 10), seen=5)
    assert read_changes(film).persons == {1: 3, 2: 1, 3: 0}
    found = corrected(film)
    assert found.tracks["person"].to_pylist() == [0, 3, 1, 0, 0, 1]
    frame = found.timeline.to_pandas()
    assert frame.groupby("track").person.agg(["min", "max"]).values.T.tolist() == [[0, 3, 1, 0, 0, 1]] * 2


def test_two_windows_lose_nothing_and_hear_of_each_other(film):
    give(film, "reject", (2, 200), number="a", seen=0)
    give(film, "reject", (3, 200), number="b", seen=0, by="bob")  # another face: both hold
    give(film, "reject", (2, 210), number="c", seen=0, by="bob")  # the same said twice
    assert [one.id for one in corrections_in(read_review(film.root))] == ["a", "b"]
    give(film, "label", (0, 10), number="d", text="sad", seen=2)
    with pytest.raises(ReviewConflictError, match="ann has just changed this"):
        give(film, "label", (0, 20), number="e", text="happy", seen=2, by="bob")
    give(film, "label", (0, 20), number="e", text="happy", seen=3, by="bob")  # having looked again
    assert set(corrected(film).timeline.to_pandas().query("track == 0").emotion) == {"happy"}


def test_faces_are_found_again_when_tracks_are_numbered_anew(film):
    give(film, "reject", (2, 200))
    content = read_review(film.root)
    content["corrections"][0]["faces"][0]["track"] = 77
    (film.root / NAME).write_text(json.dumps(content))
    assert read_changes(film).rejected == {2}


def test_what_fits_no_more_is_said_and_kept(film):
    give(film, "reject", (2, 200))
    give(film, "merge_scenes", number="b", frame=220, seen=1)
    content = read_review(film.root)
    content["corrections"][0]["faces"][0]["box"] = [900, 0, 950, 40]
    text = json.dumps(content)
    (film.root / NAME).write_text(text)
    found = corrected(film)
    assert found.notes == ("2 of 2 corrections in review.json no longer match a face or scene",)
    assert_same(found, film)
    assert (film.root / NAME).read_text() == text


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{half", "expected JSON"),
        (json.dumps({"format": 3}), "written by a newer moodreel"),
        (json.dumps({"format": 2, "fingerprint": "x", "corrections": [
            {"id": "a", "kind": "split_scene", "by": "ann", "at": "now", "frame": 10}]}), "an earlier state of the"),
        (json.dumps({"format": 2, "corrections": [{"id": "a", "kind": "erase"}, 5]}), "1 corrections cannot be read"),
    ],
)  # fmt: skip
def test_a_sidecar_that_cannot_be_used_changes_nothing_and_is_said(film, content, words):
    (film.root / NAME).write_text(content)
    found = corrected(film)
    assert len(found.notes) == 1
    assert words in found.notes[0]
    assert_same(found, film)
    assert (film.root / NAME).read_text() == content


def test_a_read_only_sidecar_is_applied_and_left_alone(film):
    give(film, "reject", (2, 200))
    (film.root / NAME).chmod(0o444)
    before = (film.root / NAME).read_bytes()
    with pytest.raises(ReviewFileError, match="is read-only"):
        give(film, "reject", (3, 200), number="b", seen=1)
    assert (film.root / NAME).read_bytes() == before
    assert read_changes(film).rejected == {2}


def test_a_sidecar_of_format_1_is_read_and_keeps_its_labels(film):
    label = {"id": "l", "frame": 3, "time": 0.12, "track": 0, "box": [1, 2, 3, 4], "label": "sad", "by": "ann"}
    old = {"format": 1, "movie": "film.mp4", "fingerprint": "0", "labels": [label | {"at": "now", "blind": True}]}
    (film.root / NAME).write_text(json.dumps(old))
    assert corrected(film).notes == ()
    content = give(film, "reject", (2, 200))
    assert content["labels"] == old["labels"]
    assert read_review(film.root)["format"] == 2


def test_a_film_without_a_face(tmp_path):
    bare = make_up(tmp_path, frames=300, faces=0, name="film.mp4")
    give(bare, "merge_scenes", frame=150)
    found = corrected(bare)
    assert len(found.tracks) == 0
    assert [(one["scene"], one["coverage"], one["dominant"]) for one in found.scenes.to_pylist()] == [(0, 0, None)]
