"""Results of a film of two hours, made up: 180,000 frames, two faces in each, a cut every six seconds."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from jobs.tasks import write_table
from jobs.workspace import MovieFolder, commit_json
from pipeline import schema
from pipeline.scenes import FaceRows, emotion_columns, face_columns
from pipeline.schema import EMOTIONS

FRAMES, RATE, FACES, SHOT = 180_000, 25, 2, 150
NAME = "long.mp4"


def make_two_hours(out: Path, frames: int = FRAMES) -> Path:
    """Write the tables and ``job.json`` of the film to ``out``; returns its folder."""
    random = np.random.default_rng(6)
    folder = MovieFolder(out / NAME)
    folder.root.mkdir(parents=True)
    frame = np.repeat(np.arange(frames, dtype=np.int32), FACES)
    shot = frame // SHOT
    track = (shot * FACES + np.tile(np.arange(FACES, dtype=np.int32), frames)).astype(np.int32)
    # A label holds for about two seconds.
    held = np.repeat(random.integers(0, len(EMOTIONS), (-(-frames // 50), FACES)), 50, axis=0)[:frames].reshape(-1)
    emotion = held.astype(np.int32)
    probabilities = random.random((len(frame), len(EMOTIONS)), np.float32) * 0.2
    probabilities[np.arange(len(frame)), emotion] = 2
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    seconds = np.full(frames, 1 / RATE)
    stamp = {b"moodreel": json.dumps({"schema_version": schema.VERSION, "width": 1280, "height": 720}).encode()}
    x = (100 + 600 * (track % FACES) + 80 * random.random(len(frame))).astype(np.float32)
    timeline = {
        "movie": _names(len(frame)),
        "frame": frame,
        "pts": frame.astype(np.int64),
        "time": frame / RATE,
        "shot": shot,
        "scene": shot,
        "track": track,
        "x1": x,
        "y1": x * 0 + 100,
        "x2": x + 150,
        "y2": x * 0 + 300,
        "score": x * 0 + 0.9,
        **{name: probabilities[:, k] for k, name in enumerate(EMOTIONS)},
        "emotion": pa.DictionaryArray.from_arrays(pa.array(emotion), pa.array(EMOTIONS)),
        "confidence": probabilities.max(axis=1),
    }
    of_frame = (np.arange(frames) // SHOT).astype(np.int32)
    shots = _spans(frames, SHOT, np.arange(of_frame[-1] + 1, dtype=np.int32), 1)
    rows = FaceRows(shot, frame, track, emotion, probabilities, seconds[frame])
    shots |= face_columns(rows, of_frame[-1] + 1, of_frame, seconds) | emotion_columns(rows, of_frame[-1] + 1)
    by_track = FaceRows(track, frame, track, emotion, probabilities, seconds[frame])
    count = int(track.max()) + 1
    tracks = _spans(frames, SHOT, np.arange(count, dtype=np.int32) // FACES, 1) | emotion_columns(by_track, count)
    lengths = (tracks["last_frame"] - tracks["first_frame"] + 1).astype(np.int32)
    tracks |= {"track": np.arange(count, dtype=np.int32), "frames": lengths, "detections": lengths}
    tracks["score"] = np.full(count, 0.9, np.float32)
    for path, columns, table in (
        (folder.timeline, timeline, schema.TIMELINE),
        (folder.tracks, tracks, schema.TRACKS),
        (folder.shots, shots, schema.SHOTS),
        (folder.scenes, shots | {"shots": np.ones(len(shots["shot"]), np.int32)}, schema.SCENES),
    ):
        whole = pa.table({name: columns[name] for name in table.names}).cast(table)
        write_table(whole.replace_schema_metadata(stamp), path)
    summary = {"frames": frames, "duration": frames / RATE, "tracks": count, "scenes": int(of_frame[-1]) + 1}
    job = {"movie": NAME, "status": "done", "reason": "", "source": str(out / "gone.mp4"), "fingerprint": "0"}
    job |= {"finished": "2026-01-01T00:00:00+00:00", "seconds": 1.0, "settings": {"video": "none"}}
    commit_json(folder.job, job | {"summary": summary})
    return folder.root


def _names(count: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int32)), pa.array([NAME]))


def _spans(frames: int, length: int, shot: NDArray[np.int32], per: int) -> dict[str, object]:
    first = shot * length * per
    last = np.minimum(first + length, frames) - 1
    return {
        "movie": _names(len(shot)),
        "shot": shot,
        "scene": shot,
        "start": first / RATE,
        "end": (last + 1) / RATE,
        "first_frame": first.astype(np.int32),
        "last_frame": last.astype(np.int32),
    }
