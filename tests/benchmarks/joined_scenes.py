"""Scenes of encoded films with known ones: real clips joined into A-B-A-B scenes, through ``moodreel run``.

    python tests/benchmarks/joined_scenes.py [--films 4] [--seed 1] [--no-people]

Prints how many scenes begin where they should (exactly, and within one shot) for three sets of clips: those whose
thumbnails the threshold of pipeline/scenes/grouping.py was chosen on, here cut elsewhere; others, on which what colours
and persons add was seen to work; and those that nothing was chosen on.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow.parquet as pq

from pipeline.media.ffmpeg import ffmpeg_exe

MOVIES: Final = Path(__file__).resolve().parents[3] / "shared" / "data" / "movies"
RATE: Final = 25
SHOT: Final = (1.2, 2.6)
"""s that a shot takes."""


@dataclass(frozen=True)
class Take:
    """A part of a clip without a cut: the clip, and from when to when, s."""

    clip: str
    start: float
    end: float


KNOWN: Final = [
    Take("faces/chaplin.mp4", 0, 9.6),
    Take("faces/crowd_walking_1080p.mp4", 0, 4.2),
    Take("noface/flower.webm", 0, 5.0),
    Take("faces/his_girl_friday.mp4", 0, 6.1),
    Take("noface/intel_bottle.mp4", 0, 39.8),
    Take("faces/intel_classroom.gif", 0, 2.9),
    Take("faces/obama_biden_12fps.mp4", 0, 8.7),
    Take("faces/pexels_langer_sad_to_happy.mp4", 0, 19.6),
    Take("faces/wda_aoc_mpeg4.mp4", 0, 8.0),
    Take("noface/intel_one_by_one_backs.mp4", 0, 139.3),
]
OTHERS: Final = [
    Take("faces/hamilton_whitehouse.mp4", 2.8, 7.0),
    Take("faces/intel_face-demographics-walking-and-pause.gif", 0, 3.3),
    Take("faces/intel_head-pose-face-detection-female-and-male.gif", 0, 4.6),
    Take("noface/caminandes_no_face.mp4", 0, 3.9),
    Take("noface/nasa_13013_2video_2audio_2subs.mp4", 9.0, 13.0),
    Take("faces/pyfeat_face_noface.mov", 0, 2.8),
    Take("faces/tears_of_steel_battle.webm", 13.9, 23.2),
    Take("faces/tears_of_steel_battle.webm", 29.9, 32.7),
]
UNSEEN: Final = [
    Take("faces/akiyo_vp9.webm", 0, 1.6),
    Take("faces/intel_asl_help.mkv", 0, 1.9),
    Take("faces/intel_asl_night.mkv", 0, 2.3),
    Take("faces/intel_head-pose-face-detection-male.gif", 0, 5.1),
    Take("faces/pyfeat_noface_face.mov", 0.2, 4.2),
    Take("faces/pyfeat_noface_face.mov", 4.5, 6.3),
    Take("faces/hamilton_whitehouse.mp4", 0.7, 2.4),
    Take("faces/hamilton_whitehouse.mp4", 7.2, 9.9),
    Take("noface/nasa_13013_2video_2audio_2subs.mp4", 0.5, 4.5),
    Take("robust/base_h264_aac.mp4", 0, 4),
    Take("faces/tears_of_steel_battle.webm", 2.2, 6.5),
    Take("faces/tears_of_steel_battle.webm", 37.7, 46.9),
    Take("faces/tears_of_steel_battle.webm", 57.5, 65.3),
]


@dataclass
class Score:
    """Scenes that begin where they should, where none should, and that should begin but do not."""

    found: int = 0
    false: int = 0
    missed: int = 0

    def add(self, truth: Sequence[int], got: Sequence[int], apart: int) -> None:
        """Count the begins of scenes, as numbers of shots; one that is ``apart`` shots off is right, once."""
        left, found = list(truth), 0
        for shot in got:
            near = min(left, key=lambda one: abs(one - shot), default=None)
            if near is not None and abs(near - shot) <= apart:
                left.remove(near)
                found += 1
        self.found, self.false, self.missed = (
            self.found + found,
            self.false + len(got) - found,
            self.missed + len(left),
        )

    def __str__(self) -> str:
        whole = 2 * self.found + self.false + self.missed
        return f"F1 {2 * self.found / max(whole, 1):.3f} ({self.found} found, {self.false} false, {self.missed} missed)"


def make_film(takes: Sequence[Take], rng: np.random.Generator, path: Path) -> tuple[list[int], list[int]]:
    """Encode scenes of two takes each, in turn; return the first frames of shots, and the first shots of scenes."""
    order = rng.permutation(len(takes))
    inputs: list[str] = []
    lengths, scenes = [], []
    for a, b in order[: len(order) // 2 * 2].reshape(-1, 2):
        scenes.append(len(lengths))
        for turn in range(rng.integers(4, 7)):
            take = takes[(a, b)[turn % 2]]
            frames = round(min(rng.uniform(*SHOT), take.end - take.start - 0.3) * RATE)
            start = rng.uniform(take.start, take.end - frames / RATE - 0.2)
            inputs += ["-ss", f"{start:.3f}", "-i", str(MOVIES / take.clip)]
            lengths.append(frames)
    fit = "scale=640:360:force_original_aspect_ratio=increase,crop=640:360,setsar=1"
    shots = [
        f"[{k}:v:0]fps={RATE},{fit},format=yuv420p,tpad=stop=-1:stop_mode=clone,trim=end_frame={n},"
        f"setpts=PTS-STARTPTS[v{k}]"
        for k, n in enumerate(lengths)
    ]
    joined = "".join(f"[v{k}]" for k in range(len(lengths))) + f"concat=n={len(lengths)}[v]"
    graph = ";".join([*shots, joined])
    encoder = ["-map", "[v]", "-c:v", "libx264", "-preset", "veryfast", "-crf", "26", "-threads", "1"]
    subprocess.run(
        [ffmpeg_exe(), "-v", "error", "-nostdin", *inputs, "-filter_complex", graph, *encoder, str(path)], check=True
    )
    return np.cumsum([0, *lengths[:-1]]).tolist(), scenes


def scenes_found(film: Path, out: Path, more: Sequence[str]) -> list[int]:
    """Run moodreel on a film with ``more`` options; return the first frame of each of its scenes."""
    moodreel = Path(sys.executable).with_name("moodreel")
    command = [str(moodreel), "run", str(film), "--out", str(out), "--video", "none", "--workers", "1", *more]
    subprocess.run(command, check=True, capture_output=True)
    [table] = out.rglob("scenes.parquet")
    return list(pq.read_table(table)["first_frame"].to_pylist())


def main() -> None:
    """Print what is found in films of each set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--films", type=int, default=4, help="of each set")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-people", action="store_true", help="do not tell persons apart")
    options = parser.parse_args()
    more = ["--no-people"] if options.no_people else []
    sets = {"clips the threshold was chosen on": KNOWN, "other clips": OTHERS, "unseen clips": UNSEEN}
    for name, takes in sets.items():
        exact, near = Score(), Score()
        rng = np.random.default_rng(options.seed)
        for number in range(options.films):
            with tempfile.TemporaryDirectory() as folder:
                film = Path(folder) / "film.mp4"
                shots, scenes = make_film(takes, rng, film)
                begins = scenes_found(film, Path(folder) / "out", more)
                got = [int(np.abs(np.array(shots) - frame).argmin()) for frame in begins]
            exact.add(scenes[1:], got[1:], 0)  # all begin at 0
            near.add(scenes[1:], got[1:], 1)
            print(f"{name}, film {number}: scenes at shots {scenes}, found {got} of {len(shots)} shots", flush=True)
        print(f"{name}: exactly {exact}; within one shot {near}", flush=True)


if __name__ == "__main__":
    main()
