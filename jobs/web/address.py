"""Where a server listens, the token that its visitors need, and the reverse proxy that it may stand behind."""

import ipaddress
import re
import secrets
from dataclasses import dataclass
from typing import Any, Final

from jobs.errors import UsageError

LOOPBACK: Final = "127.0.0.1"
_SHORTEST_TOKEN: Final = 8
_ROOT_PATH: Final = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+/?|/")
_HOST: Final = re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?")


@dataclass(frozen=True)
class Address:
    """Where a server listens and what its visitors need.

    Attributes:
        host, port: to listen on; port 0 is any that is free.
        token: that visitors need; None for none.
        root_path: under which a reverse proxy shows it, as ``/films``; "" for the root of a host.
        forwarded: public name of the host of a reverse proxy whose X-Forwarded headers are believed; "" for none.
    """

    host: str
    port: int
    token: str | None
    root_path: str = ""
    forwarded: str = ""

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can connect."""
        return is_loopback(self.host)

    def url(self, port: int | None = None) -> str:
        """Return the URL for a browser on this machine; ``port`` is the one that turned out to be free."""
        host = LOOPBACK if self.host in ("0.0.0.0", "::") else self.host
        host = f"[{host}]" if ":" in host else host
        place = f"http://{host}:{self.port if port is None else port}{self.root_path}/"
        return place + (f"?token={self.token}" if self.token else "")

    def is_called(self, host: str) -> bool:
        """Return whether ``host``, as a browser names it, is one of ours: this machine's own, or the proxy's."""
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
        public = self.forwarded.lower()
        return is_loopback(name) or (bool(public) and public in (host.lower(), name.lower()))

    def proxy_options(self) -> dict[str, Any]:
        """Return waitress's options for the proxy; without ``forwarded`` it drops the X-Forwarded headers."""
        options: dict[str, Any] = {"url_prefix": self.root_path}
        if self.forwarded:
            options["trusted_proxy"] = self.host if _is_ip(self.host) and self.is_loopback else "*"
            options["trusted_proxy_headers"] = {f"x-forwarded-{name}" for name in ("for", "host", "proto", "port")}
        return options


def choose_address(host: str, port: int, token: str | None, root_path: str = "", forwarded: str = "") -> Address:
    """Choose where to listen. A server that other machines can reach always has a token.

    Args:
        host: name or address to listen on.
        port: 0 for any that is free.
        token: that visitors need; None makes one if other machines can connect, be it through a proxy.
        root_path: under which a reverse proxy shows the server; "" for none.
        forwarded: public name of that proxy's host, to believe its X-Forwarded headers; "" for none.

    Raises:
        UsageError: the token is so short that it can be guessed, or the path or the name is none.
    """
    if root_path and not _ROOT_PATH.fullmatch(root_path):
        raise UsageError(f"--root-path: expected a path as /films, found {root_path!r}")
    if forwarded and not _HOST.fullmatch(forwarded):
        raise UsageError(f"--forwarded: expected the name of a host as films.example, found {forwarded!r}")
    root_path = root_path.rstrip("/")
    if token is not None and len(token) < _SHORTEST_TOKEN:
        raise UsageError(f"--token: expected at least {_SHORTEST_TOKEN} characters, found {len(token)}")
    if token is None and (root_path or forwarded or not is_loopback(host)):
        token = secrets.token_urlsafe(16)
    return Address(host, port, token, root_path, forwarded)


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach ``host``; of names, only ``localhost`` is trusted."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
