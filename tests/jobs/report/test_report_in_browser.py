"""Reports opened from disk in a real browser: charts, and no request but for the script that they share."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Visit, chromium, file_url, until
from playwright.sync_api import Browser, expect

from jobs.report.folder_report import rewrite

REPORT = "outputs/sample.mp4/report.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("page", [REPORT, "outputs/index.html"])
def test_no_barriers_and_nothing_wider_than_the_window(browser, demo, page, width, theme):
    with Visit(browser, width, 844, theme) as visit:
        visit.page.goto(file_url(demo / page))
        if page == REPORT:
            visit.page.locator("#plot[data-ready='1']").wait_for()
        assert visit.barriers() == []
        assert visit.overflow() == 0
        wider = "[...document.querySelectorAll('.scroll')].filter(one => one.scrollWidth > one.clientWidth).length"
        assert visit.page.evaluate(wider) == 0  # tables are laid out for the width, not cut off


def test_a_report_alone_in_a_folder_draws_its_chart_and_asks_for_nothing(browser, demo, tmp_path):
    out = shutil.copytree(demo / "outputs", tmp_path / "outputs")
    assert rewrite(out, standalone=True) == (1, [])
    alone = shutil.move(tmp_path / REPORT, tmp_path / "sent by mail.html")
    with Visit(browser, offline=True) as visit:
        visit.page.goto(file_url(Path(alone)))
        visit.page.locator("#plot[data-ready='1']").wait_for()
        # An outline per emotion that is seen, a bar per run and scene with a face, a line where a scene begins.
        seen = visit.page.evaluate("JSON.parse(document.getElementById('data').textContent)")
        emotions = sum(any(column) for column in seen["shares"])
        bars = len(seen["runs"]) + sum(scene[2] is not None for scene in seen["scenes"])
        expect(visit.page.locator("#plot .fills path.js-fill")).to_have_count(emotions)
        expect(visit.page.locator("#plot .barlayer .point")).to_have_count(bars)
        expect(visit.page.locator("#plot .shapelayer path")).to_have_count(1)
        expect(visit.page.locator("#plot .xtick text").first).to_have_text("0:00")
        expect(visit.page.locator("table.scenes tbody tr")).to_have_count(2)
        assert visit.page.locator(".poster").evaluate("image => image.naturalWidth") > 100
        visit.page.get_by_text("Model card of default").click()
        expect(visit.page.get_by_text("It labels expressions, not feelings.")).to_be_visible()
        fetched = [url for url in visit.requests if not url.startswith(("data:", "blob:"))]
        assert fetched == [file_url(Path(alone))]
        assert visit.complaints == []


def test_a_report_takes_its_script_from_beside_it_and_asks_for_nothing_else(browser, demo):
    with Visit(browser, offline=True) as visit:
        visit.page.goto(file_url(demo / REPORT))
        visit.page.locator("#plot[data-ready='1']").wait_for()
        fetched = [url for url in visit.requests if not url.startswith(("data:", "blob:"))]
        assert fetched == [file_url(demo / REPORT), file_url(demo / "outputs" / "_assets" / "plotly.min.js")]
        assert visit.complaints == []


def test_a_report_without_its_script_says_what_is_missing(browser, demo, tmp_path):
    alone = shutil.copy(demo / REPORT, tmp_path)
    with Visit(browser) as visit:
        visit.page.goto(file_url(Path(alone)))
        expect(visit.page.locator("#plot")).to_contain_text("moodreel report --standalone")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_on_paper_the_chart_is_whole(browser, demo, tmp_path, theme):
    with Visit(browser, 1920, 1000, theme) as visit:
        visit.page.goto(file_url(demo / REPORT))
        visit.page.locator("#plot[data-ready='1']").wait_for()
        visit.page.pdf(path=tmp_path / "report.pdf", format="A4")
        assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
        # What the printer was given: as wide as paper, light, and with filled swatches.
        visit.page.emulate_media(media="print")
        visit.page.evaluate("dispatchEvent(new Event('beforeprint'))")
        until(visit.page, "document.querySelector('#plot .main-svg').clientWidth <= 680")
        assert visit.page.locator("html").get_attribute("data-theme") == "light"
        style = "getComputedStyle(document.querySelector('.legend .swatch')).printColorAdjust"
        assert visit.page.evaluate(style) == "exact"
        visit.page.evaluate("dispatchEvent(new Event('afterprint'))")
        until(visit.page, "document.querySelector('#plot .main-svg').clientWidth > 680")
        assert visit.page.locator("html").get_attribute("data-theme") is None


def test_areas_have_the_size_that_the_shares_have(browser, demo):
    """The chart's outlines, measured on the screen, against the numbers that it is given."""
    with Visit(browser) as visit:
        visit.page.goto(file_url(demo / REPORT))
        visit.page.locator("#plot[data-ready='1']").wait_for()
        shares = visit.page.evaluate("JSON.parse(document.getElementById('data').textContent).shares")
        areas = visit.page.locator("#plot .fills path.js-fill")
        widths = sorted(areas.evaluate_all("paths => paths.map(path => Math.round(path.getBBox().width))"))
        bins = len(shares[0])
        plot = visit.page.evaluate("document.getElementById('plot')._fullLayout._size.w")
        wanted = []
        for column in filter(any, shares):
            places = [k for k, value in enumerate(column) if value]
            wanted.append(round(plot * (places[-1] + 1 - places[0]) / bins))
        assert widths == pytest.approx(sorted(wanted), abs=2)


def test_the_theme_switch_redraws_the_chart(browser, demo):
    with Visit(browser, theme="light") as visit:
        visit.page.goto(file_url(demo / REPORT))
        visit.page.locator("#plot[data-ready='1']").wait_for()
        colour = "getComputedStyle(document.querySelector('#plot .xtick text')).fill"
        before = visit.page.evaluate(colour)
        visit.page.get_by_role("button", name="Theme: auto").click()
        visit.page.get_by_role("button", name="Theme: light").click()
        expect(visit.page.locator("html")).to_have_attribute("data-theme", "dark")
        until(visit.page, f"{colour} !== '{before}'")


def test_the_index_can_be_sorted(browser, demo, tmp_path):
    index = (demo / "outputs" / "index.html").read_text()
    row = index[index.index("<tr><td class=") : index.index("</tr>", index.index("<tr><td class=")) + 5]
    second = row.replace("sample.mp4", "another.mp4")
    page = tmp_path / "index.html"
    page.write_text(index.replace(row, row + second))
    with Visit(browser) as visit:
        visit.page.goto(file_url(page))
        names = "[...document.querySelectorAll('tbody th')].map(head => head.dataset.value)"
        visit.page.get_by_role("button", name="Movie").click()
        assert visit.page.evaluate(names) == ["another.mp4", "sample.mp4"]
        visit.page.get_by_role("button", name="Movie").click()
        assert visit.page.evaluate(names) == ["sample.mp4", "another.mp4"]
