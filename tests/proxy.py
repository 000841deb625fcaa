"""A reverse proxy as small as one can be: another program's page at the root of its host, one of ours below a path."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_HOP = {"connection", "keep-alive", "transfer-encoding", "host"}


@contextmanager
def proxy(backend: str, prefix: str, strips: bool = False, forwards: bool = False) -> Iterator[str]:
    """Show the server at the URL ``backend`` below ``prefix``; yields the proxy's URL with it.

    Args:
        backend: URL.
        prefix: as ``/films``.
        strips: pass paths on without the prefix, as ``proxy_pass`` with a slash at its end does.
        forwards: say who asked for what, in X-Forwarded headers, as a TLS proxy does: of https.
    """
    there = urlsplit(backend)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            if not self.path.startswith((f"{prefix}/", f"{prefix}?")):
                self.send_error(404, "another program's")
                return
            path = self.path[len(prefix) :] if strips else self.path
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
            headers["Host"] = there.netloc
            if forwards:
                headers |= {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "http"}
                headers["X-Forwarded-Host"] = self.headers["Host"]
            connection = http.client.HTTPConnection(there.hostname or "", there.port, timeout=30)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                connection.request(self.command, path, body or None, headers)
                reply = connection.getresponse()
                self.send_response(reply.status)
                for name, value in reply.getheaders():
                    if name.lower() not in _HOP | {"server", "date"}:
                        self.send_header(name, value)
                self.send_header("Connection", "close")
                self.end_headers()
                while chunk := reply.read1(65_536):
                    self.wfile.write(chunk)
            except OSError:  # one of both has left
                pass
            finally:
                connection.close()
            self.close_connection = True

        do_GET = do_POST = do_HEAD = answer  # noqa: N815

        def log_message(self, *_: object) -> None: ...

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

    with Quiet(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}{prefix}"
        server.shutdown()
        thread.join()
