"""Results to look at, and ways to look at them: through Flask alone, or through a server on a port."""

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from review_client import review_client

from jobs.review.app import make_review
from jobs.web.address import Address
from jobs.web.server import Server

ClientOf = Callable[..., FlaskClient]


@pytest.fixture(scope="session")
def client_of() -> ClientOf:
    """Return :func:`review_client`."""
    return review_client


@pytest.fixture
def own_demo(demo: Path, tmp_path: Path) -> Path:
    """A copy of the sample's results, to spoil."""
    return Path(shutil.copytree(demo / "outputs", tmp_path / "outputs"))


@pytest.fixture(scope="module")
def serve() -> Iterator[Callable[[Path], str]]:
    """Serve the review of a folder on a port; returns its URL."""
    running = []

    def start(out: Path) -> str:
        address = Address("127.0.0.1", 0, None)
        server = Server(make_review(out, address), address)
        thread = threading.Thread(target=server.run)
        thread.start()
        running.append((server, thread))
        return server.url

    yield start
    for server, thread in running:
        server.close()
        thread.join(10)
        assert not thread.is_alive()
