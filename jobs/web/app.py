"""What all our Flask applications have: a guard, styles, and error pages that explain and never show a traceback."""

import logging
from pathlib import Path
from typing import Any, Final

from flask import Blueprint, Flask, Response, jsonify, render_template, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import PathConverter

from jobs.results.errors import NotFoundError, NotReadyError, ResultError, UnreadableError
from jobs.web.address import Address
from jobs.web.colours import colour_sheet
from jobs.web.guard import guard
from jobs.web.templating import equip

_HERE = Path(__file__).parent
STATUSES: Final[dict[type[ResultError], tuple[int, str]]] = {
    NotFoundError: (404, "Not found"),
    NotReadyError: (409, "Not ready yet"),
    UnreadableError: (422, "Cannot be read"),
    ResultError: (500, "This page cannot be shown"),
}
"""HTTP status and title of the page for each kind of error; the base class comes last, for kinds without their own."""

_log = logging.getLogger("moodreel.web")
logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # it warns of every request that has to wait


class _AnyPath(PathConverter):
    """The path of a movie: names of files may hold line ends, which Werkzeug's own converter does not take."""

    regex = r"[^/](?s:.*?)"


def make_app(package: str, address: Address) -> Flask:
    """Return an application with the ``templates/`` and ``static/`` in the folder of ``package``.

    Its templates extend ``web/base.html``. Errors under ``/api/`` are a JSON object of ``title`` and ``message``, all
    others a page.
    """
    app = Flask(package)
    app.url_map.converters["path"] = _AnyPath
    equip(app.jinja_env)
    guard(app, address)
    app.register_blueprint(_shared())
    app.register_error_handler(ResultError, _result_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _unexpected_error)
    return app


def _shared() -> Blueprint:
    """Return the routes of what the base template refers to: styles, the emotions' colours, the theme switch."""
    web = Blueprint("web", __name__, static_folder="static", static_url_path="/web", template_folder="templates")
    colours = colour_sheet()

    @web.get("/web/colours.css")
    def colour_styles() -> Response:
        return Response(colours, mimetype="text/css")

    @web.get("/favicon.ico")
    def icon() -> Response:
        return Response((_HERE / "static" / "icon.svg").read_bytes(), mimetype="image/svg+xml")

    return web


def _result_error(error: ResultError) -> Any:
    status, title = next(answer for kind, answer in STATUSES.items() if isinstance(error, kind))
    return _answer(status, title, str(error))


def _http_error(error: HTTPException) -> Any:
    return _answer(error.code or 500, error.name, error.description or "")


def _unexpected_error(error: Exception) -> Any:
    # The details go to the terminal: they may name files and code.
    _log.error("%s %s", request.method, request.path, exc_info=error)
    return _answer(500, "Something went wrong", "The terminal in which moodreel runs shows the details.")


def _answer(status: int, title: str, message: str) -> Any:
    if request.path.startswith("/api/"):
        return jsonify(title=title, message=message), status
    return render_template("web/error.html", status=status, title=title, message=message), status
