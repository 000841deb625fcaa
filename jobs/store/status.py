"""How far a run is, read from the output folder alone: from another terminal, or from a copy of its files."""

import json
import math
import socket
import time
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal, get_args

from jobs.store.job_file import FINAL, JobFile
from jobs.store.run_files import LastRun, Plan, is_settled, read_last_run, read_plan, require_results
from jobs.store.workspace import MovieFolder, Workspace

State = Literal["done", "partial", "failed", "running", "stopped", "waiting"]
"""What a movie is.

Running and stopped movies have begun and not ended, with and without a live run; a waiting one has not begun, or not in
the run that is live.
"""

_OLD_UNITS: Final = "started by an earlier version, whose units cannot be used; the next run starts over"


@dataclass(frozen=True)
class MovieStatus:
    """How far a movie is; None where it is not known.

    Attributes:
        name: path below the input folder.
        state: see :data:`State`.
        percent: frames of committed units, of all passes over all frames; what joining takes is not counted.
        rate: frames of the movie per second, all passes over them, in this run.
        seconds_left: at that rate.
        reason: of partial and failed, and why a movie waits where nothing runs.
        frames: of the movie, planned or found.
        faces: rows with a face in its timeline.
    """

    name: str
    state: State
    percent: float | None = None
    rate: float | None = None
    seconds_left: float | None = None
    reason: str = ""
    frames: int | None = None
    faces: int | None = None


@dataclass(frozen=True)
class Totals:
    """All movies together.

    ``percent``, ``rate`` and ``seconds_left`` are those of the last run's movies that did not fail; one whose length is
    not known yet counts as long as the known ones on average. They are None where nothing is known.

    Attributes:
        counts: movies by state; every state is there.
        frames, faces: of the movies in which they are known.
    """

    counts: dict[State, int]
    frames: int
    faces: int
    percent: float | None
    rate: float | None
    seconds_left: float | None


@dataclass(frozen=True)
class RunStatus:
    """How far the movies in an output folder are; ``remarks`` say what could not be read or known."""

    run: LastRun | None
    movies: tuple[MovieStatus, ...]
    totals: Totals
    remarks: tuple[str, ...]

    def to_json(self, only_failed: bool = False) -> str:
        """Return it as JSON, in ASCII, which goes through every pipe; ``only_failed`` leaves out the other movies."""
        content = asdict(self)
        if only_failed:
            content["movies"] = [movie for movie in content["movies"] if movie["state"] == "failed"]
        if content["run"]:
            del content["run"]["movies"]  # they are all in "movies"
        return json.dumps(content, indent=2)


def read_status(out: Path) -> RunStatus:
    """Read how far the movies in ``out`` are. Nothing is written there; a run may be under way.

    Raises:
        UsageError: there is no such folder, or no result in it.
    """
    folders = require_results(out)
    remarks: list[str] = []
    run = read_last_run(out)
    if run is None and Workspace(out).run.exists():
        remarks.append(f"{Workspace(out).run}: cannot be read; the remaining movies are unknown")
    if run is not None and not run.alive and run.ended is None and run.host != socket.gethostname():
        remarks.append(f"the run was started on {run.host}; whether it is still running cannot be told from here")
    ours = frozenset(run.movies) if run else frozenset()
    names = dict.fromkeys([*(run.movies if run else ()), *(folder.relative_to(out).as_posix() for folder in folders)])
    found = [_look_at(name, MovieFolder(out / name), run if name in ours else None, remarks) for name in names]
    now = time.time()
    movies = tuple(_with_pace(movie, work, now) for movie, work in found)
    counted = [(movie, work) for movie, work in found if movie.name in ours or not ours]
    totals = _totals(movies, counted, run is not None and run.alive, now)
    return RunStatus(run, movies, totals, tuple(remarks))


@dataclass(frozen=True)
class _Work:
    """Work that this run has committed: frames (all passes over them), in how many steps, from when to when (s)."""

    frames: float
    steps: int
    began: float
    last: float

    def rate(self, now: float) -> float | None:
        """Return frames per second. Between two commits it stays as it is; if the next one is overdue it falls."""
        span = self.last - self.began + max(0.0, self._idle(now) - self._step)
        return self.frames / span if self.frames > 0 and self.last > self.began else None

    def seconds_left(self, frames: float, now: float) -> float | None:
        """Return in how many seconds ``frames`` that were left at the last commit will be done."""
        rate = self.rate(now)
        return None if rate is None else max(0.0, frames / rate - min(self._idle(now), self._step))

    @property
    def _step(self) -> float:
        return (self.last - self.began) / self.steps

    def _idle(self, now: float) -> float:
        return max(0.0, now - self.last)

    @staticmethod
    def together(parts: "Sequence[_Work]") -> "_Work | None":
        """Return the work of several movies as one, or None if there is none."""
        if not parts:
            return None
        frames, steps = sum(part.frames for part in parts), sum(part.steps for part in parts)
        return _Work(frames, steps, min(part.began for part in parts), max(part.last for part in parts))


def _look_at(
    name: str, folder: MovieFolder, run: LastRun | None, remarks: list[str]
) -> tuple[MovieStatus, _Work | None]:
    """Return how far a movie is, still without its pace, and what the run has done of it, if it is one of ``run``."""
    # In this order: a movie that ends meanwhile first gets its job.json and then loses its plan and its units.
    plan = read_plan(folder)
    planned = folder.plan.exists()
    percent, work = _progress(folder, plan) if plan else (None, None)
    job = folder.read_job_file()
    if job is None and folder.job.exists():
        remarks.append(f"{folder.job}: cannot be read; skipped")
    if plan is None and planned and not is_settled(job, None):
        remarks.append(f"{folder.plan}: cannot be read; skipped")
    state = _state(run, plan, job)
    frames = plan.frames if plan else None
    if job is not None and state in FINAL and is_settled(job, plan):
        return _ended(name, state, job), _done_in(run, job) if state != "failed" else None
    if state == "failed":  # which nothing but the run's end says
        reason = "failed in the last run; the results of an earlier one are kept"
        return MovieStatus(name, state, reason=reason, frames=frames), None
    reason = "not begun" if state == "waiting" and not (run and run.alive) else ""
    if state == "stopped" and plan and plan.format is None:
        reason, percent = _OLD_UNITS, 0.0
    movie = MovieStatus(name, state, percent if plan else 0.0, reason=reason, frames=frames)
    return movie, work if state == "running" else None


def _state(run: LastRun | None, plan: Plan | None, job: JobFile | None) -> State:
    """Return the state of a movie of ``run``, or of an earlier run where that is None."""
    is_live = run is not None and run.alive
    started = run.started_at if run else 0
    if job is not None and is_settled(job, plan):
        # What failed in an earlier run is tried again.
        again = is_live and not job.has_results and job.finished_at is not None and job.finished_at < started
        return "waiting" if again else job.status
    if plan is None:
        return "waiting"
    in_this_run = plan.began >= started
    if is_live:
        return "running" if in_this_run else "waiting"
    # Exit code 1 says that every movie came to an end, but a failure is not recorded over good results.
    return "failed" if run is not None and run.exit_code == 1 and in_this_run else "stopped"


def _ended(name: str, state: State, job: JobFile) -> MovieStatus:
    percent = None if state == "failed" else 100.0
    frames, faces = job.summary.frames, job.summary.faces
    return MovieStatus(name, state, percent, reason=job.reason, frames=frames, faces=faces)


def _done_in(run: LastRun | None, job: JobFile) -> _Work | None:
    """Return the work on a movie that has ended, if it was this run that did it."""
    finished, frames, seconds = job.finished_at, job.summary.frames, job.seconds
    if run is None or finished is None or finished < run.started_at or frames is None:
        return None
    if seconds is None or not 0 < seconds < math.inf:
        return None
    # A movie that was resumed says how many of its frames this run found done.
    return _Work(frames - job.frames_before, 1, finished - seconds, finished)


def _progress(folder: MovieFolder, plan: Plan) -> tuple[float, _Work | None]:
    """Return percent of a movie's work that is committed, and the part of it that was since the plan."""
    analyzed = _commits(folder.work / plan.keys.analysis, ".npz", plan)
    rendered = _commits(folder.work / plan.keys.video, ".mp4", plan) if plan.passes == 2 and plan.keys.video else []
    # Rendering begins when all is analyzed, if only by an earlier run whose tables stand and whose units are gone.
    seen = plan.frames if rendered else sum(frames for frames, _ in analyzed)
    done = seen + sum(frames for frames, _ in rendered)
    fresh = [(frames, moment) for frames, moment in [*analyzed, *rendered] if moment >= plan.began]
    percent = 100 * done / (plan.passes * plan.frames) if plan.frames else 0.0
    if not fresh:
        return percent, None
    frames = sum(frames for frames, _ in fresh) / plan.passes
    return percent, _Work(frames, len(fresh), plan.began, max(moment for _, moment in fresh))


def _commits(folder: Path, ending: str, plan: Plan) -> list[tuple[int, float]]:
    """Return frames and time of commit, in s since 1970, of every committed unit."""
    found = []
    for name, frames in plan.segments:
        try:
            found.append((frames, (folder / f"{name}{ending}").stat().st_mtime))
        except (OSError, ValueError):
            continue
    return found


def _with_pace(movie: MovieStatus, work: _Work | None, now: float) -> MovieStatus:
    if movie.state != "running" or work is None or movie.frames is None or movie.percent is None:
        return movie
    left = work.seconds_left(movie.frames * (1 - movie.percent / 100), now)
    return MovieStatus(**{**asdict(movie), "rate": work.rate(now), "seconds_left": left})


def _totals(
    movies: Collection[MovieStatus], counted: Sequence[tuple[MovieStatus, _Work | None]], is_live: bool, now: float
) -> Totals:
    counts = {state: sum(movie.state == state for movie in movies) for state in get_args(State)}
    frames = sum(movie.frames or 0 for movie in movies)
    faces = sum(movie.faces or 0 for movie in movies)
    all_frames, done = _frames_of([movie for movie, _ in counted if movie.state != "failed"])
    if not all_frames:
        return Totals(counts, frames, faces, None, None, None)
    work = _Work.together([work for _, work in counted if work]) if is_live else None
    rate, left = (work.rate(now), work.seconds_left(all_frames - done, now)) if work else (None, None)
    return Totals(counts, frames, faces, 100 * done / all_frames, rate, left)


def _frames_of(movies: Sequence[MovieStatus]) -> tuple[float, float]:
    """Return how many frames the movies have together, and how many of them are done."""
    known = [movie.frames for movie in movies if movie.frames is not None]
    mean = sum(known) / len(known) if known else 0.0
    sizes = [mean if movie.frames is None else movie.frames for movie in movies]
    return sum(sizes), sum(size * (movie.percent or 0) / 100 for size, movie in zip(sizes, movies, strict=True))
