"""The benchmark of stages runs on today's code; how long they take is nobody's test."""

import json
import subprocess
import sys
from pathlib import Path


def test_every_stage_of_a_run_is_found(demo: Path) -> None:
    script = Path(__file__).with_name("stages.py")
    film = demo / "outputs" / "sample" / "sample.mp4"
    found = json.loads(subprocess.check_output([sys.executable, script, film]))
    assert found["frames"] == 336
    searched = {"start-up", "scan", "decode to analyze", "scale", "detect", "crop", "classify", "cuts", "persons"}
    assert set(found["stages"]) == searched | {"tables", "decode to draw", "draw", "encode", "copy", "rest"}
