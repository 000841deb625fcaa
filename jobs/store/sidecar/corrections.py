"""Corrections of a movie's results, as ``review.json`` holds them: what a person says where moodreel is wrong.

::

    "revision": 7,
    "corrections": [{"id", "kind", "by", "at", "revision", ...}, ...]

| kind | beside that |
|---|---|
| ``reject`` | ``faces``: no faces at all |
| ``label`` | ``faces``, ``text``: the label; ``start``, ``end`` in s: only in that span |
| ``person`` | ``faces``, ``other``: they are the person of that face; null: a person of their own |
| ``merge_people`` | ``faces``, ``other``: their persons are one |
| ``name_person`` | ``faces``, ``text``: name of the person; empty: none |
| ``merge_scenes`` | ``frame``: of a scene's start; it belongs to the scene before |
| ``split_scene`` | ``frame``: a scene begins here |
| ``name_scene`` | ``frame`` of the scene, ``text``: its name; empty: none |

A face is ``{"track", "frame", "time", "box"}``, so that it is found again when a new analysis numbers tracks anew. They
hold in the order in which they were given. One that was taken back stays, with ``undone``: who, and when. Each change
raises ``revision``.
"""

from dataclasses import dataclass
from typing import Any, Final

from jobs.errors import ReviewConflictError
from jobs.store.json_values import count_of, number_of, object_of, text_of
from jobs.store.sidecar.review_file import Box

FACE_KINDS: Final = ("reject", "label", "person", "merge_people", "name_person")
SCENE_KINDS: Final = ("merge_scenes", "split_scene", "name_scene")
KINDS: Final = (*FACE_KINDS, *SCENE_KINDS)

_ASPECTS: Final = {"merge_people": "person", "merge_scenes": "border", "split_scene": "border"}
"""Kinds that may contradict one another share an aspect; every other kind is its own."""


@dataclass(frozen=True)
class FaceMark:
    """A face to which a correction belongs: one frame of its track.

    Attributes:
        track: its number when it was corrected.
        frame: number of the frame.
        time: s.
        box: x1, y1, x2, y2 in pixels of the upright picture.
    """

    track: int
    frame: int
    time: float
    box: Box


@dataclass(frozen=True)
class Correction:
    """One correction; see the table above for what each kind needs.

    Attributes:
        id: of the correction.
        kind: one of KINDS.
        by: who says so.
        at: when, in ISO 8601.
        faces: that it is about.
        other: a face that they are compared with.
        frame: number of a frame.
        start, end: s.
        text: a label or a name.
        revision: of the file when it was given; 0 for one that is not in a file yet.
    """

    id: str
    kind: str
    by: str
    at: str
    faces: tuple[FaceMark, ...] = ()
    other: FaceMark | None = None
    frame: int | None = None
    start: float | None = None
    end: float | None = None
    text: str = ""
    revision: int = 0


def revision_of(content: dict[str, Any]) -> int:
    """Return how often the corrections of a file were changed."""
    return count_of(content.get("revision")) or 0


def corrections_in(content: dict[str, Any]) -> list[Correction]:
    """Return the corrections that hold; those taken back and those that cannot be read are left out."""
    return [one for entry in _entries(content) if "undone" not in entry and (one := _correction(entry)) is not None]


def unreadable_in(content: dict[str, Any]) -> int:
    """Return how many corrections this version cannot read."""
    return sum("undone" not in entry and _correction(entry) is None for entry in _entries(content))


def add_correction(content: dict[str, Any], new: Correction, seen: int) -> None:
    """Add a correction to the content of a file.

    Args:
        content: of ``review.json``; altered in place.
        new: the correction.
        seen: the revision that its author saw.

    Raises:
        ReviewConflictError: somebody else corrected the same thing in another way since ``seen``.
    """
    for old in corrections_in(content):
        if old.revision > seen and _aspects(old) & _aspects(new):
            if _says(old) == _says(new):
                return
            raise ReviewConflictError(
                f"{old.by} has just changed this ({old.kind.replace('_', ' ')}); check it, then try again"
            )
    revision = revision_of(content) + 1
    content["revision"] = revision
    content["corrections"] = [*_list(content), _entry(new) | {"revision": revision}]


def undo_correction(content: dict[str, Any], number: str, by: str, at: str) -> None:
    """Take a correction back; nothing happens if there is none of this id that holds.

    Args:
        content: of ``review.json``; altered in place.
        number: id of the correction.
        by: who takes it back.
        at: when, in ISO 8601.
    """
    for entry in _entries(content):
        if entry.get("id") == number and "undone" not in entry:
            entry["undone"] = {"by": by, "at": at}
            content["revision"] = revision_of(content) + 1


def _aspects(one: Correction) -> set[tuple[str, int]]:
    aspect = _ASPECTS.get(one.kind, one.kind)
    faces = (*one.faces, one.other) if one.kind == "merge_people" and one.other else one.faces
    places = [one.frame] if one.frame is not None else [face.track for face in faces]
    return {(aspect, place) for place in places}


def _says(one: Correction) -> tuple[Any, ...]:
    faces = sorted(face.track for face in one.faces)
    return one.kind, faces, one.other and one.other.track, one.frame, one.start, one.end, one.text


def _list(content: dict[str, Any]) -> list[Any]:
    found = content.get("corrections")
    return found if isinstance(found, list) else []


def _entries(content: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry for entry in _list(content) if isinstance(entry, dict)]


def _entry(one: Correction) -> dict[str, Any]:
    """Return a correction for JSON, without what its kind does not need."""
    found = {key: value for key, value in vars(one).items() if value not in (None, (), "")}
    found["faces"] = [_face_entry(face) for face in one.faces]
    if one.other is not None:
        found["other"] = _face_entry(one.other)
    if not one.faces:
        del found["faces"]
    return found


def _face_entry(face: FaceMark) -> dict[str, Any]:
    return {**vars(face), "box": list(face.box)}


def _correction(entry: dict[str, Any]) -> Correction | None:
    number, kind, by, at = (text_of(entry.get(key)) for key in ("id", "kind", "by", "at"))
    given = entry.get("faces", [])
    faces = [_face(one) for one in given] if isinstance(given, list) else [None]
    marks = tuple(face for face in faces if face is not None)
    other = _face(entry["other"]) if entry.get("other") is not None else None
    frame = count_of(entry.get("frame"))
    if number is None or kind not in KINDS or by is None or at is None or len(marks) != len(faces):
        return None
    if (kind in FACE_KINDS and not marks) or (kind in SCENE_KINDS and frame is None):
        return None
    if other is None and (entry.get("other") is not None or kind == "merge_people"):
        return None
    start, end = (number_of(entry.get(key)) for key in ("start", "end"))
    text, revision = text_of(entry.get("text")) or "", count_of(entry.get("revision")) or 0
    return Correction(number, kind, by, at, marks, other, frame, start, end, text, revision)


def _face(given: Any) -> FaceMark | None:
    entry = object_of(given)
    track, frame, time = count_of(entry.get("track")), count_of(entry.get("frame")), number_of(entry.get("time"))
    corners = [number_of(value) for value in entry["box"]] if isinstance(entry.get("box"), list) else []
    box = [corner for corner in corners if corner is not None]
    if track is None or frame is None or time is None or len(box) != 4:
        return None
    x1, y1, x2, y2 = box
    return FaceMark(track, frame, time, (x1, y1, x2, y2))
