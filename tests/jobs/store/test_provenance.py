"""Which results a choice of settings, a movie and the equipment identify."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobs.settings import Settings
from jobs.store.provenance import Equipment, Keys, digest, fingerprint_movie, make_keys

MOVIE, MODEL = "0123456789abcdef", "weights/1.0"


def keys(movie: str = MOVIE, found: str = "cpu", **values: Any) -> dict[str, str]:
    equipment = Equipment(
        found,
        values.pop("model_digest", MODEL),
        {},
        people=values.pop("people_digest", "persons"),
        runtime=values.pop("runtime", "onnx"),
        encoder=values.pop("works", "x264"),
    )
    return make_keys(Settings.model_validate(values), movie, equipment).to_json()


def changed(**values: Any) -> set[str]:
    """Return which keys differ from those of the defaults."""
    other = keys(**values)
    return {name for name, key in keys().items() if other[name] != key}


@pytest.mark.parametrize("value", [None, 3, [], "x", {}, {"analysis": 3, "video": None}], ids=str)
def test_keys_that_cannot_be_read_are_empty(value):
    assert Keys.parse(value) == Keys()
    assert Keys.parse(keys()).to_json() == keys()


@pytest.mark.parametrize(
    "values", [{"workers": 3}, {"segment": 7.0}, {"device": "gpu"}, {"model": "other"}, {"engine": "ray"}], ids=str
)
def test_changes_no_key(values):
    # A model is known by its digest, as its name may stand for other weights tomorrow; the device is the one found.
    assert changed(**values) == set()


@pytest.mark.parametrize("values", [{"crf": 24}, {"preset": "fast"}, {"works": "nvenc"}], ids=str)
def test_changes_the_video_only(values):
    assert changed(**values) == {"video"}


def test_an_overlay_has_a_key_of_its_own_that_follows_the_tables():
    one, other = keys(video="overlay"), keys(video="overlay", sure=0.0)
    assert (one["video"], one["analysis"], one["tables"]) == ("", keys()["analysis"], keys()["tables"])
    assert one["overlay"] != other["overlay"]
    assert keys(video="overlay", crf=30) == one
    assert Keys.parse(one).to_json() == one


def test_another_sure_does_not_repeat_the_analysis():
    assert changed(sure=0.0) == {"tables", "video"}


@pytest.mark.parametrize(
    "values",
    [
        {"detector": "haar"},
        {"movie": "other"},
        {"model_digest": "other/1.0"},
        {"model_digest": "weights/1.5"},
        {"found": "gpu"},
        {"people_digest": "other"},
        {"people_digest": ""},
        {"runtime": "tensorflow"},
    ],
    ids=str,
)
def test_changes_all_keys(values):
    other = keys(**values)
    assert all(other[name] != key for name, key in keys().items())


@pytest.mark.parametrize(
    ("version", "names"), [("OBSERVATIONS", {"analysis", "tables", "video"}), ("DRAWING", {"video"})]
)
def test_a_moodreel_that_does_it_otherwise_does_it_again(monkeypatch, version, names):
    before = keys()
    monkeypatch.setattr(f"pipeline.version.{version}", 99)
    assert {name for name, key in keys().items() if key != before[name]} == names


def test_the_content_of_the_detectors_file_counts_and_not_its_name(tmp_path):
    one, two, three = (tmp_path / name for name in ("1.onnx", "2.onnx", "3.onnx"))
    one.write_bytes(b"net")
    two.write_bytes(b"net")
    three.write_bytes(b"another net")
    found = [keys(detector="yunet", detector_model=path)["analysis"] for path in (one, two, three)]
    assert found[0] == found[1] != found[2]


def test_the_file_of_another_detector_does_not_matter(tmp_path):
    assert changed(detector_model=tmp_path / "not there.onnx") == set()


def test_no_video_has_no_key_and_the_tables_of_others():
    none = keys(video="none")
    assert none == keys() | {"video": ""}


def test_keys_are_names_for_folders_and_the_same_everywhere():
    assert all(len(key) == 16 and int(key, 16) >= 0 for key in keys().values())
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"!")


def edit(at: int) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        status = path.stat()
        with path.open("r+b") as file:
            file.seek(at)
            file.write(b"?")
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    return write


def touch(path: Path) -> None:
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000_000))


SIZE = 5 << 20


@pytest.mark.parametrize(
    "change",
    [grow, touch, edit(0), edit(SIZE // 2 + 9), edit(SIZE - 1)],
    ids=["grow", "touch", "start", "middle", "end"],
)
def test_fingerprint_changes_with_the_movie(tmp_path, change):
    path = tmp_path / "film.mp4"
    path.write_bytes(bytes(SIZE))
    before = fingerprint_movie(path)
    assert fingerprint_movie(path) == before
    change(path)
    assert fingerprint_movie(path) != before


def test_fingerprint_does_not_change_with_the_name(tmp_path):
    path = tmp_path / "film.mp4"
    path.write_bytes(b"short")
    before = fingerprint_movie(path)
    assert fingerprint_movie(path.rename(tmp_path / "other.mp4")) == before


def test_fingerprint_of_an_empty_file(tmp_path):
    path = tmp_path / "film.mp4"
    path.touch()
    assert len(fingerprint_movie(path)) == 16
