"""What all tests share: where modules are found, and the portrait that face detectors are shown."""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

# pytest puts tests/ on the path for the sake of clips.py. There tests/pipeline would pass for the package pipeline
# wherever that one is installed editable; the project's own folder must come first.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import clips
from made_once import made_once

from jobs.machine import available_cores


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first: no worker of pytest-xdist should be left alone with one at the end."""
    items.sort(key=lambda item: item.path.parent.name not in ("crash", "real", "training"))


@pytest.fixture(scope="session")
def portrait() -> NDArray[np.uint8]:
    """A picture of one face, uint8 BGR ``(h, w, 3)``; read-only."""
    found = clips.find_portrait()
    if found is None:
        pytest.skip('no portrait to show: pip install "moodreel[sample]"')
    found.flags.writeable = False
    return found


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which ``moodreel demo`` was run; read-only."""
    pytest.importorskip("skimage")
    command = [Path(sys.executable).with_name("moodreel"), "demo"]
    return made_once(
        tmp_path_factory, "demo", lambda folder: subprocess.run(command, cwd=folder, check=True, capture_output=True)
    )


def pytest_xdist_auto_num_workers() -> int:
    """Three workers for two cores: half of their time tests wait for a process, a browser or the disk."""
    return math.ceil(1.5 * available_cores())
