"""Asks the pages of a folder with results, through Flask alone."""

from pathlib import Path

from flask.testing import FlaskClient

from jobs.review.app import make_review
from jobs.web.address import Address


def review_client(out: Path, editor: str | None = None) -> FlaskClient:
    """Return a client of the review of ``out``; without an ``editor``, nothing can be changed."""
    made = make_review(out, Address("localhost", 80, None), editor).test_client()
    made.environ_base["HTTP_HOST"] = "localhost"
    return made
