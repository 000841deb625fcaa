"""Made-up results, written quickly: by default of a film of two hours with two faces in each of its 180,000 frames."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from jobs.store.atomic import commit_json
from jobs.store.table_files import write_moments, write_table
from jobs.store.workspace import MovieFolder
from pipeline import schema
from pipeline.arc import make_arc
from pipeline.faces.quality import Looks
from pipeline.schema import EMOTIONS
from pipeline.tables.columns import binary_column, table_of
from pipeline.tables.people import PersonRows, people_table, relative_table, scene_people_table
from pipeline.tables.shares import FaceRows, emotion_columns, face_columns, view_columns
from pipeline.tables.times import Frames

TWO_HOURS = 180_000
RATE = 25
SHOT = 150
"""Frames between cuts."""
LABEL = 50
"""Frames that share a label; the next ones may happen to have the same."""


def make_up(out: Path, frames: int = TWO_HOURS, faces: int = 2, name: str = "long.mp4") -> MovieFolder:
    """Write the tables and ``job.json`` of a film, without any video.

    Args:
        out: the output folder.
        frames: length of the film.
        faces: in each frame.
        name: of the film.
    """
    random = np.random.default_rng(6)
    folder = MovieFolder(out / name)
    folder.root.mkdir(parents=True)
    rows = _rows(random, frames, faces)
    of_frame = (np.arange(frames) // SHOT).astype(np.int32)
    seconds = np.full(frames, 1 / RATE)
    shots, tracks = int(of_frame[-1]) + 1, int(rows.track.max(initial=-1)) + 1
    stamp = {b"moodreel": json.dumps({"schema_version": schema.VERSION, "width": 1280, "height": 720}).encode()}
    of_shots: dict[str, Any] = {"shot": np.arange(shots, dtype=np.int32), **_spans(np.arange(shots), frames)}
    of_shots |= face_columns(rows, shots, of_frame, seconds) | emotion_columns(rows, shots)
    of_shots |= {
        "scene": of_shots["shot"],
        "shots": np.ones(shots, np.int32),
        "people": np.full(shots, faces, np.int32),
    }
    of_shots |= {"transition": ["start", *["cut"] * (shots - 1)], "transition_seconds": np.zeros(shots)}
    of_shots |= view_columns(rows, shots, rows.track, np.ones(len(rows.track)))
    of_shots |= {"look": binary_column(np.zeros((shots, 0), np.uint8))}
    number = np.arange(frames)
    times = Frames(number.astype(np.int64), number / RATE, seconds, of_frame, of_frame)
    for path, table in _people(name, times, rows, faces, folder):
        write_table(table.replace_schema_metadata(stamp), path)
    for path, columns, table in (
        (folder.timeline, _timeline(rows, frames, random), schema.TIMELINE),
        (folder.tracks, _tracks(rows, frames, faces, tracks), schema.TRACKS),
        (folder.shots, of_shots, schema.SHOTS),
        (folder.scenes, of_shots, schema.SCENES),
    ):
        count = len(columns["frame"] if "frame" in columns else columns["start"])
        columns["movie"] = pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int32)), pa.array([name]))
        whole = table_of({column: columns[column] for column in table.names}).cast(table)
        whole = whole.replace_schema_metadata(stamp)
        write_table(whole, path)
        if path == folder.timeline:
            write_table(make_arc(whole, frames / RATE), folder.arc)
            write_moments(whole, frames / RATE, path, folder)
    summary = {"frames": frames, "duration": frames / RATE, "tracks": tracks, "scenes": shots, "coverage": 1.0}
    job = {"movie": name, "status": "done", "reason": "", "source": str(out / "gone.mp4"), "fingerprint": "0"}
    job |= {"finished": "2026-01-01T00:00:00+00:00", "seconds": 1.0, "settings": {"video": "none"}, "model": "seed"}
    commit_json(folder.job, job | {"summary": summary})
    return folder


def _people(
    name: str, times: Frames, rows: FaceRows, faces: int, folder: MovieFolder
) -> Iterator[tuple[Path, pa.Table]]:
    """Yield the tables of persons: the same face is the same person's in each shot."""
    persons = np.arange(int(rows.track.max(initial=-1)) + 1, dtype=np.int32) % max(faces, 1)
    level = np.full(len(rows.frame), 0.8, np.float32)
    seen = PersonRows.of(persons, rows, Looks(level * 200, level * 0, level, level), np.ones(len(level)))
    for path, make, table in (
        (folder.people, people_table, schema.PEOPLE),
        (folder.scene_people, scene_people_table, schema.SCENE_PEOPLE),
        (folder.relative, relative_table, schema.RELATIVE),
    ):
        yield path, make(name, times, seen).select(table.names).cast(table)


def _rows(random: np.random.Generator, frames: int, faces: int) -> FaceRows:
    frame = np.repeat(np.arange(frames, dtype=np.int32), faces)
    shot = (frame // SHOT).astype(np.int32)
    track = (shot * faces + np.tile(np.arange(faces, dtype=np.int32), frames)).astype(np.int32)
    labels = random.integers(0, len(EMOTIONS), (-(-frames // LABEL), faces))
    emotion = np.repeat(labels, LABEL, axis=0)[:frames].reshape(-1).astype(np.int32)
    probabilities = random.random((len(frame), len(EMOTIONS)), np.float32) * 0.3
    probabilities[np.arange(len(frame)), emotion] = 2
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return FaceRows(shot, frame, track, emotion, probabilities, np.full(len(frame), 1 / RATE))


def _timeline(rows: FaceRows, frames: int, random: np.random.Generator) -> dict[str, Any]:
    if len(rows.frame) == 0:
        frame = np.arange(frames, dtype=np.int32)
        empty = pa.nulls(frames)
        rest: dict[str, Any] = dict.fromkeys(schema.TIMELINE.names[6:], empty)
        return _times(frame) | rest
    x = (100 + 500 * (rows.track % 2) + 80 * random.random(len(rows.frame))).astype(np.float32)
    return _times(rows.frame) | {
        "track": rows.track,
        "person": rows.track % int(np.bincount(rows.frame).max()),
        **{"x1": x, "y1": x * 0 + 100, "x2": x + 150, "y2": x * 0 + 300, "score": x * 0 + 0.9},
        **{name: rows.probabilities[:, k] for k, name in enumerate(EMOTIONS)},
        **{"size": x * 0 + 170, "yaw": x * 0 + 5, "sharpness": x * 0 + 0.2, "quality": x * 0 + 0.8},
        "emotion": pa.DictionaryArray.from_arrays(pa.array(rows.emotion), pa.array(EMOTIONS)),
        "confidence": rows.probabilities.max(axis=1),
    }


def _times(frame: NDArray[np.int32]) -> dict[str, Any]:
    return {
        "frame": frame,
        "pts": frame.astype(np.int64),
        "time": frame / RATE,
        "shot": frame // SHOT,
        "scene": frame // SHOT,
    }


def _tracks(rows: FaceRows, frames: int, faces: int, count: int) -> dict[str, Any]:
    number = np.arange(count, dtype=np.int32)
    spans = _spans(number // max(faces, 1), frames)
    lengths = (spans["last_frame"] - spans["first_frame"] + 1).astype(np.int32)
    by_track = FaceRows(rows.track, rows.frame, rows.track, rows.emotion, rows.probabilities, rows.seconds)
    return {
        "track": number,
        "person": number % max(faces, 1),
        "shot": number // max(faces, 1),
        "scene": number // max(faces, 1),
        **spans,
        "frames": lengths,
        "detections": lengths,
        "score": np.full(count, 0.9, np.float32),
        **emotion_columns(by_track, count),
    }


def _spans(shot: NDArray[Any], frames: int) -> dict[str, Any]:
    first = (shot * SHOT).astype(np.int32)
    last = (np.minimum(first + SHOT, frames) - 1).astype(np.int32)
    return {"start": first / RATE, "end": (last + 1) / RATE, "first_frame": first, "last_frame": last}
