"""The checks that every request must pass, and the headers of every answer."""

import hmac
from typing import Final
from urllib.parse import urlencode, urlsplit

from flask import Flask, Response, redirect, request
from werkzeug.exceptions import Forbidden, Unauthorized
from werkzeug.wrappers import Response as AnyResponse

from jobs.web.address import Address

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
"""Content security policy: everything from our own files, nothing inline, nothing from elsewhere."""

WRITING: Final = "X-Moodreel"
"""Header that every request that changes something must have, with the value 1."""

_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})

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
    """Refuse requests under a foreign host name or without the token, and protect every answer."""

    @app.before_request
    def check() -> AnyResponse | None:
        if (address.is_loopback or address.forwarded) and not address.is_called(request.host):
            # Else a foreign page could point its own name to our address and read everything (DNS rebinding).
            ours = f", or {address.forwarded}" if address.forwarded else ""
            raise Forbidden(f"expected localhost or 127.0.0.1{ours} as the host, found {request.host}")
        if request.method not in _READING:
            _require_own_page()
        return _check_token(address) if address.token else None

    @app.after_request
    def protect(response: Response) -> Response:
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-cache")
        return response


def _require_own_page() -> None:
    """Refuse writing on behalf of other sites' pages (cross-site request forgery).

    A page of another site can make a browser send a form here, but not with this header: for that, the browser would
    first ask us, and we do not allow it.
    """
    origin = request.headers.get("Origin")
    if request.headers.get(WRITING) != "1" or (origin and urlsplit(origin).netloc != request.host):
        raise Forbidden(f"only our own pages may change anything: expected the header {WRITING} and their origin")


def _check_token(address: Address) -> AnyResponse | None:
    """Let visitors with the cookie in; set it for those with the token, and take that out of their URL."""
    assert address.token is not None
    # With the port in its name: browsers send a cookie to all ports of a host.
    cookie = f"moodreel-{request.server[1] if request.server else address.port}"
    if _same(request.cookies.get(cookie, ""), address.token):
        return None
    if not _same(request.args.get("token", ""), address.token):
        raise Unauthorized("open the address that moodreel printed at its start: it ends in ?token=...")
    rest = urlencode([(key, value) for key, value in request.args.items(multi=True) if key != "token"])
    path = f"{request.script_root}/{request.path.lstrip('/')}"  # two slashes would name another host
    answer = redirect(path + (f"?{rest}" if rest else ""))
    where = request.script_root or "/"  # other programs may share the host of a proxy
    answer.set_cookie(cookie, address.token, httponly=True, samesite="Lax", path=where, secure=request.is_secure)
    return answer


def _same(given: str, token: str) -> bool:
    return hmac.compare_digest(given.encode(), token.encode())
