"""What a run leaves on the disk for those who watch it: ``run.json``, and ``plan.json`` of each movie under way."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jobs.errors import UsageError
from jobs.iso_time import moment_of
from jobs.store.workspace import JOB_FILE, MovieFolder, Workspace

FINAL: Final = ("done", "partial", "failed")
"""What ``job.json`` may say of a movie."""


@dataclass(frozen=True)
class LastRun:
    """What ``run.json`` says of the last run, and whether it still goes on. Times are ISO 8601."""

    alive: bool
    pid: int | None
    host: str
    started: str
    ended: str | None
    exit_code: int | None
    movies: tuple[str, ...]

    @property
    def started_at(self) -> int:
        """When it started, in s since 1970; 0 if that cannot be read."""
        return moment_of(self.started) or 0


@dataclass(frozen=True)
class Plan:
    """What ``.work/plan.json`` says of a movie under way.

    Attributes:
        began: when this run took it up, in s since 1970.
        passes: over its frames: analysis, and rendering if there is to be a video.
        keys: names of the folders with committed units, by kind.
        segments: name and number of frames of each.
    """

    began: int
    passes: int
    keys: dict[str, str]
    segments: tuple[tuple[str, int], ...]

    @property
    def frames(self) -> int:
        """Return how many frames the movie has."""
        return sum(frames for _, frames in self.segments)


def require_results(out: Path) -> list[Path]:
    """Return the folders of movies in ``out``, in the order of their paths; none where a run has just begun.

    Raises:
        UsageError: there is no such folder, or no result in it.
    """
    if not out.is_dir():
        raise UsageError(f"{out}: no such folder; expected the --out of a run")
    folders = sorted(movie_folders(out))
    if not folders and not Workspace(out).run.exists():
        raise UsageError(f"{out}: no results in there; expected {Workspace(out).run.name}, or folders with {JOB_FILE}")
    return folders


def movie_folders(out: Path) -> Iterator[Path]:
    """Yield every folder below ``out`` that holds results or units of work."""
    # Path.rglob raises when a run removes a folder that it is about to enter; os.walk goes on.
    for here, folders, files in os.walk(out):
        if JOB_FILE in files or ".work" in folders:
            yield Path(here)
        folders[:] = [name for name in folders if name != ".work"]


def read_last_run(out: Path) -> LastRun | None:
    """Read ``run.json``, or return None where there is none that can be read."""
    content = _read_object(Workspace(out).run)
    if content is None or not isinstance(content.get("movies"), list):
        return None
    entries = [movie.get("name") for movie in content["movies"] if isinstance(movie, dict)]
    ended = text_of(content.get("ended"))
    return LastRun(
        alive=ended is None and is_locked(out),
        pid=count_of(content.get("pid")),
        host=text_of(content.get("host")) or "",
        started=text_of(content.get("started")) or "",
        ended=ended,
        exit_code=count_of(content.get("exit_code")),
        movies=tuple(name for name in entries if isinstance(name, str) and name),
    )


def read_plan(folder: MovieFolder) -> Plan | None:
    """Read a movie's ``plan.json``, or return None where there is none that can be read."""
    content = _read_object(folder.plan)
    try:
        assert content is not None
        began, keys = moment_of(content["began"]), content["keys"]
        segments = tuple((str(segment["name"]), int(segment["frames"])) for segment in content["segments"])
        assert began is not None
        return Plan(began, int(content["passes"]), {kind: str(keys[kind]) for kind in ("analysis", "video")}, segments)
    except (AssertionError, KeyError, TypeError, ValueError):
        return None


def is_settled(job: dict[str, Any] | None, plan: Plan | None) -> bool:
    """Return whether ``job.json`` tells how the movie ended, and is not what an earlier run left before ``plan``."""
    if job is None or job.get("status") not in FINAL:
        return False
    finished = moment_of(job.get("finished"))
    return plan is None or (finished is not None and finished >= plan.began)


def is_locked(out: Path) -> bool:
    """Return whether a process on this machine holds ``out`` for a run.

    There is no asking without trying: for some microseconds a shared lock is held, which other askers do not notice.
    """
    try:
        import fcntl
    except ImportError:  # Windows: no lock; a run that has not told its end counts as alive
        return True
    try:
        with (out / ".lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # there is none, or the file system knows no locks
        return False
    return False


def _read_object(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def text_of(value: Any) -> str | None:
    """Return what JSON holds if it is text."""
    return value if isinstance(value, str) else None


def count_of(value: Any) -> int | None:
    """Return what JSON holds if it is a whole number."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None
