"""Persons of a film joined from real clips, as a user would run it."""

import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from shared_data import MOVIES

from jobs.run.command import run_to_end
from jobs.settings import Settings
from pipeline.media.ffmpeg import ffmpeg_exe

CLIPS = ("pexels_langer_sad_to_happy.mp4", "wda_aoc_mpeg4.mp4")
SHOTS = ((0, 0), (1, 0), (0, 7), (1, 3), (0, 15), (1, 6))  # clip, and s at which a shot of 1.2 s begins


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("joined") / "two.mp4"
    inputs = [word for clip, _ in SHOTS for word in ("-i", str(MOVIES / "faces" / CLIPS[clip]))]
    parts = [
        f"[{k}:v]trim={start}:{start + 1.2},setpts=PTS-STARTPTS,fps=25,scale=640:360,setsar=1,format=yuv420p[v{k}]"
        for k, (_, start) in enumerate(SHOTS)
    ]
    joined = ";".join([*parts, "".join(f"[v{k}]" for k in range(len(SHOTS))) + f"concat=n={len(SHOTS)}:v=1[out]"])
    command = [ffmpeg_exe(), "-v", "error", *inputs, "-filter_complex", joined, "-map", "[out]", "-c:v", "libx264"]
    subprocess.run([*command, "-preset", "veryfast", str(path)], check=True)
    return path


def test_six_interleaved_shots_of_two_persons_give_two_persons(film: Path, tmp_path: Path) -> None:
    assert run_to_end([film], tmp_path, Settings(video="none", workers=1, segment=2), False, False) == 0
    folder = tmp_path / film.name
    tracks = pq.read_table(folder / "tracks.parquet").to_pylist()
    by_shot = {row["shot"]: row["person"] for row in tracks}
    assert [by_shot[shot] for shot in range(6)] == [0, 1, 0, 1, 0, 1]
    assert len(pq.read_table(folder / "people.parquet")) == 2
    assert not (folder / ".work").exists()  # nor what persons were told apart by
