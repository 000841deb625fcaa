"""The page in a real browser: the picture moves, the bars move, states are said, nothing is fetched from elsewhere."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from clips import X264, Clip
from playwright.sync_api import Browser, Page, expect
from sessions import Session, session, until

from jobs.live.pages import blank_jpeg


@pytest.fixture(scope="module")
def live(sample: Path, make_analyst) -> Iterator[Session]:
    with session(sample, make_analyst) as running:
        until(lambda: running.engine.views.newest()[0] > 0)
        yield running


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(15_000)
    yield page
    context.close()


def picture(page: Page) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(page.locator("#picture").screenshot(), np.uint8), cv2.IMREAD_COLOR)


def widths(page: Page) -> list[str]:
    return page.locator("#bars .fill").evaluate_all("fills => fills.map(fill => fill.style.width)")


def test_the_page_is_alive(page, live):
    foreign: list[str] = []
    faults: list[str] = []
    page.on("request", lambda request: request.url.startswith(live.url) or foreign.append(request.url))
    page.on("console", lambda message: faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(live.url, wait_until="domcontentloaded")
    expect(page.locator("#state")).to_contain_text("live")
    expect(page.locator("#veil")).to_be_hidden()
    page.wait_for_function("document.getElementById('picture').naturalWidth === 640")
    seen = [picture(page)]
    bars = [widths(page)]
    for _ in range(10):  # 4 s hold a cut, wherever they begin: another person, or nobody
        page.wait_for_timeout(400)
        seen.append(picture(page))
        bars.append(widths(page))
    moved = [float(np.abs(a.astype(int) - b.astype(int)).mean()) for a, b in pairwise(seen)]
    assert sum(change > 0.3 for change in moved) >= 6, moved
    assert len({tuple(row) for row in bars}) >= 4
    assert float(page.locator("#rate").inner_text()) > 1
    assert int(page.locator("#delay").inner_text()) < 2000
    drawn = page.locator("#minute").evaluate(
        "c => new Set(new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer)).size"
    )
    assert drawn > 3  # ground, grid, and areas
    assert "Last minute: a face in" in (page.locator("#minute").get_attribute("aria-label") or "")
    assert (foreign, faults) == ([], [])


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 390)])
def test_nothing_keeps_anybody_out(chromium, live, theme, width):
    context = chromium.new_context(viewport={"width": width, "height": 844}, color_scheme=theme)
    page = context.new_page()
    page.goto(live.url, wait_until="domcontentloaded")
    expect(page.locator("#state")).to_contain_text("live")
    found = Axe().run(page)
    wide = page.evaluate("document.documentElement.scrollWidth")
    context.close()
    assert found.violations_count == 0, found.generate_report()
    assert wide <= width


def test_the_picture_can_be_paused(page, live):
    page.goto(live.url, wait_until="domcontentloaded")
    page.wait_for_function("document.getElementById('picture').naturalWidth === 640")
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
    until(lambda: page.wait_for_timeout(200) or not np.array_equal(still, picture(page)), 5)


def test_the_end_of_a_file_is_said(page, make_analyst, tmp_path):
    path = Clip(pts=range(10), size=(160, 120), options=X264).write(tmp_path / "short")
    with session(path, make_analyst) as ended:
        page.goto(ended.url, wait_until="domcontentloaded")
        expect(page.locator("#state")).to_have_text("ended")
        expect(page.locator("#veil")).to_contain_text("short.mp4 has ended")
        expect(page.locator("#no-faces")).to_be_visible()
        assert page.locator("#who").inner_text() == "no face"
    expect(page.locator("#state")).to_have_text("no answer")


def test_before_the_first_picture_there_is_a_dark_one():
    grey = cv2.imdecode(np.frombuffer(blank_jpeg(), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert grey.shape == (360, 640)
    assert grey.max() < 40
