"""Sending webhooks: due events are sent, failed ones are retried in order, and a slow receiver delays no other."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import pairwise

import pytest

from benchmarks.storage.webhook_receiver import Receiver
from pixel_agent.client import WebhookRefused, verify_webhook
from pixel_agent.core.settings import Settings, WebhookSettings
from pixel_agent.jobs.webhooks.delivery import host_allowed
from pixel_agent.jobs.webhooks.dispatcher import Receiver as Known
from pixel_agent.jobs.webhooks.dispatcher import WebhookSender
from pixel_agent.schemas.signing import new_secret
from pixel_agent.storage import events, outbox, webhooks
from pixel_agent.storage.database import Database
from pixel_agent.storage.notifier import Notifier
from pixel_agent.storage.store import Store
from pixel_agent.storage.webhooks import Webhook
from tests.waiting import PATIENCE_S

SECRET = new_secret()
QUICK = WebhookSettings(
    hosts="127.0.0.1", allow_private=True, timeout_s=60, backoff_min_s=0.02, backoff_max_s=0.05, max_attempts=5
)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    await receiver.up()
    yield receiver
    await receiver.down()


@pytest.fixture
def db(store: Store) -> Database:
    return store.db


@asynccontextmanager
async def sending(db: Database, settings: WebhookSettings = QUICK) -> AsyncIterator[Notifier]:
    notifier = Notifier()
    sender = WebhookSender(db, settings, notifier)
    sender.start()
    try:
        yield notifier
    finally:
        await sender.stop()


async def register(db: Database, url: str, kinds: tuple[str, ...] = (), name: str = "hook") -> None:
    async with db.write() as conn:
        await webhooks.create(conn, Webhook(name, url, kinds, SECRET, 0))


async def happen(db: Database, *scan_ids: str, kind: str = "scan.completed", at_ms: int | None = None) -> None:
    async with db.write() as conn:
        for scan_id in scan_ids:
            data = {"scan_id": scan_id, "summary": "三件"}
            await events.append(conn, kind, scan_id=scan_id, data=data, at_ms=at_ms)


async def states(db: Database) -> list[str]:
    async with db.read() as conn:
        return [one.state for one in await outbox.page(conn, None, None, 100)]


async def attempts(db: Database) -> int:
    async with db.read() as conn:
        return sum(one.attempts for one in await outbox.page(conn, None, None, 100))


async def until(db: Database, wanted: list[str]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while await states(db) != wanted:
            await asyncio.sleep(0.02)


async def test_an_event_arrives_once_signed_and_without_the_photo(db: Database, receiver: Receiver) -> None:
    await register(db, receiver.url)
    async with sending(db) as notifier:
        await happen(db, "a")
        notifier.notify("a")
        await receiver.until_taken(1, PATIENCE_S)
        await until(db, ["delivered"])
    [one] = receiver.received
    event = verify_webhook(one.headers, one.body, SECRET)
    assert (event.type, event.data) == ("scan.completed", {"scan_id": "a", "summary": "三件"})
    assert event.id.startswith("msg_hook_")
    with pytest.raises(WebhookRefused, match="signature"):
        verify_webhook(one.headers, one.body + b" ", SECRET)


async def test_a_receiver_that_was_down_gets_everything_once_and_in_order(db: Database, receiver: Receiver) -> None:
    await register(db, receiver.url)
    await receiver.down()
    async with sending(db, QUICK.model_copy(update={"max_attempts": 10_000})):
        for kind in ("scan.completed", "scan.alert", "scan.reviewed"):
            await happen(db, *"abcdefgh", kind=kind)
        async with asyncio.timeout(PATIENCE_S):
            while await attempts(db) < 10:
                await asyncio.sleep(0.02)
        await receiver.up()
        await receiver.until_taken(24, PATIENCE_S)
        await until(db, ["delivered"] * 24)
    assert len({one.message_id for one in receiver.taken}) == len(receiver.taken) == 24
    for scan in "abcdefgh":
        told = [
            one.event["type"] for one in receiver.taken if one.event["data"] == {"scan_id": scan, "summary": "三件"}
        ]
        assert told == ["scan.completed", "scan.alert", "scan.reviewed"]


@pytest.mark.parametrize("status", [500, 301, 404, 429])
async def test_what_is_no_success_is_tried_again_under_the_same_id(
    db: Database, receiver: Receiver, status: int
) -> None:
    receiver.answers = [status, status]
    receiver.headers = {"Location": "http://127.0.0.1:1/elsewhere"}
    await register(db, receiver.url)
    async with sending(db):
        await happen(db, "a")
        await receiver.until_taken(1, PATIENCE_S)
    assert [one.taken for one in receiver.received] == [False, False, True]
    assert len({one.message_id for one in receiver.received}) == 1
    assert len({one.body for one in receiver.received}) == 1


async def test_after_the_last_attempt_it_is_dead_and_the_next_event_of_the_scan_goes_out(
    db: Database, receiver: Receiver
) -> None:
    receiver.answers = [500] * QUICK.max_attempts
    await register(db, receiver.url)
    async with sending(db):
        await happen(db, "a")
        await happen(db, "a", kind="scan.reviewed")
        await until(db, ["delivered", "dead"])
        async with db.write() as conn:
            dead = (await outbox.page(conn, "dead", None, 10))[0]
            assert (dead.attempts, dead.last_error) == (5, "The receiver answered 500.")
            await outbox.revive(conn, dead.delivery_id, 0)
        await until(db, ["delivered", "delivered"])
    assert [one.event["type"] for one in receiver.taken] == ["scan.reviewed", "scan.completed"]


async def test_a_receiver_that_never_answers_holds_up_no_other(db: Database, receiver: Receiver) -> None:
    stuck = Receiver(delay_s=3600)
    await stuck.up()
    await register(db, stuck.url, name="stuck")
    await register(db, receiver.url, name="quick")
    async with sending(db):
        await happen(db, *[f"scan-{number}" for number in range(100)])
        await receiver.until_taken(100, PATIENCE_S)
    assert stuck.most_at_once <= 8
    await stuck.down()


async def test_a_receiver_that_seems_to_be_down_is_asked_by_one_delivery_at_a_time(
    db: Database, receiver: Receiver
) -> None:
    receiver.status = 503
    await register(db, receiver.url)
    slow = QUICK.model_copy(update={"backoff_min_s": 0.2, "backoff_max_s": 0.2, "max_attempts": 10_000})
    await happen(db, *[f"scan-{number}" for number in range(50)])
    async with sending(db, slow):
        await receiver.until_asked(15, PATIENCE_S)
        # Eight go out at once, and one more each for the first two that fail; then one, after its pause of 0.2 s ± 25 %.
        asked = [one.at_s for one in receiver.received[10:15]]
        assert min(later - before for before, later in pairwise(asked)) > 0.14
        receiver.status = 204
        await receiver.until_taken(50, PATIENCE_S)


async def test_two_processes_share_the_work_and_deliver_each_event_once(
    store_settings: Settings, db: Database, receiver: Receiver
) -> None:
    await register(db, receiver.url)
    await happen(db, *[f"scan-{number}" for number in range(60)])
    other = Store(store_settings)
    await other.open()
    async with sending(db), sending(other.db):
        await receiver.until_taken(60, PATIENCE_S)
        await until(db, ["delivered"] * 60)
    await other.close()
    assert len(receiver.received) == 60


async def test_a_stop_in_the_middle_loses_nothing(db: Database, receiver: Receiver) -> None:
    receiver.delay_s = 0.05
    await register(db, receiver.url)
    await happen(db, *[f"scan-{number}" for number in range(40)])
    async with sending(db):
        await receiver.until_taken(5, PATIENCE_S)
    async with sending(db):
        await until(db, ["delivered"] * 40)
    assert len({one.message_id for one in receiver.taken}) == 40


async def test_hosts_are_checked_again_at_each_delivery(db: Database, receiver: Receiver) -> None:
    await register(db, receiver.url)
    await happen(db, "a")
    once = {"max_attempts": 1}
    async with sending(db, QUICK.model_copy(update={**once, "hosts": "example.com"})):
        await until(db, ["dead"])
    await happen(db, "b")
    async with sending(db, QUICK.model_copy(update={**once, "allow_private": False})):
        await until(db, ["dead", "dead"])
    assert not receiver.received


async def test_a_name_that_leads_to_this_machine_is_not_called(db: Database, receiver: Receiver) -> None:
    await register(db, f"https://localhost:{receiver.port}/")
    await happen(db, "a")
    settings = QUICK.model_copy(update={"max_attempts": 1, "allow_private": False, "hosts": "localhost"})
    async with sending(db, settings):
        await until(db, ["dead"])
    async with db.read() as conn:
        assert "not public" in (await outbox.page(conn, "dead", None, 1))[0].last_error


async def test_a_long_answer_is_not_read_to_its_end(db: Database) -> None:
    hung_up = asyncio.Event()

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
        with suppress(ConnectionError):
            while True:
                writer.write(b"x" * 2**16)
                await writer.drain()
        hung_up.set()
        writer.close()

    async with await asyncio.start_server(endless, "127.0.0.1", 0) as server:
        await register(db, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        await happen(db, "a")
        async with sending(db):
            await until(db, ["delivered"])
            await asyncio.wait_for(hung_up.wait(), PATIENCE_S)


async def test_an_event_that_nobody_took_for_days_goes_to_the_dead_letters(db: Database, receiver: Receiver) -> None:
    await register(db, receiver.url)
    await happen(db, "old", at_ms=int((time.time() - 73 * 3600) * 1000))
    async with sending(db):
        await until(db, ["dead"])
    assert not receiver.received


async def test_only_the_kinds_that_are_wanted_are_owed(db: Database, receiver: Receiver) -> None:
    await register(db, receiver.url, kinds=("scan.alert",))
    await happen(db, "a")
    assert await states(db) == []
    await happen(db, "a", kind="scan.alert")
    assert await states(db) == ["pending"]


async def test_a_lease_that_ended_is_another_ones(db: Database, receiver: Receiver) -> None:
    await register(db, receiver.url)
    await happen(db, "a", "b", at_ms=1000)
    async with db.write() as conn:
        first = await outbox.claim(conn, "hook", "one", now_ms=1000, lease_ms=100, limit=10)
        assert await outbox.claim(conn, "hook", "two", now_ms=1050, lease_ms=100, limit=10) == []
        taken_over = await outbox.claim(conn, "hook", "two", now_ms=1100, lease_ms=100, limit=10)
        assert [one.delivery_id for one in first] == [one.delivery_id for one in taken_over]
        assert not await outbox.finish(conn, "one", outbox.DeliveryOutcome(first[0]), 1100)
        assert await outbox.finish(conn, "two", outbox.DeliveryOutcome(taken_over[0]), 1100)
        await outbox.give_back(conn, "two")
        assert len(await outbox.claim(conn, "hook", "one", now_ms=1101, lease_ms=100, limit=10)) == 1


async def test_only_the_oldest_event_of_a_scan_can_be_claimed(db: Database, receiver: Receiver) -> None:
    await register(db, receiver.url)
    await happen(db, "a", "a", "b", at_ms=1000)
    async with db.write() as conn:
        claims = await outbox.claim(conn, "hook", "one", now_ms=1000, lease_ms=10_000, limit=10)
        assert [json.loads(claim.data)["scan_id"] for claim in claims] == ["a", "b"]
        again = outbox.DeliveryOutcome(claims[0], "failed", 9000)
        await outbox.finish(conn, "one", again, 1001)
        assert await outbox.claim(conn, "hook", "one", now_ms=5000, lease_ms=10_000, limit=10) == []
        assert await outbox.due(conn, "hook", 5000) == 9000


def test_a_receiver_that_failed_is_left_alone_then_asked_once() -> None:
    known = Known(under_way=0, failures=3, paused_until_ms=100)
    assert [known.slots(8, now_ms) for now_ms in (99, 100)] == [0, 1]
    assert Known(under_way=1, failures=3).slots(8, 0) == 0
    assert Known(under_way=1, failures=2).slots(8, 0) == 7
    assert Known(under_way=3).slots(8, 0) == 5


@pytest.mark.parametrize(
    ("host", "allowed", "yes"),
    [
        ("example.com", "example.com", True),
        ("EXAMPLE.com.", " Example.COM , other.org", True),
        ("a.example.com", "*.example.com", True),
        ("a.b.example.com", "*.example.com", True),
        ("example.com", "*.example.com", False),
        ("badexample.com", "*.example.com", False),
        ("example.com.evil.org", "example.com", False),
        ("[::1]", "::1", True),
        ("example.com", "", False),
        ("example.com", "*", False),
    ],
)
def test_a_host_is_allowed_by_its_whole_name(host: str, allowed: str, yes: bool) -> None:
    assert host_allowed(host, allowed) is yes
