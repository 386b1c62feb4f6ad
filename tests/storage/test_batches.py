"""Batches in the store, on both databases: their counts, their end, and one notification of it."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, select
from sqlalchemy.ext.asyncio import AsyncConnection

from pixel_agent.core import Priority, ScanSpec, Status
from pixel_agent.core.errors import Conflict, NotFound
from pixel_agent.jobs.retry import cancelled
from pixel_agent.storage import batches, events, queue, tables
from pixel_agent.storage.batches import RECENT, BatchRecord, NewBatch, eta_s
from pixel_agent.storage.records import NewScan, Outcome, PhotoRecord
from pixel_agent.storage.store import Store

T0 = 1_700_000_000_000
BATCH = "batch"


def new(name: str, sha256: str = "") -> NewScan:
    photo = PhotoRecord(sha256 or name.ljust(64, "0"), 1)
    return NewScan(
        uuid.uuid4().hex, "async", ScanSpec("text_read", priority=Priority.BULK), T0, photo=photo, filename=name
    )


async def make(store: Store, *names: str, is_open: bool = False) -> None:
    async with store.db.write() as conn:
        await batches.create(conn, NewBatch(BATCH, ScanSpec("text_read"), T0, open=is_open))
        await batches.add(conn, BATCH, [new(name) for name in names], 100)


async def end(conn: AsyncConnection, status: Status, number: int = 1, now: int = T0) -> None:
    owner = uuid.uuid4().hex
    claims = await queue.claim(conn, owner, limit=number, turn=0, now_ms=now, lease_ms=1000, max_attempts=3)
    for claim in claims:
        assert await queue.finish(conn, [(claim, Outcome(status, finished_at=now))])


async def told(conn: AsyncConnection) -> Counter[str]:
    return Counter((await conn.execute(select(tables.events.c.kind))).scalars())


async def test_a_batch_ends_with_its_last_scan_and_says_so_once(store: Store) -> None:
    await make(store, "a", "b", "c")
    async with store.db.write() as conn:
        await end(conn, Status.COMPLETED, 2)
        assert (await batches.get(conn, BATCH)).state == "running"
        await end(conn, Status.FAILED, 1)
        record = await batches.get(conn, BATCH)
        assert (record.state, record.total, record.done) == ("completed", 3, 3)
        assert record.counts == {"completed": 2, "failed": 1}
        assert not await batches.complete(conn, BATCH, T0)
        assert (await told(conn))["batch.completed"] == 1


async def test_an_open_batch_waits_to_be_closed(store: Store) -> None:
    await make(store, "a", is_open=True)
    async with store.db.write() as conn:
        await end(conn, Status.COMPLETED)
        assert (await batches.get(conn, BATCH)).state == "open"
        await batches.close(conn, BATCH, T0)
        await batches.close(conn, BATCH, T0)
        assert (await batches.get(conn, BATCH)).state == "completed"
        assert (await told(conn))["batch.completed"] == 1


async def test_a_photo_is_in_a_batch_once(store: Store) -> None:
    await make(store, "a", "b", is_open=True)
    same_bytes = new("other name", "a".ljust(64, "0"))
    async with store.db.write() as conn:
        assert await batches.add(conn, BATCH, [new("a"), new("c"), new("c"), same_bytes], 100) == 2
        assert (await batches.get(conn, BATCH)).total == 4
        found = await conn.execute(select(tables.scans.c.batch_index).order_by(tables.scans.c.seq))
        assert list(found.scalars()) == [0, 1, 2, 3]


@pytest.mark.parametrize("name", ["x" * 504, "a\x00b", "\ud800.jpg"])
async def test_a_name_that_is_kept_otherwise_than_it_came_is_known_again(store: Store, name: str) -> None:
    await make(store, is_open=True)
    async with store.db.write() as conn:
        assert await batches.add(conn, BATCH, [new(name, "0" * 64)], 100) == 1
        assert await batches.add(conn, BATCH, [new(name, "0" * 64)], 100) == 0
        assert (await batches.get(conn, BATCH)).total == 1


async def test_no_place_in_a_batch_is_given_twice(store: Store) -> None:
    await make(store, "a", "b", "c", is_open=True)
    async with store.db.write() as conn:
        await conn.execute(tables.scans.delete().where(tables.scans.c.filename == "a"))
        await batches.add(conn, BATCH, [new("d")], 100)
        found = await conn.execute(select(tables.scans.c.batch_index).order_by(tables.scans.c.seq))
        assert list(found.scalars()) == [1, 2, 3]


async def test_a_batch_has_a_bound(store: Store) -> None:
    await make(store, "a", is_open=True)
    with pytest.raises(Conflict):
        async with store.db.write() as conn:
            await batches.add(conn, BATCH, [new("b"), new("c")], 2)


async def test_cancelling_ends_what_has_not_ended(store: Store) -> None:
    await make(store, "a", "b", "c")
    async with store.db.write() as conn:
        await end(conn, Status.COMPLETED)
        (running,) = await queue.claim(conn, "x", limit=1, turn=0, now_ms=T0, lease_ms=1000, max_attempts=3)
        assert len(await batches.cancel(conn, BATCH, cancelled(T0))) == 2
        assert await queue.finish(conn, [(running, Outcome(Status.COMPLETED, finished_at=T0))]) == []
        record = await batches.get(conn, BATCH)
        assert (record.state, dict(record.counts)) == ("cancelled", {"completed": 1, "cancelled": 2})
        assert await batches.cancel(conn, BATCH, cancelled(T0)) == []
        assert await told(conn) == {"scan.completed": 1, "scan.cancelled": 2, "batch.cancelled": 1}


async def test_a_cancelled_scan_waits_for_nothing(store: Store) -> None:
    await make(store, "a")
    async with store.db.write() as conn:
        await conn.execute(tables.scans.update().values(available_at=T0 + 5000))
        await batches.cancel(conn, BATCH, cancelled(T0))
        assert (await conn.execute(select(tables.scans.c.available_at))).scalar_one() is None


async def test_a_retry_begins_what_failed_and_nothing_else(store: Store) -> None:
    await make(store, "a", "b", "c")
    async with store.db.write() as conn:
        await end(conn, Status.COMPLETED)
        await end(conn, Status.FAILED)
        await end(conn, Status.EXPIRED)
        assert await batches.retry(conn, BATCH) == 2
        record = await batches.get(conn, BATCH)
        assert (record.state, record.finished_at, dict(record.counts)) == (
            "running",
            None,
            {"completed": 1, "queued": 2},
        )
        await end(conn, Status.COMPLETED, 2)
        assert (await batches.get(conn, BATCH)).counts == {"completed": 3}
        assert (await told(conn))["batch.completed"] == 2  # once for each time that it was complete


async def test_a_batch_whose_last_scan_was_deleted_is_found(store: Store) -> None:
    await make(store, "a", "b")
    async with store.db.write() as conn:
        await end(conn, Status.COMPLETED)
        assert await batches.left_behind(conn) == []
        await conn.execute(tables.scans.delete().where(tables.scans.c.status == "queued"))
        assert await batches.left_behind(conn) == [BATCH]


async def test_what_is_not_there_is_not_found(store: Store) -> None:
    async with store.db.write() as conn:
        for ask in (batches.get(conn, "x"), batches.close(conn, "x", T0), batches.retry(conn, "x")):
            with pytest.raises(NotFound):
                await ask
        assert await batches.lock(conn, "x") is None


async def test_pages_go_from_the_newest_to_the_oldest(store: Store) -> None:
    async with store.db.write() as conn:
        for name in "abc":
            await batches.create(conn, NewBatch(name, ScanSpec("text_read"), T0))
        newest = await batches.page(conn, None, 2)
        assert [one.batch_id for one in newest] == ["c", "b"]
        assert [one.batch_id for one in await batches.page(conn, newest[-1].seq, 2)] == ["a"]


async def test_a_page_asks_as_often_however_long_it_is(store: Store) -> None:
    asked: list[str] = []
    async with store.db.write() as conn:
        for index, name in enumerate("abcd"):
            await batches.create(conn, NewBatch(name, ScanSpec("text_read"), T0))
            await batches.add(conn, name, [new(f"{name}{number}") for number in range(index)], 100)
        await end(conn, Status.COMPLETED, 4, T0 + 7)
        event.listen(conn.sync_connection, "before_cursor_execute", lambda *given: asked.append(given[2]))
        await batches.page(conn, None, 1)
        few = len(asked)
        found = await batches.page(conn, None, 4)
        assert len(asked) == 2 * few
        assert [(one.batch_id, one.total, one.done, len(one.recent)) for one in found] == [
            ("d", 3, 1, 1),
            ("c", 2, 2, 0),
            ("b", 1, 1, 0),
            ("a", 0, 0, 0),
        ]
        assert found == [await batches.get(conn, one.batch_id) for one in found]


async def test_the_rate_is_measured_on_the_last_scans_of_each_batch(store: Store) -> None:
    async with store.db.write() as conn:
        for name in "ab":
            await batches.create(conn, NewBatch(name, ScanSpec("text_read"), T0, open=True))
            await batches.add(conn, name, [new(f"{name}{number}") for number in range(RECENT + 5)], 100)
        for number in range(RECENT + 5):
            await end(conn, Status.COMPLETED, 2, T0 + number)
        first, second = await batches.page(conn, None, 2)
        assert len(first.recent) == len(second.recent) == RECENT
        assert list(first.recent) == sorted(first.recent, reverse=True)
        assert max(first.recent[0], second.recent[0]) == T0 + RECENT + 4


async def test_events_of_a_batch_resume_after_any_of_them(store: Store) -> None:
    await make(store, *"abcd")
    async with store.db.write() as conn:
        await end(conn, Status.COMPLETED, 4)
        every = await events.of_batch(conn, BATCH, 0, [events.SCAN_COMPLETED], 10)
        for index, one in enumerate(every):
            assert await events.of_batch(conn, BATCH, one.seq, [events.SCAN_COMPLETED], 10) == every[index + 1 :]
    assert len(every) == 4


def record(counts: Mapping[str, int], recent: Sequence[int]) -> BatchRecord:
    return BatchRecord(1, "b", "", "running", ScanSpec("t"), T0, None, counts, recent)


def test_the_end_is_predicted_by_the_rate_of_the_last_scans() -> None:
    recent = [T0 + 10_000 - 1000 * number for number in range(11)]  # one a second
    assert eta_s(record({"queued": 30, "completed": 11}, recent), T0 + 10_000) == 30.0


def test_a_standstill_moves_the_end_away() -> None:
    counts = {"queued": 10, "completed": 3}
    recent = [T0 + 2000, T0 + 1000, T0]
    assert eta_s(record(counts, recent), T0 + 2000) == 10.0
    assert eta_s(record(counts, recent), T0 + 20_000) == 100.0


@given(
    st.dictionaries(st.sampled_from(["queued", "running", "completed", "failed"]), st.integers(0, 5000)),
    st.lists(st.integers(0, 10**6), max_size=50),
    st.integers(0, 10**6),
)
def test_the_prediction_is_never_nonsense(counts: dict[str, int], recent: list[int], now: int) -> None:
    found = eta_s(record(counts, sorted(recent, reverse=True)), now)
    assert found is None or 0 <= found < float("inf")
