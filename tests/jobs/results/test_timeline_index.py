"""Sums against the table itself, added up the slow way."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jobs.results.timeline_index import TimelineIndex, read_timeline_index
from pipeline.schema import LABELS


def heights_the_slow_way(table: pd.DataFrame, index: TimelineIndex, start: float, end: float) -> list[float]:
    """Each emotion's part of the face-time in a span, times the part of the span in which a face is seen."""
    shown = {frame: (index.time[frame], index.time[frame + 1]) for frame in table.frame.unique()}
    within = {frame: max(0.0, min(last, end) - max(first, start)) for frame, (first, last) in shown.items()}
    faces = table[table.track.notna()]
    seconds = faces.frame.map(within)
    total = seconds.sum()
    covered = sum(within[frame] for frame in faces.frame.unique()) / (end - start)
    return [float(seconds[faces.emotion == name].sum() / total * covered) if total else 0.0 for name in LABELS]


@pytest.mark.parametrize(
    ("start", "end"), [(0.0, 14.0), (2.9, 3.3), (5.5, 9.0), (6.1, 8.2), (8.51, 8.52), (13.9, 14.0)]
)
def test_heights_of_the_sample(demo, start, end):
    path = demo / "outputs" / "sample.mp4" / "timeline.parquet"
    index, table = read_timeline_index(path), pd.read_parquet(path)
    (row,) = index.heights(start, end, 1)
    assert row == pytest.approx(heights_the_slow_way(table, index, start, end), abs=1e-9)


def test_bins_add_up_to_the_whole(short):
    index = read_timeline_index(short.timeline)
    assert index.heights(0, 40, 800).mean(axis=0) == pytest.approx(index.heights(0, 40, 1)[0])
    assert index.heights(0, 40, 800).sum(axis=1) == pytest.approx(1)  # a face is always seen


def test_times_of_frames(demo):
    index = read_timeline_index(demo / "outputs" / "sample.mp4" / "timeline.parquet")
    assert (index.frames, index.start) == (336, 0)
    assert index.end == pytest.approx(14)
    assert [index.frame_at(time) for time in (-1, 0, 0.0416, 0.0417, 13.99, 99)] == [0, 0, 0, 1, 335, 335]


def test_a_movie_without_a_face(faceless):
    index = read_timeline_index(faceless.timeline)
    assert len(index.faces) == 0
    assert not index.heights(0, 8, 10).any()
    assert index.shares(0, 8) is None


def test_labels_whose_dictionary_is_in_another_order(short, tmp_path):
    table = pd.read_parquet(short.timeline)
    wanted = read_timeline_index(short.timeline).faces.emotion
    import pyarrow as pa
    import pyarrow.parquet as pq

    old = pq.read_table(short.timeline)
    labels = pa.array(table.emotion.astype(str)).dictionary_encode()
    assert labels.dictionary.to_pylist() != list(LABELS)
    path: Path = tmp_path / "timeline.parquet"
    pq.write_table(old.set_column(old.column_names.index("emotion"), "emotion", labels), path)
    assert np.array_equal(read_timeline_index(path).faces.emotion, wanted)
