"""Labels over HTTP: only with --edit, only from our own pages, only of faces that are there."""

import json

import pytest
from made_up import make_up
from review_client import review_client

from jobs.store.sidecar.review_file import labels_in, read_review

OURS = {"X-Moodreel": "1"}
URL = "/api/labels/film.mp4"
SAD = {"frame": 3, "track": 1, "label": "sad", "blind": True}


@pytest.fixture
def out(tmp_path):
    make_up(tmp_path, frames=60, name="film.mp4")
    return tmp_path


def client(out, editor="ann"):
    return review_client(out, editor)


def test_without_edit_nothing_can_be_written(out):
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    visitor = client(out, None)
    assert visitor.get(URL).status_code == 404
    assert visitor.post(URL, json=SAD, headers=OURS).status_code == 404
    assert b"label-mode" not in visitor.get("/movie/film.mp4").data
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before


def test_label_replace_and_undo(out):
    visitor = client(out)
    assert b"label-mode" in visitor.get("/movie/film.mp4").data
    assert visitor.get(URL).json == {"by": "ann", "labels": []}
    first = visitor.post(URL, json=SAD, headers=OURS).json["labels"]
    assert [(one["label"], one["by"], one["frame"], one["time"], one["blind"]) for one in first] == [
        ("sad", "ann", 3, 0.12, True)
    ]
    assert first[0]["box"][2] - first[0]["box"][0] == pytest.approx(150, abs=0.2)
    second = visitor.post(URL, json=SAD | {"label": "noface"}, headers=OURS).json["labels"]
    assert [one["label"] for one in second] == ["noface"]
    back = visitor.post(URL, json={"undo": second[0]["id"]}, headers=OURS).json["labels"]
    assert back == first
    assert visitor.post(URL, json={"undo": first[0]["id"]}, headers=OURS).json["labels"] == []


def test_two_windows_keep_each_others_labels(out):
    a, b = client(out), client(out, "bob")
    a.post(URL, json=SAD, headers=OURS)
    found = b.post(URL, json=SAD | {"label": "happy"}, headers=OURS).json["labels"]
    assert [(one["by"], one["label"]) for one in found] == [("ann", "sad"), ("bob", "happy")]


@pytest.mark.parametrize(
    "headers",
    [{}, {"X-Moodreel": "0"}, OURS | {"Origin": "http://evil.example"}, OURS | {"Origin": "null"}],
)
def test_other_sites_pages_cannot_write(out, headers):
    assert client(out).post(URL, json=SAD, headers=headers).status_code == 403
    assert read_review(out / "film.mp4") is None


def test_our_own_origin_may_write(out):
    headers = OURS | {"Origin": "http://localhost"}
    assert client(out).post(URL, json=SAD, headers=headers).status_code == 200
    assert len(labels_in(read_review(out / "film.mp4"))) == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([], "expected a JSON object"),
        (SAD | {"label": "bored"}, "label: expected one of angry"),
        (SAD | {"track": 99}, "face 99 is not in frame 3"),
        (SAD | {"frame": 60}, "expected the numbers of a frame"),
        (SAD | {"frame": "3"}, "expected the numbers of a frame"),
        (SAD | {"frame": True}, "expected the numbers of a frame"),
    ],
)
def test_wrong_requests_write_nothing(out, body, words):
    answer = client(out).post(URL, json=body, headers=OURS)
    assert answer.status_code == 400
    assert words in answer.json["message"]
    assert read_review(out / "film.mp4") is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{half", "expected JSON"),
        (json.dumps({"format": 9}), "newer moodreel"),
        (json.dumps({"format": 1, "fingerprint": "other"}), "an earlier state of th"),
    ],
)
def test_a_file_that_cannot_be_used_is_said_and_kept(out, content, words):
    (out / "film.mp4" / "review.json").write_text(content)
    visitor = client(out)
    for answer in (visitor.get(URL), visitor.post(URL, json=SAD, headers=OURS)):
        assert answer.status_code == 422
        assert words in answer.json["message"]
    assert (out / "film.mp4" / "review.json").read_text() == content
    assert visitor.get("/movie/film.mp4").status_code == 200


def test_a_face_at_random(out, tmp_path_factory):
    found = client(out).get("/api/random-face/film.mp4").json
    assert 0 <= found["frame"] < 60
    empty = tmp_path_factory.mktemp("empty")
    make_up(empty, frames=60, faces=0, name="film.mp4")
    assert client(empty).get("/api/random-face/film.mp4").status_code == 404
