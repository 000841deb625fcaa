"""review.json: labels that people give, whoever writes at the same time."""

import json
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest

from jobs.errors import ReviewFileError
from jobs.store.sidecar.review_file import (
    FaceLabel,
    change_review,
    labels_in,
    overlap,
    put_label,
    read_review,
    take_back,
)

BOX = (10.0, 10.0, 50.0, 60.0)


def label(number="a", frame=3, box=BOX, by="ann", **changes):
    fields = {"time": 0.12, "track": 0, "label": "sad", "at": "2026-01-01T00:00:00+00:00", "blind": True}
    return FaceLabel(id=number, frame=frame, box=box, by=by, **(fields | changes))


def put(folder, one, fingerprint="f"):
    return change_review(folder, "film.mp4", fingerprint, lambda content: put_label(content, one))


def test_nothing_is_there_before_the_first_label(tmp_path):
    assert read_review(tmp_path) is None
    put(tmp_path, label())
    content = read_review(tmp_path)
    assert (content["format"], content["movie"], content["fingerprint"]) == (2, "film.mp4", "f")
    assert labels_in(content) == [label()]
    assert [path.name for path in tmp_path.iterdir()] == ["review.json"]


def test_a_new_label_of_the_same_face_replaces_and_undo_brings_back(tmp_path):
    put(tmp_path, label("a"))
    moved = (12.0, 11.0, 52.0, 61.0)  # the box of a new analysis
    content = put(tmp_path, label("b", box=moved, label="happy", track=7))
    assert [one.id for one in labels_in(content)] == ["b"]
    content = change_review(tmp_path, "film.mp4", "f", lambda found: take_back(found, "b"))
    assert labels_in(content) == [label("a")]
    content = change_review(tmp_path, "film.mp4", "f", lambda found: take_back(found, "gone"))
    assert labels_in(content) == [label("a")]


@pytest.mark.parametrize("other", [{"frame": 4}, {"by": "bob"}, {"box": (200.0, 10.0, 240.0, 60.0)}])
def test_other_frames_people_and_faces_are_kept_apart(tmp_path, other):
    put(tmp_path, label("a"))
    assert len(labels_in(put(tmp_path, label("b", **other)))) == 2


def write_many(folder: Path, writer: int) -> None:
    for k in range(10):
        put(folder, label(f"{writer}-{k}", frame=100 * writer + k))


@pytest.mark.parametrize("pool", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_writers_at_the_same_time_lose_nothing(tmp_path, pool):
    with pool(4) as executor:
        list(executor.map(write_many, [tmp_path] * 4, range(4)))
    assert len(labels_in(read_review(tmp_path))) == 40


def test_what_this_version_does_not_know_is_kept(tmp_path):
    odd = {"format": 1, "fingerprint": "f", "scenes": [{"merge": 3}], "labels": [{"id": "odd"}, {"id": 3}]}
    (tmp_path / "review.json").write_text(json.dumps(odd))
    content = put(tmp_path, label())
    assert content["scenes"] == [{"merge": 3}]
    assert [entry["id"] for entry in content["labels"]] == ["odd", 3, "a"]
    assert labels_in(content) == [label()]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{half", "expected JSON"),
        ("[]", "expected a format number"),
        ('{"format": 3}', "written by a newer moodreel"),
        ('{"format": 1, "fingerprint": "other"}', "an earlier state of the movie"),
    ],
)
def test_what_cannot_be_read_is_not_overwritten(tmp_path, text, words):
    (tmp_path / "review.json").write_text(text)
    with pytest.raises(ReviewFileError, match=words):
        put(tmp_path, label())
    assert (tmp_path / "review.json").read_text() == text


def test_a_folder_that_is_gone(tmp_path):
    with pytest.raises(ReviewFileError, match="cannot be written"):
        put(tmp_path / "gone", label())


def test_overlap():
    assert overlap(BOX, BOX) == pytest.approx(1)
    assert overlap(BOX, (50.0, 10.0, 90.0, 60.0)) == 0
    assert overlap((0.0, 0.0, 2.0, 1.0), (1.0, 0.0, 3.0, 1.0)) == pytest.approx(1 / 3)
