"""Two films with faces, and what a run over them gives that is left alone."""

import subprocess
from pathlib import Path

import pytest
from crash_runs import command, results

from jobs.sample import make_sample


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two films with faces."""
    pytest.importorskip("skimage")
    pytest.importorskip("matplotlib")
    folder = tmp_path_factory.mktemp("films")
    make_sample(folder / "first.mp4")
    (folder / "more").mkdir()
    (folder / "more" / "second.mp4").write_bytes((folder / "first.mp4").read_bytes())
    return folder


@pytest.fixture(scope="session")
def undisturbed(films: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a run that was left alone gives."""
    out = tmp_path_factory.mktemp("undisturbed")
    subprocess.run(command(films, out), check=True, capture_output=True)
    return results(out)
