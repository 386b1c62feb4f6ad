from __future__ import annotations

import asyncio
import resource
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from pixel_agent.api.http import connection
from pixel_agent.api.http.connection import PIPELINED, limited, raise_open_files
from pixel_agent.core.settings import ServerSettings

HUGE = 32 * 2**20
GET = b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n"


async def echo(request: Request) -> Response:
    return PlainTextResponse(await request.body() + b"|" + request.url.query.encode())


async def refuse(_: Request) -> Response:
    return PlainTextResponse("no", 503)


async def never(_: Request) -> Response:
    await asyncio.Event().wait()
    return PlainTextResponse("late")


async def large(_: Request) -> Response:
    return PlainTextResponse("x" * 2**20)


async def huge(_: Request) -> Response:
    return PlainTextResponse("x" * HUGE)


@asynccontextmanager
async def serving(**settings: float) -> AsyncIterator[int]:
    """A server with these limits; its port."""
    routes = [Route(f"/{one.__name__}", one, methods=["GET", "POST"]) for one in (echo, refuse, never, large, huge)]
    protocol = limited(ServerSettings.model_validate(settings))
    config = uvicorn.Config(
        Starlette(routes=routes),
        http=protocol,
        ws="none",
        lifespan="off",
        log_level="critical",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = asyncio.create_task(server.serve([listener]))
        while not server.started:
            await asyncio.sleep(0.01)
        yield listener.getsockname()[1]
        server.should_exit = True
        await running


async def said(port: int, *pieces: bytes, whole: bool = False) -> bytes:
    """What comes until the server closes, or answers and waits for more."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    got = b""
    with suppress(ConnectionError):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                while chunk := await reader.read(65536):
                    got += chunk
                    if not whole and got.endswith((b"|", b"\r\n\r\n")):
                        break
    writer.close()
    return got


async def test_an_offer_to_upgrade_is_ignored_and_the_body_read() -> None:
    head = b"POST /echo HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nContent-Length: 5\r\n\r\n"
    async with serving() as port:
        for pieces in ([head + b"hello"], [head, b"he", b"llo"], [head[:30], head[30:] + b"hello"]):
            assert (await said(port, *pieces)).endswith(b"hello|")


async def test_a_request_without_body_may_offer_to_upgrade_and_another_follows() -> None:
    offer = b"GET /echo HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    async with serving() as port:
        answers = await said(
            port, offer + b"GET /echo?last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", whole=True
        )
    assert answers.count(b"200 OK") == 2
    assert answers.endswith(b"|last")


async def test_chinese_that_is_not_encoded_in_a_query_is_taken() -> None:
    async with serving() as port:
        answer = await said(port, "GET /echo?task=价签 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert answer.endswith(b"|task=%E4%BB%B7%E7%AD%BE")


async def test_a_head_that_does_not_end_is_closed() -> None:
    async with serving(head_timeout_s=0.2) as port:
        assert b"408" in await said(port, b"POST /echo HTTP/1.1\r\nX-A: ", b"a")
        assert await said(port) == b""


async def test_a_head_that_is_too_large_is_told_so() -> None:
    async with serving(max_header_bytes=1024) as port:
        assert b"431" in await said(port, b"GET /echo HTTP/1.1\r\nX: ", b"a" * 5000)


async def test_connections_have_a_bound_in_all_and_for_each_address() -> None:
    for limits in ({"max_connections": 2}, {"max_client_connections": 2}):
        async with serving(**limits) as port:
            held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
            await asyncio.sleep(0)
            assert b"503" in await said(port, GET)
            for _, writer in held:
                writer.close()
                await writer.wait_closed()
            assert b"200" in await until_free(port)


async def until_free(port: int) -> bytes:
    while b"503" in (answer := await said(port, GET)):
        pass
    return answer


async def test_trusted_proxies_have_all_connections_they_want() -> None:
    protocol = limited(ServerSettings(max_client_connections=1, trusted_proxies="127.0.0.0/8"))
    assert issubclass(protocol, connection._Connection)
    assert [str(network) for network in protocol.proxies] == ["127.0.0.0/8"]


async def test_requests_that_wait_for_an_answer_have_a_bound() -> None:
    async with serving() as port:
        assert b"200" not in await said(port, b"GET /never HTTP/1.1\r\nHost: x\r\n\r\n" + GET * (PIPELINED + 2))
        answers = await said(
            port, GET * PIPELINED + b"GET /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", whole=True
        )
    assert answers.count(b"200 OK") == PIPELINED + 1


async def test_a_client_that_reads_no_answers_is_read_no_further() -> None:
    asked = b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n"
    async with serving() as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        assert isinstance(writer.transport, asyncio.Transport)
        writer.transport.pause_reading()
        assert await sent_until_stopped(writer, asked * 8, 3) < 16 * 2**20
        writer.transport.abort()


async def test_an_answer_that_nobody_reads_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "STALL_S", 0.3)
    async with serving() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(b"GET /huge HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        await asyncio.sleep(1.5)  # longer than the server waits: a client that does not read cannot see it leave
        got = 0
        with suppress(ConnectionError):
            while chunk := await reader.read(2**20):
                got += len(chunk)
        assert 0 < got < HUGE
        writer.transport.abort()


async def test_a_refused_body_is_read_to_a_bound_and_then_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "REFUSED_BYTES", 2**20)
    monkeypatch.setattr(connection, "LINGER_S", 0.1)
    head = b"POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n"
    async with serving() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head)
        answered = asyncio.create_task(reader.readuntil(b"\r\n\r\n"))
        assert await sent_until_stopped(writer, bytes(2**16), 30) < 2**26
        assert b"503" in await answered
        writer.transport.abort()


async def sent_until_stopped(writer: asyncio.StreamWriter, piece: bytes, wait_s: float) -> int:
    """How many bytes go out until the server reads no further, or closes."""
    sent = 0
    with suppress(ConnectionError, TimeoutError):
        async with asyncio.timeout(wait_s):
            while True:
                writer.write(piece)
                await writer.drain()
                sent += len(piece)
    return sent


def test_open_files_are_raised_to_what_is_allowed() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, before[1]), before[1]))
        raise_open_files()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        assert soft == min(hard, connection.MAX_FILES)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
