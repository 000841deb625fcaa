"""A real server on a real port."""

import threading
import urllib.request

import pytest

from jobs.errors import UsageError
from jobs.web.address import Address
from jobs.web.app import make_app
from jobs.web.server import Server

ANY_PORT = Address("127.0.0.1", 0, None)


def test_it_answers_until_it_is_closed():
    server = Server(make_app("jobs.web", ANY_PORT), ANY_PORT)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        with urllib.request.urlopen(server.url + "web/base.css", timeout=10) as answer:
            assert answer.headers["Content-Type"].startswith("text/css")
            assert b"prefers-reduced-motion" in answer.read()
    finally:
        server.close()
        thread.join(10)
    assert not thread.is_alive()


def test_a_port_that_is_taken_is_said():
    first = Server(make_app("jobs.web", ANY_PORT), ANY_PORT)
    port = int(first.url.split(":")[2].strip("/"))
    taken = Address("127.0.0.1", port, None)
    try:
        with pytest.raises(UsageError, match=rf"cannot listen on 127\.0\.0\.1:{port}: .*another --port"):
            Server(make_app("jobs.web", taken), taken)
    finally:
        first.close()
        first.run()  # frees the port
