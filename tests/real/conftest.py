"""The main job on the real movies beside the checkout, run once as a user runs it."""

import functools
import json
import subprocess
import sys
from pathlib import Path

import pytest
from made_once import made_once
from shared_data import MOVIES


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not MOVIES.is_dir():
        skip = pytest.mark.skip(reason=f"no real movies at {MOVIES}")
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(skip)


@pytest.fixture(scope="session")
def moodreel_run(tmp_path_factory: pytest.TempPathFactory):
    """Return a function that runs ``moodreel run FOLDER``, once for all workers, and gives its results and its end."""

    def make(folder: str, place: Path) -> None:
        program = str(Path(sys.executable).with_name("moodreel"))
        command = [program, "run", str(MOVIES / folder), "--out", str(place / "out")]
        process = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
        said = {"args": command, "returncode": process.returncode, "stdout": process.stdout, "stderr": process.stderr}
        (place / "process.json").write_text(json.dumps(said))

    def run(folder: str) -> tuple[Path, subprocess.CompletedProcess[str]]:
        place = made_once(tmp_path_factory, f"real-{folder}", lambda place: make(folder, place))
        return place / "out", subprocess.CompletedProcess(**json.loads((place / "process.json").read_text()))

    return functools.cache(run)
