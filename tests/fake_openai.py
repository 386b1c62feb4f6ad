"""A scripted server on the loopback address that speaks the OpenAI chat protocol: for tests of our client."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

EMPTY = '{"items": []}'


@dataclass(frozen=True)
class Say:
    """One answer. `body` is sent as it is instead of a chat answer, `die` closes the connection: before any byte, or
    after `die_after` pieces of a stream. `hold` is waited for first.
    """

    text: str = EMPTY
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    delay_s: float = 0.0
    hold: asyncio.Event | None = None
    die: bool = False
    die_after: int | None = None
    pieces: tuple[str, ...] = ()
    finish_reason: str | None = "stop"
    done: bool = True


class FakeOpenAI:
    """Answers by `script`, then by `usual`; `seen` holds the requests, `left` counts clients that did not wait."""

    def __init__(self, usual: Say | None = None, owned_by: str = "vllm", model: str = "fake-vl") -> None:
        self.usual = usual or Say()
        self.owned_by = owned_by
        self.model = model
        self.script: deque[Say] = deque()
        self.seen: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.healthy = True
        self.running = 0
        self.most = 0
        self.left = 0
        self.capacity: int | None = None
        self.port = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=2**24)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Die: every connection is cut."""
        if self._server is not None:
            self._server.close()
            for writer in tuple(self._writers):
                writer.transport.abort()
            await self._server.wait_closed()
            await asyncio.gather(*self._serving)
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        self._writers.add(writer)
        try:
            while await self._one(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._writers.discard(writer)
            self._serving.discard(task)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        if method == "GET":
            _answer(writer, *self._page(path))
            return True
        self.headers.append(headers)
        self.seen.append(json.loads(body))
        return await self._chat(self.seen[-1], reader, writer)

    def _page(self, path: str) -> tuple[int, bytes]:
        if path == "/v1/models" and not self.model:
            return 500, b"Internal Server Error"
        if path == "/v1/models":
            return 200, json.dumps({"data": [{"id": self.model, "owned_by": self.owned_by}]}).encode()
        if path == "/version":
            return (200, b'{"version": "0"}') if self.owned_by == "vllm" else (404, b"")
        return (200, b"{}") if self.healthy else (503, b"{}")

    async def _chat(self, request: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        say = self.script.popleft() if self.script else self.usual
        if self.capacity is not None and self.running >= self.capacity:
            say = Say(status=503, body=b'{"error": {"message": "queue full"}}')
        self.running += say.status == 200
        self.most = max(self.most, self.running)
        try:
            if not await self._patient(say, reader):
                return False
            if say.die:
                writer.transport.abort()
                return False
            if say.body is not None or say.status != 200:
                _answer(writer, say.status, say.body or b"", say.headers)
            elif request.get("stream"):
                return await self._stream(say, writer)
            else:
                _answer(writer, 200, json.dumps(_chat_answer(say), ensure_ascii=False).encode(), say.headers)
            return True
        finally:
            self.running -= say.status == 200

    async def _patient(self, say: Say, reader: asyncio.StreamReader) -> bool:
        """Take the time that the answer needs; False where the client leaves meanwhile."""
        if say.hold is None and not say.delay_s:
            return True
        gone = asyncio.ensure_future(reader.read(1))
        work = asyncio.ensure_future(say.hold.wait() if say.hold else asyncio.sleep(say.delay_s, True))
        try:
            await asyncio.wait({gone, work}, return_when=asyncio.FIRST_COMPLETED)
            self.left += not work.done()
            return work.done()
        finally:
            for task in (gone, work):
                task.cancel()
            await asyncio.gather(gone, work, return_exceptions=True)

    async def _stream(self, say: Say, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
        for number, piece in enumerate(say.pieces or tuple(say.text)):
            if number == say.die_after:
                await writer.drain()
                await asyncio.sleep(0.02)
                writer.transport.abort()
                return False
            _event(writer, {"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]})
        if say.finish_reason:
            _event(writer, {"choices": [{"index": 0, "delta": {}, "finish_reason": say.finish_reason}]})
            _event(writer, {"choices": [], "usage": {"prompt_tokens": 500, "completion_tokens": 7}})
        if say.done:
            writer.write(b"data: [DONE]\n\n")
        await writer.drain()
        return False


@asynccontextmanager
async def serving(*servers: FakeOpenAI) -> AsyncIterator[tuple[FakeOpenAI, ...]]:
    for server in servers:
        await server.start()
    try:
        yield servers
    finally:
        for server in servers:
            await server.stop()


def _chat_answer(say: Say) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": say.text}, "finish_reason": say.finish_reason}
    return {"choices": [choice], "usage": {"prompt_tokens": 500, "completion_tokens": 7}}


def _event(writer: asyncio.StreamWriter, event: dict[str, Any]) -> None:
    writer.write(f"data: {json.dumps(event, ensure_ascii=False)}\n\n".encode())


def _answer(writer: asyncio.StreamWriter, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
    more = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: {len(body)}\r\n{more}\r\n".encode() + body)
