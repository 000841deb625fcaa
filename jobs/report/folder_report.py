"""``index.html`` of the output folder, and all reports anew."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jobs.errors import ReportError
from jobs.report.movie_report import about, write_movie_report
from jobs.report.page import render
from jobs.store.atomic import commit
from jobs.store.run_files import require_results, text_of
from jobs.store.workspace import MovieFolder, Workspace


@dataclass(frozen=True)
class Entry:
    """A movie's line in the index: where its files are, relative to the folder, what it is, how it ended."""

    name: str
    link: str
    status: str
    reason: str
    about: dict[str, Any]
    report: bool
    poster: bool


def write_index(workspace: Workspace) -> None:
    """Write ``index.html`` from every ``job.json`` in the output folder, whole or not at all."""
    entries = list(_entries(workspace))
    page = render("index.html", entries=entries, folder=workspace.root.resolve().name)
    commit(workspace.index, lambda temporary: temporary.write_text(page))


def rewrite(out: Path) -> tuple[int, list[str]]:
    """Write all reports in ``out`` anew; returns how many there are, and a line for each that could not be written.

    Raises:
        UsageError: there is no such folder, or no result in it.
    """
    written, faults = 0, []
    for path in require_results(out):
        folder = MovieFolder(path)
        if (folder.read_job() or {}).get("status") not in ("done", "partial"):
            continue
        try:
            write_movie_report(folder)
            written += 1
        except ReportError as error:
            faults.append(str(error))
    write_index(Workspace(out))
    return written, faults


def _entries(workspace: Workspace) -> Iterator[Entry]:
    for job in workspace.jobs():
        name, status = text_of(job.get("movie")), text_of(job.get("status"))
        if not name or not status:
            continue  # another program's file of that name
        folder = workspace.folder(name)
        reason = text_of(job.get("reason")) or ""
        yield Entry(name, quote(name), status, reason, about(job), folder.report.exists(), folder.poster.exists())
