"""What ``clean`` removes, and what it must leave: results, and units that a run can resume from."""

import json
from pathlib import Path
from typing import Any

import pytest

from jobs.errors import UsageError, WorkspaceError
from jobs.store.clean import clean
from jobs.store.workspace import Workspace

KEYS = {"analysis": "a" * 16, "tables": "b" * 16, "video": "c" * 16}
OTHER = "0123456789abcdef"
BEGAN, BEFORE, AFTER = (f"2026-01-01T00:00:{second}+00:00" for second in ("10", "00", "20"))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The folder of a run over ``film.mp4`` and ``in/other.mkv``."""
    folder = tmp_path / "out"
    movies = [{"name": name, "source": f"/films/{name}"} for name in ("film.mp4", "in/other.mkv")]
    write(folder / "run.json", {"pid": 1, "host": "h", "started": BEFORE, "ended": None, "movies": movies})
    return folder


def write(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def write_work(folder: Path, plan: bool = True) -> None:
    """Write units of the plan's keys and of another, and what killed writers left."""
    work = folder / ".work"
    if plan:
        segments = [{"name": "start_end", "frames": 10}]
        write(work / "plan.json", {"began": BEGAN, "passes": 2, "keys": KEYS, "segments": segments})
    write(work / KEYS["analysis"] / "start_end.npz", "0123456789")
    write(work / KEYS["video"] / "start_end.mp4", "0123456789")
    write(work / KEYS["analysis"] / ".tmp-77-start_end.npz", "0123456789")
    write(work / OTHER / "start_end.npz", "0123456789")
    write(folder / ".tmp-77-picture.mp4", "0123456789")
    write(folder / ".tmp-77-annotated.mp4", "0123456789")


def write_job(folder: Path, status: str, finished: str) -> None:
    write(folder / "job.json", {"movie": folder.name, "status": status, "reason": "", "finished": finished})


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


UNITS = {f".work/{KEYS['analysis']}/start_end.npz", f".work/{KEYS['video']}/start_end.mp4"}
RESUMABLE = UNITS | {".work/plan.json"}


def test_no_folder_is_made(tmp_path):
    with pytest.raises(UsageError, match="no such folder"):
        clean(tmp_path / "gone")
    assert not (tmp_path / "gone").exists()


def test_a_folder_without_results_is_left_alone(tmp_path):
    write(tmp_path / "notes" / "x.txt", "mine")
    with pytest.raises(UsageError, match="no results in there"):
        clean(tmp_path)
    assert files(tmp_path) == {"notes/x.txt"}


def test_nothing_to_do(out):
    cleaned = clean(out)
    assert (cleaned.folders, cleaned.files, cleaned.bytes_freed) == ((), (), 0)
    assert str(cleaned) == "removed 0 folders and 0 files, 0.0 MB"
    assert clean(out) == cleaned


@pytest.mark.parametrize("status", ["done", "partial"])
@pytest.mark.parametrize("plan", [True, False])
def test_a_movie_that_is_done_keeps_its_results_only(out, status, plan):
    folder = out / "film.mp4"
    write_work(folder, plan)
    write_job(folder, status, AFTER)
    write(folder / "annotated.mp4", "film")
    cleaned = clean(out)
    assert files(folder) == {"job.json", "annotated.mp4"}
    assert not (folder / ".work").exists()
    size = len(
        json.dumps({"began": BEGAN, "passes": 2, "keys": KEYS, "segments": [{"name": "start_end", "frames": 10}]})
    )
    assert cleaned.bytes_freed == 60 + size * plan
    assert str(cleaned).startswith("removed 4 folders and ")


@pytest.mark.parametrize(
    ("status", "finished"), [("", ""), ("failed", BEFORE), ("failed", AFTER), ("done", BEFORE)],
    ids=["first run", "being replaced", "failed on the way", "done with other settings"],
)  # fmt: skip
def test_a_half_done_movie_of_the_last_run_stays_resumable(out, status, finished):
    folder = out / "in" / "other.mkv"
    write_work(folder)
    if status:
        write_job(folder, status, finished)
    cleaned = clean(out)
    assert files(folder) - {"job.json"} == RESUMABLE
    assert cleaned.folders == (folder / ".work" / OTHER,)
    assert cleaned.bytes_freed == 40
    assert str(cleaned) == "removed 1 folder and 3 files, 0.0 MB"


def test_a_half_done_movie_of_an_earlier_run_goes(out):
    write_work(out / "earlier.mp4")
    write_job(out / "earlier.mp4", "failed", BEFORE)
    clean(out)
    assert files(out / "earlier.mp4") == {"job.json"}


@pytest.mark.parametrize("content", ["", "{", "[]"])
def test_without_a_readable_run_every_movie_may_be_wanted(out, content):
    write(out / "run.json", content)
    write_work(out / "earlier.mp4")
    clean(out)
    assert files(out / "earlier.mp4") == RESUMABLE


@pytest.mark.parametrize("content", ["", "{", '{"keys": {}}'])
def test_without_a_readable_plan_all_units_stay(out, content):
    folder = out / "film.mp4"
    write_work(folder)
    write(folder / ".work" / "plan.json", content)
    clean(out)
    assert files(folder) == RESUMABLE | {f".work/{OTHER}/start_end.npz"}


def test_what_is_not_ours_stays(out, tmp_path):
    folder = out / "film.mp4"
    write_work(folder)
    write_job(folder, "done", AFTER)
    mine = {".work/notes.txt", ".work/my folder/x.npz", ".tmp-mine", "notes.txt"}
    for name in mine:
        write(folder / name, "mine")
    elsewhere = write(tmp_path / "elsewhere" / "x.npz", "mine")
    (folder / ".work" / ("f" * 16)).symlink_to(elsewhere.parent)
    clean(out)
    assert files(folder) - {f".work/{'f' * 16}/x.npz"} == mine | {"job.json"}
    assert elsewhere.exists()


def test_temporary_files_beside_the_movies_go(out):
    write(out / ".tmp-12-run.json", "{")
    write(out / "movies.parquet", "x")
    assert len(clean(out).files) == 1
    assert files(out) == {"run.json", "movies.parquet", ".lock"}


def test_a_run_is_not_disturbed(out):
    write_work(out / "film.mp4")
    before = files(out) | {".lock"}
    with Workspace(out).locked(), pytest.raises(WorkspaceError, match="another run is using this output folder"):
        clean(out)
    assert files(out) == before
