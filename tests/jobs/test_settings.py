"""What may be chosen, and where a choice comes from."""

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from jobs.errors import UsageError
from jobs.machine import available_cores
from jobs.settings import Settings, choose


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


def test_workers_are_counted():
    assert Settings(workers=5).worker_count == 5
    assert 1 <= Settings().worker_count <= (os.cpu_count() or 1)
    assert Settings(workers=999).threads == 1
    assert Settings(workers=1).threads == available_cores()


def test_paths_for_workers_in_other_folders_are_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("own.json", "own.onnx", "face.onnx"):
        (tmp_path / name).touch()
    for name in ("own.json", "own.onnx"):
        relative = Settings(model=name, detector="yunet", detector_model=Path("face.onnx"))
        absolute = relative.with_absolute_paths()
        assert absolute.model == str(tmp_path / name)
        assert absolute.detector_model == tmp_path / "face.onnx"
    assert Settings().with_absolute_paths() == Settings()  # the name of a model is no path


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
