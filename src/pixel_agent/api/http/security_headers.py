"""Security headers for browsers, added in one pass over the headers of an answer: about a microsecond a request."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

Headers = Sequence[tuple[bytes, bytes]]

TERMINAL_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "font-src 'self'; media-src 'self' blob:; worker-src 'self'; manifest-src 'self'; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
DOCS_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""For the API documentation: its page starts with an inline script, and shows no content from outside."""
DATA_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
"""For JSON answers and photos, in case they are opened as a page."""

_ALWAYS: Headers = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_PAGE: Headers = (
    *_ALWAYS,
    (b"cross-origin-opener-policy", b"same-origin"),
    (
        b"permissions-policy",
        b"camera=(self), microphone=(), geolocation=(), payment=(), usb=(), serial=(), "
        b"display-capture=(), browsing-topics=()",
    ),
)
TERMINAL: Headers = (*_PAGE, (b"content-security-policy", TERMINAL_POLICY.encode()))
DOCS: Headers = (*_PAGE, (b"content-security-policy", DOCS_POLICY.encode()))
DATA: Headers = (*_ALWAYS, (b"content-security-policy", DATA_POLICY.encode()))
_ROOT = frozenset({"/", "/index.html", "/sw.js", "/manifest.webmanifest"})


def headers_for(path: str) -> Headers:
    """The security headers for a path."""
    if path.startswith(("/v1/", "/scan")):
        return DATA
    if path in _ROOT or path.startswith("/app/"):
        return TERMINAL
    return DOCS if path.startswith(("/docs", "/static-offline-docs")) else DATA


class SecurityHeaders:
    """ASGI middleware that adds security headers; a header that a handler has set is not replaced."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and add the headers to the answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        extra = headers_for(scope["path"])

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message.setdefault("headers", [])
                present = {name for name, _ in headers}
                message["headers"] = [*headers, *(pair for pair in extra if pair[0] not in present)]
            await send(message)

        await self._app(scope, receive, send_with_headers)
