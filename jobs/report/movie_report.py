"""``report.html`` and ``poster.jpg`` of one movie, from its tables."""

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final

from jobs.errors import ReportError
from jobs.report.charts import chart_data
from jobs.report.page import render
from jobs.report.pictures import Pictures, take_pictures
from jobs.report.plotly import packed_plotly
from jobs.results.errors import ResultError
from jobs.results.lanes import Lanes, make_lanes
from jobs.results.tables import read_table
from jobs.results.timeline_index import TimelineIndex, read_timeline_index
from jobs.results.wording import number, shares_of
from jobs.store.atomic import commit
from jobs.store.run_files import text_of
from jobs.store.workspace import MovieFolder
from pipeline.media.movie import Movie
from pipeline.schema import EMOTIONS

_COLUMNS: Final = ["scene", "start", "end", "coverage", "faces_max", "tracks", "dominant"]
_COLUMNS_OF_SHARES: Final = [f"share_{emotion}" for emotion in EMOTIONS]


@dataclass(frozen=True)
class Prepared:
    """What takes longest of a report, and can be had before the movie is done: its pictures, and Plotly, packed."""

    pictures: Pictures
    plotly: str


def write_movie_report(folder: MovieFolder, prepared: Prepared | None = None) -> None:
    """Write the report of the movie whose results lie in ``folder``, each file whole or not at all.

    ``prepared`` is what :func:`prepare` made of it; without, it is made now.

    Raises:
        ReportError: the folder holds no results, or they cannot be read.
    """
    job = folder.read_job()
    if job is None or job.get("status") not in ("done", "partial"):
        raise ReportError(f"{folder.root}: expected the results of a movie, found none")
    results = _read(folder)
    summary, rows = results.summary, results.scenes
    if prepared is None:
        prepared = results.prepare(Path(str(job.get("source", ""))), folder.video)
    poster, stills = prepared.pictures.poster, prepared.pictures.stills
    if poster is not None:
        commit(folder.poster, lambda temporary: temporary.write_bytes(poster))
    page = render(
        "report.html",
        job=job,
        name=str(job.get("movie", folder.root.name)),
        about=about(job),
        reason=text_of(job.get("reason")) or "",
        remarks=remarks if isinstance(remarks := job.get("remarks"), list) else [],
        facts=summary.facts,
        poster=poster,
        scenes=[row | {"shares": shares_of(row), "still": still} for row, still in zip(rows, stills, strict=True)],
        data=chart_data(summary, results.lanes, rows),
        plotly=prepared.plotly,
        card=model_card(str(job.get("model", ""))),
        video=folder.video.name if folder.video.exists() else None,
        index="../" * (str(job.get("movie", "")).count("/") + 1) + "index.html",
    )
    commit(folder.report, lambda temporary: temporary.write_text(page))


def prepare(folder: MovieFolder, movie: Movie) -> Prepared:
    """Prepare the report of ``movie``, whose tables lie in ``folder``.

    Raises:
        ReportError: the tables cannot be read, or Plotly is missing.
    """
    return _read(folder).prepare(movie)


@dataclass(frozen=True)
class _Results:
    """What a report is made from: the timeline's sums, the tracks as lanes, the rows of the table of scenes."""

    summary: TimelineIndex
    lanes: Lanes
    scenes: list[dict[str, Any]]

    def prepare(self, *videos: Movie | Path) -> Prepared:
        spans = [(row["start"], row["end"]) for row in self.scenes]
        return Prepared(take_pictures(videos, self.summary, self.lanes, spans), packed_plotly())


def _read(folder: MovieFolder) -> _Results:
    try:
        summary = read_timeline_index(folder.timeline)
        scenes = read_table(folder.scenes, [*_COLUMNS, *_COLUMNS_OF_SHARES]).to_pylist()
    except ResultError as error:
        raise ReportError(f"{folder.root}: {error}") from error
    return _Results(summary, make_lanes(summary), scenes)


def about(job: dict[str, Any]) -> dict[str, Any]:
    """Return what a report says of the movie as a whole; None for what is not known."""
    found = job.get("summary")
    summary: dict[str, Any] = found if isinstance(found, dict) else {}
    keys = ("duration", "coverage", "frames", "tracks", "scenes", "width", "height", "faces_max")
    return {key: number(summary.get(key)) for key in keys} | {"shares": shares_of(summary)}


def model_card(model: str) -> str:
    """Return the text of a model's card; empty if it has none."""
    if not model or Path(model).name != model:
        return ""
    card = resources.files("models") / "weights" / f"{model}.md"
    return card.read_text() if card.is_file() else ""
