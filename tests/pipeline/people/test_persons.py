"""Tracks to persons, with descriptions that say by themselves who is who."""

from itertools import combinations

import numpy as np
import pytest

from pipeline.faces.track import Sightings
from pipeline.people import persons
from pipeline.people.embed import DIMENSIONS, Embedded
from pipeline.people.persons import PeopleOptions, persons_of

FRAMES = 10


def film(*tracks, at=None):
    """Return sightings and descriptions of tracks, each a person's number or a description, in frames of their own.

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
    if not np.isscalar(person):
        return np.round(127 * person).astype(np.int8)
    found = np.zeros(DIMENSIONS)
    found[int(person)] = np.cos((person % 1) * np.pi / 2)
    found[int(person) + 1] += np.sin((person % 1) * np.pi / 2)
    return np.round(127 * found).astype(np.int8)


def found(seen, embedded, quality=0.9, apart=1, **options):
    """Return persons; shots begin every 10 frames, and ``apart`` is how many others lie between them."""
    level = np.full(len(seen), quality, np.float32) if np.isscalar(quality) else quality
    shot = np.arange(int(seen.frame.max()) + 1, dtype=np.int32) // FRAMES * apart
    return persons_of(seen, shot, embedded, level, PeopleOptions(**options)).tolist()


def test_no_face():
    nothing = Sightings(*[np.zeros(0, np.int32)] * 3, np.zeros((0, 4), np.float32), *[np.zeros((0, 7), np.float32)] * 2)
    assert persons_of(nothing, np.zeros(9, np.int32), Embedded.none(), np.zeros(0, np.float32)).tolist() == []


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


def test_nor_is_one_person_twice_in_a_frame_where_two_boxes_lie_on_each_other():
    seen, embedded = film(1, 1, at=[(0, 0), (5, 10)])
    assert found(seen, embedded) == [0, 1]


def test_what_lies_between_is_left_alone():
    assert found(*film(0, 1, 0.5), alike=0.8) == [0, 1, 2]


class TestOrdinaryFaces:
    """Two that look alike to the network, and no more alike than each is to what many others look like to it."""

    def two(self):
        common = persons.common_faces()
        ordinary = persons.ordinary(common)
        middle, level = common[ordinary.argmax()], ordinary.max()
        others = np.linalg.qr(np.column_stack([middle, *np.eye(DIMENSIONS)[:2]]))[0].T[1:3]
        return [level * middle + np.sqrt(1 - level**2) * other for other in others]

    def test_are_not_one_persons_if_seen_at_different_times(self):
        one, other = self.two()
        assert one @ other > 0.9
        assert found(*film(one, other), apart=100) == [0, 1]
        assert found(*film(one, one), apart=100) == [0, 0]

    def test_are_one_persons_if_seen_a_few_shots_apart(self):
        assert found(*film(*self.two()), apart=4) == [0, 0]
        assert found(*film(*self.two()), apart=5) == [0, 1]

    def test_do_not_join_a_person_either(self):
        seen, embedded = film(*self.two())
        badly = np.where(seen.track == 1, 0.1, 0.9).astype(np.float32)
        assert found(seen, embedded, badly, apart=100) == [0, -1]
        assert found(seen, embedded, badly, apart=1) == [0, 0]


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


@pytest.mark.parametrize("rows", [1, 7, 50_000])
def test_who_is_seen_at_once(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    """As it is defined, and whatever is looked at together."""
    monkeypatch.setattr(persons, "_ROWS_AT_ONCE", rows)
    chosen = np.argwhere(np.random.default_rng(5).random((40, 9)) < 0.15).astype(np.int32)
    frame, track = chosen[:, 0], chosen[:, 1]
    none = np.zeros((len(frame), 4), np.float32)
    seen = Sightings(frame, track, frame, none, np.zeros((len(frame), 7), np.float32), np.ones(len(frame)))
    frames = [set(frame[track == k].tolist()) for k in range(9)]
    expected = {(one, other) for one, other in combinations(range(9), 2) if frames[one] & frames[other]}
    assert set(zip(*(side.tolist() for side in persons.seen_at_once(seen, 9)), strict=True)) == expected
    assert 0 < len(expected) < 36


def test_more_tracks_than_are_compared_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, embedded = film(*[k % 5 for k in range(12)], *[k % 5 + 0.1 for k in range(15)])
    badly = np.where(seen.track >= 12, 0.1, 0.9).astype(np.float32)
    whole = found(seen, embedded, badly)
    monkeypatch.setattr(persons, "_ROWS", 4)
    assert found(seen, embedded, badly) == whole == [k % 5 for k in [*range(12), *range(15)]]


def test_more_tracks_than_are_clustered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(persons, "_MOST_TRACKS", 3)
    people = found(*film(0, 1, 2, 0, 1, 2, 30))
    assert people == [0, 1, 2, 0, 1, 2, -1]
