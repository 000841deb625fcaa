"""Reports: what is in them, that no data escape into the page, and what is said when there is nothing."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from made_up import make_up
from typer.testing import CliRunner

from jobs.cli import app
from jobs.errors import ReportError
from jobs.report.folder_report import rewrite
from jobs.report.movie_report import write_movie_report
from jobs.store.atomic import commit_json
from jobs.store.workspace import MovieFolder
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


def test_a_report_holds_all_that_it_needs(demo):
    report = demo / "outputs" / SAMPLE / "report.html"
    for tag, target in links(report):
        assert tag == "a" or target.startswith("data:"), (tag, target[:80])
    assert {target for tag, target in links(report) if tag == "a"} == {"annotated.mp4", "../index.html"}
    assert report.stat().st_size < 3_000_000


def test_links_of_report_and_index_lead_somewhere(demo):
    for page in (demo / "outputs" / "index.html", demo / "outputs" / SAMPLE / "report.html"):
        targets = [target for _, target in links(page) if not target.startswith("data:")]
        assert targets
        assert all((page.parent / target).is_file() for target in targets)


def test_the_chart_shows_what_the_tables_say(demo):
    folder = MovieFolder(demo / "outputs" / SAMPLE)
    data = data_of(folder.report)
    scenes = pq.read_table(folder.scenes).to_pylist()
    assert data["scenes"] == [[round(1000 * row["start"]), round(1000 * row["end"]), row["dominant"]] for row in scenes]
    shares, bins = data["shares"], len(data["shares"][0])
    assert bins == 336  # a bin a frame, in a movie that short
    for row in scenes:
        span = slice(round(row["start"] * 24), round(row["end"] * 24))
        for number, emotion in enumerate(EMOTIONS):
            mean = sum(shares[number][span]) / len(shares[number][span]) / 1000
            assert mean == pytest.approx(row["coverage"] * (row[f"share_{emotion}"] or 0), abs=0.002)
    tracks = pq.read_table(folder.tracks)["track"].to_pylist()
    assert sorted({run[0] for run in data["runs"]}) == tracks
    assert data["tracks"] == []  # runs cover them


def test_provenance_and_model_card(demo):
    folder = MovieFolder(demo / "outputs" / SAMPLE)
    text, job = folder.report.read_text(), folder.read_job()
    assert job is not None
    for key in ("source", "fingerprint", "model_digest", "finished"):
        assert str(job[key]) in text
    assert "It labels expressions, not feelings." in text
    assert "Weakness and bias" in text


def test_text_from_outside_stays_text(out):
    folder = MovieFolder(out / SAMPLE)
    job = folder.read_job()
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


def test_without_any_video_a_report_has_no_pictures(out):
    folder = MovieFolder(out / SAMPLE)
    job = folder.read_job()
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
    """Results that a job.json of few words tells of; far more tracks than can be seen."""
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
