"""Protection against hostile web pages: middleware that checks `Host` and `Origin` before any route runs."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from pixel_agent.api.http.problems import error_response
from pixel_agent.core.errors import ForeignPage, HostNotAllowed, InvalidRequest, PixelAgentError
from pixel_agent.core.settings import ServerSettings

READS = frozenset({"GET", "HEAD", "OPTIONS"})
COSTLY = ("/v1/exports",)
"""Read-only paths that cost so much that a page of another origin must not even navigate to them."""


class BrowserGuard:
    """ASGI middleware that stops DNS rebinding and cross-site requests.

    `Host` must be a name of this server, which stops DNS rebinding. A request that changes or costs something must not
    come from a page of another origin, which stops cross-site request forgery. Clients other than browsers send no
    `Origin`.
    """

    def __init__(self, app: ASGIApp, settings: ServerSettings) -> None:
        self._app = app
        self._wide = not is_loopback(settings.host)
        self._others = names(settings.allowed_hosts)
        self._own = {"localhost", settings.host.lower()}
        if self._wide:
            self._own |= {socket.gethostname().lower(), f"{socket.gethostname().lower()}.local"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer with the error of `_check`."""
        if scope["type"] == "http":
            try:
                self._check(scope["method"], scope["path"], Headers(scope=scope))
            except PixelAgentError as error:
                await error_response(scope["path"], error)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _check(self, method: str, path: str, headers: Headers) -> None:
        """Raise InvalidRequest, HostNotAllowed or ForeignPage if the request must be rejected."""
        hosts = headers.getlist("host")
        if len(hosts) != 1:
            raise InvalidRequest(f"The request has {len(hosts)} Host headers.", "Send exactly one.")
        host = host_of(f"//{hosts[0]}")
        if not (self._is_here(host) or matches(host, self._others)):
            raise HostNotAllowed(
                f"This server is not known as {host[:100]!r}.", "Add the name to the setting server.allowed_hosts."
            )
        site = headers.get("sec-fetch-site", "")
        leads_here = method in READS and headers.get("sec-fetch-mode") == "navigate" and not path.startswith(COSTLY)
        if site == "cross-site" and not leads_here:
            raise _foreign("another site")
        origin = headers.get("origin")
        if origin is not None and method not in READS and not self._is_ours(origin, hosts[0]):
            raise _foreign(repr(origin[:100]))

    def _is_here(self, host: str) -> bool:
        """Whether a host is this server. IP addresses need no entry in the list: DNS rebinding needs a name."""
        address = address_of(host)
        if address is None:
            return host in self._own or host.endswith(".localhost")
        return self._wide or address.is_loopback or host in self._own

    def _is_ours(self, origin: str, host: str) -> bool:
        if "*" not in self._others and matches(host_of(origin), self._others):
            return True
        scheme, _, place = origin.partition("://")
        default = {"http": ":80", "https": ":443"}.get(scheme)
        return default is not None and place.lower().removesuffix(default) == host.lower().removesuffix(default)


def names(setting: str) -> Sequence[str]:
    """The names in a comma-separated setting."""
    return [name.strip().lower() for name in setting.split(",") if name.strip()]


def matches(host: str, allowed: Sequence[str]) -> bool:
    """Whether a host is in the list; `*.example.com` matches every name below it, `*` matches all."""
    return any(
        name in ("*", host) or (name.startswith("*.") and host.endswith(name[1:]) and host != name[1:])
        for name in allowed
    )


def host_of(url: str) -> str:
    """The host of a URL: lower case, without brackets and port; empty if the URL has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def address_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The host as an IP address; None if it is a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def is_loopback(host: str) -> bool:
    """Whether a host is `localhost` or a loopback address, which only this machine can reach."""
    address = address_of(host)
    return host == "localhost" if address is None else address.is_loopback


def _foreign(whose: str) -> ForeignPage:
    return ForeignPage(
        f"The request comes from a page of {whose}.", "Open the page from this server, or allow its host."
    )
