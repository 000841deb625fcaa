"""A disk that fills up and a mount that vanishes, both for real: file systems in memory, in a namespace of our own."""

import shutil
import subprocess
from pathlib import Path

import pytest
from crash_runs import command, results

NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount"]


def has_namespaces() -> bool:
    """Say whether this system lets anybody mount a file system for himself."""
    if shutil.which("unshare") is None:
        return False
    mount = [*NAMESPACE, "mount", "-t", "tmpfs", "-o", "size=1m", "none", "/mnt"]
    return subprocess.run(mount, capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not has_namespaces(), reason="mounting needs Linux's user namespaces")

FULL_DISK = """
mount -t tmpfs -o size=400m none "$MOUNTED"
$RUN > first.out 2> first.err &
while ! ls "$MOUNTED"/out/*/.work/*/*.npz; do sleep 0.05; done
cat /dev/zero > "$MOUNTED/filler"
wait $!; echo $? > first.code
find "$MOUNTED/out" -name annotated.mp4 > first.videos
rm "$MOUNTED/filler"
$RUN > second.out 2> second.err; echo $? > second.code
cp -r "$MOUNTED/out" kept
"""

FULL_AT_THE_START = """
mount -t tmpfs -o size=400m none "$MOUNTED"
$RUN > first.out 2> first.err; echo $? > first.code
cp "$MOUNTED/out/run.json" before.json
cat /dev/zero > "$MOUNTED/filler"
$RUN > second.out 2> second.err; echo $? > second.code
cp "$MOUNTED/out/run.json" after.json
"$CLEAN" clean "$MOUNTED/out" > clean.out 2> clean.err; echo $? > clean.code
rm "$MOUNTED/filler"
cp -r "$MOUNTED/out" kept
"""

VANISHING_MOUNT = """
mount -t tmpfs none "$MOUNTED"
cp -rp "$FILMS" "$MOUNTED/films"
$RUN > first.out 2> first.err &
while ! ls kept/*/.work/*/*.npz; do sleep 0.05; done
umount -l "$MOUNTED"
wait $!; echo $? > first.code
find kept -name annotated.mp4 > first.videos
mount -t tmpfs none "$MOUNTED"
cp -rp "$FILMS" "$MOUNTED/films"
$RUN > second.out 2> second.err; echo $? > second.code
"""


def play(script: str, run: list[str], films: Path, folder: Path) -> dict[str, str]:
    """Run a script in a namespace; return what it left in files, by their names."""
    (folder / "mounted").mkdir()
    environment = {
        "MOUNTED": str(folder / "mounted"),
        "FILMS": str(films),
        "RUN": " ".join(run),
        "CLEAN": run[0],
        "PATH": "/usr/bin:/bin",
    }
    left = subprocess.run(
        [*NAMESPACE, "bash", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, timeout=300,
        check=False,
    )  # fmt: skip
    assert left.returncode == 0, left.stderr
    return {path.name: path.read_text() for path in folder.glob("*.*")}


def test_a_disk_that_fills_up(films: Path, undisturbed: dict[str, str], tmp_path: Path) -> None:
    left = play(FULL_DISK, command(films, tmp_path / "mounted" / "out"), films, tmp_path)
    assert left["first.code"].strip() == "130"
    assert "the disk is full: 0.0 GB are free, about 0.2 GB are needed" in left["first.out"] + left["first.err"]
    assert left["first.videos"] == ""
    assert left["second.code"].strip() == "0", left["second.err"]
    assert results(tmp_path / "kept") == undisturbed


def test_a_disk_that_is_full_at_the_start(films: Path, undisturbed: dict[str, str], tmp_path: Path) -> None:
    left = play(FULL_AT_THE_START, command(films, tmp_path / "mounted" / "out"), films, tmp_path)
    assert left["first.code"].strip() == "0", left["first.err"]
    assert left["second.code"].strip() == "2"
    (line,) = left["second.err"].splitlines()
    assert line.startswith(
        f"moodreel: {tmp_path}/mounted/out: the disk is full; nothing was lost. Free some space and run the same"
    )
    assert left["after.json"] == left["before.json"]
    assert left["clean.code"].strip() == "0", left["clean.err"]
    assert results(tmp_path / "kept") == undisturbed


def test_a_mount_that_vanishes(films: Path, undisturbed: dict[str, str], tmp_path: Path) -> None:
    left = play(VANISHING_MOUNT, command(tmp_path / "mounted" / "films", tmp_path / "kept"), films, tmp_path)
    assert left["first.code"].strip() == "1"
    for film in ("first.mp4", "second.mp4"):
        assert f"{film}: " in left["first.out"]
    assert "can no longer be read" in left["first.out"] or "No such file" in left["first.out"]
    assert left["first.videos"] == ""
    assert left["second.code"].strip() == "0", left["second.err"]
    assert results(tmp_path / "kept") == undisturbed
