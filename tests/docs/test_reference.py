"""docs/reference.md says what the code says."""

import importlib.util
import re
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from jobs.settings import Settings, choose

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reference.md"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    path = ROOT / "scripts" / "make_reference.py"
    spec = importlib.util.spec_from_file_location("make_reference", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_is_up_to_date(script):
    assert PAGE.read_text() == script.reference(), "docs/reference.md is stale; run: make reference"


def test_every_option_and_setting_has_a_description():
    rows = re.findall(r"^\| `.*\|$", PAGE.read_text(), re.MULTILINE)
    assert len(rows) > 50
    assert [row for row in rows if row.endswith("|  |")] == []


def test_the_file_of_defaults_is_valid_and_complete(tmp_path):
    (toml,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    file = tmp_path / "moodreel.toml"
    file.write_text(toml)
    assert choose({}, file).settings == Settings()
    assert set(Settings.model_fields) - set(tomllib.loads(toml)) == {
        name for name, field in Settings.model_fields.items() if field.default is None
    }
