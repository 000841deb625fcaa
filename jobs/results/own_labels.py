"""What users said of faces of their own movies, beside what the timeline says of the same faces."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from jobs.errors import ReviewFileError
from jobs.results.boxes import frame_chunk
from jobs.results.errors import ResultError
from jobs.results.job_facts import read_job_facts
from jobs.results.timeline_index import TimelineIndex, read_timeline_index
from jobs.store.sidecar.review_file import FaceLabel, fits, labels_in, overlap, read_review
from jobs.store.workspace import MovieFolder
from pipeline.schema import EMOTIONS

UNCLEAR: Final = "unclear"
NO_FACE: Final = "noface"
CHOICES: Final = (*EMOTIONS, UNCLEAR, NO_FACE)

_SAME_FACE: Final = 0.5
"""Least overlap of a labelled box and one of the timeline."""


@dataclass(frozen=True)
class LabelledFace:
    """A face that somebody labelled.

    Attributes:
        movie: its name.
        said: what the person said, one of CHOICES.
        by: the person.
        blind: whether the network's label was hidden.
        track: number of the track in the results as they are now; -1 where no face is at that place any more.
        found: the timeline's label; empty where it has none.
    """

    movie: str
    said: str
    by: str
    blind: bool
    track: int
    found: str


def read_labelled(folder: MovieFolder, name: str, changed: bool = False) -> tuple[list[LabelledFace], list[str]]:
    """Return the faces of a movie that were labelled, and what the user should know.

    Args:
        folder: of the movie.
        name: of the movie.
        changed: use labels that were made for an earlier state of the movie, too; faces are then found by time.

    Returns:
        Faces and notes; no face without ``review.json``, or where it or the timeline cannot be read.
    """
    try:
        content = read_review(folder.root)
        if content is None:
            return [], []
        facts = read_job_facts(folder)
        same = fits(content, facts.fingerprint if facts else "")
        if not same and not changed:
            return [], [f"{name}: has changed since it was labelled; --changed uses these labels anyway"]
        index = read_timeline_index(folder.timeline)
        labels = labels_in(content)
        notes = [] if same else [f"{name}: has changed since it was labelled; faces are looked up by time and place"]
        strange = [label.label for label in labels if label.label not in CHOICES]
        if strange:
            notes.append(f"{name}: {len(strange)} labels left out: unknown: {', '.join(sorted(set(strange)))}")
        known = [label for label in labels if label.label in CHOICES]
        return [_joined(index, label, name, same) for label in known], notes
    except (ReviewFileError, ResultError) as error:
        return [], [f"{name}: {error}"]


def _joined(index: TimelineIndex, label: FaceLabel, name: str, same: bool) -> LabelledFace:
    frame = label.frame if same and label.frame < index.frames else index.frame_at(label.time + 1e-4)
    chunk = frame_chunk(index, frame)
    best, track, found = _SAME_FACE, -1, ""
    for number, x1, y1, x2, y2, emotion, *_ in chunk.faces[frame - chunk.first]:
        common = overlap((x1, y1, x2, y2), label.box)
        if common >= best:
            best, track, found = common, int(number), EMOTIONS[int(emotion)] if 0 <= emotion < len(EMOTIONS) else ""
    return LabelledFace(name, label.label, label.by, label.blind, track, found)


def labelled_movies(out: Path) -> list[Path]:
    """Return the folders of movies below ``out`` that hold a ``review.json``, by name."""
    found = (path.parent for path in out.rglob("review.json"))
    return sorted(folder for folder in found if ".work" not in folder.parts and MovieFolder(folder).job.is_file())


def clusters_of(faces: list[LabelledFace]) -> NDArray[np.int64]:
    """Return int64 ``(n,)``: the same number for faces of one track, which depend on one another."""
    keys = [(face.movie, face.track if face.track >= 0 else -2 - k) for k, face in enumerate(faces)]
    numbers = {key: k for k, key in enumerate(dict.fromkeys(keys))}
    return np.array([numbers[key] for key in keys], np.int64)
