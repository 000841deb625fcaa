"""A Flask application as all of ours are: guarded, styled, with error pages that tell and never show a trace."""

import logging
from pathlib import Path
from typing import Any, Final

from flask import Blueprint, Flask, Response, jsonify, render_template, request
from jinja2 import StrictUndefined
from werkzeug.exceptions import HTTPException

from jobs.results.errors import NotFoundError, NotReadyError, ResultError, UnreadableError
from jobs.web.address import Address
from jobs.web.colours import colour_sheet
from jobs.web.guard import guard
from pipeline.schema import EMOTIONS

_HERE = Path(__file__).parent
_ANSWERS: Final[dict[type[ResultError], tuple[int, str]]] = {
    NotFoundError: (404, "Not found"),
    NotReadyError: (409, "Not ready yet"),
    UnreadableError: (422, "Cannot be read"),
    ResultError: (500, "This page cannot be shown"),
}
"""HTTP status and title of the page for each reason; the base class comes last."""

_log = logging.getLogger("moodreel.web")
logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # it warns of every request that waits for a moment


def make_app(package: str, address: Address) -> Flask:
    """Return an application whose ``templates/`` and ``static/`` lie in the folder of ``package``.

    Its templates extend ``web/base.html``. What is under ``/api/`` answers errors with a JSON object of ``title`` and
    ``message``, everything else with a page.
    """
    app = Flask(package)
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.globals["EMOTIONS"] = EMOTIONS
    guard(app, address)
    app.register_blueprint(_shared())
    app.register_error_handler(ResultError, _say)
    app.register_error_handler(HTTPException, _say_http)
    app.register_error_handler(Exception, _say_nothing)
    return app


def _shared() -> Blueprint:
    """Return what the base template refers to: its styles, the emotions' colours, the theme switch."""
    web = Blueprint("web", __name__, static_folder="static", static_url_path="/web", template_folder="templates")
    colours = colour_sheet()

    @web.get("/web/colours.css")
    def colour_styles() -> Response:
        return Response(colours, mimetype="text/css")

    @web.get("/favicon.ico")
    def icon() -> Response:
        return Response((_HERE / "static" / "icon.svg").read_bytes(), mimetype="image/svg+xml")

    return web


def _say(error: ResultError) -> Any:
    status, title = next(answer for kind, answer in _ANSWERS.items() if isinstance(error, kind))
    return _answer(status, title, str(error))


def _say_http(error: HTTPException) -> Any:
    return _answer(error.code or 500, error.name, error.description or "")


def _say_nothing(error: Exception) -> Any:
    _log.error("%s %s", request.method, request.path, exc_info=error)
    return _answer(500, "Something went wrong here", "The terminal in which moodreel runs tells what.")


def _answer(status: int, title: str, message: str) -> Any:
    if request.path.startswith("/api/"):
        return jsonify(title=title, message=message), status
    return render_template("web/error.html", status=status, title=title, message=message), status
