"""A local receiver of webhooks that can be down, slow or refusing, for the benchmark and the tests."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from dataclasses import dataclass, field

from pydantic import JsonValue


@dataclass(frozen=True, slots=True)
class Received:
    """One received request; header names in lower case. `taken`: it was answered with 2xx."""

    path: str
    headers: dict[str, str]
    body: bytes
    at_s: float
    taken: bool

    @property
    def message_id(self) -> str:
        """The message id, equal in all attempts of a delivery."""
        return self.headers.get("webhook-id", "")

    @property
    def event(self) -> dict[str, JsonValue]:
        """The request body as JSON."""
        parsed: dict[str, JsonValue] = json.loads(self.body)
        return parsed


@dataclass(slots=True)
class Receiver:
    """Listens on a loopback port while it is up; the port stays the same. Answers `status`, or the next of `answers`."""

    status: int = 204
    delay_s: float = 0.0
    answers: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    answer_body: bytes = b""
    received: list[Received] = field(default_factory=list)
    port: int = 0
    most_at_once: int = 0
    _at_once: int = 0
    _server: asyncio.Server | None = None
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        """The address of the receiver."""
        return f"http://127.0.0.1:{self.port}/events"

    @property
    def taken(self) -> list[Received]:
        """The requests that were answered with 2xx."""
        return [one for one in self.received if one.taken]

    async def up(self) -> None:
        """Start to listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def down(self) -> None:
        """Stop listening, and close every connection."""
        if self._server is None:
            return
        self._server.close()
        for writer in list(self._open):
            writer.transport.abort()
        await self._server.wait_closed()
        self._server = None

    async def until_taken(self, count: int, timeout_s: float) -> None:
        """Wait until `count` deliveries were answered with 2xx. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while len(self.taken) < count:
                self._changed.clear()
                await self._changed.wait()

    async def until_asked(self, count: int, timeout_s: float) -> None:
        """Wait until `count` requests arrived, whatever the answers. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while len(self.received) < count:
                self._changed.clear()
                await self._changed.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while await self._answer(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError):
            pass  # the sender closed the connection
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = (line.split(": ", 1) for line in head[1:] if ": " in line)
        headers = {name.lower(): value for name, value in fields}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        status = self.answers.pop(0) if self.answers else self.status
        try:
            await self._take_time(reader)
        finally:
            self._at_once -= 1
        extra = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        length = f"Content-Length: {len(self.answer_body)}\r\n" if status != 204 else ""
        self.received.append(Received(head[0].split()[1], headers, body, time.monotonic(), 200 <= status < 300))
        self._changed.set()
        writer.write(f"HTTP/1.1 {status} Said\r\n{extra}{length}\r\n".encode() + self.answer_body)
        await writer.drain()
        return True

    async def _take_time(self, reader: asyncio.StreamReader) -> None:
        """Delay the answer, unless the sender closes the connection. Raises IncompleteReadError if it does."""
        if self.delay_s:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.delay_s):
                    await reader.readexactly(1)
