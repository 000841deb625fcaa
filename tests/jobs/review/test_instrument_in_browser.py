"""What makes the movie page an instrument: certainty seen, faces at the playhead, corrections, state in the URL."""

import re
import threading
from collections.abc import Iterator

import pytest
from browser import Visit, chromium, until
from made_up import make_up
from playwright.sync_api import Browser, Page, expect

from jobs.review.app import make_review
from jobs.web.address import Address
from jobs.web.server import Server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[tuple[str, object]]:
    """A folder of made-up films, one a test, served with --edit."""
    out = tmp_path_factory.mktemp("films")
    address = Address("127.0.0.1", 0, None)
    server = Server(make_review(out, address, "ann"), address)
    thread = threading.Thread(target=server.run)
    thread.start()
    yield server.url, out
    server.close()
    thread.join(10)


@pytest.fixture
def film(served, request) -> str:
    """The URL of a film of this test's own, of three shots with two faces each."""
    url, out = served
    name = f"{request.node.name.split('[')[0]}.mp4"
    make_up(out, frames=450, name=name)
    return f"{url}movie/{name}"


def opened(page: Page, address: str) -> None:
    page.goto(address)
    page.locator("#chart[data-ready='1']").wait_for()
    page.locator("#now li").first.wait_for()


def pixel(page: Page, x: float, y: float) -> list[int]:
    """Return the colour of the chart at a place in CSS pixels."""
    script = """([x, y]) => { const c = document.getElementById('canvas'), s = devicePixelRatio || 1;
        return [...c.getContext('2d').getImageData(Math.round(x * s), Math.round(y * s), 1, 1).data]; }"""
    return page.evaluate(script, [x, y])


def test_how_sure_it_is_is_seen(browser, film):
    with Visit(browser) as visit:
        page = visit.page
        opened(page, f"{film}?over=10&least=0")
        expect(page.locator("#now li")).to_have_count(2)
        face = page.evaluate(f"fetch('{film.replace('/movie/', '/api/frames/')}').then(a => a.json())")["faces"][0][0]
        mine = page.locator("#now li[data-track='0']")
        assert mine.locator(".value").all_text_contents() == [f"{share}%" for share in face[7]]
        widths = mine.locator("rect").evaluate_all("all => all.map(one => Number(one.getAttribute('width')))")
        assert widths == face[7]
        before = pixel(page, 100, 90)
        page.get_by_label("Min. confidence").fill("99")
        until(page, "document.getElementById('found').textContent.startsWith('0 ')")
        until(page, "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))")
        after = pixel(page, 100, 90)
        assert sum(after[:3]) > sum(before[:3])  # paler, on a light ground
        expect(page.locator("#now li.faint")).to_have_count(2)
        page.get_by_label("Min. confidence").fill("180")
        assert page.evaluate("document.getElementById('confidence').validationMessage") != ""
        page.locator("#chart").focus()
        with page.expect_response(lambda answer: "of=probabilities" in answer.url):
            page.keyboard.press("p")
        expect(page.locator("#view-probabilities")).to_have_attribute("aria-pressed", "true")
        expect(page.locator("#chart-note")).to_contain_text("mean probabilities")
        until(page, "location.search.includes('view=probabilities')")


def test_a_link_reopens_what_was_seen_and_back_and_forward_work(browser, film):
    with Visit(browser) as visit:
        page = visit.page
        opened(page, film)
        page.keyboard.press("ArrowDown")
        until(page, "location.search.includes('t=6.0')")
        page.locator("#emotion").select_option("sad")
        until(page, "location.search.includes('emotion=sad')")
        page.keyboard.press("+")
        until(page, "location.search.includes('from=')")
        link, span = page.url, page.locator("#span").text_content()
        page.go_back()
        expect(page.locator("#span")).to_have_text("0:00.0 - 0:18.0")
        page.go_back()
        expect(page.locator("#emotion")).to_have_value("")
        page.go_forward()
        expect(page.locator("#emotion")).to_have_value("sad")
        opened(page, link)
        expect(page.locator("#span")).to_have_text(span)
        expect(page.locator("#emotion")).to_have_value("sad")
        expect(page.locator("#timecode")).to_have_text("0:06.0")
        page.goto(f"{film}?t=nonsense&from=9&to=3&emotion=bored&over=x")
        page.locator("#chart[data-ready='1']").wait_for()
        expect(page.locator("#span")).to_have_text("0:00.0 - 0:18.0")


def test_the_csv_and_the_tooltip_follow_a_zoom_and_keys_that_find_nothing_say_so(browser, film):
    with Visit(browser) as visit:
        page = visit.page
        opened(page, film)
        expect(page.locator("#csv-holds")).to_contain_text("the whole movie")
        page.locator("#chart").scroll_into_view_if_needed()
        box = page.locator("#chart").bounding_box()
        page.mouse.move(box["x"] + box["width"] - 40, box["y"] + 60)
        expect(page.locator("#tip")).to_contain_text("0:17")
        page.keyboard.press("+")
        expect(page.locator("#tip")).to_contain_text("0:08")
        expect(page.locator("#csv-holds")).to_contain_text(re.compile(r"only 0:0\d\.\d to 0:\d\d\.\d"))
        page.get_by_label("Min. confidence").fill("100")
        until(page, "document.getElementById('found').textContent.startsWith('0 ')")
        page.get_by_role("button", name="next sad").click()
        expect(page.locator("#announcement")).to_be_visible()
        expect(page.locator("#announcement")).to_have_text("no sad moment of 100% or more for at least 0.5 s")


def test_reject_undo_and_another_label_for_the_whole_face(browser, film):
    with Visit(browser) as visit:
        page = visit.page
        opened(page, film)
        page.locator("#now li[data-track='0']").get_by_role("button", name="Not a face").click()
        expect(page.locator("#now li")).to_have_count(1)
        expect(page.locator("#faces-count")).to_have_text("5")
        expect(page.locator(".title > p")).to_contain_text("5 faces followed")
        expect(page.locator("#scenes li").first).to_contain_text("1 face")
        expect(page.locator("#corrections li")).to_have_text(re.compile("#0: not a face · ann"))
        page.locator("#correct-undo").click()
        expect(page.locator("#now li")).to_have_count(2)
        expect(page.locator("#corrections li")).to_have_count(0)
        mine = page.locator("#now li[data-track='0']")
        mine.get_by_label("Wrong label").select_option("0 disgust")
        expect(mine.locator("b")).to_have_text("P1 · disgust 100%")
        expect(page.locator("#faces [data-track='0']")).to_contain_text("disgust")
        assert visit.complaints == []


def test_persons_are_named_joined_and_list_their_moments(browser, film):
    with Visit(browser) as visit:
        page = visit.page
        opened(page, film)
        page.locator("#now li[data-track='0']").get_by_label("Person").select_option("name")
        page.locator("#ask-name").fill("Anna")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.locator("#now b").filter(has_text="Anna")).to_have_count(1)
        page.keyboard.press("ArrowDown")
        other = page.locator("#now li[data-track='3']")
        other.get_by_label("Person").select_option("Anna")
        expect(page.locator("#people li").first).to_contain_text("4 faces")
        page.locator("#people button").first.click()
        expect(page.locator("#intervals li").first).to_contain_text("Anna")
        expect(page.locator("#intervals li").filter(has_text="P2")).to_have_count(0)
        assert visit.barriers() == []
        assert visit.complaints == []


def test_scenes_are_named_split_and_merged(browser, film):
    with Visit(browser) as visit:
        page = visit.page
        opened(page, film)
        page.locator("#scenes li").first.get_by_role("button", name="Name").click()
        page.locator("#ask-name").fill("The talk")
        page.locator("#ask-name").press("Enter")
        expect(page.locator("#scenes li").first).to_contain_text("Scene 1 The talk")
        page.locator("#scenes li").nth(1).get_by_role("button", name="Merge").click()
        expect(page.locator("#scenes li")).to_have_count(2)
        expect(page.locator("#corrections-count")).to_have_text("2")
        page.locator("#scenes li").nth(1).get_by_role("button", name="Split here").click()
        expect(page.locator("#announcement")).to_contain_text("First go to the frame where")
        assert visit.complaints == []


def test_two_windows_hear_of_each_other(browser, film):
    with Visit(browser) as one, Visit(browser) as two:
        opened(one.page, film)
        opened(two.page, film)
        for visit, label in ((one, "sad"), (two, "angry")):
            mine = visit.page.locator("#now li[data-track='0']")
            mine.get_by_label("Wrong label").select_option(f"0 {label}")
            expect(mine.locator("b")).to_have_text("P1 · sad 100%")
        expect(two.page.locator("#corrections-note")).to_contain_text("Changed in the meantime")
        expect(two.page.locator("#corrections li")).to_have_count(1)


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_no_barriers_while_correcting(browser, served, width, theme):
    url, out = served
    name = f"barriers-{width}-{theme}.mp4"
    make_up(out, frames=300, name=name)
    with Visit(browser, width, 844, theme) as visit:
        opened(visit.page, f"{url}movie/{name}")
        assert visit.barriers() == []
        assert visit.overflow() == 0


def test_find_in_all_films(browser, film):
    with Visit(browser, 390, 844) as visit:
        page = visit.page
        page.goto(f"{film.split('/movie/')[0]}/find?film=find_in_all&sure=0&least=0")
        expect(page.locator("#totals")).to_contain_text("in 1 film")
        whole = page.locator("#totals").text_content()
        page.get_by_label("Emotion").select_option("sad")
        until(page, "location.search.includes('emotion=sad')")
        expect(page.locator("#hits li").first).to_contain_text("sad")
        assert "emotion=sad" in (page.locator("#csv").get_attribute("href") or "")
        page.go_back()
        expect(page.locator("#totals")).to_have_text(whole)
        assert visit.barriers() == []
        assert visit.overflow() == 0
        page.locator("#hits button").first.click()
        expect(page.locator("#play-title")).to_contain_text("test_find_in_all_films.mp4")
        page.get_by_role("link", name="Open the film here").click()
        expect(page.locator("h1")).to_have_text("test_find_in_all_films.mp4")


def test_one_cursor_over_compared_films(browser, film, served):
    make_up(served[1], frames=150, name="other.mp4")
    url, name = film.split("/movie/")
    with Visit(browser) as visit:
        page = visit.page
        page.goto(f"{url}/compare?a={name}&b=other.mp4")
        page.locator("#figure[data-ready='1']").wait_for()
        assert page.locator("#figure img").evaluate("i => i.decode().then(() => i.naturalWidth)") > 0
        page.locator("#figure").focus()
        for _ in range(50):
            page.keyboard.press("ArrowRight")
        assert [text.split()[0] for text in page.locator("#films .at").all_text_contents()] == ["0:09.0", "0:03.0"]
        assert visit.barriers() == []
        page.locator("select[name=time]").select_option("true")
        page.wait_for_url("**time=true**")
        page.locator("#figure[data-ready='1']").wait_for()
        page.locator("#figure").focus()
        for _ in range(50):
            page.keyboard.press("ArrowRight")
        assert [text.split()[0] for text in page.locator("#films .at").all_text_contents()] == ["0:09.0", "over"]
        assert visit.complaints == []
