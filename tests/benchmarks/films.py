"""Films to measure with: a minute of real clips with faces, cuts and sound; of the sample movie where there are none.

python tests/benchmarks/films.py FOLDER    # writes minute-720p.mp4 and minute-1080p.mp4
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from jobs.sample import make_sample
from pipeline.media.ffmpeg import ffmpeg_exe

MOVIES: Final = Path(__file__).resolve().parents[3] / "shared" / "data" / "movies" / "faces"
"""Real clips; they are not part of the project, and what is measured without them is measured on the sample."""

CLIPS: Final = (
    ("hamilton_whitehouse.mp4", 10.0),
    ("pexels_langer_sad_to_happy.mp4", 14.0),
    ("his_girl_friday.mp4", 6.1),
    ("chaplin.mp4", 9.0),
    ("wda_aoc_mpeg4.mp4", 8.0),
    ("crowd_walking_1080p.mp4", 4.0),
    ("pyfeat_face_noface.mov", 5.0),
    ("tears_of_steel_battle.webm", 12.0),
)
"""Names and the seconds that are taken of them."""

SIZES: Final = {"720p": (1280, 720, "4600k"), "1080p": (1920, 1080, "10M")}
"""Width, height, and bits a second: what such films usually have."""

SECONDS: Final = 60
_RATE: Final = 25


def make_film(name: str, folder: Path) -> Path:
    """Return the film called ``name`` in SIZES; it is made once."""
    path = folder / f"minute-{name}.mp4"
    if path.is_file():
        return path
    width, height, bits = SIZES[name]
    temporary = path.with_name(f".tmp-{path.name}")
    sources, chains = _real(width, height) if MOVIES.is_dir() else _sample(width, height, folder)
    command = [
        ffmpeg_exe(),
        "-y",
        "-v",
        "error",
        *sources,
        "-filter_complex",
        chains,
        "-map",
        "[video]",
        "-map",
        "[sound]",
    ]
    command += ["-t", str(SECONDS), "-c:v", "libx264", "-preset", "medium", "-b:v", bits, "-pix_fmt", "yuv420p"]
    command += ["-c:a", "aac", "-b:a", "128k", "-movflags", "+faststart", str(temporary)]
    subprocess.run(command, check=True)
    temporary.rename(path)
    return path


def _real(width: int, height: int) -> tuple[list[str], str]:
    sources = [part for name, _ in CLIPS for part in ("-i", str(MOVIES / name))]
    chains = [_fitted(index, seconds, width, height) for index, (_, seconds) in enumerate(CLIPS)]
    joints = "".join(f"[v{index}][a{index}]" for index in range(len(CLIPS)))
    # A little grain: clips that were enlarged are easier to decode and to encode than a film.
    grain = f"{joints}concat=n={len(CLIPS)}:v=1:a=1[joined][sound];[joined]noise=alls=6:allf=t[video]"
    return sources, ";".join([*chains, grain])


def _fitted(index: int, seconds: float, width: int, height: int) -> str:
    fit = f"scale={width}:{height}:force_original_aspect_ratio=increase,crop={width}:{height},setsar=1"
    return (
        f"[{index}:v]fps={_RATE},trim=duration={seconds},setpts=PTS-STARTPTS,{fit},format=yuv420p[v{index}];"
        f"[{index}:a]aresample=48000,aformat=channel_layouts=stereo,apad,atrim=duration={seconds},"
        f"asetpts=PTS-STARTPTS[a{index}]"
    )


def _sample(width: int, height: int, folder: Path) -> tuple[list[str], str]:
    sample = folder / "sample.mp4"
    if not sample.is_file():
        make_sample(sample)
    chains = f"[0:v]fps={_RATE},scale={width}:{height},noise=alls=6:allf=t[video];[0:a]aresample=48000[sound]"
    return ["-stream_loop", "-1", "-i", str(sample)], chains


def main(arguments: Sequence[str]) -> None:
    """Make all films."""
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    for name in SIZES:
        print(make_film(name, folder))


if __name__ == "__main__":
    main(sys.argv[1:])
