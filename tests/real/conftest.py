"""The main job on the real movies beside the checkout, run once as a user runs it."""

import subprocess
import sys
from pathlib import Path

import pytest
from shared_data import MOVIES


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not MOVIES.is_dir():
        skip = pytest.mark.skip(reason=f"no real movies at {MOVIES}")
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(skip)


@pytest.fixture(scope="session")
def moodreel_run(tmp_path_factory: pytest.TempPathFactory):
    """Return a function that runs ``moodreel run FOLDER`` once and gives its results and its exit code."""
    done: dict[str, tuple[Path, subprocess.CompletedProcess[str]]] = {}

    def run(folder: str) -> tuple[Path, subprocess.CompletedProcess[str]]:
        if folder not in done:
            out = tmp_path_factory.mktemp(folder)
            command = [str(Path(sys.executable).with_name("moodreel")), "run", str(MOVIES / folder), "--out", str(out)]
            done[folder] = out, subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
        return done[folder]

    return run
