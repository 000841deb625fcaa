"""Corrections of a made-up film, as a user gives them."""

import pyarrow.parquet as pq

from jobs.store.sidecar.corrections import Correction, FaceMark, add_correction, undo_correction
from jobs.store.sidecar.review_file import change_review

FRAMES = 450  # three shots of 150 frames, two faces in each: tracks 0 and 1, 2 and 3, 4 and 5
LABELS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


def mark(film, track, frame):
    rows = pq.read_table(film.timeline).to_pylist()
    row = next(row for row in rows if (row["track"], row["frame"]) == (track, frame))
    return FaceMark(track, frame, row["time"], tuple(row[corner] for corner in ("x1", "y1", "x2", "y2")))


def give(film, kind, *faces, number="a", seen=0, by="ann", **more):
    marks = tuple(mark(film, *face) for face in faces)
    new = Correction(number, kind, by, "2026-01-01T00:00:00+00:00", marks, **more)
    return change_review(film.root, "film.mp4", "0", lambda content: add_correction(content, new, seen))


def taken_back(film, number):
    return change_review(film.root, "film.mp4", "0", lambda content: undo_correction(content, number, "ann", "now"))
