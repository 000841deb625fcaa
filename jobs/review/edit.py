"""Labels that users give to faces: read, written and taken back. Only with ``moodreel review --edit``."""

import uuid
from typing import Any

import numpy as np
from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest

from jobs.errors import ReviewFileError
from jobs.iso_time import now
from jobs.results.boxes import box_of
from jobs.results.errors import NotFoundError, UnreadableError
from jobs.results.own_labels import CHOICES
from jobs.review.result_store import ResultStore
from jobs.store.sidecar.review_file import FaceLabel, change_review, fits, labels_in, put_label, read_review, take_back


def make_edit(store: ResultStore, by: str) -> Blueprint:
    """Return the routes under ``/api/labels/``; ``by`` is who gives the labels."""
    edit = Blueprint("edit", __name__, url_prefix="/api")

    @edit.get("/labels/<path:name>")
    def labels(name: str) -> ResponseReturnValue:
        """Return the labels of a movie, the latest one last, and who labels now."""
        try:
            content = read_review(store.folder(name).root) or {}
        except ReviewFileError as error:
            raise UnreadableError(str(error)) from error
        if not fits(content, store.facts(name).fingerprint):
            raise UnreadableError("review.json belongs to an earlier state of this movie; move it away to start over")
        return _answer(content)

    @edit.post("/labels/<path:name>")
    def change(name: str) -> ResponseReturnValue:
        """Add a label, ``{frame, track, label, blind}``, or take one back, ``{undo: id}``."""
        given = request.get_json(silent=True)
        if not isinstance(given, dict):
            raise BadRequest("expected a JSON object")
        facts, folder = store.facts(name), store.folder(name)
        if isinstance(given.get("undo"), str):
            number = given["undo"]
            return _changed(folder.root, name, facts.fingerprint, lambda content: take_back(content, number))
        label = _label(store, name, given)
        return _changed(folder.root, name, facts.fingerprint, lambda content: put_label(content, label))

    @edit.get("/random-face/<path:name>")
    def random_face(name: str) -> ResponseReturnValue:
        """Return the frame and track of a face, each face of each frame as likely as any other."""
        index = store.index(name)
        if len(index.faces) == 0:
            raise NotFoundError("no face was found in this movie")
        row = int(np.random.default_rng().integers(len(index.faces)))
        frame = int(index.faces.frame[row])
        return jsonify(frame=frame, time=float(index.time[frame]), track=int(index.faces.track[row]))

    def _label(store: ResultStore, name: str, given: dict[str, Any]) -> FaceLabel:
        index = store.index(name)
        frame, track, label = (given.get(key) for key in ("frame", "track", "label"))
        if type(frame) is not int or type(track) is not int or not 0 <= frame < index.frames:
            raise BadRequest("expected the numbers of a frame and of a track in it")
        if label not in CHOICES:
            raise BadRequest(f"label: expected one of {', '.join(CHOICES)}")
        box = box_of(index, frame, track)
        if box is None:
            raise BadRequest(f"face {track} is not in frame {frame}")
        x1, y1, x2, y2 = map(float, box)
        time, blind = round(float(index.time[frame]), 6), given.get("blind") is True
        return FaceLabel(uuid.uuid4().hex, frame, time, track, (x1, y1, x2, y2), label, by, now(), blind)

    def _changed(root: Any, name: str, fingerprint: str, alter: Any) -> ResponseReturnValue:
        try:
            return _answer(change_review(root, name, fingerprint, alter))
        except ReviewFileError as error:
            raise UnreadableError(str(error)) from error

    def _answer(content: dict[str, Any]) -> ResponseReturnValue:
        return jsonify(by=by, labels=[vars(label) for label in labels_in(content)])

    return edit
