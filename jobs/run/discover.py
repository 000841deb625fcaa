"""Inputs on the command line -> the movies of a run, each with its name."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jobs.errors import UsageError

_NEVER_MOVIES: Final = frozenset(
    ".txt .md .nfo .log .csv .tsv .json .jsonl .xml .html .htm .pdf .doc .docx .xls .xlsx .ods .odt .rtf "
    ".srt .ass .ssa .sub .idx .vtt .sup "
    ".jpg .jpeg .png .bmp .tif .tiff .webp .heic .svg .psd .ico "
    ".zip .rar .7z .gz .xz .bz2 .tar .iso .par2 .sfv .md5 .sha1 .sha256 .torrent "
    ".parquet .npz .npy .pkl .h5 .keras .db .sqlite .py .ipynb .r .sh .bat .toml .yaml .yml .ini .lnk .url".split()
)
"""Endings of what lies beside movies. In a folder such files are skipped; all others are tried by content."""


@dataclass(frozen=True)
class MovieSource:
    """A file to process, and its name: the path below the input folder, with ``/``; unique in the run."""

    path: Path
    name: str


def discover(inputs: Sequence[Path], out: Path) -> list[MovieSource]:
    """Return the files that ``inputs`` stand for, in a stable order.

    Folders are searched recursively; hidden files, the output folder, and files whose ending says that they
    are something else are skipped. A file named on the command line is always taken.

    Raises:
        UsageError: an input does not exist, nothing is left to try, or two movies would share a name.
    """
    sources: dict[Path, MovieSource] = {}
    for given in inputs:
        if not given.exists():
            raise UsageError(f"{given}: no such file or folder")
        prefix = f"{given.resolve().name}/" if given.is_dir() and len(inputs) > 1 else ""
        paths = _walk(given, out.resolve()) if given.is_dir() else iter([given])
        for path in paths:
            name = prefix + path.relative_to(given).as_posix() if given.is_dir() else path.name
            sources.setdefault(path.resolve(), MovieSource(path, printable(name)))
    if not sources:
        raise UsageError(f"{', '.join(str(given) for given in inputs)}: no movies found")
    _refuse_collisions(list(sources.values()))
    _refuse_files_in_the_way(list(sources.values()), out)
    return list(sources.values())


def printable(name: str) -> str:
    """Return a file name as valid text: bytes that are not UTF-8 become replacement characters."""
    return os.fsencode(name).decode("utf-8", "replace")


def _walk(folder: Path, out: Path) -> Iterator[Path]:
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and (Path(here) / name).resolve() != out
        )
        for name in sorted(files):
            path = Path(here) / name
            if not name.startswith(".") and path.suffix.lower() not in _NEVER_MOVIES:
                yield path


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
                f"{other.path} and {source.path} would both be called {source.name!r} in the results; "
                "name the folder above them, or run them with different --out"
            )
