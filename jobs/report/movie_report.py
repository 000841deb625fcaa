"""``report.html`` and ``poster.jpg`` of one movie, from its tables."""

from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any, Final

from jobs.errors import ReportError
from jobs.report.charts import chart_data
from jobs.report.page import POLICY, SHARING_POLICY, render
from jobs.report.pictures import Pictures, take_pictures
from jobs.report.plotly import SHARED, packed_plotly, share_plotly
from jobs.results.corrections import NOTHING, Changes, Spans, corrected, read_changes
from jobs.results.corrections.people import people_of, persons_of
from jobs.results.errors import ResultError
from jobs.results.job_facts import JobFacts, read_job_facts
from jobs.results.lanes import Lanes, make_lanes
from jobs.results.rows import SCENE_COLUMNS, Scene, scenes_of
from jobs.results.stills.original import find_original
from jobs.results.tables import read_table
from jobs.results.timeline_index import TimelineIndex, read_timeline_index
from jobs.store.atomic import commit
from jobs.store.workspace import MovieFolder, Workspace
from pipeline.media.movie import Movie

_INDEX: Final = Workspace(Path()).index.name
_ASSETS: Final = Workspace(Path()).assets.name


@dataclass(frozen=True)
class Prepared:
    """What takes longest of a report and can be made before the movie is done: its pictures."""

    pictures: Pictures


def write_movie_report(folder: MovieFolder, prepared: Prepared | None = None, standalone: bool = False) -> None:
    """Write the report of a movie, each file whole or not at all.

    Args:
        folder: the movie's results.
        prepared: from :func:`prepare`; without it that work is done now.
        standalone: put the chart's script into the report, 2 MB, instead of sharing it with the folder's other reports.

    Raises:
        ReportError: the folder holds no results, they cannot be read, or the report cannot be written.
    """
    facts = read_job_facts(folder)
    if facts is None or not facts.has_results:
        raise ReportError(f"{folder.root}: expected the results of a movie, found none")
    results = _read(folder)
    if prepared is None:
        original = find_original(facts).path
        prepared = results.prepare(*([original] if original else []), folder.overlay, folder.video)
    page = _page(folder, facts, results, prepared, standalone)
    poster = prepared.pictures.poster
    try:
        if not standalone:
            share_plotly(Workspace(folder.root / _way_up(folder, facts)).assets)
        if poster is not None:
            commit(folder.poster, lambda temporary: temporary.write_bytes(poster), folder.root)
        commit(
            folder.report, lambda temporary: temporary.write_text(page, encoding="utf-8", errors="replace"), folder.root
        )
    except OSError as error:  # a full disk, or a run that replaces the folder
        raise ReportError(f"{folder.report}: cannot be written: {error.strerror}") from error


def prepare(folder: MovieFolder, movie: Movie) -> Prepared:
    """Prepare the report of ``movie``, whose tables are in ``folder``.

    Raises:
        ReportError: the tables cannot be read.
    """
    return _read(folder).prepare(movie)


@dataclass(frozen=True)
class _Results:
    """What a report is made from: the timeline, the tracks in lanes, the scenes."""

    index: TimelineIndex
    lanes: Lanes
    scenes: list[Scene]
    changes: Changes = NOTHING
    spans: Spans | None = None  # None where nothing is corrected
    people: list[dict[str, Any]] = field(default_factory=list)  # those seen longest first

    def prepare(self, *videos: Movie | Path) -> Prepared:
        spans = [(scene.start, scene.end) for scene in self.scenes]
        return Prepared(take_pictures(videos, self.index, self.lanes, spans))


def _read(folder: MovieFolder) -> _Results:
    try:
        changes = read_changes(folder)
        index = read_timeline_index(folder.timeline, changes)
        if changes.any_rows:
            found = corrected(folder, changes)
            scenes, spans = scenes_of(found.scenes.select(list(SCENE_COLUMNS))), found.spans()
        else:
            scenes, spans = scenes_of(read_table(folder.scenes, SCENE_COLUMNS)), None
        people = people_of(index, persons_of(folder.tracks, changes), changes)
    except ResultError as error:
        raise ReportError(f"{folder.root}: {error}") from error
    return _Results(index, make_lanes(index), scenes, changes, spans, people)


def _page(folder: MovieFolder, facts: JobFacts, results: _Results, prepared: Prepared, standalone: bool) -> str:
    up = _way_up(folder, facts)
    return render(
        "report.html",
        policy=POLICY if standalone else SHARING_POLICY,
        facts=_corrected_facts(facts, results),
        people=results.people,
        names=results.changes.scene_names,
        name=facts.movie or folder.root.name,
        metadata=results.index.facts,
        poster=prepared.pictures.poster,
        scenes=list(zip(results.scenes, prepared.pictures.stills, strict=True)),
        data=chart_data(results.index, results.lanes, results.scenes),
        plotly=packed_plotly() if standalone else "",
        plotly_link=f"{up}/{_ASSETS}/{SHARED}",
        card=model_card(facts.model),
        video=folder.video.name if folder.video.exists() else None,
        overlay=folder.overlay.name if folder.overlay.exists() else None,
        index=f"{up}/{_INDEX}",
    )


def _way_up(folder: MovieFolder, facts: JobFacts) -> str:
    """Return the way from a movie's folder to that of all results: one step for each part of the movie's name."""
    parts = Path(facts.movie).parts
    # A folder that was renamed, or a name that leads elsewhere, says nothing of where it lies.
    steps = len(parts) if folder.root.absolute().parts[-len(parts) :] == parts else 1
    return "/".join([".."] * steps)


def _corrected_facts(facts: JobFacts, results: _Results) -> JobFacts:
    """Return what ``job.json`` says, with the figures and notes of what people corrected."""
    remarks = (*facts.remarks, *results.changes.notes)
    if results.changes.count:
        count = "1 correction" if results.changes.count == 1 else f"{results.changes.count} corrections"
        remarks = (*remarks, f"{count} by hand applied; the tables keep what was measured")
    summary = facts.summary if results.spans is None else results.spans.summary(facts.summary)
    return replace(facts, remarks=remarks, summary=summary)


def model_card(model: str) -> str:
    """Return the text of a model's card; empty if it has none."""
    if not model or Path(model).name != model:
        return ""
    card = resources.files("models") / "weights" / f"{model}.md"
    return card.read_text(encoding="utf-8") if card.is_file() else ""
