"""Hard cuts of the real clips against PySceneDetect's own command, which decodes and compares by itself."""

import csv
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from shared_data import MOVIES

CLIPS = [f"{folder}/{path.name}" for folder in ("faces", "noface") for path in sorted((MOVIES / folder).glob("*"))]
NO_CUTS = {"faces/hamilton_whitehouse.mp4": [2.002]}
"""s of cuts that PySceneDetect finds where a viewer sees none: here somebody moves in the dark."""
NEAR = 0.1
"""s; PySceneDetect counts frames of variable length by their mean rate."""


def theirs(clip: Path, folder: Path) -> list[float]:
    """Return when PySceneDetect's shots begin but the first, s."""
    command = [str(Path(sys.executable).with_name("scenedetect")), "-q", "-i", str(clip), "-o", str(folder)]
    command += ["detect-adaptive", "list-scenes", "-q", "-s", "-f", "found.csv"]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    with (folder / "found.csv").open() as file:
        return [float(row["Start Time (seconds)"]) for row in csv.DictReader(file)][1:]


@pytest.mark.slow
@pytest.mark.parametrize("name", CLIPS)
def test_hard_cuts_are_those_of_pyscenedetect(moodreel_run, tmp_path, name):
    folder, clip = name.split("/")
    out, _ = moodreel_run(folder)
    shots = pq.read_table(out / clip / "shots.parquet").to_pylist()
    begin = shots[0]["start"]  # the player's clock may begin later; PySceneDetect's begins with the first frame
    cuts = [one["start"] - begin for one in shots if one["transition"] == "cut"]
    gradual = [
        (one["start"] - begin, one["transition_seconds"] / 2 + NEAR)
        for one in shots
        if one["transition"] in ("fade", "dissolve")
    ]
    found = theirs(MOVIES / name, tmp_path)
    known = NO_CUTS.get(name, [])
    expected = [
        time
        for time in found
        if not any(abs(time - at) <= half for at, half in gradual) and round(time, 3) not in known
    ]
    assert cuts == pytest.approx(expected, abs=NEAR)
