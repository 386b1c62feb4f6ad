from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import JSONResponse, StreamingResponse

from pixel_agent.api.http.head import HeadAsGet


@pytest.fixture
def app() -> FastAPI:
    app = FastAPI()
    app.add_middleware(HeadAsGet)
    app.state.left = False

    @app.get("/whole")
    async def whole() -> JSONResponse:
        return JSONResponse({"a": 1}, headers={"X-Kept": "yes"})

    @app.get("/endless")
    async def endless() -> StreamingResponse:
        async def pieces() -> AsyncIterator[bytes]:
            try:
                while True:
                    yield b"on and on"
                    await asyncio.sleep(0)
            finally:
                app.state.left = True

        return StreamingResponse(pieces(), media_type="text/plain")

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("broken")

    return app


async def asked(app: FastAPI, method: str, path: str) -> httpx.Response:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return await client.request(method, path)


async def test_head_says_what_get_says_without_the_body(app: FastAPI) -> None:
    get, head = await asked(app, "GET", "/whole"), await asked(app, "HEAD", "/whole")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers == get.headers


async def test_an_answer_without_end_ends_at_its_head(app: FastAPI) -> None:
    head = await asked(app, "HEAD", "/endless")
    assert (head.status_code, head.content) == (200, b"")
    assert app.state.left


async def test_what_fails_fails_with_head_as_well(app: FastAPI) -> None:
    assert (await asked(app, "HEAD", "/broken")).status_code == 500
    assert (await asked(app, "HEAD", "/nowhere")).status_code == 404
