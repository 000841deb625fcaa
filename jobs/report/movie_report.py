"""``report.html`` and ``poster.jpg`` of one movie, from its tables."""

from importlib import resources
from pathlib import Path
from typing import Any, Final

from jobs.errors import ReportError
from jobs.report.charts import chart_data
from jobs.report.page import render
from jobs.report.plotly import packed_plotly
from jobs.review.boxes import best_frames
from jobs.review.lanes import Lanes, make_lanes
from jobs.review.library import number, shares_of
from jobs.review.pictures import Spot, still, still_between
from jobs.review.summaries import Summary, read_summary
from jobs.review.tables import read_table
from jobs.watch import text_of
from jobs.web.errors import PageError
from jobs.workspace import MovieFolder, commit
from pipeline.errors import PipelineError
from pipeline.movie import Movie, open_movie
from pipeline.schema import EMOTIONS

_MOST_STILLS: Final = 60
"""With more scenes their pictures would take longer to cut out, and weigh more, than all the rest."""

_STILL_WIDTH: Final = 160
_POSTER_WIDTH: Final = 320
_COLUMNS: Final = ["scene", "start", "end", "coverage", "faces_max", "tracks", "dominant"]
_COLUMNS_OF_SHARES: Final = [f"share_{emotion}" for emotion in EMOTIONS]


def write_movie_report(folder: MovieFolder) -> None:
    """Write the report of the movie whose results lie in ``folder``, each file whole or not at all.

    Raises:
        ReportError: the folder holds no results, or they cannot be read.
    """
    job = folder.read_job()
    if job is None or job.get("status") not in ("done", "partial"):
        raise ReportError(f"{folder.root}: expected the results of a movie, found none")
    try:
        summary = read_summary(folder.timeline)
        rows = read_table(folder.scenes, [*_COLUMNS, *_COLUMNS_OF_SHARES]).to_pylist()
    except PageError as error:
        raise ReportError(f"{folder.root}: {error}") from error
    lanes = make_lanes(summary)
    movie = _pictured(folder, job)
    poster = _poster(movie, summary, lanes)
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
        scenes=[row | {"shares": shares_of(row), "still": _still(movie, row, len(rows))} for row in rows],
        data=chart_data(summary, lanes, rows),
        plotly=packed_plotly(),
        card=model_card(str(job.get("model", ""))),
        video=folder.video.name if folder.video.exists() else None,
        index="../" * (str(job.get("movie", "")).count("/") + 1) + "index.html",
    )
    commit(folder.report, lambda temporary: temporary.write_text(page))


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


def _pictured(folder: MovieFolder, job: dict[str, Any]) -> Movie | None:
    """Return a file that pictures can be taken from: the original, which has no boxes on it, or the annotated video."""
    for path in (Path(str(job.get("source", ""))), folder.video):
        try:
            if path.is_file():
                return open_movie(path)
        except (PipelineError, OSError):
            continue
    return None


def _poster(movie: Movie | None, summary: Summary, lanes: Lanes) -> bytes | None:
    """Return a picture of the longest track; of the movie's middle where there is no face; None without a video."""
    if movie is None:
        return None
    time = (summary.start + summary.end) / 2
    if len(lanes.track):
        longest = int(lanes.track[(lanes.end - lanes.start).argmax()])
        time = float(summary.time[best_frames(summary)[longest]])
    try:
        return still(Spot(movie, time), _POSTER_WIDTH)
    except PageError:
        return None


def _still(movie: Movie | None, row: dict[str, Any], scenes: int) -> bytes | None:
    if movie is None or scenes > _MOST_STILLS:
        return None
    try:
        return still_between(movie, row["start"], row["end"], _STILL_WIDTH)
    except PageError:
        return None
