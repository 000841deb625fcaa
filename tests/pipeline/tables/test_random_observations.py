"""Whatever was observed, tables keep their promises: no gaps, scenes of whole shots, a person once a frame."""

from collections import Counter
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.faces.track import TrackOptions
from pipeline.media.movie import UNSPECIFIED, Movie, Orientation
from pipeline.scenes.grouping import Wanted
from pipeline.schema import EMOTIONS, VIEWS
from pipeline.tables.observations import Observations
from pipeline.tables.relabel import relabel
from pipeline.tables.timeline import Tables, assemble

WANTED: tuple[Wanted, ...] = ("auto", "shots", 1, 2, 7)


MOVIE = Movie(
    Path("m.mkv"), 0, "h264", Fraction(1, 1000), Fraction(0), 640, 360, Orientation(), Fraction(25), UNSPECIFIED
)


def looks(random: np.random.Generator, frames: int) -> NDArray[np.uint8]:
    kind = random.choice(["noise", "shots", "black", "dissolve", "strobe"])
    if kind == "black":
        return np.full((frames, 192), 16, np.uint8)
    if kind == "shots":
        return random.integers(0, 256, (4, 192), dtype=np.uint8)[np.sort(random.integers(0, 4, frames))]
    if kind == "dissolve":
        part = np.linspace(0, 1, frames)[:, None]
        first, last = random.integers(0, 256, (2, 192))
        return ((1 - part) * first + part * last).astype(np.uint8)
    if kind == "strobe":
        return np.repeat(np.where(np.arange(frames) % 2, 255, 0).astype(np.uint8)[:, None], 192, axis=1)
    return random.integers(0, 256, (frames, 192), dtype=np.uint8)


def boxes(random: np.random.Generator, count: int) -> NDArray[np.float32]:
    kind, corner = random.choice(["any", "one place", "a pixel", "empty", "huge", "outside"]), (count, 2)
    at, size = random.uniform(0, 200, corner), random.uniform(5, 80, corner)
    if kind == "one place":
        at, size = np.full(corner, 10.0), np.full(corner, 40.0)
    elif kind == "a pixel":
        size = np.ones(corner)
    elif kind == "empty":
        size *= random.choice([0, 1], (count, 1))
    elif kind == "huge":
        at, size = random.uniform(-1e5, 1e5, corner), random.uniform(1, 1e5, corner)
    elif kind == "outside":
        at -= 300
    return np.concatenate([at, at + size], axis=1).astype(np.float32)


def observed(random: np.random.Generator) -> Observations:
    frames = int(random.choice([1, 2, 3, 20, 60]))
    faces_on = np.full(frames, random.choice([0, 1, 12])) if random.random() < 0.4 else random.choice([0, 1, 3], frames)
    face_frame = np.repeat(np.arange(frames, dtype=np.int32), faces_on)
    count = len(face_frame)
    described = np.flatnonzero(random.random(count) < random.choice([0, 0.1, 1])).astype(np.int32)
    vectors = random.normal(size=(3, 128))[random.integers(0, 3, len(described))] + random.normal(
        0, random.choice([0.01, 1]), (len(described), 128)
    )
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    pts = np.cumsum(random.integers(1, random.choice([2, 80, 4000]), frames))
    return Observations(
        pts=pts.astype(np.int64),
        change=random.choice([0.0, 1.0, 90.0], frames).astype(np.float32),
        look=looks(random, frames),
        detail=(random.uniform(0, 300, frames) * random.choice([0, 1])).astype(np.float32),
        ends=np.zeros((2, 90, 160, 3), np.uint8),
        face_frame=face_frame,
        boxes=boxes(random, count),
        scores=random.choice([0.3, 0.5, 0.9, 1.0], count).astype(np.float32),
        probabilities=random.dirichlet(np.full(7, random.choice([0.05, 1])), count).astype(np.float32).reshape(-1, 7),
        yaw=(random.uniform(-180, 180, count) * random.choice([1, np.nan])).astype(np.float32),
        sharpness=(random.uniform(0, 1, count) * random.choice([0, 1])).astype(np.float32),
        contrast=(random.uniform(0, 0.5, count) * random.choice([0, 1])).astype(np.float32),
        miniatures=random.integers(0, 256, (count, 8, 8), dtype=np.uint8),
        refused=0,
        damaged=0,
        shapes=np.array([[pts[0], 640, 360]]),
        embedded=described,
        embeddings=np.round(127 * vectors).astype(np.int8),
    )


def check_spans(tables: Tables, frames: int, wanted: Wanted) -> None:
    shots, scenes = tables.shots.to_pylist(), tables.scenes.to_pylist()
    assert (shots[0]["first_frame"], shots[-1]["last_frame"], shots[0]["scene"]) == (0, frames - 1, 0)
    for before, after in pairwise(shots):
        assert after["first_frame"] == before["last_frame"] + 1
        assert after["scene"] - before["scene"] in (0, 1)
    for number, scene in enumerate(scenes):
        own = [shot for shot in shots if shot["scene"] == number]
        ends = own[0]["first_frame"], own[-1]["last_frame"]
        assert (scene["scene"], scene["first_frame"], scene["last_frame"]) == (number, *ends)
        assert (scene["shots"], scene["frames"]) == (len(own), sum(shot["frames"] for shot in own))
    assert len(scenes) == shots[-1]["scene"] + 1
    if wanted != "auto":
        assert len(scenes) == (len(shots) if wanted == "shots" else min(int(wanted), len(shots)))


def check_faces(tables: Tables, frames: int, people: bool) -> None:
    rows = tables.timeline.to_pylist()
    assert {row["frame"] for row in rows} == set(range(frames))
    for whose in ("track", "person"):
        once = Counter((row["frame"], row[whose]) for row in rows if row[whose] is not None)
        assert max(once.values(), default=1) == 1, f"a {whose} twice in a frame"
    kept = {(row["track"], row["person"], row["shot"], row["scene"]) for row in rows if row["track"] is not None}
    assert len(kept) == len(tables.tracks)
    seen = list(dict.fromkeys(row["person"] for row in rows if row["person"] is not None))
    assert seen == tables.people["person"].to_pylist() == list(range(len(seen)))
    assert people or not seen
    in_scenes = {(row["scene"], row["person"]) for row in rows if row["person"] is not None}
    assert in_scenes == {(row["scene"], row["person"]) for row in tables.scene_people.to_pylist()}


def check_shares(row: dict[str, Any]) -> None:
    for view in ("", *VIEWS):
        if f"{view}share_unsure" not in row:
            continue
        shares = [row[f"{view}share_{emotion}"] for emotion in EMOTIONS]
        assert shares == [None] * 7 or sum(shares) == pytest.approx(1)
        assert row[f"{view}share_unsure"] is None or 0 <= row[f"{view}share_unsure"] <= 1 + 1e-9
    assert 0 <= row.get("coverage", 0) <= 1
    assert not [name for name, value in row.items() if isinstance(value, float) and not np.isfinite(value)]


@pytest.mark.parametrize("seed", range(16))
def test_promises_are_kept(seed: int) -> None:
    random = np.random.default_rng(seed)
    whole, people, wanted = observed(random), random.random() < 0.8, WANTED[seed % len(WANTED)]
    sure = float(random.choice([0, 0.3, 0.64, 0.95]))
    with np.errstate(divide="raise", invalid="raise", over="raise"):
        tables = assemble("m", MOVIE, [whole], TrackOptions(), {}, sure, people, wanted)
        before = assemble("m", MOVIE, [whole], TrackOptions(), {}, 0, people, "shots")
        again = relabel("m", MOVIE, before.timeline, before.shots, TrackOptions(), {}, sure, people, wanted)
    check_spans(tables, len(whole.pts), wanted)
    check_faces(tables, len(whole.pts), people)
    named = {name: table for name, table in vars(tables).items() if name != "summary"}
    for name in ("tracks", "shots", "scenes", "people", "scene_people"):
        for row in named[name].to_pylist():
            check_shares(row)
    for name, table in named.items():
        assert getattr(again, name).equals(table), name
