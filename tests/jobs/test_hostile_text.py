"""Text from outside stays text: names of files and what a film says of itself, on pages, in tables, on terminals."""

import csv
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pyarrow.parquet as pq
import pytest
from browser import Visit, chromium, file_url, until
from hostile_films import MARKUP, NAME, REST, write_hostile
from playwright.sync_api import Browser

from jobs.console import say_error, visible
from jobs.report.folder_report import rewrite
from jobs.review.app import make_review
from jobs.run.event_log import EventLog
from jobs.run.status_table import print_status
from jobs.store.job_file import read_job_file
from jobs.store.status import read_status
from jobs.web.address import Address
from jobs.web.server import Server

JOBS = Path(__file__).parents[2] / "jobs"
FILM = f"{NAME}/{REST}"
OTHERS = ("plain.mp4", "plain.ts", "plain.avi")
CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]")


@pytest.fixture(scope="module")
def out(run_here, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of films with hostile text in every field, and of one that is no film and has a hostile name."""
    root = tmp_path_factory.mktemp("hostile")
    write_hostile(root / "films" / NAME / REST)
    for name in OTHERS:
        write_hostile(root / "films" / name, "aac" if name != "plain.avi" else "libmp3lame")
    (root / "films" / NAME / f"no film {REST}").write_text(MARKUP)
    results = run_here(root / "films", out=root / "out")
    assert results[FILM].status == "done", results[FILM].reason
    assert [results[name].status for name in OTHERS] == ["done"] * 3
    assert sorted(path.name for path in root.iterdir()) == ["films", "out"]  # an attachment is named ../../...
    # What any later library might put into a reason or a remark.
    job = root / "out" / FILM / "job.json"
    content = json.loads(job.read_text())
    content |= {"remarks": [MARKUP, "\x1b[2J"], "reason": MARKUP, "status": "partial", "device": MARKUP}
    job.write_text(json.dumps(content))
    rewrite(root / "out")
    return root / "out"


@pytest.fixture(scope="module")
def browser(out: Path) -> Iterator[Browser]:  # noqa: ARG001  # Playwright's loop would be in the way of the run's
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def url(out: Path) -> Iterator[str]:
    address = Address("127.0.0.1", 0, None)
    server = Server(make_review(out, address, "somebody"), address)
    thread = threading.Thread(target=server.run)
    thread.start()
    yield server.url
    server.close()
    thread.join(10)


class Hostile(Visit):
    """A visit to a page that must not run what was slipped into it."""

    def __init__(self, browser: Browser) -> None:
        super().__init__(browser)
        self.hits: list[str] = []
        self.page.on("dialog", lambda dialog: (self.hits.append(dialog.message), dialog.dismiss()))
        self.page.add_init_script("window.hit = () => { window.wasHit = true; };")

    def check(self) -> None:
        self.page.wait_for_timeout(50)  # an image that does not exist fails a moment later
        assert self.hits == []
        assert self.page.evaluate("window.wasHit") is None
        foreign = (
            "document.querySelectorAll(\"img[src='x'], svg[onload], [onerror], [onload], main script:not([src])\")"
        )
        assert self.page.evaluate(f"{foreign}.length") == 0
        assert not [url for url in self.requests if url.endswith("/x")]
        assert "49" not in self.page.title()


def test_reports_run_nothing(browser: Browser, out: Path) -> None:
    with Hostile(browser) as visit:
        visit.page.goto(file_url(out / FILM / "report.html"))
        visit.page.locator("#plot[data-ready='1']").wait_for()
        visit.check()
        assert MARKUP in visit.page.locator(".note").all_text_contents()
        assert visit.page.locator("h1").text_content() == FILM
        assert visit.complaints == []
        visit.page.get_by_text("all movies").click()
        visit.page.locator("#index").wait_for()
        visit.check()
        assert visit.complaints == []
        visit.page.get_by_role("link", name="hit()").first.click()  # a name in a URL leads where it should
        visit.page.locator("#plot[data-ready='1']").wait_for()
        assert visit.page.locator("h1").text_content() == FILM


def test_review_runs_nothing(browser: Browser, url: str) -> None:
    with Hostile(browser) as visit:
        visit.page.goto(url)
        visit.page.locator("table.movies").wait_for()
        visit.check()
        visit.page.locator("#search").fill("hit()")
        visit.page.get_by_role("link", name="hit()").last.click()
        visit.page.locator("#chart[data-ready='1']").wait_for()
        until(visit.page, "document.getElementById('faces-count').textContent !== ''")
        visit.check()
        assert visit.page.locator("h1").text_content() == FILM
        assert visit.complaints == []
        for path in ("movie/no such ", "video/annotated/", "api/movie/no such ", f"movie/{quote(NAME)}/no film "):
            visit.page.goto(url + path + quote(FILM))
            visit.check()


def test_tables_and_pages_hold_the_name_as_it_is(out: Path) -> None:
    assert set(pq.read_table(out / FILM / "timeline.parquet")["movie"].to_pylist()) == {FILM}
    job = read_job_file(out / FILM / "job.json")
    assert job is not None
    assert job.movie == FILM
    with (out / FILM / "scenes.csv").open(newline="", encoding="utf-8") as file:
        [scene] = csv.DictReader(file)
    assert scene["movie"].startswith("'=1+1")
    assert ";'@x" in scene["movie"]


def test_a_terminal_obeys_nothing(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_status(read_status(out))
    say_error(f"{FILM}: cannot be read")
    printed = capsys.readouterr()
    assert "\\u001b[2J" in re.sub(r"\s*\n\s*", "", printed.out)
    assert CONTROLS.search(printed.out + printed.err) is None
    assert visible("a\nb\x1b[0m\u202e\x9b\udcff") == "a\\u000ab\\u001b[0m\\u202e\\u009b\\udcff"
    assert visible("né 映画 שלום 🎬") == "né 映画 שלום 🎬"


@pytest.mark.parametrize("as_json", [False, True])
def test_a_log_has_a_line_per_event(tmp_path: Path, as_json: bool) -> None:
    log = EventLog(tmp_path / "log", as_json)
    log.write("unit", movie=FILM + "\u2028\x9b")
    log.close()
    [line] = (tmp_path / "log").read_text().splitlines()
    assert CONTROLS.search(line) is None
    if as_json:
        assert json.loads(line)["movie"] == FILM + "\u2028\x9b"


def test_no_script_or_template_makes_markup_of_text() -> None:
    risky = re.compile(
        r"(innerHTML|outerHTML)\s*\+?=(?!\s*'[^'$]*';)|insertAdjacentHTML|document\.write|\beval\(|new Function"
    )
    for script in JOBS.rglob("static/*.js"):
        assert not [line for line in script.read_text().splitlines() if risky.search(line)], script
    for template in JOBS.rglob("templates/**/*.html"):
        assert not re.search(r"\|\s*safe\b|autoescape\s+false|\son\w+=", template.read_text()), template
