"""A movie's results as exports see them: checked, with corrections applied, and as moments."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jobs.results.corrections import Corrected, corrected
from jobs.results.errors import NotFoundError, UnreadableError
from jobs.results.job_facts import JobFacts, read_job_facts
from jobs.results.wording import called
from jobs.store.workspace import MovieFolder
from pipeline.schema import LABELS, UNSURE


@dataclass(frozen=True)
class Moment:
    """Consecutive frames in which one face has one label.

    Attributes:
        track: the face.
        person: number of the person; None where it is not known.
        who: what to call the face: a person's name or number, counted from 1, or else the track's number.
        shot, scene: in which it begins.
        label: one of LABELS.
        start, end: s.
        first_frame, last_frame: both inclusive.
        confidence_mean, confidence_max: over its frames, 0..1.
    """

    track: int
    person: int | None
    who: str
    shot: int
    scene: int
    label: str
    start: float
    end: float
    first_frame: int
    last_frame: int
    confidence_mean: float
    confidence_max: float


@dataclass(frozen=True)
class Result:
    """The results of one movie.

    Attributes:
        facts: what ``job.json`` says.
        tables: with corrections applied.
    """

    facts: JobFacts
    tables: Corrected

    @property
    def folder(self) -> MovieFolder:
        """Where they are."""
        return self.tables.folder

    @property
    def name(self) -> str:
        """The movie's, its path below the input folder."""
        return self.facts.movie

    @cached_property
    def time(self) -> NDArray[np.float64]:
        """float64 ``(f + 1,)``, s: when each frame appears, and when the last one leaves the screen."""
        timeline = self.tables.timeline
        shown = timeline["time"].to_numpy()[np.flatnonzero(np.diff(timeline["frame"].to_numpy(), prepend=-1))]
        return np.append(shown, self.tables.end)

    @cached_property
    def moments(self) -> list[Moment]:
        """All moments, sorted by start, then by track."""
        return [_moment(self, row) for row in self.tables.moments.to_pylist()]

    def who(self, track: int, person: int | None) -> str:
        """Return what to call a face."""
        return f"face #{track}" if person is None else self.person_name(person)

    def person_name(self, person: int) -> str:
        """Return what to call a person: the name that a user gave, or the number, counted from 1."""
        return called(person, self.tables.person_names)

    def scene_name(self, scene: int) -> str:
        """Return what to call a scene: the name that a user gave it, or its number, counted from 1."""
        return self.tables.scene_names.get(scene) or f"scene {scene + 1}"


def read_result(folder: MovieFolder) -> Result:
    """Read the results in ``folder``, with the user's corrections applied.

    Raises:
        NotFoundError: there are none.
        UnreadableError: a table is damaged, none of ours, of a newer version, or holds no frame.
    """
    facts = read_job_facts(folder)
    if facts is None or not facts.has_results:
        raise NotFoundError(f"{folder.root}: expected the results of a movie, found none")
    found = corrected(folder)
    if len(found.timeline) == 0 or len(found.shots) == 0:
        raise UnreadableError(f"{folder.timeline}: expected at least one frame, found none; process the movie again")
    return Result(facts, found)


def _moment(result: Result, row: dict[str, Any]) -> Moment:
    del row["movie"]
    sure = {name: round(row.pop(name), 4) for name in ("confidence_mean", "confidence_max")}
    return Moment(who=result.who(row["track"], row["person"]), **row, **sure)


def is_sure(moment: Moment) -> bool:
    """Return whether a moment carries an emotion."""
    return moment.label != LABELS[UNSURE]
