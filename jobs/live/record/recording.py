"""A recording's folder, whose pieces become a movie of a run: at its end, or by the next session after a crash."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from jobs.iso_time import now
from jobs.live.clock import TIME_BASE
from jobs.live.record.piece import Rows
from jobs.report.folder_report import write_index
from jobs.report.movie_report import write_movie_report
from jobs.store.atomic import commit, commit_json
from jobs.store.job_file import MovieSummary
from jobs.store.movie_result import MovieResult, job_file_of, write_movies_table
from jobs.store.table_files import commit_tables
from jobs.store.workspace import MovieFolder, Workspace
from pipeline import schema
from pipeline.media.geometry import Orientation
from pipeline.media.movie import Colour, Movie
from pipeline.scenes.structure import Structure
from pipeline.tables.labels import labels_of
from pipeline.tables.timeline import make_tables
from pipeline.tables.times import frame_times
from pipeline.video.join import join

_COMMENT: Final = "Predicted expression labels, not feelings; recorded by moodreel live, model {model}"


@dataclass(frozen=True)
class Recording:
    """A recording in progress.

    Attributes:
        folder: where its results go.
        movie: its geometry, colours and clock.
        facts: how it was made, for ``job.json`` and the tables' metadata; JSON can hold it.
    """

    folder: MovieFolder
    movie: Movie
    facts: dict[str, Any]

    @property
    def pieces(self) -> Path:
        """The folder of its pieces; not ``.work``, which is cleaned up."""
        return self.folder.root / ".live"

    def piece(self, number: int) -> tuple[Path, Path]:
        """Return the files of a piece: video and rows."""
        return self.pieces / f"{number:06d}.mp4", self.pieces / f"{number:06d}.npz"

    def begin(self) -> None:
        """Write down what the next session needs to finish the recording, should this process die."""
        movie = self.movie
        geometry = {"width": movie.width, "height": movie.height, "rate": str(movie.rate), "colour": vars(movie.colour)}
        commit_json(self.pieces / "recording.json", {"movie": geometry, "facts": self.facts})

    def finish(self, workspace: Workspace, cut_short: str = "") -> MovieResult | None:
        """Make tables and video of the pieces, then remove the pieces.

        Args:
            workspace: the output folder, which the caller holds.
            cut_short: why the recording is not whole, or "".

        Returns:
            What was recorded, or None if not one picture was; its folder is removed then.
        """
        pieces = sorted(rows for rows in self.pieces.glob("*.npz") if self._is_whole(rows))
        if not pieces:
            shutil.rmtree(self.folder.root)
            return None
        name = self.folder.root.relative_to(workspace.root).as_posix()
        rows = Rows.joined([Rows.load(piece) for piece in pieces])
        times = frame_times(self.movie, rows.pts, Structure.of_cuts(rows.shot))
        about = {**self.facts["provenance"], "movie": name}
        seen = rows.sightings()
        sure = self.facts["settings"].get("sure", 0.0)  # of a recording that an older version left behind
        labels = labels_of(seen.smoothed, seen.quality, sure)  # as they were drawn: the past alone was known
        tables = make_tables(name, self.movie, times, seen, rows.values(), labels, about)
        commit_tables(tables, self.folder)
        if self.facts["settings"]["video"] != "none":
            comment = _COMMENT.format(model=self.facts["settings"]["model"])
            videos = [piece.with_suffix(".mp4") for piece in pieces]
            commit(self.folder.video, lambda temporary: join(videos, temporary, comment), self.pieces)
        summary = MovieSummary.parse(tables.summary)
        outcome = MovieResult(name, "partial" if cut_short else "done", cut_short, summary, summary.duration or 0.0)
        job_file_of(outcome, self._job_facts()).write(self.folder.job, self.pieces)
        shutil.rmtree(self.pieces)
        write_movie_report(self.folder)
        write_movies_table(workspace)
        write_index(workspace)
        return outcome

    def _is_whole(self, rows: Path) -> bool:
        return self.facts["settings"]["video"] == "none" or rows.with_suffix(".mp4").exists()

    def _job_facts(self) -> dict[str, Any]:
        facts = {key: value for key, value in self.facts.items() if key != "provenance"}
        return facts | {"finished": now(), "schema_version": schema.VERSION, "keys": {}, "remarks": [], "live": True}


def session_movie(movie: Movie) -> Movie:
    """Return the source's geometry on the clock of the session; recorded pictures are upright."""
    return Movie(
        path=movie.path,
        stream=0,
        codec="h264",
        time_base=TIME_BASE,
        clock_start=Fraction(0),
        width=movie.width,
        height=movie.height,
        orientation=Orientation(),
        rate=movie.rate,
        colour=movie.colour,
    )


def unfinished(workspace: Workspace, note: Callable[[str], None] = lambda _: None) -> Iterator[Recording]:
    """Yield the recordings that were cut short; the caller must hold the workspace.

    Args:
        workspace: the output folder.
        note: takes a line on each whose ``recording.json`` cannot be read; its pieces stay.
    """
    for about in sorted(workspace.root.glob("*/.live/recording.json")):
        try:
            yield _read(about)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, ZeroDivisionError) as error:
            note(f"{about}: expected what a recording needs to be finished, found {error!r}; its pieces stay beside it")


def _read(about: Path) -> Recording:
    content = json.loads(about.read_text(encoding="utf-8"))
    geometry, folder = content["movie"], MovieFolder(about.parents[1])
    movie = Movie(
        path=Path(content["facts"]["source"]),
        stream=0,
        codec="h264",
        time_base=TIME_BASE,
        clock_start=Fraction(0),
        width=int(geometry["width"]),
        height=int(geometry["height"]),
        orientation=Orientation(),
        rate=Fraction(geometry["rate"]),
        colour=Colour(**geometry["colour"]),
    )
    return Recording(folder, movie, content["facts"])
