"""Inputs on the command line -> the movies of a run, each with its name."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from jobs.errors import UsageError
from jobs.run.folders.companions import PassedOver, kind_of
from jobs.run.folders.titles import is_list_of_movies, parts_of_titles, splits
from jobs.store.run_files import read_last_run
from jobs.store.workspace import JOB_FILE, MovieFolder
from pipeline.media.manifests.parts import title_parts


@dataclass(frozen=True)
class MovieSource:
    """A file to process, and its name: the path below the input folder, with ``/``; unique in the run."""

    path: Path
    name: str


def discover(inputs: Sequence[Path], out: Path, note: Callable[[str], None] = lambda _: None) -> list[MovieSource]:
    """Return the files that ``inputs`` stand for, in a stable order.

    Folders are searched recursively, through links too. Hidden files, results of runs, and what lies beside movies are
    passed over. A file named on the command line is always taken.

    Args:
        inputs: files and folders.
        out: the output folder.
        note: takes lines on what was passed over.

    Raises:
        UsageError: an input does not exist, nothing is left to try, or two movies would share a name.
    """
    taken: dict[tuple[int, int] | str, MovieSource] = {}
    passed, said = PassedOver(), list[str]()
    for given in inputs:
        if not given.exists():
            raise UsageError(f"{given}: no such file or folder")
        prefix = f"{given.resolve().name}/" if given.is_dir() and len(inputs) > 1 else ""
        paths = _movies_in(given, out.resolve(), passed, said) if given.is_dir() else [given]
        for path in paths:
            name = prefix + path.relative_to(given).as_posix() if given.is_dir() else path.name
            source = MovieSource(path, printable(name))
            other = taken.setdefault(_identity(path), source)
            if other.path.absolute() != path.absolute():
                said.append(f"{path} is the same file as {other.path}, which is used instead")
    _pass_parts_over(taken, said)
    if not taken:
        places = ", ".join(str(given) for given in inputs)
        raise UsageError("; ".join([f"{places}: no movies found", *said]))
    sources = _told_apart(list(taken.values()))
    _refuse_collisions(sources)
    _refuse_files_in_the_way(sources, out)
    for line in filter(None, [*said, passed.line()]):
        note(line)
    return sources


def _pass_parts_over(taken: dict[tuple[int, int] | str, MovieSource], said: list[str]) -> None:
    """Take out what is a part of another title that is taken, as where all files of a DVD are named."""
    for source in list(taken.values()):
        for part in title_parts(source.path)[1:]:
            if taken.pop(_identity(part), None):
                said.append(f"{part} is a part of the title that begins with {source.path}, which is used instead")


def _identity(path: Path) -> tuple[int, int] | str:
    """Return what two names of one file share."""
    try:
        status = path.stat()
    except OSError:  # a link to nothing, which is tried and fails
        return str(path.absolute())
    return (status.st_dev, status.st_ino) if status.st_ino else str(path.resolve())


def printable(name: str) -> str:
    """Return a file name as valid text: bytes that are not UTF-8 become replacement characters."""
    return os.fsencode(name).decode("utf-8", "replace")


def _told_apart(sources: list[MovieSource]) -> list[MovieSource]:
    """Write out the bytes that are no UTF-8 where two names would else be shown, and so called, alike."""
    counts = Counter(source.name for source in sources)
    return [
        replace(source, name="/".join([*source.name.split("/")[:-1], _spelt_out(source.path.name)]))
        if counts[source.name] > 1 and "\ufffd" in source.name
        else source
        for source in sources
    ]


def _spelt_out(name: str) -> str:
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _movies_in(folder: Path, out: Path, passed: PassedOver, said: list[str]) -> list[Path]:
    """Return the files in a folder and below that may be movies, count the others, and say what stands out."""
    files = list(_walk(folder, out, said))
    parts = parts_of_titles(files)
    movies = []
    for path in files:
        kind = parts.get(path) or ("list of movies" if is_list_of_movies(path) else kind_of(path))
        if kind:
            passed.add(kind, path)
        else:
            movies.append(path)
    said += splits(movies)
    return movies


def _walk(folder: Path, out: Path, said: list[str]) -> Iterator[Path]:
    seen = {_identity(folder)}
    for here, folders, files in os.walk(folder, followlinks=True, onerror=lambda error: said.append(_unread(error))):
        kept = []
        for name in sorted(folders):
            path = Path(here) / name
            if name.startswith(".") or path.resolve() == out:
                continue
            identity = _identity(path)
            if identity in seen:
                said.append(f"{path}: a link to a folder that is already searched; skipped")
            elif _holds_results(path):
                said.append(f"{path}: results of moodreel; skipped")
            else:
                seen.add(identity)
                kept.append(name)
        folders[:] = kept
        yield from (Path(here) / name for name in sorted(files) if not name.startswith("."))


def _unread(error: OSError) -> str:
    return f"{error.filename}: cannot be searched: {error.strerror}"


def _holds_results(folder: Path) -> bool:
    """Whether a folder is the output of a run, or one movie's part of it."""
    if (folder / JOB_FILE).is_file() and MovieFolder(folder).read_job_file() is not None:
        return True
    return read_last_run(folder) is not None


_OURS: Final = frozenset({"movies.parquet", "movies.csv", "run.json", "index.html", ".lock", "logs", "_assets"})
"""What lies at the top of the output folder."""


def _refuse_files_in_the_way(sources: Sequence[MovieSource], out: Path) -> None:
    # A movie's name is that of its folder below ``out``: it must be free for one.
    for source in sources:
        folder = out / source.name
        if source.name in _OURS or folder.is_file():
            raise UsageError(
                f"the results of {source.path} would lie in a folder {folder}, where there is a file; "
                "choose another --out"
            )


def _refuse_collisions(sources: Sequence[MovieSource]) -> None:
    by_name: dict[str, MovieSource] = {}
    for source in sources:
        other = by_name.setdefault(source.name, source)
        if other is not source:
            raise UsageError(
                f"{other.path} and {source.path} would both be named {source.name!r} in the results; "
                "give their parent folder, or use a different --out for each"
            )
