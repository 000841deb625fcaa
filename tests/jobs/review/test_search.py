"""Moments of all films of a folder."""

import csv
import shutil

import pytest
from correcting import give
from made_up import make_up

from jobs.results.intervals import read_moments

FILMS = ("a.mp4", "b/c.mp4", "bare.mp4")


@pytest.fixture(scope="module")
def visitor(client_of, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    for name in FILMS:
        make_up(out, frames=300, faces=0 if name == "bare.mp4" else 2, name=name)
    (out / "a.mp4" / "x").mkdir()
    broken = make_up(out, frames=30, name="broken.mp4")
    broken.timeline.write_bytes(b"no table")
    return client_of(out)


def test_what_is_found_is_what_the_films_pages_find(visitor):
    found = visitor.get("/api/find?emotion=sad&sure=0&least=0.5").json
    each = {name: visitor.get(f"/api/intervals/{name}?emotion=sad&seconds=0.5").json for name in FILMS[:2]}
    assert found["total"] == sum(one["total"] for one in each.values()) > 0
    assert found["seconds"] == pytest.approx(sum(one["seconds"] for one in each.values()))
    assert (found["films"], found["failed"]) == (2, 1)
    wanted = [{"movie": name, **row} for name, one in each.items() for row in one["intervals"]]
    assert [row.pop("who") for row in found["rows"]] == [f"P{row['track'] % 2 + 1}" for row in wanted[:60]]
    assert found["rows"] == wanted[:60]
    rows = list(csv.DictReader(visitor.get("/csv/find?emotion=sad&least=0.5").text.splitlines()))
    assert [(row["movie"], float(row["start"])) for row in rows] == [(row["movie"], row["start"]) for row in wanted]


def test_films_sureness_coverage_and_order(visitor):
    assert visitor.get("/api/find?film=B/C").json["films"] == 1
    assert visitor.get("/api/find?seen=100").json["films"] == 2
    assert visitor.get("/api/find?sure=100").json["total"] == 0
    assert visitor.get("/api/find?person=anna").json["total"] == 0
    means = [row["confidence_mean"] for row in visitor.get("/api/find?sort=sure").json["rows"]]
    assert means == sorted(means, reverse=True)
    lengths = [row["seconds"] for row in visitor.get("/api/find?sort=long").json["rows"]]
    assert lengths == sorted(lengths, reverse=True)


def test_moments_are_those_of_the_timeline_that_is_there(client_of, tmp_path):
    folder = make_up(tmp_path / "one", frames=300, name="a.mp4")
    found = client_of(tmp_path / "one").get("/api/find").json
    assert read_moments(folder) is not None
    kept = folder.moments.read_bytes()

    def asked():
        return client_of(tmp_path / "one").get("/api/find").json

    other = make_up(tmp_path / "other", frames=450, name="a.mp4")
    shutil.copy(other.timeline, folder.timeline)  # of another film: its moments are asked for, not those beside it
    assert read_moments(folder) is None
    assert asked()["total"] == client_of(tmp_path / "other").get("/api/find").json["total"] != found["total"]
    folder = make_up(tmp_path / "again", frames=300, name="a.mp4")
    for content in (b"", b"none of ours", kept[:-400], kept[: len(kept) // 2], bytes(len(kept))):
        folder.moments.write_bytes(content)
        assert read_moments(folder) is None
        assert client_of(tmp_path / "again").get("/api/find").json == found
    folder.moments.unlink()  # results of an earlier version
    assert client_of(tmp_path / "again").get("/api/find").json == found


def test_corrected_films_are_searched_as_corrected(client_of, tmp_path):
    folder = make_up(tmp_path, frames=450, name="film.mp4")
    before = client_of(tmp_path).get("/api/find").json["total"]
    give(folder, "reject", (2, 200))
    give(folder, "name_person", (1, 10), number="b", text="Anna", seen=1)
    visitor = client_of(tmp_path)
    found = visitor.get("/api/find").json
    assert (
        found["total"]
        == before - sum(row["track"] == 2 for row in visitor.get("/api/intervals/film.mp4").json["intervals"]) - 3
    )
    assert 2 not in {row["track"] for row in found["rows"]}
    hers = visitor.get("/api/find?person=ann").json["rows"]
    assert ({row["track"] for row in hers}, {row["who"] for row in hers}) == ({1, 3, 5}, {"Anna"})
    assert {row["who"] for row in found["rows"]} == {"P1", "Anna"}


@pytest.mark.parametrize("query", ["emotion=bored", "sure=x", "sort=random", "least=inf"])
def test_wrong_questions(visitor, query):
    assert visitor.get(f"/api/find?{query}").status_code == 400


def test_csv_files_of_several_films_hold_no_formulas(client_of, tmp_path):
    names = ("=1+1.mp4", "@b.mp4")
    for name in names:
        make_up(tmp_path, frames=100, name=name)
    visitor = client_of(tmp_path)
    for address in ("/csv/find?least=0&sure=0", "/csv/compare?a==1%2B1.mp4&b=@b.mp4"):
        rows = list(csv.DictReader(visitor.get(address).text.splitlines()))
        assert {row["movie"] for row in rows} == {f"'{name}" for name in names}, address
