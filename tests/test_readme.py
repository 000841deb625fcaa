"""What the README promises is tried as it stands there."""

import re
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from made_up import make_up

from pipeline import schema

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
MOODREEL = Path(sys.executable).with_name("moodreel")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_demo_finds_two_people_in_five_shots(demo):
    shots = pq.read_table(demo / "outputs" / "sample.mp4" / "shots.parquet").to_pandas()
    assert shots.first_frame.tolist() == [0, 72, 144, 204, 276]
    assert shots.faces_max.tolist() == [1, 1, 0, 2, 1]
    assert shots.tracks.tolist() == [1, 1, 0, 2, 1]
    assert shots.coverage.tolist() == pytest.approx([1, 1, 0, 1, 1])
    assert shots.share_happy.isna().tolist() == [False, False, True, False, False]


def run_recipe(recipe: str, folder: Path) -> list[str]:
    """Run a recipe as it stands and return what it prints, and then the sizes of what it has read."""
    sizes = "\nprint(*(len(globals()[name]) for name in ('arc', 'timeline', 'faces') if name in globals()))"
    script = "import matplotlib; matplotlib.use('Agg')\n" + recipe + sizes
    done = subprocess.run([sys.executable, "-c", script], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


def test_pandas_recipe(demo):
    *scene, counts = run_recipe(blocks("python")[0], demo)
    assert counts == "14 408 348"  # 336 frames: 60 without a face, 204 with one, 72 with two
    assert "sample.mp4" in scene[-1]


def test_the_happiest_scene_is_one_row_whatever_the_folder_holds(tmp_path):
    """Movies share row numbers, and there may be no scene with enough of a face."""
    out = tmp_path / "outputs"
    make_up(out, frames=300, faces=0, name="sample.mp4")
    assert "Empty DataFrame" in run_recipe(blocks("python")[0], tmp_path)[0]
    for name in ("a.mp4", "b.mp4", "inner/c.mp4"):
        make_up(out, frames=450, name=name)
    *scene, _ = run_recipe(blocks("python")[0], tmp_path)
    assert len(scene) == 2  # the heading and a row


def test_duckdb_recipe(demo):
    pytest.importorskip("duckdb")
    assert any("sample.mp4" in line for line in run_recipe(blocks("python")[1], demo))


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^make ([\w-]+)", README, re.MULTILINE))
    assert targets >= {"run", "test"}
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)


def test_ci_calls_the_test_command():
    assert re.search(r"^make test$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)


def test_options_exist():
    usage = "".join(
        subprocess.run([MOODREEL, command, "--help"], capture_output=True, text=True, check=True).stdout
        for command in ("run", "status", "review", "report", "export", "clip")
    )
    options = set(re.findall(r"`(--[\w-]+)", README))
    assert options
    assert all(option in usage for option in options)


def test_commands_exist():
    usage = subprocess.run([MOODREEL, "--help"], capture_output=True, text=True, check=True).stdout
    named = set(re.findall(r"`moodreel (\w+)", README))
    assert named >= {"settings", "status", "doctor", "clean", "demo"}
    assert all(re.search(rf"\b{command}\b", usage) for command in named)


@pytest.mark.parametrize("table", ["TIMELINE", "TRACKS", "SHOTS", "SCENES", "ARC", "MOVIES"])
def test_every_column_is_documented(table):
    page = (ROOT / "outputs" / "README.md").read_text()
    for name in getattr(schema, table).names:
        if name in schema.EMOTIONS or name.startswith(("share_", "face_share_", "size_share_", "mean_")):
            continue
        assert re.search(rf"\b{name}\b", page), name


def test_no_path_of_a_machine_is_committed():
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split(
        "\n"
    )
    for name in filter(None, files):
        content = (ROOT / name).read_bytes() if (ROOT / name).is_file() else b""
        assert not re.search(rb"/(home|Users|root)/\w", content), name


def test_what_outputs_readme_says_of_null_holds(demo):
    folder = demo / "outputs" / "sample.mp4"
    timeline = pq.read_table(folder / "timeline.parquet").to_pandas()
    faces = timeline[timeline.track.notna()]
    assert (faces.score.isna() == faces.happy.isna()).all()
    assert timeline[timeline.track.isna()].iloc[:, timeline.columns.get_loc("track") :].isna().all(axis=None)
    scored = faces.score.notna().groupby(faces.track).sum()
    tracks = pq.read_table(folder / "tracks.parquet").to_pandas().set_index("track")
    assert scored.tolist() == tracks.detections.tolist()
    assert tracks.detections.sum() > 0.9 * len(faces)  # though every third frame or so is searched: scores in between
