"""Errors of results as HTTP statuses."""

import pytest

from jobs.results.errors import NotFoundError, NotReadyError, ResultError, UnreadableError
from jobs.web.address import Address
from jobs.web.app import STATUSES, make_app


class OtherError(ResultError):
    """A kind that the web knows nothing of."""


class NewerError(UnreadableError):
    """A special case of a kind that it knows."""


@pytest.mark.parametrize(
    ("kind", "status", "title"),
    [
        (NotFoundError, 404, "Not found"),
        (NotReadyError, 409, "Not ready yet"),
        (UnreadableError, 422, "Cannot be read"),
        (NewerError, 422, "Cannot be read"),
        (OtherError, 500, "This page cannot be shown"),
    ],
)
def test_each_error_has_its_status_on_pages_and_as_json(kind, status, title):
    app = make_app("jobs.web", Address("localhost", 80, None))

    @app.get("/page")
    @app.get("/api/data")
    def fail() -> str:
        raise kind("scenes.parquet: expected <b>this</b>, found that")

    client = app.test_client()
    page, data = (client.get(path, headers={"Host": "localhost"}) for path in ("/page", "/api/data"))
    assert (page.status_code, data.status_code) == (status, status)
    assert title in page.text
    assert "scenes.parquet: expected &lt;b&gt;this&lt;/b&gt;, found that" in page.text
    assert data.json == {"title": title, "message": "scenes.parquet: expected <b>this</b>, found that"}


def test_no_error_of_results_lacks_a_status():
    ours = [kind for kind in ResultError.__subclasses__() if kind.__module__ == "jobs.results.errors"]
    assert set(STATUSES) == {ResultError, *ours}
