"""The page in a real browser: picture and bars move, it says its state, and fetches nothing from elsewhere."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from browser import Visit, chromium
from clips import X264, Clip
from playwright.sync_api import Browser, Page, expect
from sessions import Session, session, until

from jobs.live.engine import Engine
from jobs.live.pages import blank_jpeg, make_live
from jobs.live.source import choose_live_source
from jobs.web.address import Address


@pytest.fixture(scope="module")
def live(sample: Path, make_analyst) -> Iterator[Session]:
    with session(sample, make_analyst) as running:
        until(lambda: running.engine.views.newest()[0] > 0)
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    with Visit(browser) as visit:
        visit.page.set_default_timeout(60_000)
        yield visit


@pytest.fixture
def page(visit: Visit) -> Page:
    return visit.page


def picture(page: Page) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(page.locator("#picture").screenshot(), np.uint8), cv2.IMREAD_COLOR)


def widths(page: Page) -> list[str]:
    return page.locator("#bars .fill").evaluate_all("fills => fills.map(fill => fill.style.width)")


def test_the_page_is_alive(visit, page, live):
    page.goto(live.url, wait_until="domcontentloaded")
    expect(page.locator("#state")).to_contain_text("live")
    expect(page.locator("#veil")).to_be_hidden()
    expect(page.locator("#picture")).to_have_js_property("naturalWidth", 640)
    seen = [picture(page)]
    bars = {tuple(widths(page))}

    def moves() -> bool:
        page.wait_for_timeout(200)
        seen.append(picture(page))
        bars.add(tuple(widths(page)))
        changes = [float(np.abs(a.astype(int) - b.astype(int)).mean()) for a, b in pairwise(seen)]
        return sum(change > 0.3 for change in changes) >= 6 and len(bars) >= 4

    until(moves)
    assert float(page.locator("#rate").inner_text()) > 0
    assert page.locator("#delay").inner_text().isdecimal()
    drawn = page.locator("#minute").evaluate(
        "c => new Set(new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer)).size"
    )
    assert drawn > 3  # ground, grid, and areas
    assert "Last minute: a face in" in (page.locator("#minute").get_attribute("aria-label") or "")
    assert visit.complaints == []
    assert all(request.startswith(live.url) for request in visit.requests)


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 390)])
def test_the_page_has_no_barriers(browser, live, theme, width):
    with Visit(browser, width, 844, theme) as visit:
        visit.page.goto(live.url, wait_until="domcontentloaded")
        expect(visit.page.locator("#state")).to_contain_text("live")
        assert visit.barriers() == []
        assert visit.overflow() <= 0


def test_the_picture_can_be_paused(page, live):
    page.goto(live.url, wait_until="domcontentloaded")
    expect(page.locator("#picture")).to_have_js_property("naturalWidth", 640)
    page.locator("#pause").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#pause")).to_have_attribute("aria-pressed", "true")
    still = picture(page)

    def stands_still() -> bool:
        nonlocal still
        before, still = still, page.wait_for_timeout(600) or picture(page)
        return np.array_equal(before, still)

    until(stands_still)
    page.keyboard.press("Enter")
    expect(page.locator("#pause")).to_have_text("Pause picture")
    until(lambda: page.wait_for_timeout(200) or not np.array_equal(still, picture(page)))


def test_the_page_says_that_a_file_has_ended(page, make_analyst, tmp_path):
    path = Clip(pts=range(10), size=(160, 120), options=X264).write(tmp_path / "short")
    with session(path, make_analyst) as ended:
        page.goto(ended.url, wait_until="domcontentloaded")
        expect(page.locator("#state")).to_have_text("ended")
        expect(page.locator("#veil")).to_contain_text("short.mp4 has ended")
        expect(page.locator("#no-faces")).to_be_visible()
        assert page.locator("#who").inner_text() == "no face"
    expect(page.locator("#state")).to_have_text("no answer")


@pytest.mark.parametrize("path", ["/", "/video_feed", "/frame.jpg", "/events"])
def test_who_has_no_token_sees_nothing(make_analyst, path):
    engine = Engine(choose_live_source("0"), make_analyst, blank_jpeg())  # never started
    client = make_live(engine, None, Address("0.0.0.0", 80, "a long secret")).test_client()
    assert client.get(path).status_code == 401
    assert client.get(f"{path}?token=another secret").status_code == 401
    assert client.get(f"{path}?token=a long secret").status_code == 302


def test_before_the_first_picture_there_is_a_dark_one():
    grey = cv2.imdecode(np.frombuffer(blank_jpeg(), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert grey.shape == (360, 640)
    assert grey.max() < 40
