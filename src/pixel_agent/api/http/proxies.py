"""Clients behind proxies: `X-Forwarded-For` is believed only if a proxy that the operator trusts sent it."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import TypeAlias

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from pixel_agent.core.errors import ConfigurationError

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


def networks(setting: str) -> Sequence[Network]:
    """Parse the networks in the setting `server.trusted_proxies`. Raises ConfigurationError."""
    try:
        return [ipaddress.ip_network(part.strip()) for part in setting.split(",") if part.strip()]
    except ValueError as error:
        raise ConfigurationError(
            f"server.trusted_proxies: {error}.", "Give addresses or networks like 10.0.0.5, 10.1.0.0/16."
        ) from None


def within(address: str, trusted: Sequence[Network]) -> bool:
    """Whether an address lies in one of these networks; False for a text that is not an IP address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in trusted)


class ProxyHeaders:
    """ASGI middleware: replaces the client's address by the one that trusted proxies report."""

    def __init__(self, app: ASGIApp, trusted: Sequence[Network]) -> None:
        self._app = app
        self._trusted = trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with the client's real address in the scope."""
        peer = scope.get("client") if scope["type"] == "http" else None
        if peer is not None and within(peer[0], self._trusted):
            named = Headers(scope=scope).getlist("x-forwarded-for")
            address = self._nearest(",".join(named).split(","))
            if address is not None:
                scope = {**scope, "client": (address, 0)}
        await self._app(scope, receive, send)

    def _nearest(self, named: Sequence[str]) -> str | None:
        """The last address that is not a trusted proxy; those before it can be forged. None if it is malformed."""
        for one in reversed(named):
            try:
                address = str(ipaddress.ip_address(one.strip()))
            except ValueError:
                return None
            if not within(address, self._trusted):
                return address
        return None
