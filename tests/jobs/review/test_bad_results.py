"""Results that are missing, not done, not ours or damaged: a page that says so, never a traceback."""

import json
import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from flask.testing import FlaskClient
from made_up import make_up

from jobs.store.atomic import commit_json

DATA = (
    "/api/movie/",
    "/api/shares/",
    "/api/lanes/",
    "/api/frames/",
    "/api/intervals/",
    "/csv/intervals/",
    "/csv/frames/",
)


def says(client: FlaskClient, path: str, status: int, *words: str) -> None:
    answer = client.get(path)
    assert answer.status_code == status, answer.text[:600]
    for word in words:
        assert word in answer.text
    for word in ("Traceback", "site-packages", "Error:"):
        assert word not in answer.text


@pytest.fixture
def out(tmp_path: Path) -> Path:
    make_up(tmp_path, frames=60, name="film.mp4")
    return tmp_path


@pytest.mark.parametrize("exists", [True, False], ids=["empty", "gone"])
def test_a_folder_without_results(client_of, tmp_path, exists):
    out = tmp_path if exists else tmp_path / "gone"
    says(client_of(out), "/", 200, "No results here yet", "moodreel run")
    says(client_of(out), "/movie/film.mp4", 404)


def test_a_run_that_has_just_started(client_of, tmp_path):
    run = {"pid": 1, "host": "here", "started": "2026-01-01T00:00:00+00:00", "ended": None, "exit_code": None}
    commit_json(tmp_path / "run.json", run | {"movies": [{"name": "film.mp4"}], "settings": {}})
    says(client_of(tmp_path), "/", 200, "film.mp4", "waiting")


def test_a_movie_that_is_still_processed(client_of, tmp_path):
    plan = {"movie": "film.mp4", "began": "2026-01-01T00:00:00+00:00", "passes": 2}
    plan |= {"keys": {"analysis": "a", "tables": "t", "video": "v"}, "segments": [{"name": "0", "frames": 100}]}
    commit_json(tmp_path / "film.mp4" / ".work" / "plan.json", plan)
    client = client_of(tmp_path)
    says(client, "/movie/film.mp4", 409, "still being processed")
    assert client.get("/api/state/film.mp4").json["state"] == "stopped"  # no run holds the folder


def test_a_movie_that_is_processed_again_shows_no_old_results(client_of, out):
    plan = {"movie": "film.mp4", "began": "2030-01-01T00:00:00+00:00", "passes": 1}
    plan |= {"keys": {"analysis": "a", "tables": "t", "video": "v"}, "segments": []}
    commit_json(out / "film.mp4" / ".work" / "plan.json", plan)
    says(client_of(out), "/movie/film.mp4", 409, "still being processed")


def test_a_movie_that_failed(client_of, tmp_path):
    job = {"movie": "x.mp4", "status": "failed", "reason": "<i>no</i> moov atom", "source": "/x.mp4"}
    commit_json(tmp_path / "x.mp4" / "job.json", job | {"finished": "2026-01-01T00:00:00+00:00"})
    says(client_of(tmp_path), "/movie/x.mp4", 404, "&lt;i&gt;no&lt;/i&gt; moov atom")
    says(client_of(tmp_path), "/", 200, "failed", "&lt;i&gt;no&lt;/i&gt; moov atom")


@pytest.mark.parametrize("path", ["/movie/", *DATA])
def test_a_timeline_of_a_newer_version(client_of, out, path):
    file = out / "film.mp4" / "timeline.parquet"
    table = pq.read_table(file)
    pq.write_table(table.replace_schema_metadata({b"moodreel": json.dumps({"schema_version": 99}).encode()}), file)
    says(client_of(out), f"{path}film.mp4", 422, "newer moodreel", "found 99", "update moodreel")


@pytest.mark.parametrize("path", ["/movie/", *DATA])
@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda _: b"", id="empty"),
        pytest.param(lambda _: b"PAR1" + b"\0" * 40 + b"PAR1", id="no footer"),
        pytest.param(lambda data: data[: len(data) // 2], id="cut off"),
        pytest.param(lambda data: data[:64] + bytes(len(data) - 1500) + data[-1436:], id="overwritten"),
    ],
)
def test_a_timeline_that_is_damaged(client_of, out, path, spoil):
    file = out / "film.mp4" / "timeline.parquet"
    file.write_bytes(spoil(file.read_bytes()))
    says(client_of(out), f"{path}film.mp4", 422, "timeline.parquet", "process the movie again")


def test_a_table_that_is_not_ours(client_of, out):
    file = out / "film.mp4" / "timeline.parquet"
    pq.write_table(pq.read_table(file).replace_schema_metadata(None), file)
    says(client_of(out), "/movie/film.mp4", 422, "expected a table of moodreel")


def test_a_table_that_lacks_a_column(client_of, out):
    file = out / "film.mp4" / "scenes.parquet"
    pq.write_table(pq.read_table(file).drop_columns(["coverage"]), file)
    says(client_of(out), "/api/scenes/film.mp4", 422, "it lacks coverage")


@pytest.mark.parametrize("table", ["timeline", "scenes", "tracks", "shots"])
def test_a_table_that_is_gone(client_of, out, table):
    (out / "film.mp4" / f"{table}.parquet").unlink()
    path = {"timeline": "/movie/", "scenes": "/api/scenes/", "tracks": "/api/faces/", "shots": "/api/movie/"}[table]
    says(client_of(out), f"{path}film.mp4", 404, f"{table}.parquet is missing")


def test_a_timeline_that_is_replaced_is_read_again(client_of, out):
    client = client_of(out)
    assert client.get("/api/movie/film.mp4").json["frames"] == 60
    (out / "film.mp4" / "timeline.parquet").unlink()
    other = make_up(out / "other", frames=70, name="film.mp4")
    other.timeline.rename(out / "film.mp4" / "timeline.parquet")
    assert client.get("/api/movie/film.mp4").json["frames"] == 70


def test_videos_that_were_deleted(client_of, own_demo):
    client = client_of(own_demo)
    assert [video["kind"] for video in client.get("/api/movie/sample.mp4").json["videos"]] == ["annotated", "original"]
    (own_demo / "sample.mp4" / "annotated.mp4").unlink()
    says(client, "/movie/sample.mp4", 200, "annotated.mp4 is missing")
    says(client, "/video/annotated/sample.mp4", 404, "annotated.mp4 is missing")
    assert [video["kind"] for video in client.get("/api/movie/sample.mp4").json["videos"]] == ["original"]


def test_no_video_at_all(client_of, out):
    client = client_of(out)
    says(client, "/movie/film.mp4", 200, "There is nothing to play", "gone.mp4, no longer exists")
    says(client, "/still/scene/0/film.mp4", 404)
    says(client, "/still/frame/film.mp4", 404)


@pytest.mark.parametrize("query", ["from=abc", "to=nan", "bins=inf", "emotion=bored", "confidence=high"])
def test_a_query_that_makes_no_sense(client_of, out, query):
    path = "/api/intervals/film.mp4" if "=" in query and query.split("=")[0] != "bins" else "/api/shares/film.mp4"
    answer = client_of(out).get(f"{path}?{query}")
    assert answer.status_code == 400
    assert "expected" in answer.json["message"]


@pytest.mark.parametrize("query", ["from=-5&to=99999&bins=999999999", "from=9&to=1", "bins=-4", "from=1e300&to=1e301"])
def test_a_query_out_of_range_is_limited(client_of, out, query):
    answer = client_of(out).get(f"/api/shares/film.mp4?{query}")
    assert answer.status_code == 200
    assert 1 <= len(answer.json["heights"][0]) <= 2000


def test_a_folder_that_vanishes_while_the_library_is_read_does_no_harm(client_of, out, tmp_path_factory, monkeypatch):
    make_up(out, frames=60, name="second.mp4")
    aside = tmp_path_factory.mktemp("aside") / "film.mp4"
    real = os.scandir

    def scandir(path: object = ".") -> object:
        if Path(os.fspath(path)) == out / "film.mp4" and not aside.exists():
            (out / "film.mp4").rename(aside)  # as if a run had removed it just before the walk enters it
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    says(client_of(out), "/", 200, "second.mp4")
    assert aside.exists()


def test_a_movie_without_a_face(client_of, faceless):
    client = client_of(faceless.root.parent)
    for path in ("/movie/", *DATA, "/api/scenes/", "/api/faces/"):
        assert client.get(f"{path}long.mp4").status_code == 200, path
    assert client.get("/api/next/long.mp4?emotion=sad").json == {"interval": None}
    says(client, "/still/face/0/long.mp4", 404)


def test_a_source_whose_name_is_no_utf8(client_of, out):
    job = out / "film.mp4" / "job.json"
    source = os.fsdecode(b"/films/caf\xe9 <b>.mp4")
    commit_json(job, json.loads(job.read_text()) | {"source": source, "status": "partial", "reason": f"{source}: cut"})
    says(client_of(out), "/movie/film.mp4", 200, "/films/caf\ufffd &lt;b&gt;.mp4")
    says(client_of(out), "/", 200, "film.mp4")
    says(client_of(out), "/api/movie/film.mp4", 200)
