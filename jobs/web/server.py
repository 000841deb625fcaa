"""Serves an application with waitress until the user stops it."""

import signal
import socket
import sys
import threading
import webbrowser
from contextlib import suppress
from types import FrameType
from typing import Any

from flask import Flask
from waitress import wasyncore
from waitress.server import create_server

from jobs.errors import UsageError
from jobs.web.address import Address


class Server:
    """A server that holds its port; :meth:`run` answers until :meth:`close` or Ctrl-C."""

    def __init__(self, app: Flask, address: Address, threads: int = 8, **options: Any) -> None:
        """Open the port.

        Args:
            app: the application to serve.
            address: where to listen.
            threads: how many requests are answered at a time.
            options: further ones of waitress.

        Raises:
            UsageError: the address is not available.
        """
        listener = _listen(address)
        self.url = address.url(listener.getsockname()[1])
        self._closing = threading.Event()
        self._map: dict[int, Any] = {}
        self._server = create_server(
            app,
            sockets=[listener],
            threads=threads,
            ident="moodreel",
            map=self._map,
            **address.proxy_options(),
            **options,
        )

    def run(self) -> None:
        """Answer requests."""
        try:
            while not self._closing.is_set():
                wasyncore.loop(timeout=1, map=self._map, count=1)
        except (KeyboardInterrupt, SystemExit):
            pass
        finally:
            # Drop the answers that are still being sent, perhaps without end: no thread may wait for a slow reader.
            for channel in list(self._server.active_channels.values()):
                channel.handle_close()
            self._server.task_dispatcher.shutdown()
            self._server.close()
            wasyncore.close_all(self._map, ignore_all=True)

    def close(self) -> None:
        """Make :meth:`run` return; may be called from another thread."""
        self._closing.set()
        with suppress(OSError):  # it has already ended
            self._server.pull_trigger()


def _listen(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        return socket.create_server((address.host, address.port), family=family, backlog=128)
    except OSError as error:
        raise UsageError(
            f"cannot listen on {address.host}:{address.port}: {error.strerror}; choose another --port or --host"
        ) from error


def serve(app: Flask, address: Address, what: str, browser: bool = False, **options: Any) -> None:
    """Serve until Ctrl-C or SIGTERM.

    Args:
        app: the application to serve.
        address: where to listen.
        what: what is served, for the line that says where.
        browser: whether to open one at the address.
        options: of :class:`Server`.

    Raises:
        UsageError: the address is not available.
    """
    server = Server(app, address, **options)
    announce(server, address, what)
    if browser:
        threading.Timer(0.2, webbrowser.open, [server.url]).start()
    signal.signal(signal.SIGTERM, _stop)
    server.run()


def announce(server: Server, address: Address, what: str) -> None:
    """Print where the server is, and a warning if other machines can reach it.

    Args:
        server: the server.
        address: where it listens.
        what: what it serves.
    """
    if not address.is_loopback:
        print(
            f"moodreel: {address.host} can be reached from other machines: whoever has this address with its token "
            "sees these pages, and the connection is not encrypted",
            file=sys.stderr,
        )
    if address.root_path or address.forwarded:
        place = f"{address.forwarded or 'its host'}{address.root_path}/?token={address.token}"
        print(f"moodreel: behind a proxy: {place}", file=sys.stderr)
    print(f"{what}: {server.url}   (Ctrl-C to stop)", flush=True)


def _stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  # as signal handlers are called
    raise SystemExit
