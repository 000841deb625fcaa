"""Where a server listens, and the token that its visitors need."""

import ipaddress
import secrets
from dataclasses import dataclass
from typing import Final

from jobs.errors import UsageError

LOOPBACK: Final = "127.0.0.1"
_SHORTEST_TOKEN: Final = 8


@dataclass(frozen=True)
class Address:
    """Host and port (0: any that is free) to listen on, and the token that visitors need; None for no token."""

    host: str
    port: int
    token: str | None

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can connect."""
        return is_loopback(self.host)

    def url(self, port: int | None = None) -> str:
        """Return the URL for a browser on this machine; ``port`` is the one that turned out to be free."""
        host = LOOPBACK if self.host in ("0.0.0.0", "::") else self.host
        host = f"[{host}]" if ":" in host else host
        return f"http://{host}:{self.port if port is None else port}/" + (f"?token={self.token}" if self.token else "")


def choose_address(host: str, port: int, token: str | None) -> Address:
    """Choose where to listen. A server that other machines can reach always has a token.

    Args:
        host: name or address to listen on.
        port: 0 for any that is free.
        token: that visitors need; None makes one if other machines can connect.

    Raises:
        UsageError: the token is so short that it can be guessed.
    """
    if token is not None and len(token) < _SHORTEST_TOKEN:
        raise UsageError(f"--token: expected at least {_SHORTEST_TOKEN} characters, found {len(token)}")
    if token is None and not is_loopback(host):
        token = secrets.token_urlsafe(16)
    return Address(host, port, token)


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach ``host``; of names, only ``localhost`` is trusted."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
