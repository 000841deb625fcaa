"""Gaps of many flickering faces: pairs are tried together, and found as if each were tried by itself."""

from itertools import combinations

import numpy as np
import pytest

from pipeline.faces.linking import bridge
from pipeline.faces.linking.boxes import leaps, size_of
from pipeline.faces.linking.candidates import Candidates, Track, velocity
from pipeline.faces.linking.options import TrackOptions

OPTIONS = TrackOptions()


def flickering(seed: int) -> tuple[Candidates, list[Track]]:
    """Return 12 faces on a grid that are lost again and again, and their tracks from loss to loss."""
    random = np.random.default_rng(seed)
    frames, faces = 60, 12
    seen = random.random((frames, faces)) < 0.85
    frame, face = (column.astype(np.int64) for column in np.nonzero(seen))
    centres = np.stack([face % 8 * 60 + 2.0 * frame, face // 8 * 60 + random.normal(0, 6, len(face))], axis=1)
    sizes = random.uniform(20, 40, (len(face), 1))
    looks = random.normal(size=(faces, 16))[face] + random.normal(0, 0.6, (len(face), 16))
    looks /= np.linalg.norm(looks, axis=1, keepdims=True)
    shot = (np.arange(frames) >= 40).astype(np.int32)
    boxes = np.concatenate([centres - sizes, centres + sizes], axis=1).astype(np.float32)
    scores = random.choice([0.5, 0.9], len(face), p=[0.3, 0.7]).astype(np.float32)
    found = Candidates(np.arange(frames) / 25, shot, frame.astype(np.int32), boxes, scores, looks.astype(np.float32))
    tracks = []
    for one in range(faces):
        own = np.flatnonzero(face == one)
        ends = np.flatnonzero((np.diff(frame[own]) > 1) | (np.diff(shot[frame[own]]) > 0)) + 1
        tracks += [part for part in np.split(own, ends) if scores[part].max() >= OPTIONS.min_peak]
    return found, sorted(tracks, key=lambda track: int(track[0]))


def by_itself(found: Candidates, before: Track, after: Track) -> float | None:
    """Say how ill one track continues another, as the page of decisions words it."""
    if (
        found.frame[after[0]] <= found.frame[before[-1]]
        or found.shot[found.frame[after[0]]] != found.shot[found.frame[before[-1]]]
    ):
        return None
    if found.time[found.frame[after[0]]] > found.time[found.frame[before[-1]]] + OPTIONS.max_hidden:
        return None
    one, other = (track[found.scores[track] >= OPTIONS.min_peak] for track in (before, after))
    last, first = one[-1:], other[:1]
    gap = float(found.seen(first)[0] - found.seen(last)[0])
    shifts = [velocity(found, one[-64:], 1.0) * gap, velocity(found, other[:64], 1.0, at_start=True) * -gap]
    places = [
        (found.boxes[k] + np.tile(shift, 2)).astype(np.float32) for k, shift in zip((last, first), shifts, strict=True)
    ]
    distance = float(leaps(places[0], found.boxes[first])[0, 0] + leaps(places[1], found.boxes[last])[0, 0]) / 2
    sizes = size_of(found.boxes[[last[0], first[0]]])
    likeness = float(found.alike(one[-8:], other[:8]).max())
    if distance > 0.5 * (1 + gap) or sizes.max() > 1.6 * sizes.min() or likeness < 0.3:
        return None
    return distance + 1 - likeness


def test_pairs_are_those_that_fit_by_themselves() -> None:
    found, tracks = flickering(1)
    expected = {}
    for a, b in combinations(range(len(tracks)), 2):
        value = by_itself(found, tracks[a], tracks[b])
        if value is not None:
            expected[a, b] = value
    ways = {(a, b): value for a, b, value in bridge._ways(found, tracks, OPTIONS)}
    assert ways.keys() == expected.keys()
    assert list(ways.values()) == pytest.approx([expected[pair] for pair in ways])
    assert len(ways) > 30


def test_a_course_is_taken_once_a_track_however_many_may_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []

    def counted(found: Candidates, track: Track, course: float, at_start: bool = False) -> object:
        taken.append(len(track))
        return velocity(found, track, course, at_start)

    monkeypatch.setattr(bridge, "velocity", counted)
    found, tracks = flickering(0)
    bridge.bridge(found, tracks, OPTIONS)
    assert len(taken) == 2 * len(tracks)


def test_nothing_to_bridge() -> None:
    found, tracks = flickering(0)
    assert bridge.bridge(found, [], OPTIONS) == []
    assert [one.tolist() for one in bridge.bridge(found, tracks[:1], OPTIONS)] == [tracks[0].tolist()]
