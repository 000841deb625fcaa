"""Where a server listens, and what it asks of those who come."""

import ipaddress
import secrets
from dataclasses import dataclass
from typing import Final

from jobs.errors import UsageError

LOOPBACK: Final = "127.0.0.1"
_SHORTEST_TOKEN: Final = 8


@dataclass(frozen=True)
class Address:
    """Host and port (0: any that is free) to listen on, and the token to ask for; None asks for none."""

    host: str
    port: int
    token: str | None

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can come."""
        return is_loopback(self.host)

    def url(self, port: int | None = None) -> str:
        """Return what to type into a browser on this machine; ``port`` is the one that was found free."""
        host = LOOPBACK if self.host in ("0.0.0.0", "::") else self.host
        host = f"[{host}]" if ":" in host else host
        return f"http://{host}:{self.port if port is None else port}/" + (f"?token={self.token}" if self.token else "")


def choose_address(host: str, port: int, token: str | None) -> Address:
    """Return where to listen. Whoever can be reached from other machines asks for a token, made here if need be.

    Raises:
        UsageError: the token is too short to keep anybody out.
    """
    if token is not None and len(token) < _SHORTEST_TOKEN:
        raise UsageError(f"--token: expected at least {_SHORTEST_TOKEN} characters, found {len(token)}")
    if token is None and not is_loopback(host):
        token = secrets.token_urlsafe(16)
    return Address(host, port, token)


def is_loopback(host: str) -> bool:
    """Return whether ``host`` can be reached from this machine alone; of names, only ``localhost`` is trusted."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
