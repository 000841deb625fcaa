"""Remove from an output folder what no run needs any more.

Needed are the committed units of a movie of the last run that did not end well: the same command resumes from them.
Those are the folders in ``.work`` that its ``plan.json`` names, and the plan. Where the plan cannot be read all units
of such a movie stay, and where ``run.json`` cannot, every movie counts as one of the last run.

Everything else of ours in ``.work`` goes: units of movies that are done or partial, of earlier settings, of movies that
the last run did not have; and everywhere the temporary files of killed writers.
"""

import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jobs.errors import WorkspaceError
from jobs.store.run_files import is_settled, read_last_run, read_plan, require_results
from jobs.store.workspace import MovieFolder, Workspace

_TEMPORARY: Final = re.compile(r"\.tmp-\d+-.")
_KEY: Final = re.compile(r"[0-9a-f]{16}")
"""What :func:`jobs.store.provenance.digest` gives; names the folders of units."""


@dataclass(frozen=True)
class Cleaned:
    """What was removed: folders with all they held, single files, and how many bytes both had."""

    folders: tuple[Path, ...]
    files: tuple[Path, ...]
    bytes_freed: int

    def __str__(self) -> str:
        folders = f"{len(self.folders)} folder{'' if len(self.folders) == 1 else 's'}"
        files = f"{len(self.files)} file{'' if len(self.files) == 1 else 's'}"
        return f"removed {folders} and {files}, {self.bytes_freed / 1e6:.1f} MB"


def clean(out: Path) -> Cleaned:
    """Remove from ``out`` what no run needs; see this module's head. Results are never touched.

    Works on a full disk, too.

    Raises:
        UsageError: there is no such folder, or no result in it.
        WorkspaceError: a run holds it, or something cannot be removed.
    """
    require_results(out)  # before the lock, which would make a folder and a file in it
    with Workspace(out).locked() as caution:
        run = read_last_run(out)
        if caution and run and run.alive:  # without locks, that its process lives is all there is to go by
            raise WorkspaceError(f"{out}: another run is using this output folder: process {run.pid} on {run.host}")
        ours = frozenset(run.movies) if run else None
        folders = require_results(out)
        try:
            unneeded = list(_temporaries(out))
            for path in folders:
                unneeded += _unneeded(path, needed=ours is None or path.relative_to(out).as_posix() in ours)
            return _removed(unneeded, [MovieFolder(path).work for path in folders])
        except OSError as error:
            raise WorkspaceError(f"{error.filename}: cannot be removed: {error.strerror}") from error


def _unneeded(path: Path, needed: bool) -> Iterator[Path]:
    """Yield what may go in a movie's folder; ``needed`` says whether a run might resume it if it is not done."""
    folder = MovieFolder(path)
    job, plan = folder.read_job_file(), read_plan(folder)
    is_done = is_settled(job, plan) and job is not None and job.has_results
    wanted = needed and not is_done
    yield from _temporaries(folder.root)
    if folder.work.is_symlink() or not folder.work.is_dir():
        return
    yield from _temporaries(folder.work)
    for entry in sorted(folder.work.iterdir()):
        if entry.is_symlink():
            continue
        if entry.is_dir() and _KEY.fullmatch(entry.name):
            if wanted and (plan is None or entry.name in plan.keys.of_units):
                yield from _temporaries(entry)
            else:
                yield entry
        elif entry == folder.plan and not wanted:
            yield entry


def _temporaries(folder: Path) -> Iterator[Path]:
    """Yield the temporary files right in ``folder``."""
    return (path for path in sorted(folder.iterdir()) if _TEMPORARY.match(path.name) and path.is_file())


def _removed(unneeded: Sequence[Path], works: Sequence[Path]) -> Cleaned:
    """Remove folders and files, and those of the folders ``works`` that are empty then."""
    folders, files, size = [], [], 0
    for path in dict.fromkeys(unneeded):
        if path.is_dir():
            size += sum(file.lstat().st_size for file in path.rglob("*") if not file.is_dir())
            shutil.rmtree(path)
            folders.append(path)
        else:
            size += path.lstat().st_size
            path.unlink()
            files.append(path)
    for work in works:
        if work.is_dir() and not work.is_symlink() and not any(work.iterdir()):
            work.rmdir()
            folders.append(work)
    return Cleaned(tuple(folders), tuple(files), size)
