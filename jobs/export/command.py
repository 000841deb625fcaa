"""What ``moodreel export`` does: finished movies, each in a file of another format, or all in one."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jobs.errors import UsageError
from jobs.export.formats import collected, collected_name, ending_of, find_format
from jobs.export.options import Options
from jobs.export.result import Result, read_result
from jobs.results.errors import ResultError
from jobs.results.job_facts import read_job_facts
from jobs.store.atomic import commit
from jobs.store.run_files import require_results
from jobs.store.workspace import MovieFolder


@dataclass
class Exported:
    """What came of it: files, and a line for each movie that could not be written, or that the user should know of."""

    written: list[Path] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def export(
    out: Path, format_name: str, to: Path, options: Options, one_file: bool = False, force: bool = False
) -> Exported:
    """Write the results in ``out`` in another format.

    Args:
        out: folder of a run's results, or of a single movie's.
        format_name: one of :func:`jobs.export.formats.format_names`.
        to: folder for the files; each has the movie's name and the format's suffix.
        options: what the user chose.
        one_file: all movies in one file.
        force: replace files that are there.

    Returns:
        What came of it. A movie that cannot be written does not keep the others from it.

    Raises:
        UsageError: there is nothing to export, no such format, or ``to`` cannot hold files.
    """
    chosen = collected(format_name) if one_file else find_format(format_name)
    folders = [folder for folder in map(MovieFolder, require_results(out)) if _has_results(folder)]
    if not folders:
        raise UsageError(f"{out}: expected at least one movie that is done, found none")
    _make_folder(to)
    done = Exported()
    if one_file:
        path = to / collected_name(format_name, options)
        _write(path, force, done, lambda part: collected(format_name).write_all(_read(folders, done), part, options))
        return done
    for folder in folders:
        path = to / f"{_name(folder, out)}{ending_of(format_name, options)}"
        for result in _read([folder], done) if _is_free(path, force, done) else ():
            _write(path, True, done, lambda part, result=result: chosen.write(result, part, options))  # type: ignore[misc]
    return done


def _has_results(folder: MovieFolder) -> bool:
    facts = read_job_facts(folder)
    return facts is not None and facts.has_results


def _name(folder: MovieFolder, out: Path) -> str:
    """Return the movie's name by its place in ``out``: what ``job.json`` says may lead anywhere."""
    return folder.root.relative_to(out).as_posix() if folder.root != out else folder.root.resolve().name


def _make_folder(to: Path) -> None:
    try:
        to.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{to}: expected a folder or a name for a new one, found: {error.strerror}") from error
    if not os.access(to, os.W_OK | os.X_OK):
        raise UsageError(f"{to}: expected a writable folder, found one that is not")


def _is_free(path: Path, force: bool, done: Exported) -> bool:
    if force or not path.exists():
        return True
    done.faults.append(f"{path}: exists already and was kept; --force overwrites it")
    return False


def _read(folders: Sequence[MovieFolder], done: Exported) -> Iterator[Result]:
    """Yield the results that can be read, one at a time; the others become faults."""
    for folder in folders:
        try:
            result = read_result(folder)
        except ResultError as error:
            done.faults.append(f"{folder.root}: {error}")
            continue
        done.notes.extend(f"{result.name}: {note}" for note in result.tables.notes)
        yield result


def _write(path: Path, force: bool, done: Exported, write: Callable[[Path], None]) -> None:
    if not _is_free(path, force, done):
        return
    try:
        commit(path, write)
    except OSError as error:
        done.faults.append(f"{path}: cannot be written: {error.strerror}")
        return
    done.written.append(path)
