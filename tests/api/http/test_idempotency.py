"""Idempotency keys over HTTP: a repeated request gets the first answer; a different request with the key is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, select

from pixel_agent.service.service import ScanService
from pixel_agent.storage.tables import scans
from tests.serving import Served, serving

T0 = 1_700_000_000_000
KEY = {"Idempotency-Key": "key"}
ASYNC = {**KEY, "Prefer": "respond-async"}


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving({"data_dir": str(tmp_path)}) as served:
        yield served


@pytest.fixture
def client(served: Served) -> httpx.AsyncClient:
    return served.client


@pytest.fixture
def service(served: Served) -> ScanService:
    return served.service


async def send(client: httpx.AsyncClient, data: bytes, headers: dict[str, str], **form: str) -> httpx.Response:
    return await client.post("/v1/scans", files={"photos": data}, data={"task": "text_read", **form}, headers=headers)


async def kept(service: ScanService) -> int:
    async with service.storage.db.read() as conn:
        return int((await conn.execute(select(func.count()).select_from(scans))).scalar_one())


async def test_a_scan_that_is_repeated_is_answered_the_same_and_run_once(
    client: httpx.AsyncClient, service: ScanService, jpeg: bytes
) -> None:
    first, again = await send(client, jpeg, KEY), await send(client, jpeg, KEY)
    assert (first.status_code, again.status_code, again.content) == (200, 200, first.content)
    assert ("idempotency-replayed" in first.headers, again.headers["idempotency-replayed"]) == (False, "true")
    assert await kept(service) == 1


async def test_the_old_contract_is_repeated_too(client: httpx.AsyncClient, jpeg: bytes) -> None:
    answers = [await client.post("/scan", files={"file": jpeg}, headers=KEY) for _ in range(2)]
    assert answers[0].content == answers[1].content
    assert answers[1].headers["idempotency-replayed"] == "true"


async def test_an_accepted_scan_is_accepted_once(client: httpx.AsyncClient, service: ScanService, jpeg: bytes) -> None:
    first, again = await send(client, jpeg, ASYNC), await send(client, jpeg, ASYNC)
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.headers["location"] == again.headers["location"] == f"/v1/scans/{first.json()['scan_id']}"
    assert again.headers["idempotency-replayed"] == "true"
    assert await kept(service) == 1


async def test_another_photo_or_field_is_another_request(client: httpx.AsyncClient, jpeg: bytes) -> None:
    await send(client, jpeg, ASYNC)
    for other in (await send(client, jpeg + b"x", ASYNC), await send(client, jpeg, ASYNC, store_id="S1")):
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")


async def test_repeated_at_the_same_moment_it_runs_once(
    client: httpx.AsyncClient, service: ScanService, jpeg: bytes
) -> None:
    answers = await asyncio.gather(*(send(client, jpeg, KEY) for _ in range(4)))
    assert len({answer.content for answer in answers}) == 1
    assert await kept(service) == 1


async def test_a_stream_that_is_repeated_is_told_at_once(client: httpx.AsyncClient, jpeg: bytes) -> None:
    told = [
        (await client.post("/v1/scans?stream=true", files={"photos": jpeg}, headers=KEY)).text.strip().split("\n\n")
        for _ in range(2)
    ]
    assert len(told[0]) > len(told[1]) == 1
    assert told[0][-1] == told[1][0]


async def test_an_answer_now_is_none_for_later_and_the_other_way_round(client: httpx.AsyncClient, jpeg: bytes) -> None:
    for first, other in ((KEY, "respond-async"), (ASYNC, "")):
        key = {"Idempotency-Key": f"not {other}"}
        told = await send(client, jpeg, {**first, **key})
        refused = await send(client, jpeg, {**key, "Prefer": other})
        assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_mismatch")
        assert refused.json()["advice"]
        assert (await send(client, jpeg, {**first, **key})).json()["scan_id"] == told.json()["scan_id"]


async def test_a_stream_after_an_answer_for_later_is_refused_before_it_begins(
    client: httpx.AsyncClient, jpeg: bytes
) -> None:
    form = {"files": {"photos": jpeg}, "data": {"task": "text_read"}}
    assert (await client.post("/v1/scans", headers=ASYNC, **form)).status_code == 202  # type: ignore[arg-type]
    told = await client.post("/v1/scans?stream=true", headers=KEY, **form)  # type: ignore[arg-type]
    assert (told.status_code, told.json()["code"]) == (422, "idempotency_mismatch")


async def test_streamed_or_not_it_is_the_same_answer(client: httpx.AsyncClient, jpeg: bytes) -> None:
    first = await client.post("/v1/scans", files={"photos": jpeg}, headers=KEY)
    again = await client.post("/v1/scans?stream=true", files={"photos": jpeg}, headers=KEY)
    assert first.text in again.text


async def test_a_request_that_was_refused_frees_its_key(client: httpx.AsyncClient, jpeg: bytes) -> None:
    assert (await send(client, b"no photo", KEY)).status_code == 415
    assert (await send(client, jpeg, KEY)).status_code == 200


@pytest.mark.parametrize("key", ["", "x" * 256])
async def test_a_key_has_a_length(client: httpx.AsyncClient, jpeg: bytes, key: str) -> None:
    assert (await send(client, jpeg, {"Idempotency-Key": key})).status_code == 400
