"""Every path under the output folder, who holds it, and the one walk through the movies in it.

Long because it is one file: whoever looks for a name in the output folder finds it here.
"""

import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jobs.errors import DiskFullError, JobError, WorkspaceError
from jobs.store.atomic import TEMPORARY
from jobs.store.job_file import JobFile, read_job_file
from jobs.store.json_values import read_object
from jobs.store.lock import held

JOB_FILE: Final = "job.json"
WORK: Final = ".work"
_SPARE_BYTES: Final = 200_000_000
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True)
class MovieFolder:
    """The results of one movie."""

    root: Path

    @property
    def video(self) -> Path:
        """The annotated video."""
        return self.root / "annotated.mp4"

    @property
    def overlay(self) -> Path:
        """The movie untouched, with its labels as a subtitle track."""
        return self.root / "annotated.mkv"

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
    def tracks_csv(self) -> Path:
        """The tracks for spreadsheets."""
        return self.root / "tracks.csv"

    @property
    def arc(self) -> Path:
        """A row per second."""
        return self.root / "arc.parquet"

    @property
    def moments(self) -> Path:
        """A row per moment, as an Arrow file: searches open those of all films, and Parquet would take longer."""
        return self.root / "moments.arrow"

    @property
    def people(self) -> Path:
        """A row per person."""
        return self.root / "people.parquet"

    @property
    def scene_people(self) -> Path:
        """A row per person and scene."""
        return self.root / "scene_people.parquet"

    @property
    def relative(self) -> Path:
        """What each picture of a person shows, against how that person usually looks."""
        return self.root / "relative.parquet"

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
        of_people = (self.people, self.scene_people, self.relative)
        sheets = (self.scenes_csv, self.tracks_csv)
        return (self.timeline, self.tracks, self.shots, self.scenes, self.arc, self.moments, *of_people, *sheets)

    @property
    def work(self) -> Path:
        """Committed units of work; gone once the movie is done."""
        return self.root / WORK

    @property
    def plan(self) -> Path:
        """What is to be done for a movie that is under way: segments, passes, keys."""
        return self.work / "plan.json"

    def read_job_file(self) -> JobFile | None:
        """Return what ``job.json`` says, or None where there is none of ours that can be read."""
        return read_job_file(self.job)

    def holds_foreign_job(self) -> bool:
        """Whether ``job.json`` is another program's, and so not ours to replace."""
        return self.read_job_file() is None and bool(read_object(self.job))

    def has_current_report(self) -> bool:
        """Whether ``report.html`` is there, and no older than the results that it shows."""
        try:
            return self.report.stat().st_mtime_ns >= self.job.stat().st_mtime_ns
        except OSError:
            return False

    def set_aside(self, video: Path, keep: bool) -> list[str]:
        """Take away a video whose tables were replaced: it must not pass for one of the new tables.

        Args:
            video: one of :attr:`video` and :attr:`overlay`.
            keep: under another name, where it replaces one that was set aside before.

        Returns:
            What the user should know of it.
        """
        if not video.is_file():
            return []
        if not keep:
            video.unlink()
            return []
        earlier = video.with_stem(f"{video.stem}.earlier")
        video.replace(earlier)
        return [f"{earlier.name} shows the earlier tables, which these replaced"]

    def listing(self, keys: Iterable[str]) -> frozenset[str]:
        """Return the names of the files that stand: here, and, as ``.work/KEY/UNIT``, the units of ``keys``."""
        return frozenset(
            prefix + name
            for prefix in ("", *(f"{WORK}/{key}/" for key in keys))
            for name in _files_in(self.root / prefix)
            if not name.startswith(TEMPORARY)
        )

    def clear_temporary(self) -> None:
        """Remove what killed writers left behind."""
        for folder in (self.root, self.work, *self.work.glob("*")):
            for path in folder.glob(f"{TEMPORARY}*"):
                path.unlink(missing_ok=True)

    def clear_units(self, keys: Iterable[str]) -> None:
        """Remove plan, temporary files and the units of these keys; other units stay for a run that resumes them."""
        for key in filter(None, keys):  # an empty key would name the folder of all units
            shutil.rmtree(self.work / key, ignore_errors=True)
        self.clear_temporary()
        with suppress(OSError):
            self.plan.unlink(missing_ok=True)
            self.work.rmdir()  # unless it holds others


@dataclass(frozen=True)
class Workspace:
    """The output folder."""

    root: Path

    @property
    def movies(self) -> Path:
        """A row per movie."""
        return self.root / "movies.parquet"

    @property
    def movies_csv(self) -> Path:
        """The same for spreadsheets."""
        return self.root / "movies.csv"

    @property
    def index(self) -> Path:
        """The folder's movies in one page, with links to their reports."""
        return self.root / "index.html"

    @property
    def assets(self) -> Path:
        """What the reports of all movies share."""
        return self.root / "_assets"

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
            WorkspaceError: the disk cannot be asked.
        """
        try:
            free = shutil.disk_usage(self.root).free
        except OSError as error:
            raise WorkspaceError(f"{self.root}: the output folder cannot be read: {error.strerror}") from error
        if free < expected + _SPARE_BYTES:
            needed = (expected + _SPARE_BYTES) / 1e9
            raise DiskFullError(
                f"{self.root}: the disk is full: {free / 1e9:.1f} GB are free, about {needed:.1f} GB are needed; "
                "free some space and run the same command to resume"
            )

    def job_files(self) -> Iterator[JobFile]:
        """Yield every ``job.json`` of ours below that can be read, in the order of their paths."""
        for path in sorted(movie_folders(self.root)):
            job = MovieFolder(path).read_job_file()
            if job is not None:
                yield job

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Turn what the system says of a file that cannot be written into an error of ours.

        Raises:
            DiskFullError: the disk is full.
            WorkspaceError: it cannot be written for another reason.
        """
        try:
            yield
        except OSError as error:
            raise self._unwritable(error) from error

    @contextmanager
    def locked(self) -> Iterator[str]:
        """Hold the folder for one run.

        Yields:
            What the user should know: that the file system has no locks; "" where it has.

        Raises:
            DiskFullError: there is no room for a lock.
            WorkspaceError: it cannot be written, or another run holds it.
        """
        with self.writing():
            self.root.mkdir(parents=True, exist_ok=True)
            lock = ExitStack()
            caution = lock.enter_context(held(self.root))
        with lock:
            yield caution

    def _unwritable(self, error: OSError) -> JobError:
        if error.errno in _FULL:
            return DiskFullError(
                f"{self.root}: the disk is full; nothing was lost. Free some space and run the same command to resume"
            )
        return WorkspaceError(f"{self.root}: the output folder cannot be written: {error.strerror}")


def movie_folders(out: Path) -> Iterator[Path]:
    """Yield every folder below ``out`` that holds results or units of work.

    The one walk for all: a run may remove folders meanwhile, which os.walk survives and Path.rglob does not.
    """
    for here, folders, files in os.walk(out):
        if JOB_FILE in files or WORK in folders:
            yield Path(here)
        folders[:] = [name for name in folders if name != WORK]


def _files_in(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries if entry.is_file()]
    except OSError:  # there is none
        return []
