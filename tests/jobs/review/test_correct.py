"""Corrections over HTTP: given, seen in every answer at once, undone; what cannot be done is said."""

import json

import pytest
from made_up import make_up
from review_client import review_client

OURS = {"X-Moodreel": "1"}
URL = "/api/corrections/film.mp4"


@pytest.fixture
def out(tmp_path):
    make_up(tmp_path, frames=450, name="film.mp4")
    return tmp_path


def client(out, editor="ann"):
    return review_client(out, editor)


def give(visitor, revision=0, **body):
    return visitor.post(URL, json=body | {"revision": revision}, headers=OURS)


def test_without_edit_corrections_are_seen_and_cannot_be_given(out):
    give(client(out), kind="reject", faces=[2], frame=200)
    visitor = client(out, None)
    assert visitor.get("/api/faces/film.mp4").json["total"] == 5
    assert [one["words"] for one in visitor.get(URL).json["corrections"]] == ["#2: not a face"]
    assert give(visitor, kind="reject", faces=[3], frame=200).status_code == 405
    assert b'id="corrections"' not in visitor.get("/movie/film.mp4").data


def test_the_library_has_the_corrected_figures(out):
    visitor = client(out)
    assert 'data-faces="6"' in visitor.get("/").text
    give(visitor, kind="reject", faces=[2], frame=200)
    assert 'data-faces="5"' in visitor.get("/").text
    assert 'data-faces="5"' in visitor.get("/rows").text
    (out / "film.mp4" / "tracks.parquet").write_bytes(b"damaged")
    assert 'data-faces="6"' in client(out).get("/").text
    (out / "film.mp4" / "review.json").write_text("damaged")
    assert visitor.get("/").status_code == 200


def test_every_answer_follows_a_rejected_face_and_its_undo(out):
    visitor = client(out)
    before = {
        kind: visitor.get(f"/api/{kind}/film.mp4").json for kind in ("scenes", "faces", "lanes", "movie", "shares")
    }
    found = give(visitor, kind="reject", faces=[2], frame=200).json
    assert found["revision"] == 1
    assert visitor.get("/api/faces/film.mp4").json["total"] == 5
    assert visitor.get("/api/scenes/film.mp4").json["scenes"][1]["tracks"] == 1
    assert visitor.get("/api/movie/film.mp4").json["tracks"] == 5
    assert [face[0] for face in visitor.get("/api/frames/film.mp4?frame=200").json["faces"][0]] == [3]
    rows = visitor.get("/csv/frames/film.mp4?confidence=0").get_data(as_text=True).splitlines()
    assert len(rows) == 1 + 900 - 150
    assert visitor.get("/still/face/2/film.mp4").status_code == 404
    assert b"5 faces followed" in visitor.get("/movie/film.mp4").data
    visitor.post(URL, json={"undo": found["corrections"][0]["id"]}, headers=OURS)
    assert {kind: visitor.get(f"/api/{kind}/film.mp4").json for kind in before} == before


def test_a_label_for_a_moment_is_for_the_frames_around_with_the_same_label(out):
    visitor = client(out)
    old = next(one for one in visitor.get("/api/intervals/film.mp4").json["intervals"] if one["track"] == 0)
    other = "fear" if old["emotion"] != "fear" else "sad"
    frame = (old["first_frame"] + old["last_frame"]) // 2
    give(visitor, kind="label", faces=[0], frame=frame, text=other, moment=True)
    mine = visitor.get(f"/api/intervals/film.mp4?emotion={other}&confidence=1").json["intervals"]
    assert [(one["track"], one["first_frame"], one["last_frame"], one["confidence_mean"]) for one in mine] == [
        (0, old["first_frame"], old["last_frame"], 1.0)
    ]


def test_people_and_the_moments_of_one(out):
    visitor = client(out)
    give(visitor, kind="name_person", faces=[0], text="Anna")
    give(visitor, 1, kind="person", faces=[3], frame=200, other=0)
    give(visitor, 2, kind="name_person", faces=[1], text="Ben")
    found = visitor.get("/api/people/film.mp4").json
    assert [(one["name"], one["tracks"], one["seconds"]) for one in found["people"]] == [
        ("Anna", 4, 18),  # tracks 2 and 3 share frames, which count once
        ("Ben", 2, 12),
    ]
    assert found["tracks"] == [[0, 0], [1, 1], [2, 0], [3, 0], [4, 0], [5, 1]]
    moments = visitor.get("/api/intervals/film.mp4?person=0").json["intervals"]
    assert {one["track"] for one in moments} == {0, 2, 3, 4}
    give(visitor, 3, kind="merge_people", faces=[0], other=1)
    assert [one["name"] for one in visitor.get("/api/people/film.mp4").json["people"]] == ["Anna"]


def test_scenes_are_named_merged_and_split(out):
    visitor = client(out)
    give(visitor, kind="merge_scenes", frame=150)
    give(visitor, 1, kind="split_scene", frame=375)
    give(visitor, 2, kind="name_scene", frame=10, text="  The talk ")
    scenes = visitor.get("/api/scenes/film.mp4").json["scenes"]
    assert [(one["first_frame"], one["name"]) for one in scenes] == [(0, "The talk"), (300, ""), (375, "")]
    assert visitor.get("/api/movie/film.mp4").json["scenes"] == [0, 12000, 15000]


def test_a_window_that_is_behind_hears_of_it(out):
    one, other = client(out), client(out, "bob")
    give(one, kind="label", faces=[0], frame=3, text="sad")
    answer = give(other, 0, kind="label", faces=[0], frame=9, text="happy")
    assert answer.status_code == 409
    assert "ann has just changed this" in answer.json["message"]
    assert give(other, 0, kind="reject", faces=[1], frame=9).json["revision"] == 2  # something else: both hold


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"kind": "erase"}, "kind: expected one of reject"),
        ({"kind": "reject"}, "faces: expected"),
        ({"kind": "reject", "faces": [99]}, "face 99 is not in frame"),
        ({"kind": "reject", "faces": [0], "frame": 200}, "face 0 is not in frame 200"),
        ({"kind": "reject", "faces": [0], "frame": 450}, "frame: expected a number from 0 to 449"),
        ({"kind": "label", "faces": [0], "text": "bored"}, "text: expected one of angry"),
        ({"kind": "name_scene", "text": "x"}, "frame: expected"),
        ({"kind": "name_scene", "frame": 3, "text": "x" * 201}, "at most 200"),
        ({"kind": "split_scene", "frame": 0}, "first frame"),
        ({"kind": "merge_people", "faces": [0]}, "other: expected"),
    ],
)
def test_wrong_requests_write_nothing(out, body, words):
    answer = give(client(out), **body)
    assert (answer.status_code, words in answer.json["message"]) == (400, True), answer.json
    assert not (out / "film.mp4" / "review.json").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [("{half", "expected JSON"), (json.dumps({"format": 9}), "newer moodreel")],
)
def test_a_sidecar_that_cannot_be_used_is_said_on_the_page(out, content, words):
    (out / "film.mp4" / "review.json").write_text(content)
    visitor = client(out)
    assert words.encode() in visitor.get("/movie/film.mp4").data
    assert visitor.get("/api/scenes/film.mp4").json["total"] == 3
    assert give(visitor, kind="reject", faces=[0], frame=3).status_code == 422
    assert (out / "film.mp4" / "review.json").read_text() == content
