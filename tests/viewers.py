"""Viewers without a browser: they read the multipart stream from a socket and count its pictures."""

import math
import socket
import threading
import time
from urllib.parse import urlsplit


class Viewer(threading.Thread):
    """Watches until it is told to leave, or for some seconds. A slow viewer rests for ``rest`` seconds after each read.

    Attributes:
        arrivals: time.monotonic() of each picture's end, as it was read.
        pictures: their bytes.
        failure: what went wrong.
    """

    def __init__(self, url: str, seconds: float = math.inf, rest: float = 0.0, keep: bool = False) -> None:
        super().__init__(daemon=True)
        self.arrivals: list[float] = []
        self.pictures: list[bytes] = []
        self.failure: Exception | None = None
        self._where = urlsplit(url)
        self._seconds = seconds
        self._rest = rest
        self._keep = keep
        self._leaving = threading.Event()

    def leave(self) -> None:
        """Stop watching, with the next picture."""
        self._leaving.set()

    def run(self) -> None:
        try:
            self._watch()
        except Exception as error:
            self.failure = error

    def _watch(self) -> None:
        end = time.monotonic() + self._seconds
        with socket.create_connection((self._where.hostname, self._where.port or 80), timeout=10) as connection:
            connection.sendall(f"GET /video_feed HTTP/1.0\r\nHost: {self._where.netloc}\r\n\r\n".encode())
            data = b""
            while time.monotonic() < end and not self._leaving.is_set():
                read = connection.recv(1 << 12 if self._rest else 1 << 16)
                if not read:
                    return
                data += read
                *whole, data = data.split(b"\r\n--frame\r\n")
                now = time.monotonic()
                for part in whole:
                    _, _, picture = part.partition(b"\r\n\r\n")
                    self.arrivals.append(now)
                    if self._keep:
                        self.pictures.append(picture)
                if self._rest:
                    time.sleep(self._rest)

    def rate(self, span: tuple[float, float]) -> float:
        """Return pictures per second between two times."""
        begin, end = span
        return sum(begin <= arrival < end for arrival in self.arrivals) / (end - begin)
