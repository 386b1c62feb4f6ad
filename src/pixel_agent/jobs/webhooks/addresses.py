"""Checks the addresses behind the URL of a webhook before a delivery connects: protection against SSRF.

A client that chooses a URL must not use this server to reach hosts that the client cannot reach. So every address that
the name resolves to is checked, and the connection goes to a checked address, because the name could resolve to another
one later.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import httpx

NAT64 = IPv6Network("64:ff9b::/96")
"""Prefix of IPv4 addresses behind a NAT64 translator (RFC 6052); the last 32 bits are the IPv4 address."""


_LOOK_UPS = ThreadPoolExecutor(8, "look-up")
"""Separate threads for DNS: slow names must not block the threads that read photos from the disk."""
GLOBAL_6 = IPv6Network("2000::/3")
"""All allocated global IPv6 addresses."""
SPECIAL_6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "3fff::/20")))
"""Exceptions within `GLOBAL_6`: protocol assignments (Teredo, ORCHID, benchmarks) and documentation."""
SPECIAL_4 = tuple(
    map(
        IPv4Network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
            *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
            *("203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
            "168.63.129.16/32",  # the platform of Azure, reachable only from inside
        ),
    )
)
"""IPv4 networks that are not the public internet (IANA special-purpose address registry)."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL, and the addresses that its host resolves to now."""

    url: httpx.URL
    addresses: tuple[str, ...]

    @property
    def public(self) -> bool:
        """Whether every address is public."""
        return all(is_public(address) for address in self.addresses)

    @property
    def private(self) -> bool:
        """Whether no address is public."""
        return not any(is_public(address) for address in self.addresses)

    def request(
        self,
        client: httpx.AsyncClient,
        method: str,
        address: str,
        headers: dict[str, str],
        content: bytes | None = None,
    ) -> httpx.Request:
        """A request to this address; the Host header and the certificate check use the host name of the URL."""
        pinned = self.url.copy_with(host=address)
        named = {**headers, "Host": self.url.netloc.decode("ascii")}
        return client.build_request(
            method, pinned, headers=named, content=content, extensions={"sni_hostname": self.url.host}
        )


async def resolve(url: httpx.URL) -> Target:
    """Resolve the host of a URL. Raises OSError if it has no address, UnicodeError if the name is malformed."""
    port = url.port or (443 if url.scheme == "https" else 80)
    look_up = partial(socket.getaddrinfo, url.host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(_LOOK_UPS, look_up)
    return Target(url, tuple(dict.fromkeys(str(entry[4][0]) for entry in found)))


def is_public(address: str) -> bool:
    """Whether an address is public: IPv4 outside `SPECIAL_4`, IPv6 in 2000::/3 and outside `SPECIAL_6`.

    An IPv6 address that embeds an IPv4 address (mapped, 6to4, Teredo, NAT64) is public only if that address is, too.
    """
    ip = ip_address(address.partition("%")[0])
    return all(_is_open(part) for part in _meant(ip))


def _is_open(ip: IPv4Address | IPv6Address) -> bool:
    if isinstance(ip, IPv4Address):
        return not any(ip in network for network in SPECIAL_4)
    return ip in NAT64 or (ip in GLOBAL_6 and not any(ip in network for network in SPECIAL_6))


def _meant(ip: IPv4Address | IPv6Address) -> Iterable[IPv4Address | IPv6Address]:
    """The address and its embedded IPv4 addresses; for a mapped address only the IPv4 address."""
    if isinstance(ip, IPv4Address):
        return (ip,)
    if ip.ipv4_mapped is not None:
        return (ip.ipv4_mapped,)
    inside = (*(ip.teredo or ()), *((ip.sixtofour,) if ip.sixtofour else ()))
    return (ip, *inside, IPv4Address(int(ip) & 0xFFFFFFFF)) if ip in NAT64 else (ip, *inside)
