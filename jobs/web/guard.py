"""What every request must pass and every answer carries."""

import hmac
from typing import Final
from urllib.parse import urlencode

from flask import Flask, Response, redirect, request
from werkzeug.exceptions import Forbidden, Unauthorized
from werkzeug.wrappers import Response as AnyResponse

from jobs.web.address import Address, is_loopback

POLICY: Final = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)
"""Content security policy: everything from files of ours, nothing inline, nothing from elsewhere."""

_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


def guard(app: Flask, address: Address) -> None:
    """Let only those in who come to this machine by its own name, or with the token; protect what goes out."""

    @app.before_request
    def look_at_request() -> AnyResponse | None:
        if address.is_loopback and not _names_this_machine(request.host):
            # Else a foreign page could give its own name our address and read everything (DNS rebinding).
            raise Forbidden(f"expected to be called localhost or 127.0.0.1, found {request.host}")
        return _ask_for_token(address) if address.token else None

    @app.after_request
    def protect(response: Response) -> Response:
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-cache")
        return response


def _names_this_machine(host: str) -> bool:
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    return is_loopback(name)


def _ask_for_token(address: Address) -> AnyResponse | None:
    """Let those pass who have the cookie; give it to those who bring the token, and take that out of the URL."""
    assert address.token is not None
    cookie = f"moodreel-{request.server[1] if request.server else address.port}"  # browsers mix up the ports of a host
    if _same(request.cookies.get(cookie, ""), address.token):
        return None
    if not _same(request.args.get("token", ""), address.token):
        raise Unauthorized("open the address that moodreel printed when it started: it ends in ?token=...")
    rest = urlencode([(key, value) for key, value in request.args.items(multi=True) if key != "token"])
    answer = redirect(request.path + (f"?{rest}" if rest else ""))
    answer.set_cookie(cookie, address.token, httponly=True, samesite="Lax")
    return answer


def _same(given: str, token: str) -> bool:
    return hmac.compare_digest(given.encode(), token.encode())
