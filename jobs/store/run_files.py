"""What a run leaves on the disk for those who watch it: ``run.json``, and ``plan.json`` of each movie under way."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jobs.errors import UsageError
from jobs.iso_time import moment_of, now
from jobs.store.atomic import commit_json
from jobs.store.job_file import JobFile
from jobs.store.json_values import count_of, read_object
from jobs.store.json_values import text_of as text_of
from jobs.store.lock import is_locked, is_running
from jobs.store.provenance import Keys
from jobs.store.workspace import JOB_FILE, MovieFolder, Workspace
from jobs.store.workspace import movie_folders as movie_folders

PLAN_FORMAT: Final = 1
"""Of ``plan.json``; files that do not say are older, and their units are of no use to this version."""


@dataclass(frozen=True)
class LastRun:
    """What ``run.json`` says of the last run, and whether it is still running. Times are ISO 8601."""

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
        keys: of the results to be; the folders of units are named by them.
        segments: name and number of frames of each; units are named by it alone, whichever run made them.
        format: version of the file's format; None in files of earlier versions, which did not say.
    """

    began: int
    passes: int
    keys: Keys
    segments: tuple[tuple[str, int], ...]
    format: int | None = PLAN_FORMAT

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


def read_last_run(out: Path) -> LastRun | None:
    """Read ``run.json``, or return None where there is none that can be read."""
    content = read_object(Workspace(out).run)
    if content is None or not isinstance(content.get("movies"), list):
        return None
    entries = [movie.get("name") for movie in content["movies"] if isinstance(movie, dict)]
    ended, pid, host = text_of(content.get("ended")), count_of(content.get("pid")), text_of(content.get("host")) or ""
    locked = is_locked(out)
    return LastRun(
        alive=ended is None and (is_running(pid, host) if locked is None else locked),
        pid=pid,
        host=host,
        started=text_of(content.get("started")) or "",
        ended=ended,
        exit_code=count_of(content.get("exit_code")),
        movies=tuple(name for name in entries if isinstance(name, str) and name),
    )


def write_plan(folder: MovieFolder, movie: str, passes: int, keys: Keys, segments: Iterable[tuple[str, int]]) -> None:
    """Let others see what is to be done for a movie, and so how much of it is done.

    Args:
        folder: the movie's.
        movie: its name.
        passes: see :class:`Plan`, as for the rest.
        keys: of the results to be.
        segments: name and number of frames of each.

    Raises:
        OSError: it cannot be written.
    """
    content = {
        "format": PLAN_FORMAT,
        "movie": movie,
        "began": now(),
        "passes": passes,
        "keys": keys.to_json(),
        "segments": [{"name": name, "frames": frames} for name, frames in segments],
    }
    commit_json(folder.plan, content)


def read_plan(folder: MovieFolder) -> Plan | None:
    """Read a movie's ``plan.json``, or return None where there is none that can be read."""
    content = read_object(folder.plan)
    try:
        assert content is not None
        began, keys = moment_of(content["began"]), Keys.parse(content["keys"])
        segments = tuple((str(segment["name"]), int(segment["frames"])) for segment in content["segments"])
        assert began is not None
        assert keys.analysis
        return Plan(began, int(content["passes"]), keys, segments, count_of(content.get("format")))
    except (AssertionError, KeyError, TypeError, ValueError):
        return None


def is_settled(job: JobFile | None, plan: Plan | None) -> bool:
    """Return whether ``job.json`` says how the movie ended, and is not what an earlier run left before ``plan``."""
    if job is None:
        return False
    return plan is None or (job.finished_at is not None and job.finished_at >= plan.began)
