"""``index.html`` of the output folder, and all reports of the folder at once."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from jobs.errors import ReportError
from jobs.report.movie_report import write_movie_report
from jobs.report.page import render
from jobs.results.corrections import corrected
from jobs.results.errors import ResultError
from jobs.results.job_facts import JobFacts, read_job_facts
from jobs.store.atomic import commit
from jobs.store.run_files import require_results
from jobs.store.sidecar import review_file
from jobs.store.workspace import MovieFolder, Workspace, movie_folders


@dataclass(frozen=True)
class Entry:
    """A movie's line in the index.

    Attributes:
        facts: what ``job.json`` says of it.
        link: URL of its folder, relative to the index.
        report, poster: whether there are such files.
    """

    facts: JobFacts
    link: str
    report: bool
    poster: bool


def write_index(workspace: Workspace) -> None:
    """Write ``index.html`` from every ``job.json`` in the output folder, whole or not at all."""
    entries = list(_entries(workspace))
    page = render("index.html", entries=entries, folder=workspace.root.resolve().name)
    commit(
        workspace.index,
        lambda temporary: temporary.write_text(page, encoding="utf-8", errors="replace"),
        workspace.root,
    )


def rewrite(out: Path, standalone: bool = False) -> tuple[int, list[str]]:
    """Rewrite all reports in ``out``, and its index. A run may be in progress: folders may appear and vanish.

    ``standalone`` puts the chart's script into each report.

    Returns:
        The number of reports, and a line for each that could not be written.

    Raises:
        UsageError: there is no such folder, or no result in it.
    """
    written, faults = 0, []
    for path in require_results(out):
        folder = MovieFolder(path)
        facts = read_job_facts(folder)
        if facts is None or not facts.has_results:
            continue
        try:
            write_movie_report(folder, standalone=standalone)
            written += 1
        except ReportError as error:
            faults.append(str(error))
    write_index(Workspace(out))
    return written, faults


def _entries(workspace: Workspace) -> Iterator[Entry]:
    for path in sorted(movie_folders(workspace.root)):
        facts = read_job_facts(MovieFolder(path))
        if facts is None:
            continue  # no job.json (any more), or another program's file of that name
        facts = _corrected(MovieFolder(path), facts)
        folder = workspace.folder(facts.movie)
        yield Entry(facts, quote(facts.movie), folder.report.exists(), folder.poster.exists())


def _corrected(folder: MovieFolder, facts: JobFacts) -> JobFacts:
    """Return what is said of a movie, its figures as people corrected them."""
    if not facts.has_results or not (folder.root / review_file.NAME).exists():
        return facts
    try:
        return replace(facts, summary=corrected(folder).summary(facts.summary))
    except ResultError:  # its own report says what is wrong with it
        return facts
