"""The review application: its pages. What scripts on them fetch is in :mod:`jobs.review.api`."""

from pathlib import Path
from typing import Any

from flask import Flask, render_template, request
from flask.typing import ResponseReturnValue

from jobs.results.errors import NotReadyError
from jobs.results.wording import bar_segments, number, shares_in_words, shares_of, timecode
from jobs.review.api import make_api
from jobs.review.files import make_files
from jobs.review.library import Library, read_library
from jobs.review.result_store import ResultStore
from jobs.store.status import MovieStatus
from jobs.web.address import Address
from jobs.web.app import make_app
from pipeline.palette import EMOTION_COLOURS


def make_review(out: Path, address: Address) -> Flask:
    """Return the application that shows the results in ``out``; it need not exist yet."""
    app = make_app(__package__ or "jobs.review", address)
    shelf = ResultStore(out)
    app.jinja_env.filters.update(timecode=timecode, bar_segments=bar_segments, in_words=shares_in_words)
    app.jinja_env.globals["palette"] = EMOTION_COLOURS
    app.register_blueprint(make_api(shelf))
    app.register_blueprint(make_files(shelf))

    @app.get("/")
    def library() -> ResponseReturnValue:
        return render_template("review/library.html", library=read_library(out), out=out.name or str(out))

    @app.get("/rows")
    def rows() -> ResponseReturnValue:
        answer = app.make_response(render_template("review/rows.html", library=read_library(out)))
        answer.add_etag()
        return answer.make_conditional(request)

    @app.get("/movie/<path:name>")
    def movie(name: str) -> ResponseReturnValue:
        shelf.folder(name)
        try:
            job = shelf.job(name)
        except NotReadyError as error:
            return render_template("review/waiting.html", name=name, state=_state(out, name), message=str(error)), 409
        summary = shelf.summary(name)
        return render_template(
            "review/movie.html", name=name, about=_about(job), notes=_notes(shelf, name, job), summary=summary
        )

    return app


def _state(out: Path, name: str) -> MovieStatus | None:
    """Return how far a movie that is not done is; None if the run says nothing of it."""
    found: Library = read_library(out)
    return next((row.movie for row in found.rows if row.movie.name == name), None)


def _about(job: dict[str, Any]) -> dict[str, Any]:
    """Return what the page says of the whole movie and of how its results came about."""
    found = job.get("summary")
    summary: dict[str, Any] = found if isinstance(found, dict) else {}
    said = {key: str(job[key]) for key in ("model", "detector", "device", "finished", "source") if job.get(key)}
    return {
        "duration": number(summary.get("duration")),
        "coverage": number(summary.get("coverage")),
        "tracks": summary.get("tracks", 0),
        "scenes": summary.get("scenes", 0),
        "frames": summary.get("frames", 0),
        "width": summary.get("width"),
        "height": summary.get("height"),
        "shares": shares_of(summary),
        "said": said,
    }


def _notes(shelf: ResultStore, name: str, job: dict[str, Any]) -> list[str]:
    """Return what the user should know before looking: that the movie is partial, what is missing."""
    notes = [f"Partial: {job['reason']}"] if job["status"] == "partial" else []
    remarks = job.get("remarks")
    notes += [str(remark) for remark in remarks] if isinstance(remarks, list) else []
    original = shelf.original(name)
    if shelf.annotated(name) is None:
        settings = job.get("settings")
        meant = isinstance(settings, dict) and settings.get("video") == "none"
        notes += [] if meant else ["annotated.mp4 is not there (any more)"]
        if original.path is None:
            notes.append(f"There is nothing to play: {original.why_not}")
    return notes
