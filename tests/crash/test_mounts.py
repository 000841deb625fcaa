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
        "PATH": "/usr/bin:/bin",
    }
    told = subprocess.run(
        [*NAMESPACE, "bash", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, timeout=300,
        check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    return {path.name: path.read_text() for path in folder.glob("*.*")}


def test_a_disk_that_fills_up(films: Path, undisturbed: dict[str, str], tmp_path: Path) -> None:
    told = play(FULL_DISK, command(films, tmp_path / "mounted" / "out"), films, tmp_path)
    assert told["first.code"].strip() == "130"
    assert "the disk is full: 0.0 GB are free, about 0.2 GB are needed" in told["first.out"] + told["first.err"]
    assert told["first.videos"] == ""
    assert told["second.code"].strip() == "0", told["second.err"]
    assert results(tmp_path / "kept") == undisturbed


def test_a_mount_that_vanishes(films: Path, undisturbed: dict[str, str], tmp_path: Path) -> None:
    told = play(VANISHING_MOUNT, command(tmp_path / "mounted" / "films", tmp_path / "kept"), films, tmp_path)
    assert told["first.code"].strip() == "1"
    for film in ("first.mp4", "second.mp4"):
        assert f"{film}: " in told["first.out"]
    assert "cannot be read any more" in told["first.out"] or "No such file" in told["first.out"]
    assert told["first.videos"] == ""
    assert told["second.code"].strip() == "0", told["second.err"]
    assert results(tmp_path / "kept") == undisturbed
