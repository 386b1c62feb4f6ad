"""Which addresses of other servers we connect to, for URLs that somebody else chose.

Whoever may name a URL must not reach through us what they cannot reach themselves. So every address that a name resolves to
is checked, and the connection goes to a checked address and not to the name, which could resolve to another one by then.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import httpx

NAT64 = IPv6Network("64:ff9b::/96")
"""IPv4 addresses behind a translator (RFC 6052): the last 32 bits."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL, and the addresses that its host has just now."""

    url: httpx.URL
    addresses: tuple[str, ...]

    @property
    def public(self) -> bool:
        """Whether every address is one of the open internet."""
        return all(is_public(address) for address in self.addresses)

    @property
    def private(self) -> bool:
        """Whether every address is none of the open internet."""
        return not any(is_public(address) for address in self.addresses)

    def request(
        self,
        client: httpx.AsyncClient,
        method: str,
        address: str,
        headers: dict[str, str],
        content: bytes | None = None,
    ) -> httpx.Request:
        """A request to this address under the name of the URL: in the Host header, and for the certificate."""
        pinned = self.url.copy_with(host=address)
        named = {**headers, "Host": self.url.netloc.decode("ascii")}
        return client.build_request(
            method, pinned, headers=named, content=content, extensions={"sni_hostname": self.url.host}
        )


async def resolve(url: httpx.URL) -> Target:
    """Look the host up. Raises OSError if it has no address, UnicodeError if it cannot be a name."""
    port = url.port or (443 if url.scheme == "https" else 80)
    found = await asyncio.get_running_loop().getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
    return Target(url, tuple(dict.fromkeys(str(entry[4][0]) for entry in found)))


def is_public(address: str) -> bool:
    """Whether an address belongs to the open internet: not private, loopback, link-local, shared, reserved or multicast.

    An IPv6 address that stands for an IPv4 one (mapped, 6to4, Teredo, NAT64) is public only if that is, too.
    """
    ip = ip_address(address.partition("%")[0])
    return all(part.is_global and not part.is_multicast for part in _meant(ip))


def _meant(ip: IPv4Address | IPv6Address) -> Iterable[IPv4Address | IPv6Address]:
    """The address, and the IPv4 addresses inside it; of a mapped one only those."""
    if isinstance(ip, IPv4Address):
        return (ip,)
    if ip.ipv4_mapped is not None:
        return (ip.ipv4_mapped,)
    inside = (*(ip.teredo or ()), *((ip.sixtofour,) if ip.sixtofour else ()))
    return (ip, *inside, IPv4Address(int(ip) & 0xFFFFFFFF)) if ip in NAT64 else (ip, *inside)
