"""Tracks of one movie -> persons: two tracks are one person's only if their faces are much alike.

Conservative: better two persons than one wrong. Faces that are seen at once, in different places, are two persons'.
A track that was never seen well is nobody's, unless it clearly is one person's and no other's.
"""

from dataclasses import dataclass
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

_SAME_PLACE: Final = 0.3
"""Part of the smaller box that two boxes share, from which they may be two boxes of one face."""


@dataclass(frozen=True)
class PeopleOptions:
    """What makes tracks one person's; docs/decisions/people.md has how the numbers were chosen.

    Attributes:
        alike: mean similarity of two groups of tracks, -1..1, from which they are one person's.
        joins: similarity to a person from which a track that was seen less well is that person's.
        margin: by which that must exceed the similarity to any other person.
        quality: of a picture that counts as good, 0..1 (:mod:`pipeline.faces.quality`).
        pictures: good ones that a track must have to found a person.
    """

    alike: float = 0.65
    joins: float = 0.65
    margin: float = 0.1
    quality: float = 0.5
    pictures: int = 2


@dataclass(frozen=True)
class TrackLooks:
    """What a movie's tracks look like.

    Attributes:
        mean: float64 ``(tracks, 128)``, of length 1: the mean of a track's best pictures; 0 where it has none.
        good: int64 ``(tracks,)``: its good pictures, :data:`_MOST_PICTURES` at most.
    """

    mean: NDArray[np.float64]
    good: NDArray[np.int64]


def persons_of(
    seen: Sightings, embedded: Embedded, quality: NDArray[np.float32], options: PeopleOptions | None = None
) -> NDArray[np.int32]:
    """Say whose face each track is.

    Args:
        seen: the movie's faces; tracks are numbered from 0 on.
        embedded: descriptions of some of its detections.
        quality: float32 ``(n,)``, 0..1: of each detection.
        options: see there.

    Returns:
        int32 ``(tracks,)``: a person's number, from 0 on in the order in which they are first seen; -1 where unsure.
    """
    options = options or PeopleOptions()
    tracks = int(seen.track.max(initial=-1)) + 1
    looks = track_looks(seen, embedded, quality, tracks, options.quality)
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
    person[founders] = cluster(_similarity(looks.mean[founders], looks.mean[founders]), apart, options.alike)
    rest = np.flatnonzero((person < 0) & looks.mean.any(axis=1))
    person[rest] = _joined(rest, looks, person, pairs, options)
    return _numbered(person, seen)


def track_looks(
    seen: Sightings, embedded: Embedded, quality: NDArray[np.float32], tracks: int, good: float
) -> TrackLooks:
    """Return what tracks look like; see :func:`persons_of`.

    Args:
        seen: the movie's faces.
        embedded: descriptions of some detections.
        quality: float32 ``(n,)``: of each detection.
        tracks: how many there are.
        good: quality of a good picture.
    """
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
    return TrackLooks(mean, np.bincount(track[is_good], minlength=tracks))


def seen_at_once(seen: Sightings, tracks: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs of tracks, as two columns, that show two faces: side by side on most frames that show both.

    Args:
        seen: the movie's faces.
        tracks: how many there are.
    """
    keys, values = [np.zeros(0, np.int64)], [np.zeros(0, np.bool_)]
    for step in range(1, int(np.bincount(seen.frame).max(initial=1))):
        first = np.flatnonzero(seen.frame[step:] == seen.frame[:-step])
        a, b = seen.track[first].astype(np.int64), seen.track[first + step].astype(np.int64)
        keys.append(np.minimum(a, b) * tracks + np.maximum(a, b))
        values.append(_shared(seen.boxes[first], seen.boxes[first + step]) < _SAME_PLACE)
    found, of_pair, together = np.unique(np.concatenate(keys), return_inverse=True, return_counts=True)
    side_by_side = np.bincount(of_pair, np.concatenate(values), len(found)) * 2 >= together
    return found[side_by_side] // max(tracks, 1), found[side_by_side] % max(tracks, 1)


def _shared(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return which part of the smaller of two boxes lies in the other one, row by row."""
    corners = np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2])
    smaller = np.minimum(*(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (a, b)))
    return np.asarray(np.clip(corners, 0, None).prod(axis=1) / np.maximum(smaller, 1e-6))


def _similarity(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float32]:
    # Rounded: the last bits depend on how many threads multiply.
    return np.round(a @ b.T, 5).astype(np.float32)


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
    known = np.flatnonzero(person >= 0)
    sums = np.zeros((persons, len(known)))
    sums[person[known], np.arange(len(known))] = 1
    alike = _similarity(looks.mean[rest], looks.mean[known]) @ (sums / sums.sum(axis=1, keepdims=True)).T
    place = np.full(len(person), -1)
    place[rest] = np.arange(len(rest))
    for one, other in (pairs, pairs[::-1]):
        at_once = (place[one] >= 0) & (person[other] >= 0)
        alike[place[one[at_once]], person[other[at_once]]] = -1
    best = alike.argmax(axis=1)
    value = alike[np.arange(len(rest)), best]
    alike[np.arange(len(rest)), best] = -1
    clear = (value >= options.joins) & (value - alike.max(axis=1) >= options.margin)
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
