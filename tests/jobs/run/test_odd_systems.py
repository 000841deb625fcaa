"""Runs where the system cannot all: file systems without locks or fsync of folders, locales without letters."""

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from clips import Clip
from poor_disk import poor_disk

QUICK = ("--video", "none", "--device", "cpu", "--workers", "1")
LOCK_TWICE = """
import sys
from pathlib import Path
from jobs.store.atomic import commit_json
from jobs.store.workspace import Workspace
with Workspace(Path(sys.argv[1])).locked() as caution:
    print(caution)
    commit_json(Path(sys.argv[1]) / "a.json", {})
"""


@pytest.fixture
def film(tmp_path) -> Path:
    return Clip(pts=range(6)).write(tmp_path / "film")


def committed(out: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", LOCK_TWICE, str(out)]
    return subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", timeout=60, check=False)


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EOPNOTSUPP, errno.EACCES])
def test_a_folder_that_cannot_be_synced_takes_files(tmp_path, number):
    done = committed(tmp_path / "out", poor_disk(tmp_path, fsync=number))
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "out" / "a.json").read_text()) == {}


def test_a_folder_that_is_lost_while_it_is_synced_is_an_error(tmp_path):
    done = committed(tmp_path / "out", poor_disk(tmp_path, fsync=errno.EIO))
    assert "Input/output error" in done.stderr


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_named_and_used(tmp_path, number):
    done = committed(tmp_path / "out", poor_disk(tmp_path, flock=number))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{tmp_path}/out: this file system has no locks ({os.strerror(number)})")


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.EACCES])
def test_a_lock_that_another_has_is_still_refused(tmp_path, number):
    done = committed(tmp_path / "out", poor_disk(tmp_path, flock=number))
    assert "another run is using this output folder" in done.stderr


def test_a_run_where_neither_works_over_a_name_that_is_no_utf8(moodreel, film, tmp_path):
    films, out, environment = tmp_path / "films", tmp_path / "out", poor_disk(tmp_path, errno.EINVAL, errno.ENOLCK)
    films.mkdir()
    try:
        shutil.move(film, os.fsdecode(os.fsencode(films) + b"/caf\xe9.mp4"))
    except OSError:
        pytest.skip("this file system takes only UTF-8")
    done = moodreel("run", films, "--out", out, "--device", "cpu", "--workers", "1", env=environment)
    assert done.code == 0, done.err
    assert "this file system has no locks" in done.err
    assert "another run" not in done.err
    assert "cannot be written" not in done.err
    folder = out / "caf\ufffd.mp4"
    assert {"annotated.mp4", "report.html", "timeline.parquet"} <= {path.name for path in folder.iterdir()}
    watched = json.loads(moodreel("status", out, "--json", env=environment).out)
    assert watched["run"]["alive"] is False


def test_a_run_that_lives_is_seen_without_locks(tmp_path, moodreel):
    environment, out = poor_disk(tmp_path, flock=errno.ENOLCK), tmp_path / "out"
    out.mkdir()
    run = {"pid": os.getpid(), "host": os.uname().nodename, "started": "", "ended": None, "movies": []}
    (out / "run.json").write_text(json.dumps(run))
    (out / ".lock").touch()
    assert json.loads(moodreel("status", out, "--json", env=environment).out)["run"]["alive"] is True
    refused = moodreel("clean", out, env=environment)
    assert (refused.code, refused.err.count("another run is using")) == (2, 1)
    (out / "run.json").write_text(json.dumps(run | {"pid": 2**22 + 1}))  # above the kernel's highest
    assert json.loads(moodreel("status", out, "--json", env=environment).out)["run"]["alive"] is False
    assert moodreel("clean", out, env=environment).code == 0


def test_a_locale_without_letters(moodreel, film, tmp_path):
    environment = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    environment.pop("PYTHONIOENCODING", None)
    films, out = tmp_path / "films", tmp_path / "Ergebnisse ☃"
    films.mkdir()
    shutil.move(film, films / "Käse ☃ 日本.mp4")
    done = moodreel("run", films, "--out", out, *QUICK, env=environment)
    assert done.code == 0, done.err
    assert "K\\xe4se \\u2603" in done.out
    folder = out / "Käse ☃ 日本.mp4"
    assert "Käse ☃ 日本" in (folder / "report.html").read_text(encoding="utf-8")
    assert "Käse ☃ 日本" in (out / "index.html").read_text(encoding="utf-8")
    assert json.loads((folder / "job.json").read_text(encoding="utf-8"))["movie"] == "Käse ☃ 日本.mp4"
