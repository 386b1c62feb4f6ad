from __future__ import annotations

import asyncio
import json
from time import process_time

import pytest
from pydantic import BaseModel

from pixel_agent.api.http import json_body
from pixel_agent.api.http.json_body import MAX_VALUES, parse_model, parse_object
from pixel_agent.core.errors import InvalidRequest
from pixel_agent.schemas.chat import ChatBody
from pixel_agent.schemas.scans import ScanBody
from pixel_agent.schemas.webhooks import WebhookIn

BOMBS = {
    "empty objects": b'{"photos":[' + b"{}," * 1_000_000 + b"{}]}",
    "texts": b'{"photos":[' + b'"a",' * 1_000_000 + b'"a"]}',
    "names": b"{" + b'"photos":[],' * 500_000 + b'"photos":["x"]}',
    "lists in an option": b'{"photos":["x"],"options":{"a":[' + b"[]," * 500_000 + b"1]}}",
    "just under the signs": b'{"photos":["x"],"options":{"a":[' + b"1," * 99_000 + b"1]}}",
    "depth": b'{"photos":["x"],"options":' + b'{"a":' * 150 + b"1" + b"}" * 151,
    "brackets": b'{"photos":' + b"[" * 90_000 + b"]" * 90_000 + b"}",
    "digits": b'{"photos":["x"],"options":{"a":' + b"9" * 1_000_000 + b"}}",
    "many fields": json.dumps({f"k{number}": 1 for number in range(65)}).encode(),
}


@pytest.mark.parametrize("name", BOMBS)
async def test_a_body_that_costs_more_than_it_weighs_is_refused_at_once(name: str) -> None:
    begun = process_time()
    with pytest.raises(InvalidRequest):
        await parse_object(BOMBS[name], "Send less.")
    assert process_time() - begun < 1


@pytest.mark.parametrize(
    ("model", "body"),
    [
        (ScanBody, {"photos": [{}] * 20_000}),
        (ChatBody, {"model": "m", "messages": [{}] * 20_000}),
        (ChatBody, {"model": "m", "messages": [{"role": "user", "content": [{}] * 20_000}]}),
        (WebhookIn, {"url": "https://example.com", "kinds": ["x"] * 20_000}),
    ],
)
async def test_the_first_wrong_element_ends_the_look_at_a_list(model: type[BaseModel], body: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await parse_model(model, json.dumps(body).encode(), "Send less.")
    assert len(caught.value.message) < 600


async def test_what_anybody_needs_is_taken() -> None:
    body = {"photos": ["A" * 1_000_000, {"data": "A,b"}], "options": {"expected": [0] * (MAX_VALUES - 100)}}
    assert await parse_object(b"\xef\xbb\xbf" + json.dumps(body).encode(), "") == body


async def test_a_large_body_is_parsed_while_the_loop_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    going = asyncio.Event()
    parse = json_body._parse
    loop = asyncio.get_running_loop()

    def slow(body: bytes, advice: str) -> object:
        asyncio.run_coroutine_threadsafe(_set(going), loop).result(10)
        return parse(body, advice)

    monkeypatch.setattr(json_body, "_parse", slow)
    assert await parse_object(json.dumps({"a": "b" * json_body.THREAD_BYTES}).encode(), "")
    assert going.is_set()


async def _set(event: asyncio.Event) -> None:
    event.set()
