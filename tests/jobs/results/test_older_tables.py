"""Tables of older schema versions stay readable: 1 knows neither ``unsure`` nor how faces are shown, 2 no scenes."""

import json
import shutil

import pyarrow.parquet as pq
import pytest

from jobs.report.movie_report import write_movie_report
from jobs.results.csv_export import frame_lines
from jobs.results.errors import UnreadableError
from jobs.results.intervals import Filter, find_intervals
from jobs.results.lanes import make_lanes
from jobs.results.rows import SCENE_COLUMNS, TRACK_COLUMNS, scenes_of, tracks_of
from jobs.results.tables import read_table
from jobs.results.timeline_index import read_timeline_index
from jobs.store.workspace import MovieFolder
from pipeline import schema


def older(short, tmp_path, version):
    folder = MovieFolder(tmp_path / short.root.name)
    shutil.copytree(short.root, folder.root)
    stamp = {b"moodreel": json.dumps({"schema_version": version, "width": 1280, "height": 720}).encode()}
    for path in (folder.timeline, folder.tracks, folder.shots, folder.scenes):
        table = pq.read_table(path)
        kept = [name for name in table.column_names if schema.ADDED.get(name, 0) <= version]
        pq.write_table(table.select(kept).replace_schema_metadata(stamp), path)
    return folder


@pytest.fixture
def old(short, tmp_path):
    return older(short, tmp_path, 1)


def test_all_readers_cope(old):
    index = read_timeline_index(old.timeline)
    assert index.heights(0, 40, 10).sum(axis=1) == pytest.approx(1)
    assert index.shares(0, 40)[schema.UNSURE] == 0
    assert make_lanes(index).count == 2
    for scene in scenes_of(read_table(old.scenes, SCENE_COLUMNS)):
        assert sum(scene.shares) == pytest.approx(1)
    assert all(track.shares[schema.UNSURE] == 0 for track in tracks_of(read_table(old.tracks, TRACK_COLUMNS)))
    header, *rows = frame_lines(index, find_intervals(index, Filter("happy")))
    assert "quality" in header
    assert ",,,,," not in header
    assert all(row.count(",") % header.count(",") == 0 for row in "".join(rows).splitlines())
    write_movie_report(old)
    assert old.report.stat().st_size > 0


def test_tables_without_scenes_are_read(short, tmp_path):
    folder = older(short, tmp_path, 2)
    assert "look" not in pq.read_schema(folder.shots).names
    scenes = scenes_of(read_table(folder.scenes, SCENE_COLUMNS))
    assert len(scenes) == len(pq.read_table(folder.shots))
    assert read_table(folder.timeline, ["person"])["person"].null_count == len(pq.read_table(folder.timeline))
    assert read_table(folder.scenes, ["people", "face_share_happy"])["people"].null_count == len(scenes)
    write_movie_report(folder)
    assert folder.report.stat().st_size > 0


def test_a_column_that_the_files_version_has_must_be_there(short, tmp_path):
    table = pq.read_table(short.timeline)
    pq.write_table(table.drop_columns(["quality"]).replace_schema_metadata(table.schema.metadata), tmp_path / "t")
    with pytest.raises(UnreadableError, match="it lacks quality"):
        read_table(tmp_path / "t", ["frame", "quality"])
