"""The queue in both databases: despite crashes and clock jumps, each scan ends once."""

from __future__ import annotations

import itertools
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from pixel_agent.core import Priority, ScanSpec, Status
from pixel_agent.storage import queue
from pixel_agent.storage import scans as records
from pixel_agent.storage.queue import CLASSES, EVERY, Claim, choose
from pixel_agent.storage.records import NewScan, Outcome
from pixel_agent.storage.store import Store
from pixel_agent.storage.tables import events, scan_words, scans

LEASE_MS = 1000
MAX_ATTEMPTS = 3
T0 = 1_700_000_000_000
PRIORITIES = list(Priority)


def new(rank: int = 1, **more: object) -> NewScan:
    return NewScan(uuid.uuid4().hex, "async", ScanSpec("text_read", priority=PRIORITIES[rank]), T0, **more)  # type: ignore[arg-type]


def ended(now: int, status: Status = Status.COMPLETED) -> Outcome:
    return Outcome(status, finished_at=now)


async def claim(conn: AsyncConnection, owner: str, limit: int = 10, now: int = T0, turn: int = 0) -> list[Claim]:
    return await queue.claim(
        conn, owner, limit=limit, turn=turn, now_ms=now, lease_ms=LEASE_MS, max_attempts=MAX_ATTEMPTS
    )


async def status_of(store: Store, scan_id: str) -> tuple[str, int]:
    async with store.db.read() as conn:
        record = await records.get(conn, scan_id)
    assert record is not None
    return record.status.value, record.attempts


async def put(store: Store, *new_scans: NewScan) -> list[str]:
    async with store.db.write() as conn:
        await records.insert_many(conn, [records.NewEntry(scan, None) for scan in new_scans])
    return [scan.scan_id for scan in new_scans]


# The policy


@given(st.lists(st.lists(st.integers(), unique=True), min_size=3, max_size=3), st.integers(0, 40), st.integers(0, 99))
def test_a_choice_takes_each_once_and_as_many_as_it_may(waiting: list[list[int]], limit: int, turn: int) -> None:
    named = [[rank * 10**6 + index for index in range(len(queue))] for rank, queue in enumerate(waiting)]
    chosen = choose(named, limit, turn)
    everyone = [seq for queue in named for seq in queue]
    assert len(chosen) == len(set(chosen)) == min(limit, len(everyone))
    assert all([seq for seq in chosen if seq in queue] == queue[: len(set(chosen) & set(queue))] for queue in named)


def test_the_most_urgent_are_chosen_first_and_nobody_starves() -> None:
    waiting = [list(range(rank * 1000, rank * 1000 + 800)) for rank in range(CLASSES)]
    ranks = Counter(seq // 1000 for seq in choose(waiting, 800, 0))
    assert ranks == {0: 800 - 2 * (800 // EVERY), 1: 800 // EVERY, 2: 800 // EVERY}


def test_single_claims_share_as_one_large_claim_does() -> None:
    waiting = [list(range(rank * 1000, rank * 1000 + 16)) for rank in range(CLASSES)]
    single = [choose(waiting, 1, turn)[0] // 1000 for turn in range(EVERY)]
    assert Counter(single) == {0: EVERY - 2, 1: 1, 2: 1}


# Claims


async def test_a_claimed_scan_is_claimed_by_nobody_else(store: Store) -> None:
    await put(store, new(), new())
    async with store.db.write() as conn:
        first = await claim(conn, "a:1", limit=1)
        second = await claim(conn, "b:1")
    assert len(first) == len(second) == 1
    assert first[0].seq < second[0].seq


async def test_a_scan_comes_back_when_its_lease_ends(store: Store) -> None:
    (scan_id,) = await put(store, new())
    async with store.db.write() as conn:
        (old,) = await claim(conn, "a:1")
        assert await claim(conn, "b:1", now=T0 + LEASE_MS - 1) == []
        (taken,) = await claim(conn, "b:2", now=T0 + LEASE_MS)
        assert await queue.finish(conn, [(old, ended(T0))]) == []
        assert await queue.finish(conn, [(taken, ended(T0))])
        assert await queue.finish(conn, [(taken, ended(T0))]) == []
    assert await status_of(store, scan_id) == ("completed", 2)


async def test_a_renewed_lease_holds(store: Store) -> None:
    await put(store, new())
    async with store.db.write() as conn:
        claims = await claim(conn, "a:1")
        assert await queue.renew(conn, claims, now_ms=T0 + 900, lease_ms=LEASE_MS) == {claims[0].seq}
        assert await claim(conn, "b:1", now=T0 + LEASE_MS + 500) == []


async def test_what_is_given_back_is_not_counted_and_waits_as_told(store: Store) -> None:
    (scan_id,) = await put(store, new())
    async with store.db.write() as conn:
        (mine,) = await claim(conn, "a:1")
        assert await queue.give_back(conn, mine, available_at=T0 + 500)
        assert await claim(conn, "a:2", now=T0 + 499) == []
        assert await queue.next_at(conn, T0) == T0 + 500
        (again,) = await claim(conn, "a:3", now=T0 + 500)
    assert again.attempts == 1
    assert await status_of(store, scan_id) == ("running", 1)


async def test_a_cancelled_scan_cannot_be_finished(store: Store) -> None:
    (scan_id,) = await put(store, new())
    async with store.db.write() as conn:
        claims = await claim(conn, "a:1")
        assert await queue.cancel(conn, scan_id, ended(T0, Status.CANCELLED)) is not None
        assert await queue.renew(conn, claims, now_ms=T0, lease_ms=LEASE_MS) == set()
        assert await queue.finish(conn, [(claims[0], ended(T0))]) == []
        assert await queue.cancel(conn, scan_id, ended(T0, Status.CANCELLED)) is None
    assert (await status_of(store, scan_id))[0] == "cancelled"


async def test_a_scan_whose_process_dies_too_often_is_given_up(store: Store) -> None:
    (scan_id,) = await put(store, new())
    async with store.db.write() as conn:
        assert len(await claim(conn, "a:0")) == 1
        now = T0
        for attempt in range(1, MAX_ATTEMPTS):
            now += attempt * LEASE_MS  # each time a lease later
            assert await claim(conn, f"a:{attempt}", now=now - 1) == []
            assert len(await claim(conn, f"b:{attempt}", now=now)) == 1
        now += LEASE_MS
        assert await claim(conn, "b:1", now=now) == []
        (spent,) = await queue.overdue(conn, now_ms=now, max_attempts=MAX_ATTEMPTS)
        assert await queue.give_up(conn, spent, ended(now, Status.FAILED), now_ms=now) is not None
        assert await queue.give_up(conn, spent, ended(now, Status.FAILED), now_ms=now) is None
    assert await status_of(store, scan_id) == ("failed", MAX_ATTEMPTS)


async def test_what_was_lost_with_its_process_stands_behind_what_came_before_that(store: Store) -> None:
    ids = await put(store, new(), new())
    async with store.db.write() as conn:
        assert [one.scan_id for one in await claim(conn, "a:1", limit=1)] == ids[:1]
        assert [one.scan_id for one in await claim(conn, "b:1", now=T0 + LEASE_MS)] == ids[::-1]


async def test_a_scan_past_its_deadline_is_not_begun(store: Store) -> None:
    (scan_id,) = await put(store, new(deadline_at=T0 + 100))
    async with store.db.write() as conn:
        assert await claim(conn, "a:1", now=T0 + 100) == []
        (late,) = await queue.overdue(conn, now_ms=T0 + 100, max_attempts=MAX_ATTEMPTS)
        assert (late.scan_id, late.why) == (scan_id, "deadline")
        assert await queue.give_up(conn, late, ended(T0 + 100, Status.EXPIRED), now_ms=T0 + 100) is not None


async def test_the_order_of_claims_follows_the_policy(store: Store) -> None:
    ids = await put(store, *(new(rank) for _ in range(EVERY) for rank in (2, 1, 0)))
    async with store.db.write() as conn:
        claims = [one for turn in range(EVERY) for one in await claim(conn, f"a:{turn}", limit=1, turn=turn)]
    assert [2 - ids.index(one.scan_id) % CLASSES for one in claims] == [queue.order(turn)[0] for turn in range(EVERY)]


# All of it, at random


@dataclass
class Process:
    """What one process believes that it holds."""

    name: str
    claims: list[Claim] = field(default_factory=list)
    number: int = 0


STEP = st.tuples(
    st.sampled_from(["claim", "finish", "crash", "renew", "back", "count", "cancel", "tick", "sweep"]),
    st.integers(0, 2),
    st.integers(0, 5),
)


@given(
    ranks=st.lists(st.integers(0, 2), min_size=1, max_size=5),
    late=st.integers(-1, 4),
    steps=st.lists(STEP, max_size=30),
    jumps=st.lists(st.integers(-3000, 3000), min_size=1, max_size=5),
)
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_each_scan_ends_once_whatever_happens(
    store: Store, ranks: Sequence[int], late: int, steps: list[tuple[str, int, int]], jumps: Sequence[int]
) -> None:
    async with store.db.write() as conn:
        for table in (events, scan_words, scans):
            await conn.execute(delete(table))
    ids = await put(
        store, *(new(rank, deadline_at=T0 + 500 if index == late else None) for index, rank in enumerate(ranks))
    )
    processes = [Process(name) for name in "abc"]
    wins = Counter[str]()
    now, jump = T0, itertools.cycle(jumps)

    async def sweep(conn: AsyncConnection) -> None:
        for found in await queue.overdue(conn, now_ms=now, max_attempts=MAX_ATTEMPTS):
            status = Status.EXPIRED if found.why == "deadline" else Status.FAILED
            if await queue.give_up(conn, found, ended(now, status), now_ms=now):
                wins[found.scan_id] += 1

    async def step(conn: AsyncConnection, what: str, process: Process, number: int) -> None:
        nonlocal now
        held = process.claims[number % len(process.claims)] if process.claims else None
        if what == "claim":
            process.number += 1
            process.claims += await claim(conn, f"{process.name}:{process.number}", number, now, number)
        elif what == "finish" and held is not None:
            process.claims.remove(held)
            if await queue.finish(conn, [(held, ended(now))]):
                wins[held.scan_id] += 1
        elif what == "crash":
            process.claims.clear()
        elif what == "renew":
            still = await queue.renew(conn, process.claims, now_ms=now, lease_ms=LEASE_MS)
            process.claims = [one for one in process.claims if one.seq in still]
        elif what in ("back", "count") and held is not None:
            process.claims.remove(held)
            counted = (
                what == "count" and held.attempts < MAX_ATTEMPTS
            )  # after the last attempt it ends, see `decide_retry`
            await queue.give_back(conn, held, available_at=now + 100, counted=counted)
        elif what == "cancel" and await queue.cancel(conn, ids[number % len(ids)], ended(now, Status.CANCELLED)):
            wins[ids[number % len(ids)]] += 1
        elif what == "tick":
            now += next(jump)
        elif what == "sweep":
            await sweep(conn)

    for what, process, number in steps:
        async with store.db.write() as conn:
            await step(conn, what, processes[process], number)
    for _ in range(4 * MAX_ATTEMPTS * len(ids)):  # then the clock goes on as clocks do, and one process works
        now += 2 * LEASE_MS
        async with store.db.write() as conn:
            await sweep(conn)
            await step(conn, "claim", processes[0], 5)
            await step(conn, "finish", processes[0], 0)
        if len(wins) == len(ids) and not processes[0].claims:
            break
    assert wins == dict.fromkeys(ids, 1)
    async with store.db.read() as conn:
        told = Counter((await conn.execute(select(events.c.scan_id))).scalars())
        rows = (await conn.execute(select(scans.c.attempts, scans.c.owner, scans.c.lease_until))).all()
    assert told == dict.fromkeys(ids, 1)
    assert all(0 <= row.attempts <= MAX_ATTEMPTS and row.owner is None and row.lease_until is None for row in rows)
