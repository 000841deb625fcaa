"""``job.json``: tolerant when read, strict when written."""

import json
from dataclasses import fields, replace

import pytest

from jobs.store.job_file import FORMAT, JobFile, MovieSummary, read_job_file
from jobs.store.provenance import Keys
from jobs.store.workspace import MovieFolder
from pipeline import schema

SUMMARY = MovieSummary(duration=2.5, frames=60, faces=0, coverage=0.0, dominant=None)
JOB = JobFile(
    movie="in/film.mp4",
    status="partial",
    reason="it breaks off",
    source="/films/in/film.mp4",
    summary=SUMMARY,
    seconds=1.25,
    keys=Keys("a", "b", "c"),
    remarks=("one",),
    stage_seconds={"scan": 0.1},
    finished="2026-01-01T00:00:00+00:00",
    schema_version=1,
    device="cpu",
    settings={"crf": 23, "detector_model": None},
    versions={"av": "14"},
)


def test_reads_back_what_was_written(tmp_path):
    path = tmp_path / "film.mp4" / "job.json"
    JOB.write(path)
    assert read_job_file(path) == JOB
    assert MovieFolder(path.parent).read_job_file() == JOB
    assert json.loads(path.read_text())["format"] == FORMAT


def test_the_summary_has_the_columns_of_the_table_of_movies():
    columns = {name for name in schema.MOVIES.names if name not in JobFile.__dataclass_fields__}
    assert {one.name for one in fields(MovieSummary)} == columns


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"null", b"7", b"\xff\xfe", b"[" * 100_000, b"1" * 5000])
def test_no_file_that_can_be_read(tmp_path, content):
    (tmp_path / "job.json").write_bytes(content)
    assert read_job_file(tmp_path / "job.json") is None
    assert read_job_file(tmp_path / "gone.json") is None


@pytest.mark.parametrize(
    "content", [{"copies": 2}, {"movie": "a"}, {"status": "done"}, {"movie": 3, "status": "done"},
    {"movie": "a", "status": "queued"}, {"movie": "a", "status": ["done"]}], ids=str
)  # fmt: skip
def test_files_of_other_programs(tmp_path, content):
    (tmp_path / "job.json").write_text(json.dumps(content))
    assert read_job_file(tmp_path / "job.json") is None
    assert MovieFolder(tmp_path).holds_foreign_job()


def test_our_own_file_is_not_foreign(tmp_path):
    assert not MovieFolder(tmp_path).holds_foreign_job()
    JOB.write(tmp_path / "job.json")
    assert not MovieFolder(tmp_path).holds_foreign_job()


@pytest.mark.parametrize("value", ["3", '"x"', "[]", '{"a": []}', "NaN", "-Infinity", "1e999", "null", "true"])
def test_values_of_another_type_become_defaults(tmp_path, value):
    names = [one.name for one in fields(JobFile) if one.name not in ("movie", "status", "rest")]
    text = ", ".join(f'"{name}": {value}' for name in names)
    (tmp_path / "job.json").write_text('{"movie": "a", "status": "done", ' + text + "}")
    job = read_job_file(tmp_path / "job.json")
    assert job is not None
    job.write(tmp_path / "again.json")
    assert read_job_file(tmp_path / "again.json") == replace(job, format=FORMAT)


@pytest.mark.parametrize("value", ["many", [3], True, 1e99, 2**40, -(2**31) - 1, float("nan")], ids=str)
def test_counts_that_fit_no_column_are_unknown(value):
    assert MovieSummary.parse({"frames": value}).frames is None


def test_files_without_a_version_are_older(tmp_path):
    old = {
        "movie": "a",
        "status": "done",
        "reason": "",
        "source": "/a",
        "summary": {"frames": 3},
        "keys": {"tables": "k"},
    }
    (tmp_path / "job.json").write_text(json.dumps(old))
    job = read_job_file(tmp_path / "job.json")
    assert job is not None
    assert (job.format, job.keys, job.summary.frames, job.trusted) == (None, Keys(tables="k"), 3, True)


def test_what_is_unknown_is_kept_when_a_file_is_rewritten(tmp_path):
    path = tmp_path / "job.json"
    path.write_text(json.dumps(JOB.to_json() | {"added_later": {"x": [1]}}))
    job = read_job_file(path)
    assert job is not None
    replace(job, keys=Keys()).write(path)
    assert json.loads(path.read_text())["added_later"] == {"x": [1]}


@pytest.mark.parametrize(
    "wrong", [{"seconds": float("nan")}, {"status": "queued"}, {"movie": ""}, {"remarks": (3,)},
    {"stage_seconds": {"scan": "long"}}, {"settings": {"crf": float("inf")}}], ids=str
)  # fmt: skip
def test_nonsense_is_not_written(tmp_path, wrong):
    path = tmp_path / "job.json"
    JOB.write(path)
    with pytest.raises(ValueError):  # noqa: PT011 - json says it in its own words
        replace(JOB, **wrong).write(path)
    assert read_job_file(path) == JOB


def test_a_source_whose_name_is_no_utf8(tmp_path):
    job = replace(JOB, source="/films/caf\udce9.mp4")
    job.write(tmp_path / "job.json")
    assert read_job_file(tmp_path / "job.json") == job


def test_being_replaced():
    job = JOB.being_replaced()
    assert (job.status, job.keys, job.has_results) == ("failed", Keys(), False)
    assert "run again" in job.reason
