"""The servers behind the `openai` engine, shared by all its slots: checks their health and assigns requests to them.

The first slot that starts opens the server pool, the last one that stops closes it. While it is open, one task per
server checks its health. No slot polls: a slot without a free server waits for an event or for the end of a pause.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Protocol

import httpx
from pydantic import JsonValue

from pixel_agent.core.backoff import Backoff
from pixel_agent.core.errors import EngineUnavailable, PixelAgentError, Refused, ReplicaLost
from pixel_agent.core.settings import OpenAISettings
from pixel_agent.engines.openai.call import CallFailed
from pixel_agent.engines.openai.dialects import DIALECTS, Dialect, recognise
from pixel_agent.engines.openai.health import Address, Health, HealthEvent, Pace, View, after, checked, least_loaded

log = logging.getLogger("pixel_agent.server_pool")

KEEP_ALIVE_S = 4.0
"""Idle connections are closed after this time: common servers close theirs after 5 s, and a request must not meet a
connection that is closing."""
ENCODERS = 2
"""Threads that encode photos: about 5 ms per photo, with the GIL released."""


class Supervised(Protocol):
    """A server started by this service; it runs as long as the server pool is open."""

    async def start(self) -> Sequence[Address]:
        """Start it, wait until it is healthy, return its addresses. Raises EngineUnavailable with the fix."""
        ...

    async def died(self) -> PixelAgentError:
        """Wait until the server has ended and return the reason."""
        ...

    async def stop(self) -> None:
        """Stop it and all its child processes. Safe to call twice, and while it starts."""
        ...


class Server:
    """One server: its address, health, dialect and current load."""

    def __init__(self, address: Address, health: Health) -> None:
        self.address = address
        self.health = health
        self.in_flight = 0
        self.served = 0
        self.model = ""
        self.dialect: Dialect | None = None
        self.trouble = "it has not been asked yet"


class ServerPool:
    """The servers of the `openai` engine; open from the first `join` to the last `leave`."""

    def __init__(
        self, settings: OpenAISettings, addresses: Sequence[Address], supervised: Supervised | None = None
    ) -> None:
        self.settings = settings
        self.pace = Pace(
            settings.eject_after, Backoff(settings.backoff_min_s, settings.backoff_max_s), settings.max_in_flight
        )
        self.servers = [self._server(address) for address in addresses]
        self._client: httpx.AsyncClient
        self._tls = httpx.create_ssl_context(trust_env=False)
        self._supervised = supervised
        self._members: list[Callable[[PixelAgentError], None]] = []
        self._door = asyncio.Lock()
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._joined = 0

    @property
    def model(self) -> str:
        """The name of the requested model, if known yet."""
        return self.settings.model or next((server.model for server in self.servers if server.model), "")

    @property
    def healthy(self) -> bool:
        """Whether any server is up."""
        return any(server.health.up for server in self.servers)

    async def join(self, lost: Callable[[PixelAgentError], None]) -> None:
        """Wait for a healthy server. `lost` is called once no server is healthy. Raises EngineUnavailable."""
        async with self._door:
            if not self._joined:
                await self._open()
            self._joined += 1
            self._members.append(lost)

    async def leave(self, lost: Callable[[PixelAgentError], None]) -> None:
        """Undo `join`; ignored for a slot that has not joined."""
        if lost not in self._members:
            return
        self._members.remove(lost)
        self._joined -= 1
        if not self._joined:
            async with self._door:
                if not self._joined:  # no slot has joined meanwhile
                    await self._close()

    async def encode(self, work: Callable[[], bytes]) -> bytes:
        """Run `work`, which encodes a photo, in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._encoders, work)

    @asynccontextmanager
    async def server(self, until: float, avoid: Server | None = None) -> AsyncIterator[Server]:
        """Choose a server and count it as busy during the request; a CallFailed inside lowers its health.

        Raises Refused as soon as it is clear that no server will be free before `until` (event loop time).
        """
        server = await self._choose(until, avoid)
        server.in_flight += 1
        server.served += 1
        try:
            yield server
            self._note(server, HealthEvent.ANSWERED)
        except CallFailed as failure:
            if failure.event is not None:
                server.trouble = failure.error.message
                self._note(server, failure.event, failure.retry_after)
            raise
        finally:
            server.in_flight -= 1
            self._wake()

    def new_client(self) -> httpx.AsyncClient:
        """Create an HTTP client with its own connections, for a caller that sends one request at a time.

        One client shared by all slots would spend more time on its connection pool, which checks every connection for
        every request, than on the requests: 7 ms per scan at 64 connections.
        """
        return httpx.AsyncClient(
            headers=self._headers(),
            timeout=httpx.Timeout(self.settings.timeout_s, connect=self.settings.connect_timeout_s),
            limits=httpx.Limits(keepalive_expiry=KEEP_ALIVE_S),
            trust_env=False,
            verify=self._tls,
        )

    # Choosing

    async def _choose(self, until: float, avoid: Server | None) -> Server:
        loop = asyncio.get_running_loop()
        shunned = self.servers.index(avoid) if avoid in self.servers else None
        while True:
            now = loop.time()
            views = [View(s.address.weight, s.in_flight, s.served, s.health) for s in self.servers]
            chosen = least_loaded(views, now, shunned)
            if chosen is not None:
                return self.servers[chosen]
            pauses = [s.health.paused_until for s in self.servers if s.health.up]
            paused = bool(pauses) and min(pauses) > now
            if now >= until or (paused and min(pauses) >= until):
                raise self._too_late(min(pauses) - now if paused else 1.0)
            changed = self._changed
            wake_at = min([until, *(pause for pause in pauses if pause > now)])
            try:
                async with asyncio.timeout_at(wake_at):
                    await changed.wait()
            except TimeoutError:
                continue

    def _too_late(self, retry_after_s: float) -> PixelAgentError:
        if not self.healthy:
            return EngineUnavailable(f"No model server is up: {self._troubles()}.", "Try again in a moment.")
        return Refused("Every model server is full.", "Try again in a moment.", retry_after_s=max(1.0, retry_after_s))

    def _note(self, server: Server, event: HealthEvent, retry_after: float = 0.0) -> None:
        now = asyncio.get_running_loop().time()
        was = server.health
        server.health = after(was, event, self.pace, now, server.in_flight - 1, retry_after)
        if was.up and not server.health.up:
            log.warning("event=server_ejected server=%s trouble=%s", server.address.name, server.trouble)
        if event is not HealthEvent.ANSWERED:
            self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    # Opening and closing

    async def _open(self) -> None:
        self._client = self.new_client()
        self._encoders = ThreadPoolExecutor(ENCODERS, thread_name_prefix="encode")
        try:
            if self._supervised is not None:
                self.servers = [self._server(address) for address in await self._supervised.start()]
            self._tasks = [asyncio.create_task(self._watch(server)) for server in self.servers]
            async with asyncio.timeout(self.settings.start_wait_s):
                while not self.healthy:
                    await self._changed.wait()
            endings = [self._abandoned, *([] if self._supervised is None else [self._supervised.died])]
            self._tasks += [asyncio.create_task(self._tell_when(ending)) for ending in endings]
        except BaseException as error:
            troubles = self._troubles()
            await self._close()
            if isinstance(error, TimeoutError):
                raise EngineUnavailable(
                    f"No model server is up: {troubles}.", "Start one, or correct openai.urls and openai.api_key."
                ) from None
            raise

    async def _close(self) -> None:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        try:
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._client.aclose()
            self._encoders.shutdown(wait=False)
        finally:
            if self._supervised is not None:
                await self._supervised.stop()
        for server in self.servers:
            server.health = Health(limit=float(self.settings.max_in_flight))

    def _server(self, address: Address) -> Server:
        return Server(address, Health(limit=float(self.settings.max_in_flight)))

    def _headers(self) -> dict[str, str]:
        key = self.settings.api_key.get_secret_value()
        return {"authorization": f"Bearer {key}"} if key else {}

    def _troubles(self) -> str:
        return "; ".join(f"{server.address.name}: {server.trouble}" for server in self.servers)[:2000]

    # Watching

    async def _watch(self, server: Server) -> None:
        """Check a server's health in a loop, more often until it has answered for the first time."""
        while True:
            try:
                await self._check(server)
                healthy = True
            except (httpx.HTTPError, ValueError, TimeoutError, RecursionError) as error:
                healthy = False
                server.trouble = str(error) or type(error).__name__
            was = server.health
            server.health = checked(was, healthy, self.pace)
            if was.up is not server.health.up:
                log.info("event=server_health server=%s up=%s", server.address.name, server.health.up)
                self._wake()
            await asyncio.sleep(self.settings.check_s if server.dialect else min(0.25, self.settings.check_s))

    async def _check(self, server: Server) -> None:
        async with asyncio.timeout(self.settings.check_timeout_s):
            if server.dialect is None or not server.health.up or not server.dialect.health:
                await self._ask(server)
            if server.dialect is not None and server.dialect.health:
                (await self._client.get(server.address.root + server.dialect.health)).raise_for_status()

    async def _ask(self, server: Server) -> None:
        """Ask a server for its model and recognise its dialect. Raises ValueError if it breaks the protocol."""
        try:
            response = await self._client.get(f"{server.address.url}/models")
            response.raise_for_status()
            model, owner = _first_model(response.json())
        except (httpx.HTTPStatusError, ValueError):
            if not self.settings.model:
                raise
            # Some servers list models wrongly or not at all; a healthy one can still serve the configured model.
            (await self._client.get(server.address.root + "/health")).raise_for_status()
            server.model = self.settings.model
            server.dialect = server.dialect or self._set_up(replace(DIALECTS["plain"], health="/health"))
            return
        server.model = self.settings.model or model
        if not server.model:
            raise ValueError("it lists no model; set openai.model")
        if server.dialect is None:
            server.dialect = await self._dialect(server, owner)
            log.info("event=server_known server=%s kind=%s", server.address.name, server.dialect.kind)

    async def _dialect(self, server: Server, owner: str) -> Dialect:
        kind = self.settings.kind
        if kind == "auto":
            version = await self._client.get(f"{server.address.root}/version")
            dialect = recognise(owner, version.status_code == 200 and "version" in version.text[:1000])
        else:
            dialect = DIALECTS[kind]
        return self._set_up(dialect)

    def _set_up(self, dialect: Dialect) -> Dialect:
        """Apply the settings for response format and priority to the dialect."""
        if self.settings.response_format != "auto":
            dialect = replace(dialect, response_format=self.settings.response_format)
        return dialect if self.settings.priority else replace(dialect, priorities=None)

    async def _tell_when(self, lost: Callable[[], Awaitable[PixelAgentError]]) -> None:
        error = await lost()
        for tell in tuple(self._members):
            tell(error)

    async def _abandoned(self) -> PixelAgentError:
        while True:
            while self.healthy:
                await self._changed.wait()
            try:
                async with asyncio.timeout(self.settings.lost_after_s):
                    while not self.healthy:
                        await self._changed.wait()
            except TimeoutError:
                return ReplicaLost(f"No model server is up: {self._troubles()}.", "Try again in a moment.")


def _first_model(listing: JsonValue) -> tuple[str, str]:
    """Name and owner of the first model in `/models`; empty if there is none. Raises ValueError for other content."""
    models = listing.get("data") if isinstance(listing, dict) else None
    if not isinstance(models, list):
        raise ValueError("it does not list models as the OpenAI protocol does")
    first = models[0] if models else None
    if not isinstance(first, dict):
        return "", ""
    return str(first.get("id") or ""), str(first.get("owned_by") or "")
