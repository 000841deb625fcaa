"""Corrections of a movie's results: read by every page, given and taken back only with ``moodreel review --edit``."""

import uuid
from typing import Any, Final

import numpy as np
from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest

from jobs.errors import ReviewConflictError, ReviewFileError
from jobs.iso_time import now
from jobs.results.boxes import box_of
from jobs.results.corrections.people import people_of
from jobs.results.errors import UnreadableError
from jobs.results.timeline_index import TimelineIndex
from jobs.results.wording import timecode
from jobs.review.result_store import ResultStore
from jobs.store.sidecar.corrections import (
    FACE_KINDS,
    KINDS,
    Correction,
    FaceMark,
    add_correction,
    corrections_in,
    revision_of,
    undo_correction,
)
from jobs.store.sidecar.review_file import change_review, read_review
from pipeline.schema import LABELS

_LONGEST_NAME: Final = 200


def make_correct(store: ResultStore, by: str | None) -> Blueprint:
    """Return the routes to people and corrections; ``by`` is who gives them, None if nobody may."""
    correct = Blueprint("correct", __name__, url_prefix="/api")

    @correct.get("/people/<path:name>")
    def people(name: str) -> ResponseReturnValue:
        """Return the persons of a movie, and the person of each track that has one."""
        persons = store.persons(name)
        found = people_of(store.index(name), persons, store.changes(name))
        return jsonify(people=found, tracks=sorted(persons.items()))

    @correct.get("/corrections/<path:name>")
    def corrections(name: str) -> ResponseReturnValue:
        """Return the corrections that hold, the latest one last."""
        try:
            return _answer(read_review(store.folder(name).root) or {})
        except ReviewFileError as error:
            raise UnreadableError(str(error)) from error

    if by is None:
        return correct

    @correct.post("/corrections/<path:name>")
    def change(name: str) -> ResponseReturnValue:
        """Add a correction, or take one back, ``{undo: id}``; ``revision`` is what the page has seen.

        ``kind`` and ``text`` are as in :mod:`jobs.store.sidecar.corrections`; ``faces`` and ``other`` are numbers
        of tracks, ``frame`` one that shows them. With ``moment``, a label is for the frames around with the same one.
        """
        given = request.get_json(silent=True)
        if not isinstance(given, dict):
            raise BadRequest("expected a JSON object")
        folder, fingerprint = store.folder(name).root, store.facts(name).fingerprint
        undo = given.get("undo")
        new = None if isinstance(undo, str) else _correction(store, name, given, by)
        seen = given.get("revision") if type(given.get("revision")) is int else 0

        def alter(content: dict[str, Any]) -> None:
            if new is None:
                undo_correction(content, str(undo), by, now())
            else:
                add_correction(content, new, int(seen or 0))

        try:
            return _answer(change_review(folder, name, fingerprint, alter))
        except ReviewConflictError as error:
            return jsonify(title="Changed in the meantime", message=str(error)), 409
        except ReviewFileError as error:
            raise UnreadableError(str(error)) from error

    return correct


def _answer(content: dict[str, Any]) -> ResponseReturnValue:
    found = [{"id": one.id, "by": one.by, "at": one.at, "words": in_words(one)} for one in corrections_in(content)]
    return jsonify(revision=revision_of(content), corrections=found)


def in_words(one: Correction) -> str:
    """Return what a correction says, as a line of a list."""
    faces = ", ".join(f"#{face.track}" for face in one.faces)
    other = f"#{one.other.track}" if one.other else "a person of their own"
    span = "" if one.start is None else f" from {timecode(one.start, True)} to {timecode(one.end, True)}"
    return {
        "reject": f"{faces}: not a face",
        "label": f"{faces}: {one.text}{span}",
        "person": f"{faces}: same person as {other}" if one.other else f"{faces}: {other}",
        "merge_people": f"{faces} and {other}: the same person",
        "name_person": f"{faces}: named {one.text}" if one.text else f"{faces}: name removed",
        "merge_scenes": f"scene at frame {one.frame}: merged with the previous one",
        "split_scene": f"new scene at frame {one.frame}",
        "name_scene": f"scene at frame {one.frame}: named {one.text}"
        if one.text
        else f"scene at frame {one.frame}: name removed",
    }[one.kind]


def _correction(store: ResultStore, name: str, given: dict[str, Any], by: str) -> Correction:
    index = store.index(name)
    kind, text, frame = given.get("kind"), given.get("text", ""), given.get("frame")
    if kind not in KINDS:
        raise BadRequest(f"kind: expected one of {', '.join(KINDS)}")
    if not isinstance(text, str) or len(text) > _LONGEST_NAME:
        raise BadRequest(f"text: expected at most {_LONGEST_NAME} characters")
    if frame is not None and (type(frame) is not int or not 0 <= frame < index.frames):
        raise BadRequest(f"frame: expected a number from 0 to {index.frames - 1}")
    number = uuid.uuid4().hex
    if kind not in FACE_KINDS:
        if frame is None:
            raise BadRequest("frame: expected the number of a frame")
        if kind != "name_scene" and frame == 0:
            raise BadRequest("the first scene starts with the first frame")
        return Correction(number, kind, by, now(), frame=frame, text=text.strip())
    tracks = given.get("faces")
    if not isinstance(tracks, list) or not tracks or not all(type(track) is int for track in tracks):
        raise BadRequest("faces: expected numbers of tracks")
    marks = tuple(_mark(store, name, track, frame) for track in tracks)
    other = None if given.get("other") is None else _mark(store, name, given["other"], None)
    if kind == "merge_people" and other is None:
        raise BadRequest("other: expected the number of a track")
    start = end = None
    if kind == "label":
        if text not in LABELS:
            raise BadRequest(f"text: expected one of {', '.join(LABELS)}")
        if given.get("moment") is True:
            start, end = _moment(index, marks[0])
    return Correction(number, kind, by, now(), marks, other, start=start, end=end, text=text.strip())


def _mark(store: ResultStore, name: str, track: Any, frame: int | None) -> FaceMark:
    index = store.index(name)
    frame = store.best_frames(name).get(track) if frame is None and type(track) is int else frame
    box = None if frame is None else box_of(index, frame, track)
    if frame is None or box is None:
        raise BadRequest(f"face {track} is not in frame {frame}")
    x1, y1, x2, y2 = map(float, box)
    return FaceMark(track, frame, round(float(index.time[frame]), 6), (x1, y1, x2, y2))


def _moment(index: TimelineIndex, face: FaceMark) -> tuple[float, float]:
    """Return the span in s, around a face, in which its track carries one label."""
    faces = index.faces
    rows = np.flatnonzero(faces.track == face.track)
    frame, label = faces.frame[rows], faces.emotion[rows]
    here = int(np.searchsorted(frame, face.frame))
    breaks = np.flatnonzero((np.diff(label) != 0) | (np.diff(frame) != 1)) + 1
    first = int(breaks[breaks <= here].max(initial=0))
    end = int(breaks[breaks > here].min(initial=len(rows)))
    return round(float(index.time[frame[first]]), 6), round(float(index.time[frame[end - 1] + 1]), 6)
