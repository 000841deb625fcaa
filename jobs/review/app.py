"""The review application: its pages. What their scripts fetch is in :mod:`jobs.review.api`."""

from pathlib import Path
from typing import Final

from flask import Flask, render_template, request
from flask.typing import ResponseReturnValue

from jobs.results.errors import NotReadyError
from jobs.results.job_facts import JobFacts
from jobs.review.across.compare import make_compare
from jobs.review.across.search import make_search
from jobs.review.api import make_api
from jobs.review.correct import make_correct
from jobs.review.downloads.clips import make_clips
from jobs.review.downloads.exports import make_exports, menu
from jobs.review.edit import make_edit
from jobs.review.files import make_files
from jobs.review.library import read_library
from jobs.review.result_store import ResultStore
from jobs.web.address import Address
from jobs.web.app import make_app
from jobs.web.glossary import TERMS

_PROVENANCE: Final = ("model", "detector", "device", "finished", "source")


def make_review(out: Path, address: Address, editor: str | None = None) -> Flask:
    """Return the application that shows results.

    Args:
        out: their folder; it need not exist yet.
        address: that it is served at.
        editor: who labels faces; None: nothing can be written.
    """
    app = make_app(__package__ or "jobs.review", address)
    store = ResultStore(out)
    app.register_blueprint(make_api(store))
    app.register_blueprint(make_files(store))
    app.register_blueprint(make_exports(store))
    app.register_blueprint(make_clips(store))
    app.register_blueprint(make_search(store))
    app.register_blueprint(make_compare(store))
    app.register_blueprint(make_correct(store, editor))
    if editor is not None:
        app.register_blueprint(make_edit(store, editor))

    @app.get("/")
    def library() -> ResponseReturnValue:
        return render_template("review/library.html", library=read_library(out), out=out.name or str(out), menu=menu())

    @app.get("/rows")
    def rows() -> ResponseReturnValue:
        answer = app.make_response(render_template("review/rows.html", library=read_library(out)))
        answer.add_etag()
        return answer.make_conditional(request)

    @app.get("/glossary")
    def glossary() -> ResponseReturnValue:
        return render_template("review/glossary.html", terms=TERMS)

    @app.get("/movie/<path:name>")
    def movie(name: str) -> ResponseReturnValue:
        store.folder(name)
        try:
            facts = store.facts(name)
        except NotReadyError as error:
            state = read_library(out).find(name)
            return render_template("review/waiting.html", name=name, state=state, message=str(error)), 409
        store.index(name)  # the page is of no use if its timeline cannot be read
        provenance: dict[str, str] = {key: facts.provenance[key] for key in _PROVENANCE if key in facts.provenance}
        provenance |= {"notes": "; ".join(facts.notes)} if facts.notes else {}
        return render_template(
            "review/movie.html",
            name=name,
            summary=store.summary(name, facts.summary),
            provenance=provenance,
            notes=_notes(store, name, facts),
            edit=editor is not None,
            menu=menu(),
        )

    return app


def _notes(store: ResultStore, name: str, facts: JobFacts) -> list[str]:
    """Return what the user should know before looking: that the movie is partial, what is missing."""
    notes = [f"Partial: {facts.reason}"] if facts.status == "partial" else []
    notes += [*facts.remarks, *store.changes(name).notes]
    if store.annotated(name) is None and store.overlay(name) is None:
        wanted = {"none": None, "overlay": "annotated.mkv"}.get(str(facts.settings.get("video")), "annotated.mp4")
        if wanted is not None and wanted not in facts.reason:
            notes.append(f"{wanted} is missing")
        original = store.original(name)
        if original.path is None:
            notes.append(f"There is nothing to play: {original.why_not}")
    return notes
