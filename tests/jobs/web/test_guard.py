"""Who is let in, and the headers of every answer."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from jobs.errors import UsageError
from jobs.results.errors import NotReadyError
from jobs.web.address import Address, choose_address
from jobs.web.app import make_app

HERE = Address("127.0.0.1", 8765, None)
ELSEWHERE = Address("0.0.0.0", 8765, "correct horse")


def make(address: Address) -> Flask:
    app = make_app("jobs.web", address)

    @app.get("/")
    def home() -> str:
        return "home"

    @app.get("/broken")
    @app.get("/api/broken")
    def broken() -> str:
        raise RuntimeError("secret detail")

    @app.get("/early")
    @app.get("/api/early")
    def early() -> str:
        raise NotReadyError("<b>film.mp4</b> is still being analysed")

    return app


@pytest.fixture
def here() -> FlaskClient:
    return make(HERE).test_client()


@pytest.fixture
def elsewhere() -> FlaskClient:
    return make(ELSEWHERE).test_client()


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost:8765", "localhost", "[::1]:8765", "127.0.0.1:9"])
def test_this_machine_is_called_by_its_own_names(here, host):
    assert here.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8765", "127.0.0.1.evil.example", "10.0.0.1:8765", ""])
def test_any_other_name_is_refused(here, host):
    assert here.get("/", headers={"Host": host}).status_code == 403


@pytest.mark.parametrize("path", ["/", "/broken", "/nowhere", "/web/base.css", "/web/colours.css"])
def test_every_answer_is_protected(here, path):
    with here.get(path, headers={"Host": "localhost"}) as answer:
        headers = answer.headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "*" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("path", ["/", "/web/base.css", "/nowhere"])
@pytest.mark.parametrize("query", ["", "?token=", "?token=wrong"])
def test_without_the_token_nothing_is_shown(elsewhere, path, query):
    answer = elsewhere.get(path + query)
    assert answer.status_code == 401
    assert b"home" not in answer.data
    assert "Set-Cookie" not in answer.headers


def test_a_wrong_cookie_is_no_token(elsewhere):
    elsewhere.set_cookie("moodreel-80", "wrong horse")
    assert elsewhere.get("/").status_code == 401


def test_the_token_becomes_a_cookie_and_leaves_the_address(elsewhere):
    first = elsewhere.get("/?token=correct+horse&sort=name")
    assert first.status_code == 302
    assert first.headers["Location"] == "/?sort=name"
    assert "HttpOnly" in first.headers["Set-Cookie"]
    assert elsewhere.get("/").data == b"home"


def test_no_page_is_written_to(here):
    assert here.post("/", headers={"Host": "localhost", "X-Moodreel": "1"}).status_code == 405


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_only_our_own_pages_may_write(here, method):
    assert here.open("/", method=method, headers={"Host": "localhost"}).status_code == 403
    foreign = {"Host": "localhost", "X-Moodreel": "1", "Origin": "http://evil.example"}
    assert here.open("/", method=method, headers=foreign).status_code == 403


def test_an_error_shows_no_trace(here):
    for path in ("/broken", "/api/broken"):
        answer = here.get(path, headers={"Host": "localhost"})
        assert answer.status_code == 500
        for word in (b"secret", b"Traceback", b"RuntimeError", b".py"):
            assert word not in answer.data


def test_a_page_that_cannot_be_shown_says_why(here):
    page = here.get("/early", headers={"Host": "localhost"})
    assert page.status_code == 409
    assert b"&lt;b&gt;film.mp4&lt;/b&gt; is still being analysed" in page.data
    data = here.get("/api/early", headers={"Host": "localhost"})
    assert data.json == {"title": "Not ready yet", "message": "<b>film.mp4</b> is still being analysed"}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.1.2.3"])
def test_loopback_asks_for_no_token(host):
    assert choose_address(host, 1, None).token is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "my-machine"])
def test_any_other_host_asks_for_one(host):
    one, other = choose_address(host, 1, None), choose_address(host, 1, None)
    assert one.token
    assert other.token
    assert one.token != other.token
    assert choose_address(host, 1, "my own token").token == "my own token"


def test_a_short_token_is_refused():
    with pytest.raises(UsageError, match="expected at least 8 characters, found 3"):
        choose_address("0.0.0.0", 1, "abc")


def test_the_printed_url_can_be_opened():
    assert Address("0.0.0.0", 0, "abcdefgh").url(99) == "http://127.0.0.1:99/?token=abcdefgh"
    assert Address("::1", 7, None).url() == "http://[::1]:7/"
