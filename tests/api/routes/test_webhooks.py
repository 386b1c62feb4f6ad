"""Webhooks over HTTP: which addresses can be registered, that the secret is shown once, and dead letters."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from pydantic import JsonValue

from benchmarks.storage.webhook_receiver import Receiver
from pixel_agent.client import verify_webhook
from pixel_agent.schemas.signing import new_secret
from tests.serving import Served, serving
from tests.waiting import PATIENCE_S

HOOKS: dict[str, JsonValue] = {
    "hosts": "127.0.0.1, *.example.com",
    "allow_private": True,
    "backoff_min_s": 0.01,
    "backoff_max_s": 0.02,
    "max_attempts": 2,
}


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    await receiver.up()
    yield receiver
    await receiver.down()


@pytest.fixture
async def served(database: dict[str, JsonValue]) -> AsyncIterator[Served]:
    async with serving({**database, "webhooks": HOOKS}) as served:
        yield served


async def register(served: Served, url: str, **fields: JsonValue) -> dict[str, str]:
    answer = await served.client.post("/v1/webhooks", json={"url": url, **fields})
    assert answer.status_code == 201, answer.text
    made: dict[str, str] = answer.json()
    return made


async def refused(served: Served, **body: JsonValue) -> str:
    answer = await served.client.post("/v1/webhooks", json=body)
    assert answer.status_code == 400, answer.text
    return str(answer.json()["detail"])


async def settled(served: Served, state: str) -> dict[str, JsonValue]:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found = (await served.get("/v1/webhooks/deliveries", state=state))["deliveries"]
            if isinstance(found, list) and found and isinstance(found[0], dict):
                return found[0]
            await asyncio.sleep(0.02)


async def test_the_secret_is_shown_once(served: Served, receiver: Receiver) -> None:
    made = await register(served, receiver.url, kinds=["scan.alert", "scan.alert"])
    assert made["secret"].startswith("whsec_")
    listed = await served.get("/v1/webhooks")
    expected = {name: value for name, value in made.items() if name != "secret"}
    assert listed == {"webhooks": [{**expected, "kinds": ["scan.alert"]}]}


async def test_a_scan_is_told_with_its_ids_and_summary(served: Served, receiver: Receiver, jpeg: bytes) -> None:
    secret = new_secret()
    await register(served, receiver.url, secret=secret)
    scan_id = await served.scan(jpeg)
    await receiver.until_taken(1, PATIENCE_S)
    [one] = receiver.taken
    event = verify_webhook(one.headers, one.body, secret)
    assert (event.type, event.data["scan_id"]) == ("scan.completed", scan_id)
    assert "summary" in event.data
    assert len(one.body) < 4096


async def test_a_dead_letter_is_listed_and_tried_again(served: Served, receiver: Receiver, jpeg: bytes) -> None:
    receiver.status = 500
    await register(served, receiver.url)
    await served.scan(jpeg)
    dead = await settled(served, "dead")
    assert (dead["attempts"], dead["last_error"], dead["next_at"]) == (2, "The receiver answered 500.", None)
    receiver.status = 204
    retry = f"/v1/webhooks/deliveries/{dead['delivery_id']}/retry"
    again = await served.client.post(retry)
    assert (again.status_code, again.json()["state"]) == (200, "pending")
    assert (await settled(served, "delivered"))["attempts"] == 1
    assert (await served.client.post(retry)).status_code == 409


async def test_a_webhook_that_is_deleted_is_told_nothing_more(served: Served, receiver: Receiver, jpeg: bytes) -> None:
    made = await register(served, receiver.url)
    path = f"/v1/webhooks/{made['webhook_id']}"
    assert (await served.client.delete(path)).status_code == 204
    assert (await served.client.delete(path)).status_code == 404
    assert (await served.client.post(f"{path}/test")).status_code == 404
    await served.scan(jpeg)
    assert (await served.get("/v1/webhooks/deliveries"))["deliveries"] == []


async def test_what_may_not_be_told_is_refused_with_the_reason(served: Served) -> None:
    for url, said in {
        "https://example.org/": "webhooks.hosts",
        "https://example.com/": "webhooks.hosts",
        "https://nowhere.invalid.example.com/": "address",
        "ftp://127.0.0.1/": "https://",
        "//127.0.0.1/": "https://",
        "http://u:p@127.0.0.1/": "user",
        "http://127.0.0.1/#part": "fragment",
        "http://127.0.0.1:port/": "URL",
        "http://127.0.0.1/" + "a" * 2000: "host",
    }.items():
        assert said in await refused(served, url=url), url
    assert "kinds" in await refused(served, url="http://127.0.0.1/", kinds=["scan.begun"])
    assert "whsec_" in await refused(served, url="http://127.0.0.1/", secret="hunter2")
    assert "url" in await refused(served)
    assert "colour" in await refused(served, url="http://127.0.0.1/", colour="red")


@pytest.mark.parametrize("query", ["state=lost", "limit=0", "limit=201", "cursor=x", "cursor=99999999999999999999"])
async def test_a_list_is_asked_for_properly(served: Served, query: str) -> None:
    assert (await served.client.get(f"/v1/webhooks/deliveries?{query}")).status_code == 400


@pytest.mark.parametrize(("number", "status"), [("0", 400), ("x", 400), ("9" * 30, 400), ("123456", 404)])
async def test_only_deliveries_are_tried_again(served: Served, number: str, status: int) -> None:
    assert (await served.client.post(f"/v1/webhooks/deliveries/{number}/retry")).status_code == status


async def test_deliveries_are_listed_page_by_page(served: Served, receiver: Receiver) -> None:
    made = await register(served, receiver.url)
    for _ in range(5):
        await served.client.post(f"/v1/webhooks/{made['webhook_id']}/test")
    seen: list[JsonValue] = []
    cursor: str | None = None
    while True:
        after = f"&cursor={cursor}" if cursor else ""
        page = await served.get(f"/v1/webhooks/deliveries?limit=2{after}")
        assert isinstance(page["deliveries"], list)
        seen += [one["event"] for one in page["deliveries"] if isinstance(one, dict)]
        if page["next"] is None:
            break
        cursor = str(page["next"])
    assert len(seen) == len(set(map(str, seen))) == 5


async def test_without_hosts_webhooks_are_off_and_say_so() -> None:
    async with serving({}) as served:
        answer = await served.client.post("/v1/webhooks", json={"url": "https://example.com/"})
    assert (answer.status_code, "webhooks.hosts" in answer.json()["advice"]) == (409, True)


async def test_private_addresses_are_refused_unless_they_are_allowed() -> None:
    hooks: dict[str, JsonValue] = {"hosts": "127.0.0.1,localhost,169.254.169.254,[::1]"}
    async with serving({"webhooks": hooks}) as served:
        for host in ("127.0.0.1", "localhost", "169.254.169.254", "[::1]"):
            assert "not public" in await refused(served, url=f"https://{host}/")
        assert "https://" in await refused(served, url="http://127.0.0.1/")


async def test_without_a_store_there_are_no_webhooks() -> None:
    async with serving({"store": {"enabled": False}, "webhooks": HOOKS}) as served:
        assert (await served.client.get("/v1/webhooks")).status_code == 503
