"""Moments of all films of a folder: by emotion, how sure, how long, whose, in which films."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from flask import Blueprint, Response, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from numpy.typing import NDArray
from werkzeug.exceptions import BadRequest

from jobs.results.csv_export import interval_lines
from jobs.results.errors import NotFoundError, ResultError
from jobs.results.intervals import Filter, Intervals, find_intervals, read_moments
from jobs.results.stills.spot_stills import Spot, frame_still
from jobs.results.timeline_index import read_timeline_index
from jobs.results.wording import called
from jobs.review.cache import Cache
from jobs.review.query import query_number
from jobs.review.result_store import ResultStore
from jobs.store.sidecar import review_file
from jobs.store.workspace import MovieFolder, movie_folders
from pipeline.media.movie import identity
from pipeline.schema import LABELS

_AT_ONCE: Final = 60
_KEPT_MOMENTS: Final = 4_000_000
"""Of all films together, in memory: 36 bytes each."""
_READERS: Final = 4
_SORTS: Final = ("film", "sure", "long")


@dataclass(frozen=True)
class Film:
    """What a search needs of a film.

    Attributes:
        name: of the movie.
        moments: all stretches of one label, ``unsure`` too.
        person: int32 ``(n,)``: whose each is, -1 where that is not known.
        coverage: part of its time with a face, 0..1.
        names: that a user gave to persons, by number.
    """

    name: str
    moments: Intervals
    person: NDArray[np.int32]
    coverage: float
    names: Mapping[int, str]

    def who(self, place: int) -> str:
        """Return what to call the face of a moment."""
        person = int(self.person[place])
        return f"#{int(self.moments.track[place])}" if person < 0 else called(person, self.names)


@dataclass(frozen=True)
class Found:
    """The moments that a search found in a film, as positions in its ``moments``."""

    film: Film
    which: NDArray[np.int64]


def make_search(store: ResultStore) -> Blueprint:
    """Return the page that searches all films, and what its script fetches."""
    search = Blueprint("search", __name__)
    films: Cache[Film] = Cache(_KEPT_MOMENTS, cost=lambda film: len(film.moments) + 100)

    def _name(folder: Path) -> str:
        return folder.relative_to(store.out).as_posix()

    def film_in(folder: Path) -> Film | None:
        """Return a film, or None if it is not done or cannot be read."""
        key = identity(folder / "timeline.parquet"), identity(folder / review_file.NAME)
        try:
            return films.get(key if key[0] else str(folder), lambda: _read(store, _name(folder)))
        except ResultError:
            return None

    def wanted() -> tuple[list[Found], int]:
        """Return what the query finds, and how many films cannot be read."""
        text = request.args.get("film", "").casefold()
        folders = [path for path in sorted(movie_folders(store.out)) if text in _name(path).casefold()]
        with ThreadPoolExecutor(_READERS) as readers:
            read = [film for film in readers.map(film_in, folders) if film is not None]
        found = [Found(film, which) for film in read if len(which := _fitting(film))]
        return found, len(folders) - len(read)

    @search.get("/find")
    def page() -> ResponseReturnValue:
        return render_template("review/find.html", out=store.out.name or str(store.out))

    @search.get("/api/find")
    def find() -> ResponseReturnValue:
        """Return some moments of all films, those from position ``first`` on."""
        found, failed = wanted()
        ordered = _ordered(found)
        first = int(query_number("first", 0, 0))
        rows = [
            {"movie": film.name, "who": film.who(place), **vars(film.moments[place])}
            for film, place in ordered(first, first + _AT_ONCE)
        ]
        total = sum(len(one.which) for one in found)
        seconds = sum(float(one.film.moments.seconds[one.which].sum()) for one in found)
        return jsonify(total=total, films=len(found), seconds=round(seconds, 3), failed=failed, rows=rows)

    @search.get("/csv/find")
    def find_csv() -> ResponseReturnValue:
        """Return all moments of all films as one CSV file."""
        found, _ = wanted()
        total = sum(len(one.which) for one in found)
        rows = ((film.name, film.moments[place]) for film, place in _ordered(found)(0, total))
        answer = Response(interval_lines(rows), mimetype="text/csv")
        answer.headers.set("Content-Disposition", "attachment", filename="moments.csv")
        return answer

    @search.get("/still/moment/<int:frame>/<path:name>")
    def moment(frame: int, name: str) -> ResponseReturnValue:
        index = store.index(name)
        time = float(index.time[min(frame, index.frames - 1)])
        picture = frame_still(Spot(store.movie(name), time), 320)
        return Response(picture, mimetype="image/jpeg", headers={"Cache-Control": "private, max-age=300"})

    return search


def _read(store: ResultStore, name: str) -> Film:
    folder, facts = store.finished(name)
    if not (folder.root / review_file.NAME).exists():  # so with most films; then two small files say it all
        measured, coverage = _measured(store, folder), facts.summary.coverage
        if measured is not None and coverage is not None:
            return Film(name, *measured, coverage, {})
    changes = store.changes(name)
    index = read_timeline_index(store.table(name, "timeline"), changes)
    whole = index.end - index.start
    moments, persons = find_intervals(index, Filter(unsure=True)), store.persons(name)
    return Film(
        name=name,
        moments=moments,
        person=np.array([persons.get(track, -1) for track in moments.track.tolist()], np.int32),
        coverage=float(index.covered[-1]) / whole if whole > 0 else 0.0,
        names=changes.person_names,
    )


def _measured(store: ResultStore, folder: MovieFolder) -> tuple[Intervals, NDArray[np.int32]] | None:
    """Return the moments of a film from its file of them; None where that cannot be used."""
    try:
        store.inside(folder.timeline)
        store.inside(folder.moments)
        return read_moments(folder)
    except NotFoundError:  # results of an earlier version
        return None


def _fitting(film: Film) -> NDArray[np.int64]:
    """Return the positions of a film's moments that the query lets through."""
    moments, emotion = film.moments, request.args.get("emotion") or None
    if emotion is not None and emotion not in LABELS:
        raise BadRequest(f"emotion: expected one of {', '.join(LABELS)}, found {emotion[:40]!r}")
    fits = moments.mean >= query_number("sure", 0, 0, 100) / 100
    fits &= moments.seconds >= query_number("least", 0, 0) - 1e-6
    fits &= moments.emotion == LABELS.index(emotion) if emotion else moments.emotion != len(LABELS) - 1
    if film.coverage < query_number("seen", 0, 0, 100) / 100:
        fits[:] = False
    person = request.args.get("person", "").strip().casefold()
    if person:
        fits &= np.isin(film.person, [number for number, name in film.names.items() if person in name.casefold()])
    return np.flatnonzero(fits)


def _ordered(found: list[Found]) -> Any:
    """Return a function of first and end that yields the film, and the place in it, of these moments of all."""
    sort = request.args.get("sort") or "film"
    if sort not in _SORTS:
        raise BadRequest(f"sort: expected one of {', '.join(_SORTS)}")
    film = np.repeat(np.arange(len(found)), [len(one.which) for one in found])
    place = np.concatenate([one.which for one in found]) if found else np.zeros(0, np.int64)
    order = np.arange(len(place))
    if sort != "film" and found:
        values = [one.film.moments.mean if sort == "sure" else one.film.moments.seconds for one in found]
        key = np.concatenate([column[one.which] for column, one in zip(values, found, strict=True)])
        order = np.argsort(-key, kind="stable")

    def some(first: int, end: int) -> Iterator[tuple[Film, int]]:
        for k in order[first:end].tolist():
            yield found[film[k]].film, int(place[k])

    return some
