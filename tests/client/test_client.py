"""The client without a server: its requests, its parsing of answers, and its retries."""

from __future__ import annotations

import asyncio
import io
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from pixel_agent.client import (
    AsyncClient,
    BadAnswer,
    Client,
    Done,
    Queued,
    Retries,
    ServerProblem,
    ServerUnreachable,
    Stage,
    TextPiece,
    WebhookRefused,
    verify_webhook,
)
from pixel_agent.client.batches import SILENCE_S
from pixel_agent.client.events import scan_event
from pixel_agent.client.failures import error_of
from pixel_agent.client.options import form_of, params_of
from pixel_agent.client.photos import part_of
from pixel_agent.client.progress_file import Refusal, UploadProgress
from pixel_agent.client.transport import Call, Transport
from pixel_agent.core.errors import FileUnreadable, IdempotencyMismatch, NotFound, PixelAgentError, QueueFull
from pixel_agent.core.sse import ServerEvent
from pixel_agent.schemas.signing import new_secret, sign
from tests.virtual_time import run_virtual

Handler = Callable[[httpx.Request], httpx.Response]
TASK: dict[str, JsonValue] = {"code": "not_found", "detail": "gone", "advice": "look elsewhere"}


def problem(status: int, code: str, **headers: str) -> httpx.Response:
    body = {"type": "x", "title": "t", "status": status, "detail": "d", "code": code, "advice": "a"}
    return httpx.Response(status, json=body, headers={"content-type": "application/problem+json", **headers})


def talk(handler: Handler, call: Call, retries: Retries | None = None) -> tuple[httpx.Response, float]:
    """Send a call in virtual time; the answer, and how long it took."""

    async def main() -> tuple[httpx.Response, float]:
        async with httpx.AsyncClient(transport=httpx.MockTransport(handler)) as http:
            transport = Transport("http://agent", 10, retries or Retries(chance=lambda: 0.5), http)
            answer = await transport.send(call)
            return answer, asyncio.get_running_loop().time()

    return run_virtual(main())


def answers(*given: httpx.Response | Exception) -> tuple[Handler, list[httpx.Request]]:
    asked: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        one = given[min(len(asked), len(given)) - 1]
        if isinstance(one, Exception):
            raise one
        return one

    return handler, asked


def test_a_busy_server_is_asked_again_after_the_time_that_it_names() -> None:
    handler, asked = answers(problem(503, "queue_full", **{"Retry-After": "7"}), httpx.Response(200))
    _, took_s = talk(handler, Call("POST", "/v1/scans", key="k"))
    assert len(asked) == 2
    assert 7 <= took_s <= 7.5
    assert {request.headers["idempotency-key"] for request in asked} == {"k"}


def test_a_broken_connection_is_tried_again_with_growing_pauses() -> None:
    handler, asked = answers(*[httpx.ReadError("broken")] * 3, httpx.Response(200))
    _, took_s = talk(handler, Call("GET", "/v1/tasks"))
    assert len(asked) == 4
    assert took_s == pytest.approx(0.25 + 0.5 + 1.0)


def test_a_post_without_a_key_is_not_sent_again_once_it_may_have_arrived() -> None:
    handler, asked = answers(httpx.ReadError("broken"))
    with pytest.raises(ServerUnreachable):
        talk(handler, Call("POST", "/v1/webhooks"))
    assert len(asked) == 1


def test_a_post_without_a_key_is_sent_again_if_it_cannot_have_arrived() -> None:
    handler, asked = answers(httpx.ConnectError("refused"), httpx.Response(200))
    talk(handler, Call("POST", "/v1/webhooks"))
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("answer", "times"),
    [
        (problem(400, "invalid_request"), 1),
        (problem(422, "idempotency_mismatch"), 1),
        (problem(502, "engine_failed"), 1),
        (problem(504, "deadline_exceeded"), 1),
        (problem(507, "store_full"), 1),
        (problem(409, "conflict"), 1),
        (problem(409, "conflict", **{"Retry-After": "1"}), 3),
        (problem(503, "draining"), 3),
        (problem(429, "overloaded"), 3),
        (httpx.Response(502, text="bad gateway"), 3),
        (httpx.Response(504), 3),
    ],
)
def test_only_what_may_pass_is_tried_again(answer: httpx.Response, times: int) -> None:
    handler, asked = answers(answer)
    with pytest.raises(PixelAgentError):
        talk(handler, Call("POST", "/v1/scans", key="k"), Retries(attempts=3, chance=lambda: 0.0))
    assert len(asked) == times


@settings(deadline=None, max_examples=100)
@given(st.integers(1, 60), st.floats(0, 1), st.none() | st.floats(0, 1000))
def test_a_pause_is_bounded_and_never_shorter_than_the_server_asks(
    attempt: int, chance: float, retry_after_s: float | None
) -> None:
    retries = Retries(chance=lambda: chance)
    pause = retries.pause_s(attempt, retry_after_s)
    if retry_after_s is None:
        assert 0.125 <= pause <= retries.most_s
    else:
        assert retry_after_s <= pause <= retry_after_s + retries.first_s


def test_a_problem_becomes_the_error_of_its_code() -> None:
    body = {"detail": "full", "code": "queue_full", "advice": "later", "queue_length": 9, "estimated_wait_ms": 1500}
    error = error_of(503, json.dumps(body), 4.0)
    assert isinstance(error, QueueFull)
    assert (error.message, error.advice, error.retry_after_s, error.queue_length, error.wait_s) == (
        "full",
        "later",
        4.0,
        9,
        1.5,
    )
    assert isinstance(error_of(404, json.dumps(TASK)), NotFound)
    assert isinstance(error_of(422, '{"code": "idempotency_mismatch"}'), IdempotencyMismatch)


def test_a_code_that_is_not_known_keeps_what_the_server_said() -> None:
    error = error_of(418, '{"code": "teapot", "title": "Short and stout", "detail": "no coffee"}')
    assert isinstance(error, ServerProblem)
    assert (error.status, error.code, error.title, error.message) == (418, "teapot", "Short and stout", "no coffee")
    assert error_of(500, "<html>").code == "http_500"


def test_events_of_a_scan_are_typed_and_those_of_newer_servers_are_skipped() -> None:
    assert scan_event(ServerEvent("queued", '{"position": 3, "estimated_ms": 840, "new": 1}')) == Queued(3, 840)
    assert scan_event(ServerEvent("stage", '{"stage": "engine", "photo": 1}')) == Stage("engine", 1)
    assert scan_event(ServerEvent("text", '{"text": "三", "restart": true}')) == TextPiece("三", True)
    assert scan_event(ServerEvent("weather", "{}")) is None
    with pytest.raises(NotFound):
        scan_event(ServerEvent("error", json.dumps(TASK)))
    for broken in (ServerEvent("done", "{}"), ServerEvent("queued", "{"), ServerEvent("queued", "{}")):
        with pytest.raises(BadAnswer):
            scan_event(broken)


def test_several_readings_are_not_taken_for_one() -> None:
    told = {"scan_id": "1", "status": "completed", "task": "text_read", "scans": []}
    event = scan_event(ServerEvent("done", json.dumps(told)))
    assert isinstance(event, Done)
    with pytest.raises(BadAnswer, match="several"):
        _ = event.reading


def test_a_photo_may_be_a_path_bytes_or_an_open_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"photo")
    assert part_of(path) == part_of(str(path)) == part_of(b"photo", "a.jpg")
    with path.open("rb") as file:
        assert part_of(file) == part_of(path)
    assert part_of(io.BytesIO(b"photo")).filename == "photo"
    for wrong in (tmp_path / "gone.jpg", tmp_path):
        with pytest.raises(FileUnreadable):
            part_of(wrong)


def test_options_become_fields_and_parameters() -> None:
    assert form_of({"force": True, "options": {"a": 1}, "question": None, "lang": "zh"}) == {
        "force": "true",
        "options": '{"a": 1}',
        "lang": "zh",
    }
    since = datetime(2026, 11, 22, tzinfo=UTC)
    params = dict(params_of({"since": since, "cursor": None}))
    assert datetime.fromisoformat(params["since"]) == since
    assert params_of({"status": ["failed", "expired"]}) == [("status", "failed"), ("status", "expired")]


def test_what_was_handed_in_is_kept_and_rubbish_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "state.json"
    kept = UploadProgress(batch_id="b", sent={"a.jpg": "1-2"}, refused=[Refusal("b.jpg", "photo_empty", "no bytes")])
    kept.save(path)
    assert UploadProgress.load(path) == kept
    for rubbish in (b"{", b"[]", b'{"sent": 3}'):
        path.write_bytes(rubbish)
        assert UploadProgress.load(path).batch_id is None
    assert [one.name for one in path.parent.iterdir()] == ["state.json"]


async def test_an_answer_of_another_server_is_told_as_such() -> None:
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200, text="hello"))) as http:
        with pytest.raises(BadAnswer, match="not a"):
            await AsyncClient("http://agent", http=http).get("x")


async def test_what_stands_in_a_path_is_quoted() -> None:
    handler, asked = answers(problem(404, "not_found"))
    async with httpx.AsyncClient(transport=httpx.MockTransport(handler)) as http:
        with pytest.raises(NotFound):
            await AsyncClient("http://agent/", http=http).get("../a b/?c")
    assert asked[0].url.raw_path == b"/v1/scans/..%2Fa%20b%2F%3Fc"


def test_the_blocking_client_ends_its_thread_and_says_so_afterwards() -> None:
    with Client("http://127.0.0.1:9", retries=Retries(attempts=1)) as client:
        with pytest.raises(ServerUnreachable):
            client.tasks()
        with pytest.raises(ServerUnreachable):
            next(iter(client.history()))
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.tasks()


def test_a_client_that_nobody_closed_does_not_hold_the_program_up() -> None:
    program = "from pixel_agent.client import Client; client = Client('http://127.0.0.1:9')"
    assert subprocess.run([sys.executable, "-c", program], timeout=60, check=False).returncode == 0


async def test_a_character_that_other_readers_take_for_a_line_end_stays_in_its_event() -> None:
    said = 'event: text\ndata: {"text": "可乐\u2028雪碧"}\n\n'.encode()
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=said))
    async with httpx.AsyncClient(transport=transport) as http:
        told = [event async for event in AsyncClient("http://agent", http=http).stream(b"photo")]
    assert told == [TextPiece("可乐\u2028雪碧")]


async def test_a_batch_whose_stream_falls_silent_is_asked_again() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        raise httpx.ReadTimeout("silence", request=request)

    client = AsyncClient(
        "http://agent",
        http=httpx.AsyncClient(transport=httpx.MockTransport(answer)),
        retries=Retries(attempts=2, first_s=0.001),
    )
    with pytest.raises(ServerUnreachable):
        await anext(client.follow_batch("b"))
    assert len(asked) > 1
    assert {request.extensions["timeout"]["read"] for request in asked} == {SILENCE_S}


def test_an_address_that_is_none_is_told_as_such() -> None:
    with Client("not a url") as client, pytest.raises(ServerUnreachable):
        client.tasks()


def signed(secret: str, body: bytes, at_s: int = 1000) -> dict[str, str]:
    return {
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": str(at_s),
        "Webhook-Signature": sign(secret, "msg_1", at_s, body),
    }


def test_a_genuine_webhook_is_an_event() -> None:
    secret, body = (
        new_secret(),
        b'{"type": "scan.alert", "timestamp": "2026-11-22T08:00:00Z", "data": {"scan_id": "a"}}',
    )
    event = verify_webhook(signed(secret, body), body, secret, now_s=1200)
    assert (event.id, event.type, event.data) == ("msg_1", "scan.alert", {"scan_id": "a"})


def test_what_is_forged_old_or_broken_is_refused() -> None:
    secret, body = new_secret(), b'{"type": "x", "timestamp": "2026-11-22T08:00:00Z", "data": {}}'
    headers = signed(secret, body)
    cases: list[tuple[dict[str, str], bytes, float, str]] = [
        (headers, body + b" ", 1000, "signature"),
        (headers, body, 1301, "ago"),
        (headers, body, 699, "ago"),
        ({}, body, 1000, "headers"),
        ({**headers, "Webhook-Timestamp": "soon"}, body, 1000, "seconds"),
        ({**headers, "Webhook-Id": "msg_2"}, body, 1000, "signature"),
        (signed(secret, b"[]"), b"[]", 1000, "event"),
    ]
    for given_headers, given_body, now_s, said in cases:
        with pytest.raises(WebhookRefused, match=said):
            verify_webhook(given_headers, given_body, secret, now_s=now_s)
