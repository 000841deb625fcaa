"""``moodreel evaluate --video``: agreement with labels that users gave to their own movies."""

import json

import numpy as np
import pytest
from made_up import make_up
from typer.testing import CliRunner

from jobs.cli import app
from jobs.results.boxes import frame_chunk
from jobs.results.timeline_index import read_timeline_index
from jobs.store.atomic import commit_json
from jobs.store.sidecar.review_file import FaceLabel, change_review, put_label
from pipeline.schema import EMOTIONS


def cli(*arguments):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture
def labelled(tmp_path):
    """Results of a film of 600 frames with 40 labels: three of four as the network says, the last ones no emotions."""
    out = tmp_path / "outputs"
    folder = make_up(out, frames=600, name="film.mp4")
    index = read_timeline_index(folder.timeline)
    for k, frame in enumerate(range(0, 600, 15)):
        chunk = frame_chunk(index, frame)
        track, x1, y1, x2, y2, emotion, *_ = chunk.faces[frame - chunk.first][k % 2]
        said = EMOTIONS[int(emotion) if k % 4 else (int(emotion) + 1) % 7]
        said = {38: "unclear", 39: "noface"}.get(k, said)
        # A track of another analysis, and a box that is a little off.
        box = (x1 + 5, y1 - 5, x2 + 5, y2 - 5)
        one = FaceLabel(str(k), frame, frame / 25, int(track) + 1000, box, said, "ann", "2026-01-01", k > 5)
        change_review(folder.root, "film.mp4", "0", lambda content, one=one: put_label(content, one))
    return out


def test_figures_of_own_labels(labelled, tmp_path):
    result = cli("evaluate", "--video", labelled, "--out", tmp_path / "figures")
    assert result.exit_code == 0, result.stderr
    assert "## Your labels: 40 faces in 1 movies, by 1 people" in result.stdout
    assert "38 were given an emotion; the network has a label for 38 of these (coverage 100.0 %)" in result.stdout
    assert "1 were unclear to you; the network labels 1 of these" in result.stdout
    assert "34 were labelled without the network's label in sight" in result.stdout
    assert "| agreement, % | 73.7 |" in result.stdout
    found = json.loads((tmp_path / "figures" / "own-film.json").read_text())
    assert found["counts"]["lost"] == 0
    assert np.sum(found["confusion"]) == 38
    low, high = found["cohens_kappa_interval_95"]
    assert low < found["cohens_kappa"] < high
    assert (tmp_path / "figures" / "own-film.md").read_text().strip() == result.stdout.strip()
    assert cli("evaluate", "--video", labelled, "film.mp4").stdout == result.stdout


def test_a_face_that_is_not_found_any_more_is_counted(labelled):
    one = FaceLabel("x", 3, 0.12, 0, (900.0, 500.0, 950.0, 550.0), "sad", "ann", "2026-01-01", True)
    change_review(labelled / "film.mp4", "film.mp4", "0", lambda content: put_label(content, one))
    text = cli("evaluate", "--video", labelled).stdout
    assert "39 were given an emotion; the network has a label for 38" in text
    assert "1 are no longer where they were labelled" in text


def test_labels_of_a_film_that_changed_are_used_only_where_asked(labelled):
    job = labelled / "film.mp4" / "job.json"
    commit_json(job, json.loads(job.read_text()) | {"fingerprint": "1"})
    text = cli("evaluate", "--video", labelled).stdout
    assert "has changed since it was labelled; --changed uses these labels anyway" in text
    assert "## Your labels: 0 faces" in text
    text = cli("evaluate", "--video", labelled, "--changed").stdout
    assert "faces are looked up by time and place" in text
    assert "| agreement, % | 73.7 |" in text


def test_unknown_labels_and_damage_are_said(labelled):
    path = labelled / "film.mp4" / "review.json"
    content = json.loads(path.read_text())
    content["labels"][0]["label"] = "bored"
    path.write_text(json.dumps(content))
    assert "1 labels left out: unknown: bored" in cli("evaluate", "--video", labelled).stdout
    path.write_text("{half")
    result = cli("evaluate", "--video", labelled)
    assert result.exit_code == 0
    assert "expected JSON that moodreel wrote" in result.stdout


def test_nothing_labelled(tmp_path):
    make_up(tmp_path / "outputs", frames=60, name="film.mp4")
    text = cli("evaluate", "--video", tmp_path / "outputs").stdout
    assert "no face is labelled; moodreel review --edit lets you label some" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "expected --data, or --video"),
        (("film.mp4",), "film.mp4: a movie goes with --video"),
        (("--video", "gone"), "gone: no such folder"),
        (("--video", ".", "film.mp4"), "film.mp4: no movie of this name"),
    ],
)
def test_wrong_usage(tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    result = cli("evaluate", *arguments)
    assert result.exit_code == 2
    assert words in result.stderr
