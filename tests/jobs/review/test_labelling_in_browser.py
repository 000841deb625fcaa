"""Labelling faces in a real browser, with keys and with the mouse."""

import json
import shutil
import threading
from pathlib import Path

import pytest
from browser import Visit, chromium, until
from playwright.sync_api import expect

from jobs.review.app import make_review
from jobs.store.sidecar.review_file import labels_in, read_review
from jobs.web.address import Address
from jobs.web.server import Server


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture
def out(demo: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(demo / "outputs", tmp_path / "outputs"))


@pytest.fixture
def url(out: Path):
    address = Address("127.0.0.1", 0, None)
    server = Server(make_review(out, address, "ann"), address)
    thread = threading.Thread(target=server.run)
    thread.start()
    yield f"{server.url}movie/sample.mp4"
    server.close()
    thread.join(10)
    assert not thread.is_alive()


@pytest.fixture
def visit(browser, url):
    with Visit(browser) as one:
        opened(one, url)
        yield one
        assert one.complaints == []


def opened(visit, url):
    visit.page.goto(url)
    visit.page.locator("#chart[data-ready='1']").wait_for()
    until(visit.page, "document.getElementById('frame').textContent")
    until(visit.page, "document.getElementById('video').readyState >= 2")


def said(out):
    """Return what is in the sidecar: label by label, in order."""
    return [one.label for one in labels_in(read_review(out / "sample.mp4") or {})]


def go_to_frame_with(page, faces):
    """Go frame by frame, from a second into the film, to one that shows so many faces."""
    for _ in range(400):
        page.keyboard.press("ArrowRight")
        until(page, "!document.getElementById('video').seeking")
        page.wait_for_timeout(30)
        if page.locator("#boxes").get_attribute("data-boxes") == str(faces):
            return
    raise AssertionError(f"no frame with {faces} faces")


def test_keys_label_replace_and_undo(visit, out):
    page = visit.page
    expect(page.locator("#label-tools")).to_be_hidden()
    page.keyboard.press("l")
    expect(page.locator("#label-mode")).to_have_attribute("aria-pressed", "true")
    go_to_frame_with(page, 1)
    page.keyboard.press("4")
    expect(page.locator("#label-status")).to_contain_text(": happy")
    expect(page.locator("#label-count")).to_have_text("1 labelled")
    assert said(out) == ["happy"]
    page.keyboard.press("8")
    expect(page.locator("#label-status")).to_contain_text(": unclear")
    page.keyboard.press("9")
    expect(page.locator("#label-status")).to_contain_text(": not a face")
    assert said(out) == ["noface"]
    page.keyboard.press("u")
    expect(page.locator("#label-status")).to_contain_text(": unclear")
    page.keyboard.press("u")
    page.keyboard.press("u")  # at once: changes wait for one another
    expect(page.locator("#label-count")).to_have_text("0 labelled")
    assert said(out) == []
    page.keyboard.press("u")
    page.keyboard.press("l")
    expect(page.locator("#label-tools")).to_be_hidden()
    page.keyboard.press("4")  # finds a moment again, and labels nothing
    expect(page.locator("#label-count")).to_have_text("0 labelled")


def test_a_click_selects_one_of_several_faces_and_does_not_play(visit, out):
    page = visit.page
    page.keyboard.press("l")
    go_to_frame_with(page, 2)
    expect(page.locator("#label-status")).to_have_text("click a face")
    page.keyboard.press("5")
    frame = int((page.locator("#frame").text_content() or "").removeprefix("frame "))
    chunk = page.evaluate(f"fetch('/api/frames/sample.mp4?frame={frame}').then(answer => answer.json())")
    facts = page.evaluate("fetch('/api/movie/sample.mp4').then(answer => answer.json())")
    track, x1, y1, x2, y2, *_ = chunk["faces"][frame - chunk["first"]][1]
    box = page.locator("#boxes").bounding_box()
    fit = min(box["width"] / facts["width"], box["height"] / facts["height"])
    left, top = (box["width"] - facts["width"] * fit) / 2, (box["height"] - facts["height"] * fit) / 2
    page.mouse.click(box["x"] + left + (x1 + x2) / 2 * fit, box["y"] + top + (y1 + y2) / 2 * fit)
    assert page.evaluate("document.getElementById('video').paused")
    expect(page.locator("#label-status")).to_have_text(f"face #{track}: press a key")
    page.get_by_role("button", name="7 neutral").click()
    expect(page.locator("#label-status")).to_have_text(f"face #{track}: neutral")
    (label,) = labels_in(read_review(out / "sample.mp4"))
    assert (label.frame, label.track, label.label, label.by, label.blind) == (frame, track, "neutral", "ann", True)
    assert label.box == pytest.approx((x1, y1, x2, y2), abs=0.1)


def test_labels_are_there_again_and_another_window_loses_nothing(browser, url, out):
    with Visit(browser) as one, Visit(browser) as two:
        for each in (one, two):
            opened(each, url)
            each.page.keyboard.press("l")
        go_to_frame_with(one.page, 1)
        one.page.keyboard.press("1")
        expect(one.page.locator("#label-count")).to_have_text("1 labelled")
        go_to_frame_with(two.page, 1)
        two.page.keyboard.press("ArrowRight")
        two.page.wait_for_timeout(100)
        two.page.keyboard.press("2")
        expect(two.page.locator("#label-count")).to_have_text("2 labelled")
        assert said(out) == ["angry", "disgust"]
        one.page.reload()
        expect(one.page.locator("#label-count")).to_have_text("2 labelled")


def test_a_random_face_can_be_labelled_at_once(visit, out):
    visit.page.keyboard.press("l")
    visit.page.keyboard.press("r")
    expect(visit.page.locator("#label-status")).to_contain_text("press a key")
    visit.page.keyboard.press("6")
    expect(visit.page.locator("#label-count")).to_have_text("1 labelled")
    assert said(out) == ["surprise"]


def test_a_sidecar_that_cannot_be_used_is_said(browser, url, out):
    (out / "sample.mp4" / "review.json").write_text(json.dumps({"format": 9}))
    with Visit(browser) as visit:
        opened(visit, url)
        expect(visit.page.locator("#label-status")).to_contain_text("newer moodreel")


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_no_barriers_no_overflow_and_help(browser, url, width, theme):
    with Visit(browser, width=width, theme=theme) as visit:
        opened(visit, url)
        visit.page.keyboard.press("l")
        assert visit.barriers() == []
        assert visit.overflow() <= 0
        visit.page.keyboard.press("l")
        visit.page.locator("#help-open").click()
        expect(visit.page.locator("#help")).to_contain_text("unclear, not a face")
        assert visit.complaints == []
