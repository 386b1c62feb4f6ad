"""Tracks health and load of the servers behind the `openai` engine, and chooses the server for the next request.

Everything here is pure: input is an event and a time, output a new value. `server_pool.py` owns the servers and the
clock.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

import httpx

from pixel_agent.core.backoff import Backoff
from pixel_agent.core.errors import ConfigurationError

MAX_RETRY_AFTER_S = 60.0
"""Longest pause that a server can request; after that it is tried again."""

_WEIGHTED = re.compile(r"(?P<url>[^*]+?)(?:\*(?P<weight>[0-9]+(?:\.[0-9]+)?))?")


@dataclass(frozen=True, slots=True)
class Address:
    """Address of a server: the base URL that ends before `/chat/completions`, and its weight among the servers."""

    url: str
    weight: float = 1.0

    @property
    def root(self) -> str:
        """The URL without the API version: the base of the paths for health and version."""
        return self.url.removesuffix("/v1")

    @property
    def name(self) -> str:
        """The address for messages and logs: without user, password and query."""
        url = httpx.URL(self.url)
        return f"{url.scheme}://{url.host}{'' if url.port is None else f':{url.port}'}{url.path}"


class HealthEvent(Enum):
    """The result of a request or a health check."""

    ANSWERED = auto()
    REFUSED = auto()
    """The server is full: 503 or 429. Not a failure."""
    FAILED = auto()
    """The server sent an invalid answer or a server error, or broke off the answer."""
    UNREACHABLE = auto()
    """No connection: the server is down."""


@dataclass(frozen=True, slots=True)
class Pace:
    """When a server is ejected (failures in a row), how long it pauses, and its most requests in flight."""

    eject_after: int
    backoff: Backoff
    max_in_flight: int


@dataclass(frozen=True, slots=True)
class Health:
    """The state of a server. Only a health check makes a server `up` again.

    `limit` is the learned number of requests it accepts at once: a refusal lowers it to the number then in flight,
    answers raise it.
    """

    limit: float
    up: bool = False
    failures: int = 0
    refusals: int = 0
    paused_until: float = 0.0


@dataclass(frozen=True, slots=True)
class View:
    """One server as input of `least_loaded`; `served` counts its requests so far."""

    weight: float
    in_flight: int
    served: int
    health: Health

    def free(self, now: float) -> bool:
        """Whether the server can take a request now."""
        return self.health.up and self.health.paused_until <= now and self.in_flight + 1 <= self.health.limit


def after(health: Health, event: HealthEvent, pace: Pace, now: float, in_flight: int, retry_after_s: float) -> Health:
    """Health after a request. `in_flight` counts its other requests; `retry_after_s` is the pause it asked for."""
    match event:
        case HealthEvent.ANSWERED:
            limit = min(float(pace.max_in_flight), health.limit + 1 / max(1.0, health.limit))
            return replace(health, limit=limit, failures=0, refusals=0)
        case HealthEvent.REFUSED:
            pause = max(retry_after_s, pace.backoff.pause_s(health.refusals + 1))
            return replace(
                health,
                limit=max(1.0, min(health.limit, float(in_flight))),
                refusals=health.refusals + 1,
                paused_until=max(health.paused_until, now + min(pause, MAX_RETRY_AFTER_S)),
            )
        case HealthEvent.FAILED:
            failures = health.failures + 1
            return replace(health, failures=failures, up=health.up and failures < pace.eject_after)
        case HealthEvent.UNREACHABLE:
            return replace(health, failures=health.failures + 1, up=False)


def checked(health: Health, healthy: bool, pace: Pace) -> Health:
    """Health after a health check: one good check brings a server back, one bad check counts as a failure."""
    if healthy:
        return health if health.up else Health(limit=float(pace.max_in_flight), up=True)
    failures = health.failures + 1
    return replace(health, failures=failures, up=health.up and failures < pace.eject_after)


def least_loaded(servers: Sequence[View], now: float, avoid: int | None = None) -> int | None:
    """Choose the server for the next request: the free one with the lowest load per weight, then the one least used.

    `avoid` (the server on which the request just failed) is chosen only if no other server is up. Returns None if no
    server can take the request.
    """
    others = any(view.health.up for number, view in enumerate(servers) if number != avoid)
    free = [
        ((view.in_flight + 1) / view.weight, view.served / view.weight, number)
        for number, view in enumerate(servers)
        if view.free(now) and not (others and number == avoid)
    ]
    return min(free)[2] if free else None


def next_pause(failures: int, retries: int, remaining_s: float, pace: Pace) -> float | None:
    """Seconds a scan waits after its n-th failure (from 1); None if it is not retried: too many, or too late."""
    pause = pace.backoff.pause_s(failures)
    return pause if failures <= retries and pause < remaining_s else None


def parse_urls(text: str) -> tuple[Address, ...]:
    """Parse the servers of a setting: `http://gpu1:8000/v1*2, http://gpu2:8000/v1`. Raises ConfigurationError."""
    addresses = tuple(_parse_url(part.strip()) for part in text.split(",") if part.strip())
    if not addresses:
        raise ConfigurationError(
            "openai.urls names no server.", "Set it to the base URL of one, such as http://127.0.0.1:8001/v1."
        )
    twice = {address.url for address in addresses if sum(other.url == address.url for other in addresses) > 1}
    if twice:
        raise ConfigurationError(
            "openai.urls names a server twice.", "Give it a weight instead: http://gpu1:8000/v1*2."
        )
    return addresses


def _parse_url(part: str) -> Address:
    match = _WEIGHTED.fullmatch(part)
    advice = "A base URL and a weight above 0, if any: http://gpu1:8000/v1*2."
    try:
        url = httpx.URL(match["url"].strip()) if match else None
    except httpx.InvalidURL:
        url = None
    if match is None or url is None or url.scheme not in ("http", "https") or not url.host or url.query:
        raise ConfigurationError("openai.urls holds something that is no base URL.", advice)
    weight = float(match["weight"] or 1)
    if not weight > 0:
        raise ConfigurationError("openai.urls gives a server no weight.", advice)
    return Address(str(url).rstrip("/"), weight)
