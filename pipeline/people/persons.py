"""Tracks of one movie -> persons: two tracks are one person's only if their faces are much alike.

Conservative: better two persons than one wrong. Faces that are seen at once are two persons'.
A track that was never seen well is nobody's, unless it clearly is one person's and no other's.

The network tells some faces apart less well than others: those of kinds that it has seldom seen all look alike to
it. So it does not suffice that two faces are much alike: they must be more alike than each is to the common faces
(:data:`COMMON_FACES`) that it resembles most. That is adaptive score normalization (Matejka et al., "Analysis of
score normalization in multilingual speaker recognition", 2017). Who is seen again a few shots later is more often
the same person than who is seen an hour later, so less is asked of the former.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.faces.track import Sightings
from pipeline.people.cluster import cluster
from pipeline.people.embed import Embedded

UNKNOWN: Final = -1
"""Person of a track that is nobody's in particular."""

_MOST_PICTURES: Final = 12
"""Of a track, that are compared: the best ones."""

_MOST_TRACKS: Final = 4000
"""That are clustered, those with the best pictures; of a film with more, the others can only join a person."""

COMMON_FACES: Final = Path(__file__).with_name("common_faces.npy")
"""int8 ``(512, 128)``: what the network says of the middles of groups of faces (``scripts/persons common``)."""

_NEARBY: Final = 4
"""Shots: in a dialogue, a face is seen again so soon."""

_ROWS: Final = 512
"""Tracks that are compared at a time, for the sake of memory."""

_NEAREST: Final = 5
"""Common faces that a face is compared with."""

_ROWS_AT_ONCE: Final = 50_000
"""Faces of neighbouring frames that are compared at a time, likewise."""


@dataclass(frozen=True)
class PeopleOptions:
    """What makes tracks one person's; docs/decisions/people.md has how the numbers were chosen.

    Attributes:
        alike: mean similarity of two groups of tracks, -1..1, from which they are one person's.
        beyond: by how much that must exceed their similarity to the common faces that they are most like ...
        nearby: ... and by how much where their shots are at most :data:`_NEARBY` apart.
        joins: similarity to a person from which a track that was seen less well is that person's.
        margin: by which that must exceed the similarity to any other person.
        quality: of a picture that counts as good, 0..1 (:mod:`pipeline.faces.quality`).
        pictures: good ones that a track must have to found a person.
    """

    alike: float = 0.62
    beyond: float = 0.05
    nearby: float = -0.03
    joins: float = 0.62
    margin: float = 0.1
    quality: float = 0.5
    pictures: int = 2


@dataclass(frozen=True)
class TrackLooks:
    """What a movie's tracks look like.

    Attributes:
        mean: float64 ``(tracks, 128)``, of length 1: the mean of a track's best pictures; 0 where it has none.
        good: int64 ``(tracks,)``: its good pictures, :data:`_MOST_PICTURES` at most.
        ordinary: float64 ``(tracks,)``, -1..1: how much it is like the common faces that it is most like.
        shot: int32 ``(tracks,)``: where it is.
    """

    mean: NDArray[np.float64]
    good: NDArray[np.int64]
    ordinary: NDArray[np.float64]
    shot: NDArray[np.int32]


def persons_of(
    seen: Sightings,
    shot: NDArray[np.int32],
    embedded: Embedded,
    quality: NDArray[np.float32],
    options: PeopleOptions | None = None,
) -> NDArray[np.int32]:
    """Say whose face each track is.

    Args:
        seen: the movie's faces; tracks are numbered from 0 on, and none leaves its shot.
        shot: int32 ``(f,)``: of each frame of the movie.
        embedded: descriptions of some of its detections.
        quality: float32 ``(n,)``, 0..1: of each detection.
        options: see there.

    Returns:
        int32 ``(tracks,)``: a person's number, from 0 on in the order in which they are first seen; -1 where unsure.
    """
    options = options or PeopleOptions()
    tracks = int(seen.track.max(initial=-1)) + 1
    looks = track_looks(seen, shot, embedded, quality, options.quality)
    founders = np.flatnonzero(looks.good >= options.pictures)
    if len(founders) > _MOST_TRACKS:
        founders = np.sort(np.argsort(-looks.good[founders], kind="stable")[:_MOST_TRACKS].astype(np.int64))
        founders = np.flatnonzero(looks.good >= options.pictures)[founders]
    pairs = seen_at_once(seen, tracks)
    place = np.full(tracks, -1)
    place[founders] = np.arange(len(founders))
    apart = np.zeros((len(founders), len(founders)), np.bool_)
    one, other = (place[side] for side in pairs)
    both = (one >= 0) & (other >= 0)
    apart[one[both], other[both]] = apart[other[both], one[both]] = True
    person = np.full(tracks, UNKNOWN, np.int32)
    person[founders] = cluster(likeness(looks, founders, founders, options), apart, options.alike)
    rest = np.flatnonzero((person < 0) & looks.mean.any(axis=1))
    person[rest] = _joined(rest, looks, person, pairs, options)
    return _numbered(person, seen)


def track_looks(
    seen: Sightings, shot: NDArray[np.int32], embedded: Embedded, quality: NDArray[np.float32], good: float
) -> TrackLooks:
    """Return what tracks look like; see :func:`persons_of`.

    Args:
        seen: the movie's faces.
        shot: int32 ``(f,)``: of each frame.
        embedded: descriptions of some detections.
        quality: float32 ``(n,)``: of each detection.
        good: quality of a good picture.
    """
    tracks = int(seen.track.max(initial=-1)) + 1
    of_detection = np.full(len(quality), -1, np.int32)
    detected = seen.detection >= 0
    of_detection[seen.detection[detected]] = seen.track[detected]
    track = of_detection[embedded.face]
    order = np.lexsort((-quality[embedded.face], track))
    order = order[track[order] >= 0]
    track = track[order]
    rank = np.arange(len(track)) - np.searchsorted(track, track)
    chosen, track = order[rank < _MOST_PICTURES], track[rank < _MOST_PICTURES]
    vectors = embedded.vectors[chosen].astype(np.float64)
    sums = np.zeros((tracks, embedded.vectors.shape[1]))
    np.add.at(sums, track, vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1))
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    mean = np.divide(sums, lengths, out=np.zeros_like(sums), where=lengths > 0)
    is_good = quality[embedded.face[chosen]] >= good
    shots = np.zeros(tracks, np.int32)
    shots[seen.track] = shot[seen.frame]
    return TrackLooks(mean, np.bincount(track[is_good], minlength=tracks), ordinary(mean), shots)


def ordinary(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how much descriptions ``(n, 128)``, of length 1, are like the common faces that they are most like."""
    common, found = common_faces(), np.zeros(len(vectors))
    for start in range(0, len(vectors), _ROWS):
        alike = np.sort(vectors[start : start + _ROWS] @ common.T, axis=1)
        found[start : start + _ROWS] = alike[:, -_NEAREST:].mean(axis=1)
    return found


@cache
def common_faces() -> NDArray[np.float64]:
    """Return :data:`COMMON_FACES`, float64 ``(512, 128)``, of length 1."""
    vectors = np.load(COMMON_FACES).astype(np.float64)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def seen_at_once(seen: Sightings, tracks: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs of tracks, as two columns, that share a frame.

    Args:
        seen: the movie's faces.
        tracks: how many there are.
    """
    pairs, most = [np.zeros(0, np.int64)], int(np.bincount(seen.frame).max(initial=1))
    # A stretch at a time: of 40 faces in each frame of a film, there are 100 million pairs.
    for start in range(0, len(seen), _ROWS_AT_ONCE):
        keys = [np.zeros(0, np.int64)]
        for step in range(1, most):
            first = np.arange(start, min(start + _ROWS_AT_ONCE, len(seen) - step))
            first = first[seen.frame[first] == seen.frame[first + step]]
            a, b = seen.track[first].astype(np.int64), seen.track[first + step].astype(np.int64)
            keys.append(np.minimum(a, b) * tracks + np.maximum(a, b))
        pairs.append(np.unique(np.concatenate(keys)))
    found = np.unique(np.concatenate(pairs))
    return found // max(tracks, 1), found % max(tracks, 1)


def likeness(
    looks: TrackLooks, some: NDArray[np.int64], others: NDArray[np.int64], options: PeopleOptions
) -> NDArray[np.float32]:
    """Return how alike tracks are, float32 ``(n, m)``: ``options.alike`` or more if they may be one person's.

    Args:
        looks: of all tracks.
        some: int64 ``(n,)``: those that are compared ...
        others: int64 ``(m,)``: ... with these.
        options: see there.
    """
    found = np.zeros((len(some), len(others)), np.float32)
    for start in range(0, len(some), _ROWS):
        rows = some[start : start + _ROWS]
        alike = looks.mean[rows] @ looks.mean[others].T
        beyond = alike - (looks.ordinary[rows][:, None] + looks.ordinary[others]) / 2
        near = np.abs(looks.shot[rows][:, None] - looks.shot[others]) <= _NEARBY
        asked = np.where(near, options.nearby, options.beyond)
        # Rounded: the last bits depend on how many threads multiply.
        found[start : start + _ROWS] = np.round(np.minimum(alike, beyond - asked + options.alike), 5)
    return found


def _joined(
    rest: NDArray[np.int64],
    looks: TrackLooks,
    person: NDArray[np.int32],
    pairs: tuple[NDArray[np.int64], NDArray[np.int64]],
    options: PeopleOptions,
) -> NDArray[np.int32]:
    """Return whose face each track of ``rest`` is, which was not seen well enough to found a person."""
    persons = int(person.max(initial=-1)) + 1
    if persons == 0 or len(rest) == 0:
        return np.full(len(rest), UNKNOWN, np.int32)
    known = np.argsort(person, kind="stable")[np.searchsorted(np.sort(person), 0) :].astype(np.int64)
    begins = np.searchsorted(person[known], np.arange(persons))
    members = np.diff(begins, append=len(known))
    place = np.full(len(person), -1)
    place[rest] = np.arange(len(rest))
    best, clear = np.zeros(len(rest), np.int64), np.zeros(len(rest), np.bool_)
    for start in range(0, len(rest), _ROWS):
        some = rest[start : start + _ROWS]
        alike = np.add.reduceat(likeness(looks, some, known, options), begins, axis=1, dtype=np.float64) / members
        for one, other in (pairs, pairs[::-1]):
            row = place[one] - start
            at_once = (row >= 0) & (row < len(some)) & (person[other] >= 0)
            alike[row[at_once], person[other[at_once]]] = -1
        rows = np.arange(len(some))
        nearest = alike.argmax(axis=1)
        value = alike[rows, nearest]
        alike[rows, nearest] = -1
        best[start : start + _ROWS] = nearest
        clear[start : start + _ROWS] = (value >= options.joins) & (value - alike.max(axis=1) >= options.margin)
    found = np.where(clear, best, UNKNOWN).astype(np.int32)
    # Two that are seen at once cannot both be the same person: neither is then sure.
    one, other = (place[side] for side in pairs)
    clash = (one >= 0) & (other >= 0) & (found[one] == found[other])
    found[one[clash]] = found[other[clash]] = UNKNOWN
    return found


def _numbered(person: NDArray[np.int32], seen: Sightings) -> NDArray[np.int32]:
    """Return the persons numbered in the order in which they are first seen."""
    of_rows = person[seen.track]
    names, first = np.unique(of_rows[of_rows >= 0], return_index=True)
    number = np.full(int(person.max(initial=-1)) + 2, UNKNOWN, np.int32)  # the last one stands for UNKNOWN
    number[names[np.argsort(first)]] = np.arange(len(names))
    return number[person]
