"""``review.json`` beside a movie's results: what people say of them. Results themselves are never changed.

::

    {"format": 2, "movie": ..., "fingerprint": ..., "labels": [{"id", "frame", "time", "track", "box", "label", "by",
     "at", "blind", "replaced_by"}], "revision": ..., "corrections": [...]}

Format 1 had labels alone. Corrections are in :mod:`jobs.store.sidecar.corrections`.

A label names its face by frame and box, so that it survives a new analysis, which numbers tracks anew. One that was
replaced stays, with the id of the label that replaced it. Keys that this version does not know are kept.
"""

import fcntl
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jobs.errors import ReviewFileError
from jobs.store.atomic import commit_json
from jobs.store.json_values import count_of, number_of, text_of

NAME: Final = "review.json"
FORMAT: Final = 2

Box = tuple[float, float, float, float]

_lock = threading.Lock()


@dataclass(frozen=True)
class FaceLabel:
    """What a person says of one face in one frame.

    Attributes:
        id: of the label.
        frame: number of the frame.
        time: s, when it appears.
        track: number of the track when it was labelled.
        box: x1, y1, x2, y2 in pixels of the upright picture.
        label: one of the emotions, ``unclear`` or ``noface``.
        by: who says so.
        at: when, in ISO 8601.
        blind: whether the network's label was hidden.
    """

    id: str
    frame: int
    time: float
    track: int
    box: Box
    label: str
    by: str
    at: str
    blind: bool


def read_review(folder: Path) -> dict[str, Any] | None:
    """Return the content of the ``review.json`` in a movie's folder, or None where there is none.

    Raises:
        ReviewFileError: it is damaged, cannot be read, or a newer version wrote it.
    """
    path = folder / NAME
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise ReviewFileError(f"{path}: expected JSON that moodreel wrote, found {error}") from error
    if not isinstance(content, dict) or count_of(content.get("format")) is None:
        raise ReviewFileError(f"{path}: expected a format number, found none")
    if content["format"] > FORMAT:
        raise ReviewFileError(
            f"{path}: written by a newer moodreel: expected format {FORMAT} at most, found {content['format']}"
        )
    return content


def labels_in(content: dict[str, Any]) -> list[FaceLabel]:
    """Return the labels that hold, those that were replaced left out, and those that cannot be read, too."""
    return [label for entry in _entries(content) if "replaced_by" not in entry and (label := _label(entry)) is not None]


def change_review(
    folder: Path, movie: str, fingerprint: str, change: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """Read ``review.json``, let ``change`` alter its content, and commit it, with nobody else writing meanwhile.

    Args:
        folder: of the movie.
        movie: its name, for a new file.
        fingerprint: of the source of the results.
        change: alters the content in place.

    Returns:
        The new content.

    Raises:
        ReviewFileError: the file cannot be read or written, or belongs to an earlier state of the movie.
        ReviewConflictError: ``change`` found that somebody else changed the same thing meanwhile.
    """
    try:
        with _lock, _held(folder):
            found = read_review(folder)
            content = found or {"format": FORMAT, "movie": movie, "fingerprint": fingerprint, "labels": []}
            if not fits(content, fingerprint):
                raise ReviewFileError(
                    f"{folder / NAME}: belongs to an earlier state of the movie; move it away to start over"
                )
            if (folder / NAME).exists() and not (folder / NAME).stat().st_mode & 0o222:
                raise ReviewFileError(f"{folder / NAME}: is read-only; make it writable to continue")
            change(content)
            commit_json(folder / NAME, {**content, "format": FORMAT}, folder)
            return content
    except OSError as error:
        raise ReviewFileError(f"{folder / NAME}: cannot be written: {error.strerror or error}") from error


def fits(content: dict[str, Any], fingerprint: str) -> bool:
    """Return whether a ``review.json`` was made for the movie with this fingerprint; unknown ones fit."""
    made_for = text_of(content.get("fingerprint")) or ""
    return not made_for or not fingerprint or made_for == fingerprint


def put_label(content: dict[str, Any], label: FaceLabel) -> None:
    """Add a label; it replaces what the same person said of the same face in the same frame."""
    entries = _entries(content)
    for entry in entries:
        old = _label(entry)
        same = old is not None and (old.frame, old.by) == (label.frame, label.by) and overlap(old.box, label.box) > 0.5
        if same and "replaced_by" not in entry:
            entry["replaced_by"] = label.id
    content["labels"] = [*entries, {**vars(label), "box": list(label.box)}]


def take_back(content: dict[str, Any], number: str) -> None:
    """Remove the label with an id, and let the one that it replaced hold again; nothing, if there is none."""
    entries = [entry for entry in _entries(content) if entry.get("id") != number]
    for entry in entries:
        if entry.get("replaced_by") == number:
            del entry["replaced_by"]
    content["labels"] = entries


def overlap(a: Box, b: Box) -> float:
    """Return intersection over union of two boxes ``x1, y1, x2, y2``, 0..1."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = ((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    return width * height / (sum(areas) - width * height)


def _entries(content: dict[str, Any]) -> list[dict[str, Any]]:
    labels = content.get("labels")
    return [entry for entry in labels if isinstance(entry, dict)] if isinstance(labels, list) else []


def _label(entry: dict[str, Any]) -> FaceLabel | None:
    frame, time, track = count_of(entry.get("frame")), number_of(entry.get("time")), count_of(entry.get("track"))
    words = [text_of(entry.get(key)) for key in ("id", "label", "by", "at")]
    given = entry.get("box")
    corners = [number_of(value) for value in given] if isinstance(given, list) else []
    box = [corner for corner in corners if corner is not None]
    if frame is None or time is None or track is None or None in words or len(box) != 4:
        return None
    number, label, by, at = (word or "" for word in words)
    x1, y1, x2, y2 = box
    return FaceLabel(number, frame, time, track, (x1, y1, x2, y2), label, by, at, entry.get("blind") is True)


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Keep other processes from writing at the same time, where the file system can."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
