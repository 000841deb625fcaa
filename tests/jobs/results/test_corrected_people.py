"""Corrections in the tables of people, in what is relative to them, and in the arc."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from correcting import FRAMES, LABELS, give, mark
from made_up import make_up

from jobs.results.corrections import corrected, read_changes
from jobs.results.corrections.people import people_of, persons_of
from jobs.results.timeline_index import read_timeline_index
from pipeline import schema

FIGURES = [f"{kind}_{label}" for kind in ("share", "mean") for label in LABELS] + [
    "share_unsure",
    "seconds",
    "coverage",
]


@pytest.fixture
def film(tmp_path):
    return make_up(tmp_path, frames=FRAMES, name="film.mp4")


def of_person(table, person):
    return table.to_pandas().groupby("person").get_group(person).reset_index(drop=True)


def assert_figures(found, expected, more=()):
    columns = [*FIGURES, *more]
    np.testing.assert_allclose(found[columns], expected[columns], rtol=1e-6, atol=1e-9)


def test_a_correction_that_changes_nothing_leaves_people_as_measured(film):
    row = pq.read_table(film.timeline).to_pylist()[320]
    give(film, "label", (2, 160), text=row["emotion"], start=row["time"], end=row["time"] + 0.04)
    found = corrected(film)
    for name in ("people", "scene_people", "relative", "arc"):
        one, other = getattr(found, name), pq.read_table(getattr(film, name))
        assert (one.column_names, one.schema.metadata) == (other.column_names, other.schema.metadata)
        assert_close(one.to_pandas(), other.to_pandas())


def assert_close(one, other):
    assert len(one) == len(other)
    for name in one:
        if name.startswith("size_"):  # made up with areas of 1
            continue
        if one[name].dtype.kind == "f":
            np.testing.assert_allclose(one[name], other[name], rtol=1e-6, atol=1e-6, err_msg=name)
        elif not name.startswith("best_"):
            assert one[name].astype(str).tolist() == other[name].astype(str).tolist(), name


def test_a_rejected_face_is_gone_from_its_persons_shares_arc_and_baseline(film):
    give(film, "reject", (2, 200))  # person 0, from 6 to 12 s
    found = corrected(film)
    mine, other = of_person(found.people, 0), of_person(found.people, 1)
    assert_figures(other, of_person(pq.read_table(film.people), 1))
    assert mine[["tracks", "shots", "scenes", "frames"]].values.tolist() == [[2, 2, 2, 300]]
    assert mine.seconds[0] == pytest.approx(12)
    tracks = pq.read_table(film.tracks).to_pandas().query("track in (0, 4)")
    assert mine.share_happy[0] == pytest.approx(tracks.share_happy.mean())  # tracks of one length
    rows = pq.read_table(film.timeline).to_pandas().query("track in (0, 4)")
    assert mine.baseline_happy[0] == pytest.approx(np.sort(rows.happy)[149], abs=1e-6)
    assert mine.baseline_seconds[0] == pytest.approx(12)
    assert (of_person(found.scene_people, 0).scene.tolist(), of_person(found.scene_people, 1).scene.tolist()) == (
        [0, 2], [0, 1, 2],
    )  # fmt: skip
    relative = found.relative.to_pandas()
    assert set(relative.track) == {0, 1, 3, 4, 5}
    first = relative.query("track == 0 and frame == 0")
    expected = rows.query("track == 0 and frame == 0").happy.iloc[0] - mine.baseline_happy[0]
    assert first.relative_happy.iloc[0] == pytest.approx(expected, abs=1e-3)
    arc = found.arc.to_pandas()
    assert arc.faces.tolist() == pytest.approx([2] * 6 + [1] * 6 + [2] * 6)
    assert arc.tracks.tolist() == [2] * 6 + [1] * 6 + [2] * 6
    alone = pq.read_table(film.timeline).to_pandas().query("track == 3 and time < 7")
    assert arc.mean_sad[6] == pytest.approx(alone.sad.mean(), abs=1e-6)
    assert found.figures["people"] == 2
    give(film, "reject", (0, 10), (4, 400), number="b", seen=1)
    found = corrected(film)
    assert found.people["person"].to_pylist() == [1]
    assert found.figures["people"] == 1


def test_a_label_counts_in_shares_of_person_scene_and_second_alone(film):
    give(film, "label", (0, 10), text="fear")
    found = corrected(film)
    assert of_person(found.scene_people, 0).share_fear.iloc[0] == pytest.approx(1)
    measured = pq.read_table(film.tracks).to_pandas().query("track in (0, 2, 4)").share_fear.tolist()
    assert of_person(found.people, 0).share_fear.iloc[0] == pytest.approx(np.mean([1, *measured[1:]]))
    assert found.arc.to_pandas().share_fear[:6].min() >= 0.5
    assert found.relative.equals(pq.read_table(film.relative))  # the network's probabilities stay
    for name in ("baseline_fear", "mean_fear"):
        assert of_person(found.people, 0)[name].iloc[0] == pytest.approx(
            of_person(pq.read_table(film.people), 0)[name].iloc[0]
        )


def test_a_face_of_another_person_moves_with_its_time(film):
    give(film, "person", (2, 200), other=mark(film, 1, 10))  # beside track 3, who is the same person
    found = corrected(film)
    assert found.people["seconds"].to_pylist() == pytest.approx([12, 18])
    assert found.people["tracks"].to_pylist() == [2, 4]
    assert [(one["scene"], one["person"]) for one in found.scene_people.to_pylist()] == [
        (0, 0), (0, 1), (1, 1), (2, 0), (2, 1),
    ]  # fmt: skip
    assert set(found.relative.to_pandas().query("track == 2").person) == {1}


def test_merged_and_split_persons(film):
    give(film, "person", (0, 10), number="a")  # a person of its own, number 2
    give(film, "merge_people", (1, 10), number="b", other=mark(film, 2, 200), seen=1)
    found = corrected(film)
    assert found.people["person"].to_pylist() == [0, 2]
    assert found.people["seconds"].to_pylist() == pytest.approx([18, 6])
    short = of_person(found.people, 2)
    assert short.baseline_happy.isna().all()  # 6 s are too few
    assert set(found.relative["person"].to_pylist()) == {0}
    changes = of_person(found.scene_people, 2)
    assert changes.change_happy.isna().all()
    whole = of_person(found.scene_people, 0)
    expected = whole.mean_sad - of_person(found.people, 0).baseline_sad[0]
    np.testing.assert_allclose(whole.change_sad, expected)


def test_persons_follow_scenes_that_are_cut_within_a_shot(film):
    give(film, "split_scene", frame=75)
    found = corrected(film)
    rows = found.scene_people.to_pylist()
    assert [(one["scene"], one["person"]) for one in rows] == [(k // 2, k % 2) for k in range(8)]
    assert [one["seconds"] for one in rows[:4]] == pytest.approx([3] * 4)
    assert found.people["scenes"].to_pylist() == [4, 4]
    assert found.arc["scene"].to_pylist()[:6] == [0] * 3 + [1] * 3
    assert found.relative.to_pandas().query("frame in (74, 75)").scene.tolist() == [0, 0, 1, 1]


def test_tables_from_before_persons_have_none(film):
    for path in (film.people, film.scene_people, film.relative):
        path.unlink()
    for path in (film.timeline, film.tracks):
        table = pq.read_table(path)
        at = table.schema.get_field_index("person")
        pq.write_table(table.set_column(at, table.schema.field(at), pa.nulls(len(table), pa.int32())), path)
    found = corrected(film)
    assert (len(found.people), len(found.scene_people), len(found.relative)) == (0, 0, 0)
    assert found.people.column_names == schema.PEOPLE.names


def test_pages_say_of_persons_what_the_tables_do(film):
    give(film, "merge_people", (1, 10), other=mark(film, 0, 10))  # who are seen at once
    give(film, "person", (2, 200), number="b", seen=1)
    changes = read_changes(film)
    index = read_timeline_index(film.timeline, changes)
    pages = {one["person"]: one for one in people_of(index, persons_of(film.tracks, changes), changes)}
    tables = corrected(film).people.to_pylist()
    assert {one["person"]: one["tracks"] for one in tables} == {0: 5, 2: 1}
    for one in tables:
        page = pages[one["person"]]
        assert page["seconds"] == pytest.approx(one["seconds"]), "a frame counts once"
        assert page["tracks"] == one["tracks"]
        assert page["shares"][:7] == pytest.approx([one[f"share_{label}"] for label in LABELS], abs=1e-4)
