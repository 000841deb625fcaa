"""docs/extending.md: its files are taken from the page, and each does what the page says."""

import asyncio
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clips import Clip, Picture
from labelled import write_learnable_npz
from typer.testing import CliRunner

from jobs.cli import app
from jobs.executors import heartbeat
from jobs.export import formats
from jobs.run import tasks
from jobs.run.scheduler import Scheduler
from jobs.settings import Settings
from models import networks
from models.inference.load import load_classifier
from models.model_file import find_model
from pipeline.faces import detectors
from pipeline.media.segments import cut
from pipeline.tables.observations import Observations

PAGE = Path(__file__).resolve().parents[2] / "docs" / "extending.md"
FILES = ("bright.py", "tiny.py", "here.py", "audacity.py")


def file_of(name: str) -> str:
    """Return the one example on the page that calls itself ``name``."""
    (found,) = re.findall(rf'```python\n("""{re.escape(name)}: .*?)```', PAGE.read_text(), re.DOTALL)
    return str(found)


def run_example(name: str) -> dict[str, Any]:
    """Execute an example as a module; return its names."""
    names: dict[str, Any] = {"__name__": name.removesuffix(".py")}
    exec(compile(file_of(name), name, "exec"), names)
    return names


@pytest.fixture(autouse=True)
def _report(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget afterwards whom the engine's example reports to."""
    monkeypatch.setattr(heartbeat, "_report", heartbeat._report)


def test_every_file_on_the_page_is_tried():
    named = re.findall(r'```python\n"""(\S+): ', PAGE.read_text())
    assert len(named) == PAGE.read_text().count("```python")
    assert tuple(named) == FILES


@pytest.fixture
def bright(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The example's detector, as if its file were in the folder of detectors."""
    (tmp_path / "bright.py").write_text(file_of("bright.py"))
    monkeypatch.setattr(detectors, "__path__", [*detectors.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, f"{detectors.__name__}.bright", raising=False)
    return "bright"


def test_a_detector(bright):
    detector = detectors.make_detector(bright)
    picture = np.zeros((90, 120, 3), np.uint8)
    assert len(detector.detect(picture)) == 0
    picture[20:50, 30:70] = 255
    found = detector.detect(picture)
    assert found.boxes.tolist() == [[30, 20, 70, 50]]
    assert found.scores.tolist() == [1]


def test_a_detector_in_a_unit_of_a_run(bright, tmp_path):
    def paint(number: int, width: int, height: int) -> Picture:
        picture = np.zeros((height, width, 3), np.uint8)
        picture[20:60, 30 + number : 70 + number] = 255
        return picture

    settings = Settings.model_validate({"detector": bright, "device": "cpu"})
    movie = tasks.probe(Clip(".mkv", range(0, 400, 40), size=(160, 120), paint=paint).write(tmp_path / "film")).movie
    (segment,) = cut(movie, tasks.scan(movie), settings.segment)
    tasks.analyze_segment(movie, segment, settings, tmp_path / "segment.npz")
    found = Observations.load(tmp_path / "segment.npz")
    assert found.face_frame.tolist() == list(range(10))
    assert found.boxes[0] == pytest.approx([30, 20, 70, 60], abs=2)


# Keras converts its variables in a way that NumPy 2 is about to forbid.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_a_network(tmp_path, monkeypatch):
    (tmp_path / "tiny.py").write_text(file_of("tiny.py"))
    monkeypatch.setattr(networks, "__path__", [*networks.__path__, str(tmp_path)])
    data, out = write_learnable_npz(tmp_path / "fer.npz"), tmp_path / "training"
    command = ["train", "--data", data, "--recipe", "tiny", "--epochs", 1, "--dtype", "float32", "--out", out]
    result = CliRunner().invoke(app, [str(argument) for argument in command])
    assert result.exit_code == 0, result.output
    classifier = load_classifier(find_model(str(out / "export" / "tiny.json")), "cpu")
    probabilities = classifier.predict(np.zeros((3, 48, 48), np.uint8))
    assert probabilities.shape == (3, 7)
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_an_engine(tmp_path):
    executor = run_example("here.py")["HereExecutor"]()
    film = Clip(".mkv", range(3)).write(tmp_path / "film")

    async def run() -> Any:
        scheduler = Scheduler(executor)
        probe, _ = await scheduler.run((0, 0), tasks.probe, film)
        await scheduler.run((0, 1), heartbeat.count_frame)
        return probe

    assert asyncio.run(run()).movie.path == film
    assert executor.frames_done() == 1
    executor.close()


def test_an_export(demo, tmp_path, monkeypatch):
    (tmp_path / "audacity.py").write_text(file_of("audacity.py"))
    monkeypatch.setattr(formats, "__path__", [*formats.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, f"{formats.__name__}.audacity", raising=False)
    command = ["export", str(demo / "outputs"), "--format", "audacity", "--to", str(tmp_path / "to")]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    lines = (tmp_path / "to" / "sample.mp4.txt").read_text().splitlines()
    assert lines
    assert all(re.fullmatch(r"[\d.]+\t[\d.]+\t(face #|P)\d+: \w+", line) for line in lines)
