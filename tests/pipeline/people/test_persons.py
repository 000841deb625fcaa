"""Tracks to persons, with descriptions that say by themselves who is who."""

import numpy as np
import pytest

from pipeline.faces.track import Sightings
from pipeline.people import persons
from pipeline.people.embed import DIMENSIONS, Embedded
from pipeline.people.persons import PeopleOptions, persons_of

FRAMES = 10


def film(*tracks, at=None):
    """Return sightings and descriptions of tracks, each a person's number, in frames of their own.

    ``at`` gives each track's first frame and left side, for those that are seen at once.
    """
    at = at or [(FRAMES * k, 0) for k in range(len(tracks))]
    rows = sorted((first + f, k, left) for k, (first, left) in enumerate(at) for f in range(FRAMES))
    frame, track, left = (np.array(column, np.int32) for column in zip(*rows, strict=True))
    boxes = np.stack([left, left * 0, left + 40, left * 0 + 40], axis=1).astype(np.float32)
    count = len(rows)
    seen = Sightings(
        frame, track, np.arange(count, dtype=np.int32), boxes, np.zeros((count, 7), np.float32), np.ones(count)
    )
    described = np.arange(count, dtype=np.int32)
    return seen, Embedded(described, np.stack([vector(tracks[track[row]]) for row in described]))


def vector(person):
    """Return a description: whole numbers are different persons, the half of one lies between it and the next."""
    found = np.zeros(DIMENSIONS)
    found[int(person)] = np.cos((person % 1) * np.pi / 2)
    found[int(person) + 1] += np.sin((person % 1) * np.pi / 2)
    return np.round(127 * found).astype(np.int8)


def found(seen, embedded, quality=0.9, **options):
    level = np.full(len(seen), quality, np.float32) if np.isscalar(quality) else quality
    return persons_of(seen, embedded, level, PeopleOptions(**options)).tolist()


def test_no_face():
    nothing = Sightings(*[np.zeros(0, np.int32)] * 3, np.zeros((0, 4), np.float32), *[np.zeros((0, 7), np.float32)] * 2)
    assert persons_of(nothing, Embedded.none(), np.zeros(0, np.float32)).tolist() == []


def test_not_described_is_nobody():
    seen, _ = film(0, 1)
    assert found(seen, Embedded.none()) == [-1, -1]


def test_six_interleaved_shots_of_two():
    assert found(*film(5, 3, 5, 3, 5, 3)) == [0, 1, 0, 1, 0, 1]


def test_numbers_follow_the_order_of_appearance():
    assert found(*film(9, 4, 4, 0)) == [0, 1, 1, 2]


def test_faces_seen_at_once_are_two_persons_however_alike():
    seen, embedded = film(1, 1, 1, at=[(0, 0), (5, 200), (20, 0)])
    first, second, third = found(seen, embedded)
    assert first != second
    assert third in (first, second)


def test_two_boxes_on_one_face_may_be_one_persons():
    seen, embedded = film(1, 1, at=[(0, 0), (5, 10)])
    assert found(seen, embedded) == [0, 0]


def test_what_lies_between_is_left_alone():
    assert found(*film(0, 1, 0.5), alike=0.8) == [0, 1, 2]


class TestSeenBadly:
    def quality(self, seen, track):
        return np.where(seen.track == track, 0.1, 0.9).astype(np.float32)

    def test_founds_no_person(self):
        seen, embedded = film(0, 7)
        assert found(seen, embedded, self.quality(seen, 1)) == [0, -1]

    def test_joins_who_it_clearly_is(self):
        seen, embedded = film(0, 7, 7.1)
        assert found(seen, embedded, self.quality(seen, 2)) == [0, 1, 1]

    def test_is_unsure_between_two(self):
        seen, embedded = film(0, 1, 0.5)
        assert found(seen, embedded, self.quality(seen, 2), joins=0.6) == [0, 1, -1]

    def test_never_joins_whom_it_is_seen_beside(self):
        seen, embedded = film(4, 4, at=[(0, 0), (0, 200)])
        assert found(seen, embedded, self.quality(seen, 1)) == [0, -1]

    def test_of_two_at_once_none_is_sure(self):
        seen, embedded = film(4, 4, 4, at=[(0, 0), (20, 0), (20, 200)])
        assert found(seen, embedded, np.where(seen.track > 0, 0.1, 0.9).astype(np.float32)) == [0, -1, -1]


def test_more_tracks_than_are_clustered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(persons, "_MOST_TRACKS", 3)
    people = found(*film(0, 1, 2, 0, 1, 2, 30))
    assert people == [0, 1, 2, 0, 1, 2, -1]
