"""What may be chosen, and which results a choice identifies."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from jobs.errors import UsageError
from jobs.machine import available_cores
from jobs.settings import Settings, choose, digest, fingerprint_movie

MOVIE, MODEL = "0123456789abcdef", "weights/1.0"


def keys(movie: str = MOVIE, model_digest: str = MODEL, **values: Any) -> dict[str, str]:
    settings = Settings.model_validate(values)
    analysis = settings.analysis_key(movie, model_digest)
    tables = settings.tables_key(analysis)
    return {"analysis": analysis, "tables": tables, "video": settings.video_key(tables)}


def changed(**values: Any) -> set[str]:
    """Return which keys differ from those of the defaults."""
    other = keys(**values)
    return {name for name, key in keys().items() if other[name] != key}


@pytest.mark.parametrize(
    "values",
    [
        {"crf": -1},
        {"crf": 52},
        {"crf": "good"},
        {"segment": 0},
        {"segment": -30},
        {"segment": float("nan")},
        {"workers": -1},
        {"workers": 1.5},
        {"preset": "placebo"},
        {"video": "vp9"},
        {"device": "tpu"},
        {"detector": "mtcnn"},
        {"colour": "red"},
        {"segment": float("inf")},
    ],
    ids=str,
)
def test_refuses_nonsense(values):
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate(values)
    assert [fault["loc"] for fault in caught.value.errors()] == [tuple(values)]


@pytest.mark.parametrize(
    "values", [{"crf": 0}, {"crf": 51}, {"segment": 0.04}, {"workers": 1}, {"video": "none"}], ids=str
)
def test_accepts_the_borders(values):
    assert Settings.model_validate(values).model_dump().items() >= values.items()


def test_cannot_be_changed_later():
    with pytest.raises(ValidationError):
        Settings().crf = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    "values", [{"workers": 3}, {"segment": 7.0}, {"device": "cpu"}, {"model": "other"}, {"engine": "ray"}], ids=str
)
def test_changes_no_key(values):
    # A model is known by its digest: its name may stand for other weights tomorrow.
    assert changed(**values) == set()


@pytest.mark.parametrize("values", [{"crf": 24}, {"preset": "fast"}, {"video": "none"}], ids=str)
def test_changes_the_video_only(values):
    assert changed(**values) == {"video"}


@pytest.mark.parametrize(
    "values",
    [{"detector": "haar"}, {"movie": "other"}, {"model_digest": "other/1.0"}, {"model_digest": "weights/1.5"}],
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


def test_keys_are_names_for_folders_and_the_same_everywhere():
    assert all(len(key) == 16 and int(key, 16) >= 0 for key in keys().values())
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})


def test_workers_are_counted():
    assert Settings(workers=5).worker_count == 5
    assert 1 <= Settings().worker_count <= (os.cpu_count() or 1)
    assert Settings(workers=999).threads == 1
    assert Settings(workers=1).threads == available_cores()


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


class TestChoose:
    @pytest.fixture(autouse=True)
    def _in_an_empty_folder(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)

    def test_flags_before_file_before_defaults(self, tmp_path):
        (tmp_path / "moodreel.toml").write_text('crf = 30\npreset = "fast"\n')
        choice = choose({"crf": 18, "preset": None, "video": None})
        assert (choice.settings.crf, choice.settings.preset, choice.settings.video) == (18, "fast", "h264")
        origins = {name: choice.origins[name] for name in ("crf", "preset", "video")}
        assert origins == {"crf": "--crf", "preset": "moodreel.toml", "video": "default"}

    def test_every_setting_has_an_origin(self):
        assert choose({}).origins == dict.fromkeys(Settings.model_fields, "default")

    def test_a_named_file_is_read_instead(self, tmp_path):
        (tmp_path / "moodreel.toml").write_text("crf = 30\n")
        (tmp_path / "other.toml").write_text("crf = 31\n")
        choice = choose({}, Path("other.toml"))
        assert (choice.settings.crf, choice.origins["crf"]) == (31, "other.toml")

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            ("crf = 90", r"moodreel\.toml: crf: .*less than or equal to 51, found 90"),
            ('colour = "red"', r"moodreel\.toml: colour: no such setting; settings: model, device"),
            ("crf = ", r"moodreel\.toml: expected TOML: "),
            ("[crf]\nvalue = 1", r"moodreel\.toml: crf: .*valid integer"),
        ],
    )
    def test_says_what_is_wrong_where(self, tmp_path, content, words):
        (tmp_path / "moodreel.toml").write_text(content)
        with pytest.raises(UsageError, match=words):
            choose({})

    def test_says_everything_at_once(self, tmp_path):
        (tmp_path / "moodreel.toml").write_text("crf = 90\nspeed = 3\n")
        with pytest.raises(UsageError) as caught:
            choose({"workers": -1})
        assert sorted(line.split(":")[0] for line in str(caught.value).splitlines()) == [
            "--workers",
            "moodreel.toml",
            "moodreel.toml",
        ]

    def test_a_named_file_must_exist(self):
        with pytest.raises(UsageError, match=r"gone\.toml: cannot be read: No such file"):
            choose({}, Path("gone.toml"))
