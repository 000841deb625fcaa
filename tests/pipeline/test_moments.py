"""Moments: a row for each run of frames in which one face keeps one label."""

import numpy as np
import pyarrow.parquet as pq
import pytest
from made_up import make_up
from test_arc import timeline

from jobs.results.intervals import Filter, find_intervals
from jobs.results.timeline_index import read_timeline_index
from pipeline import schema
from pipeline.moments import make_moments


def test_a_moment_ends_with_its_label_its_face_or_a_gap():
    film = timeline(
        [(0.0, [(0, "sad"), (1, "sad")]), (0.5, [(0, "happy")]), (1.0, [(0, "happy")]), (1.5, []), (2, [(0, "happy")])],
        scene=[0, 0, 1, 1, 1],
    )
    found = make_moments(film, 2.25)
    assert found.schema.equals(schema.MOMENTS.with_metadata(found.schema.metadata))
    assert [tuple(row.values())[1:] for row in found.drop_columns(["person", "shot"]).to_pylist()] == [
        (0, 0, "sad", 0.0, 0.5, 0, 0, pytest.approx(0.9), pytest.approx(0.9)),
        (1, 0, "sad", 0.0, 0.5, 0, 0, pytest.approx(0.9), pytest.approx(0.9)),
        (0, 0, "happy", 0.5, 1.5, 1, 2, pytest.approx(0.9), pytest.approx(0.9)),
        (0, 1, "happy", 2.0, 2.25, 4, 4, pytest.approx(0.9), pytest.approx(0.9)),
    ]


def test_a_film_without_a_face_has_none():
    found = make_moments(timeline([(0.0, []), (0.5, [])]), 1.0)
    assert (len(found), found.column_names) == (0, schema.MOMENTS.names)


def test_pages_find_the_same(tmp_path):
    folder = make_up(tmp_path, frames=1000, faces=3)
    table = pq.read_table(folder.timeline)
    found = make_moments(table, 40.0)
    wanted = find_intervals(read_timeline_index(folder.timeline), Filter(unsure=True))
    assert len(wanted) == len(found) > 40
    for name, column in (
        ("track", wanted.track),
        ("first_frame", wanted.first_frame),
        ("last_frame", wanted.last_frame),
        ("confidence_mean", wanted.mean),
        ("confidence_max", wanted.most),
        ("start", wanted.start),
        ("end", wanted.end),
    ):
        np.testing.assert_allclose(found[name].to_numpy(), column, rtol=1e-6, err_msg=name)
    assert found["label"].to_pylist() == [schema.LABELS[k] for k in wanted.emotion]
    assert found["person"].to_pylist() == [track % 3 for track in wanted.track]
