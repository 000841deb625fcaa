"""Every path under the output folder, and how a file gets there: whole or not at all."""

import json
import os
import shutil
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jobs.errors import DiskFullError, WorkspaceError
from jobs.iso_time import now
from jobs.store.atomic import TEMPORARY

JOB_FILE: Final = "job.json"
_SPARE_BYTES: Final = 200_000_000


@dataclass(frozen=True)
class MovieFolder:
    """The results of one movie."""

    root: Path

    @property
    def video(self) -> Path:
        """The annotated video."""
        return self.root / "annotated.mp4"

    @property
    def timeline(self) -> Path:
        """A row per face per frame."""
        return self.root / "timeline.parquet"

    @property
    def tracks(self) -> Path:
        """A row per track."""
        return self.root / "tracks.parquet"

    @property
    def shots(self) -> Path:
        """A row per shot."""
        return self.root / "shots.parquet"

    @property
    def scenes(self) -> Path:
        """A row per scene."""
        return self.root / "scenes.parquet"

    @property
    def scenes_csv(self) -> Path:
        """The same for spreadsheets."""
        return self.root / "scenes.csv"

    @property
    def job(self) -> Path:
        """Status, settings, versions, device, time per stage, what went wrong."""
        return self.root / JOB_FILE

    @property
    def report(self) -> Path:
        """Charts, scenes and provenance in one file."""
        return self.root / "report.html"

    @property
    def poster(self) -> Path:
        """A frame of the movie, small."""
        return self.root / "poster.jpg"

    @property
    def tables(self) -> tuple[Path, ...]:
        """The files that assemble leaves."""
        return (self.timeline, self.tracks, self.shots, self.scenes, self.scenes_csv)

    @property
    def work(self) -> Path:
        """Committed units of work; gone once the movie is done."""
        return self.root / ".work"

    @property
    def plan(self) -> Path:
        """What is to be done for a movie that is under way: segments, passes, keys."""
        return self.work / "plan.json"

    def read_job(self) -> dict[str, Any] | None:
        """Return what ``job.json`` says, or None where there is none that can be read."""
        try:
            content = json.loads(self.job.read_text())
        except (OSError, ValueError):
            return None
        return content if isinstance(content, dict) else None

    def clear_temporary(self) -> None:
        """Remove what writers that were killed left behind."""
        for folder in (self.root, *self.root.glob(".work/*")):
            for path in folder.glob(f"{TEMPORARY}*"):
                path.unlink(missing_ok=True)

    def clear_work(self) -> None:
        """Remove the units of work."""
        shutil.rmtree(self.work, ignore_errors=True)

    def clear_units(self, keys: Iterable[str]) -> None:
        """Remove the units of these keys; those of other settings stay, for a run that goes on with them."""
        for key in keys:
            shutil.rmtree(self.work / key, ignore_errors=True)
        with suppress(OSError):  # others are left, or there never was a folder
            others = [path for path in self.work.iterdir() if path != self.plan]
            if not others:
                self.clear_work()


@dataclass(frozen=True)
class Workspace:
    """The output folder."""

    root: Path

    @property
    def movies(self) -> Path:
        """A row per movie."""
        return self.root / "movies.parquet"

    @property
    def index(self) -> Path:
        """The folder's movies in one page, with links to their reports."""
        return self.root / "index.html"

    @property
    def run(self) -> Path:
        """The run that holds the folder, or held it last: its movies, settings, begin and end."""
        return self.root / "run.json"

    def make_logs(self) -> Path:
        """Return the folder for logs, without what earlier runs' workers printed.

        Raises:
            WorkspaceError: it cannot be made.
        """
        path = self.root / "logs"
        try:
            path.mkdir(exist_ok=True)
        except OSError as error:
            raise WorkspaceError(f"{path}: the folder for logs cannot be made: {error.strerror}") from error
        for old in path.glob("worker-*.log"):
            old.unlink(missing_ok=True)
        return path

    def folder(self, name: str) -> MovieFolder:
        """Return the folder of the movie called ``name``, its path below the input folder."""
        return MovieFolder(self.root / name)

    def require_room(self, expected: int) -> None:
        """Make sure that there is room for ``expected`` more bytes and some to spare.

        Raises:
            DiskFullError: there is not.
        """
        free = shutil.disk_usage(self.root).free
        if free < expected + _SPARE_BYTES:
            needed = (expected + _SPARE_BYTES) / 1e9
            raise DiskFullError(
                f"{self.root}: the disk is full: {free / 1e9:.1f} GB are free, about {needed:.1f} GB are needed; "
                "the same command goes on when there is room"
            )

    def jobs(self) -> Iterator[dict[str, Any]]:
        """Yield the content of every readable ``job.json`` below, in the order of their paths."""
        for path in sorted(self.root.rglob(JOB_FILE)):
            job = MovieFolder(path.parent).read_job()
            if job is not None:
                yield job

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for one run.

        Raises:
            WorkspaceError: it cannot be written, or another run holds it.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            lock = (self.root / ".lock").open("a+")
        except OSError as error:
            raise WorkspaceError(f"{self.root}: the output folder cannot be written: {error.strerror}") from error
        with lock:
            if not _try_lock(lock.fileno()):
                lock.seek(0)
                raise WorkspaceError(f"{self.root}: another run holds this output folder: {lock.read().strip()}")
            lock.truncate(0)
            lock.write(f"process {os.getpid()} on {socket.gethostname()} since {now()}\n")
            lock.flush()
            yield


def _try_lock(descriptor: int) -> bool:
    """Take the lock, which the system gives back when this process ends, however it ends."""
    try:
        import fcntl
    except ImportError:  # Windows: no lock; two runs at once are the user's care there
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
