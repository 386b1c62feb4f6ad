"""Security headers of pages, answers and files."""

from __future__ import annotations

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from pixel_agent.api.http.security_headers import SecurityHeaders, headers_for
from tests.api.routes.test_scans import running

TERMINAL_PATHS = ("/", "/sw.js", "/manifest.webmanifest", "/app/js/main.js")
DATA_PATHS = ("/v1/stats", "/v1/scans/abc/photo", "/scan", "/metrics", "/livez", "/openapi.json", "/nowhere")


def policy(path: str) -> str:
    return dict(headers_for(path))[b"content-security-policy"].decode()


@pytest.mark.parametrize("path", TERMINAL_PATHS)
def test_the_terminal_runs_only_its_own_scripts_and_styles(path: str) -> None:
    assert "script-src 'self';" in policy(path)
    assert "style-src 'self';" in policy(path)
    assert "unsafe" not in policy(path)
    assert b"camera=(self)" in dict(headers_for(path))[b"permissions-policy"]


@pytest.mark.parametrize("path", DATA_PATHS)
def test_answers_and_photos_may_do_nothing_as_a_page(path: str) -> None:
    assert policy(path).startswith("default-src 'none'")
    assert "sandbox" in policy(path)


@pytest.mark.parametrize("path", [*TERMINAL_PATHS, *DATA_PATHS, "/docs"])
def test_nothing_is_framed_sniffed_or_told_to_others(path: str) -> None:
    headers = dict(headers_for(path))
    assert "frame-ancestors 'none'" in policy(path)
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert headers[b"referrer-policy"] == b"no-referrer"
    assert headers[b"cross-origin-resource-policy"] == b"same-origin"


async def test_answers_and_errors_carry_the_headers() -> None:
    async with running() as client:
        answers = [await client.get(path) for path in ("/v1/stats", "/livez", "/v1/nowhere", "/docs")]
        answers.append(await client.post("/scan", files={"file": b"no photo"}))
    assert all(answer.headers["x-content-type-options"] == "nosniff" for answer in answers)
    assert all(answer.headers["content-security-policy"] for answer in answers)


async def test_a_handlers_own_policy_stays() -> None:
    async def report(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-security-policy", b"own")]})
        await send({"type": "http.response.body", "body": b""})

    transport = httpx.ASGITransport(app=SecurityHeaders(report))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = await client.get("/v1/exports")
    assert answer.headers.get_list("content-security-policy") == ["own"]


async def test_other_protocols_pass_through() -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    async def nothing() -> Message:
        return {}

    async def nowhere(message: Message) -> None:
        seen.append(message["type"])

    await SecurityHeaders(app)({"type": "lifespan"}, nothing, nowhere)
    assert seen == ["lifespan"]
