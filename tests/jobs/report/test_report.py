"""Reports: what is in them, that no text escapes into markup, and what they say where results are missing."""

import json
import os
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from correcting import give
from made_up import make_up
from typer.testing import CliRunner

from jobs.cli import app
from jobs.errors import ReportError
from jobs.report import movie_report
from jobs.report.folder_report import rewrite, write_index
from jobs.report.movie_report import write_movie_report
from jobs.results.errors import NotFoundError, NotReadyError, ResultError, UnreadableError
from jobs.review.app import make_review
from jobs.store.atomic import commit_json
from jobs.store.json_values import read_object
from jobs.store.workspace import MovieFolder, Workspace
from jobs.web.address import Address
from pipeline.schema import EMOTIONS

SAMPLE = "sample.mp4"


@pytest.fixture
def out(demo: Path, tmp_path: Path) -> Path:
    """A copy of the sample's results."""
    return Path(shutil.copytree(demo / "outputs", tmp_path / "outputs"))


class _Links(HTMLParser):
    """Collects what a page refers to, and the texts of its data."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [
            (tag, value or "") for name, value in attrs if name in ("href", "src", "srcset", "data", "action")
        ]


def links(path: Path) -> list[tuple[str, str]]:
    parser = _Links()
    parser.feed(path.read_text())
    return parser.links


def data_of(path: Path) -> dict:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', path.read_text(), re.DOTALL)
    assert found is not None
    return dict(json.loads(found[1]))


def test_a_run_writes_report_and_index(demo):
    assert (demo / "outputs" / "index.html").is_file()
    assert (demo / "outputs" / SAMPLE / "report.html").is_file()
    assert (demo / "outputs" / SAMPLE / "poster.jpg").read_bytes()[:2] == b"\xff\xd8"


def test_a_report_shares_but_the_script_of_its_chart(demo):
    report = demo / "outputs" / SAMPLE / "report.html"
    others = {(tag, target) for tag, target in links(report) if tag != "a" and not target.startswith("data:")}
    assert others == {("script", "../_assets/plotly.min.js")}
    assert {target for tag, target in links(report) if tag == "a"} == {"annotated.mp4", "../index.html"}
    assert report.stat().st_size < 200_000


def test_a_report_that_stands_alone_holds_all_that_it_needs(out):
    done = CliRunner().invoke(app, ["report", str(out), "--standalone"])
    assert done.exit_code == 0
    report = out / SAMPLE / "report.html"
    for tag, target in links(report):
        assert tag == "a" or target.startswith("data:"), (tag, target[:80])
    assert "script-src &#39;unsafe-inline&#39;" in report.read_text()
    assert 1_000_000 < report.stat().st_size < 3_000_000


def test_films_in_folders_share_the_same_script(tmp_path):
    for name in ("a.mp4", "inner/more/b.mp4"):
        make_up(tmp_path, frames=50, name=name)
    assert rewrite(tmp_path) == (2, [])
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("plotly.min.js")] == [
        "_assets/plotly.min.js"
    ]
    for report in tmp_path.rglob("report.html"):
        ((_, script),) = [(tag, target) for tag, target in links(report) if tag == "script"]
        assert (report.parent / script).is_file()
        assert (report.parent / script).resolve().parent == tmp_path / "_assets"


def test_a_name_that_leads_elsewhere_shares_nothing_there(tmp_path):
    folder = make_up(tmp_path / "a" / "b" / "outputs", frames=50, name="film.mp4")
    job = json.loads(folder.job.read_text())
    commit_json(folder.job, job | {"movie": "x/y/../../../z/film.mp4"})
    write_movie_report(folder)
    assert [path.parent.parent.name for path in tmp_path.rglob("plotly.min.js")] == ["outputs"]


def test_a_script_of_another_version_is_replaced(tmp_path):
    make_up(tmp_path, frames=50, name="a.mp4")
    (tmp_path / "_assets").mkdir()
    (tmp_path / "_assets" / "plotly.min.js").write_text("an older one")
    rewrite(tmp_path)
    assert (tmp_path / "_assets" / "plotly.min.js").stat().st_size > 1_000_000


def test_many_short_films_make_small_reports(tmp_path):
    for number in range(3):
        make_up(tmp_path, frames=50, name=f"{number}.mp4")
    rewrite(tmp_path)
    sizes = [path.stat().st_size for path in tmp_path.rglob("report.html")]
    assert len(sizes) == 3
    assert max(sizes) < 100_000


def test_links_of_report_and_index_lead_somewhere(demo):
    for page in (demo / "outputs" / "index.html", demo / "outputs" / SAMPLE / "report.html"):
        targets = [target for _, target in links(page) if not target.startswith("data:")]
        assert targets
        assert all((page.parent / target).is_file() for target in targets)


def test_the_chart_shows_what_the_tables_say(demo):
    folder = MovieFolder(demo / "outputs" / SAMPLE)
    data = data_of(folder.report)
    scenes = pq.read_table(folder.scenes).to_pylist()
    spans = [[round(1000 * row["start"]), round(1000 * row["end"]), round(100 * row["coverage"])] for row in scenes]
    assert [[start, end, seen] for start, end, _, seen, _ in data["scenes"]] == spans
    for row, (*_, shown, _, words) in zip(scenes, data["scenes"], strict=True):
        assert shown in (row["dominant"], "unsure")
        assert words.startswith(row["dominant"] or "no face")
    shares, bins = data["shares"], len(data["shares"][0])
    assert bins == 336  # a bin a frame, in a movie that short
    for row in pq.read_table(folder.shots).to_pylist():  # within each, as many faces in every frame
        span = slice(round(row["start"] * 24), round(row["end"] * 24))
        sure = 1 - (row["share_unsure"] or 0)
        for number, emotion in enumerate(EMOTIONS):
            mean = sum(shares[number][span]) / len(shares[number][span]) / 1000
            assert mean == pytest.approx(row["coverage"] * sure * (row[f"share_{emotion}"] or 0), abs=0.002)
    tracks = pq.read_table(folder.tracks)["track"].to_pylist()
    assert sorted({run[0] for run in data["runs"]}) == tracks
    assert data["tracks"] == []  # runs cover them


def test_provenance_and_model_card(demo):
    folder = MovieFolder(demo / "outputs" / SAMPLE)
    text, job = folder.report.read_text(), read_object(folder.job)
    assert job is not None
    for key in ("source", "fingerprint", "model_digest", "finished"):
        assert str(job[key]) in text
    assert "It labels expressions, not feelings." in text
    assert "Weakness and bias" in text


def test_text_from_outside_stays_text(out):
    folder = MovieFolder(out / SAMPLE)
    job = read_object(folder.job)
    assert job is not None
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
    commit_json(folder.job, job | {"reason": evil, "status": "partial", "remarks": [evil], "model": "../../etc/passwd"})
    rewrite(out)
    for page in (folder.report, out / "index.html"):
        assert "<script>alert" not in page.read_text()
        assert "<img src=x" not in page.read_text()
    assert "&lt;script&gt;alert(1)" in folder.report.read_text()
    assert "root:x:" not in folder.report.read_text()


@pytest.mark.parametrize("name", ["timeline.parquet", "scenes.parquet"])
@pytest.mark.parametrize("content", [None, b"", b"PAR1 no"], ids=["gone", "empty", "damaged"])
def test_what_cannot_be_read_is_named_and_leaves_the_old_report(out, name, content):
    folder = MovieFolder(out / SAMPLE)
    before = folder.report.read_bytes()
    (folder.root / name).unlink()
    if content is not None:
        (folder.root / name).write_bytes(content)
    with pytest.raises(ReportError, match=name.replace(".", r"\.")):
        write_movie_report(folder)
    assert folder.report.read_bytes() == before
    done = CliRunner().invoke(app, ["report", str(out)])
    assert done.exit_code == 1
    assert name in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["timeline.parquet", "scenes.parquet"])
def test_tables_of_a_newer_version_are_named(out, name):
    path = out / SAMPLE / name
    stamp = {b"moodreel": json.dumps({"schema_version": 99}).encode()}
    pq.write_table(pq.read_table(path).replace_schema_metadata(stamp), path)
    with pytest.raises(ReportError, match=rf"{re.escape(name)}: written by a newer moodreel"):
        write_movie_report(MovieFolder(path.parent))


@pytest.mark.parametrize("kind", [ResultError, NotFoundError, NotReadyError, UnreadableError])
def test_every_result_error_becomes_a_report_error(out, monkeypatch, kind):
    def fail(path: Path, *_: object) -> None:
        raise kind(f"{path.name}: no good")

    monkeypatch.setattr(movie_report, "read_timeline_index", fail)
    with pytest.raises(ReportError, match=r"sample\.mp4: timeline\.parquet: no good"):
        write_movie_report(MovieFolder(out / SAMPLE))


def test_a_report_that_cannot_be_written_is_named(out):
    report = out / SAMPLE / "report.html"
    report.unlink()
    report.mkdir()
    written, faults = rewrite(out)
    assert written == 0
    assert [str(report) in fault and "cannot be written" in fault for fault in faults] == [True]


@pytest.mark.parametrize("gone", ["a.mp4", "inner", "inner/b.mp4", "z.mp4"])
def test_a_folder_that_vanishes_during_the_walk_does_no_harm(tmp_path, monkeypatch, gone):
    out, aside = tmp_path / "outputs", tmp_path / "aside"
    for name in ("a.mp4", "inner/b.mp4", "m.mp4", "z.mp4"):
        make_up(out, frames=60, name=name)
    real = os.scandir

    def scandir(path: object = ".") -> object:
        if Path(os.fspath(path)) == out / gone and not aside.exists():
            (out / gone).rename(aside)  # as if a run had removed it just before the walk enters it
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    written, faults = rewrite(out)
    assert aside.exists()
    assert (written, faults) == (3, [])
    index = (out / "index.html").read_text()
    assert {name for name in ("a.mp4", "inner/b.mp4", "m.mp4", "z.mp4") if name in index} == {
        name for name in ("a.mp4", "inner/b.mp4", "m.mp4", "z.mp4") if not name.startswith(gone)
    }


def test_a_folder_that_vanishes_while_the_index_is_written_does_no_harm(tmp_path, monkeypatch):
    out, aside = tmp_path / "outputs", tmp_path / "aside"
    for name in ("a.mp4", "b.mp4"):
        make_up(out, frames=60, name=name)
    real = os.scandir

    def scandir(path: object = ".") -> object:
        if Path(os.fspath(path)) == out / "a.mp4" and not aside.exists():
            (out / "a.mp4").rename(aside)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    write_index(Workspace(out))
    assert aside.exists()
    index = (out / "index.html").read_text()
    assert "a.mp4" not in index
    assert "b.mp4" in index


def test_no_still_is_taken_of_a_film_that_has_replaced_the_original(out):
    folder = MovieFolder(out / SAMPLE)
    job = read_object(folder.job)
    assert job is not None
    other = out.parent / "other.mp4"
    other.write_bytes(Path(job["source"]).read_bytes() + b"more")
    folder.video.unlink()
    commit_json(folder.job, job | {"source": str(other)})
    write_movie_report(folder)
    assert [target for tag, target in links(folder.report) if tag == "img" and "jpeg" in target] == []


def test_without_any_video_a_report_has_no_pictures(out):
    folder = MovieFolder(out / SAMPLE)
    job = read_object(folder.job)
    assert job is not None
    folder.video.unlink()
    commit_json(folder.job, job | {"source": str(out / "gone.mp4")})
    write_movie_report(folder)
    assert [target for tag, target in links(folder.report) if tag == "img" and "jpeg" in target] == []
    assert "Watch the annotated video" not in folder.report.read_text()


def test_rewriting_gives_the_same(out):
    before = {path: path.read_bytes() for path in (out / SAMPLE / "report.html", out / "index.html")}
    assert rewrite(out) == (1, [])
    assert {path: path.read_bytes() for path in before} == before


def test_failed_movies_are_in_the_index_without_a_link(out):
    job = {"movie": "broken.mp4", "status": "failed", "reason": "no moov atom", "source": "/broken.mp4"}
    commit_json(out / "broken.mp4" / "job.json", job)
    assert rewrite(out) == (1, [])
    index = (out / "index.html").read_text()
    assert "no moov atom" in index
    assert "broken.mp4/report.html" not in index


def test_a_folder_without_results(tmp_path):
    done = CliRunner().invoke(app, ["report", str(tmp_path)])
    assert done.exit_code == 2
    assert "no results in there" in done.stderr


def test_two_hours_make_a_report_that_can_be_sent(tmp_path):
    """Their job.json is as short as can be, and they have far more tracks than can be seen."""
    folder = make_up(tmp_path)
    write_movie_report(folder)
    data = data_of(folder.report)
    assert len(data["shares"][0]) == 1000
    assert data["runs"] == []  # labels of two seconds are no pixel wide
    assert 0 < len(data["tracks"]) <= 1500
    assert len(data["scenes"]) == 1200
    assert folder.report.stat().st_size < 5_000_000


def test_a_movie_without_a_face(tmp_path):
    folder = make_up(tmp_path, frames=200, faces=0)
    write_movie_report(folder)
    assert data_of(folder.report)["runs"] == []
    assert "no face" in folder.report.read_text()


def test_corrections_are_applied_and_said(tmp_path):
    folder = make_up(tmp_path, frames=300, name="film.mp4")
    new = {"id": "a", "by": "ann", "at": "now", "revision": 1}
    corrections = [
        {**new, "kind": "merge_scenes", "frame": 150},
        {**new, "kind": "name_scene", "frame": 0, "text": "The <talk>"},
    ]
    content = {"format": 2, "movie": "film.mp4", "fingerprint": "0", "corrections": corrections}
    (folder.root / "review.json").write_text(json.dumps(content))
    write_movie_report(folder)
    page = folder.report.read_text()
    assert len(data_of(folder.report)["scenes"]) == 1
    assert "2 corrections by hand applied" in page
    assert "1 The &lt;talk&gt;" in page
    (folder.root / "review.json").write_text("{half")
    write_movie_report(folder)
    assert len(data_of(folder.report)["scenes"]) == 2
    assert "Corrections are not applied" in folder.report.read_text()


def test_people_are_those_of_the_pages(tmp_path):
    folder = make_up(tmp_path, frames=450, name="film.mp4")
    visitor = make_review(tmp_path, Address("localhost", 80, None), "ann").test_client()
    named = {"kind": "name_person", "text": "Anna <b>", "faces": [0], "frame": 0, "revision": 0}
    given = visitor.post("/api/corrections/film.mp4", json=named, headers={"X-Moodreel": "1", "Host": "localhost"})
    assert given.status_code == 200
    write_movie_report(folder)
    page = folder.report.read_text()
    rows = re.findall(
        r'<tr><th scope="row">(.*?)</th><td class="right num">(.*?)</td><td class="right num">(\d+)', page
    )
    tracks = pd.read_parquet(folder.tracks)
    assert {(name, int(count)) for name, _, count in rows} == {
        ("Anna &lt;b&gt;" if person == tracks.person[0] else f"P{person + 1:.0f}", len(mine))
        for person, mine in tracks.groupby("person")
    }


def test_the_index_has_the_figures_as_people_corrected_them(tmp_path):
    folder = make_up(tmp_path, frames=450, name="film.mp4")
    for number, track in enumerate((2, 3)):
        give(folder, "reject", (track, 200), number=str(number), seen=number)
    write_index(Workspace(tmp_path))
    page = (tmp_path / "index.html").read_text()
    assert 'data-value="4"' in page  # faces
    assert ">67%<" in page  # seen
    (folder.root / "review.json").write_text("{half")
    write_index(Workspace(tmp_path))
    assert 'data-value="6"' in (tmp_path / "index.html").read_text()
