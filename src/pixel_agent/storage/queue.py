"""The queue of accepted scans in the database: a worker claims a scan with a lease, and only the lease's owner ends it.

Every change of a running scan is conditional on its claim (`owner`). A process that lost its lease, or whose scan was
cancelled, finds no row of its claim and so cannot end the scan a second time. Locks are taken in one order, the batch
before its scans, so that transactions cannot deadlock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import ColumnElement, Row, Select, and_, literal_column, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from pixel_agent.storage import batches, events
from pixel_agent.storage import scans as records
from pixel_agent.storage.records import Outcome, ScanRecord
from pixel_agent.storage.tables import scans

CLASSES: Final = 3
"""Number of priority ranks: 0 interactive, 1 normal, 2 bulk."""
EVERY: Final = 8
"""In this many claims, one starts with bulk and one with normal scans, so that none starves."""
LOOK: Final = 200
"""Maximum scans that one query for overdue scans returns."""

Why = Literal["deadline", "attempts"]


@dataclass(frozen=True, slots=True)
class Claim:
    """A scan that this process has leased. `owner` identifies the claim."""

    seq: int
    scan_id: str
    owner: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Overdue:
    """A scan that no worker can start any more, and why."""

    seq: int
    scan_id: str
    why: Why
    attempts: int


def order(turn: int) -> tuple[int, ...]:
    """The order of ranks for a turn: the most urgent first, except in two of `EVERY` turns. Pure."""
    if turn % EVERY == EVERY - 1:
        return (2, 0, 1)
    return (1, 0, 2) if turn % EVERY == EVERY // 2 - 1 else (0, 1, 2)


def choose(waiting: Sequence[Sequence[int]], limit: int, turn: int) -> list[int]:
    """Choose up to `limit` waiting scans, given per rank oldest first; `turn` counts claims since the start. Pure."""
    queues = [list(reversed(queue)) for queue in waiting]
    chosen: list[int] = []
    for number in range(limit):
        queue = next((queues[rank] for rank in order(turn + number) if queues[rank]), None)
        if queue is None:
            break
        chosen.append(queue.pop())
    return chosen


async def waiting(conn: AsyncConnection, now_ms: int, lease_ms: int) -> bool:
    """Whether there may be scans to claim; reads only."""
    for wanted in (and_(scans.c.status == "queued", _may_begin(now_ms)), _comes_back(now_ms, lease_ms)):
        if (await conn.execute(select(scans.c.seq).where(wanted).limit(1))).first() is not None:
            return True
    return False


async def claim(
    conn: AsyncConnection, owner: str, *, limit: int, turn: int, now_ms: int, lease_ms: int, max_attempts: int
) -> list[Claim]:
    """Claim up to `limit` scans and count one more attempt for each; `owner` must be new.

    Scans with an expired lease are claimed too, behind scans that arrived before the expiry, and one lease later for
    each expiry: a scan that crashes its worker takes few others down, and not the same ones.
    """
    waiting: list[list[tuple[int, int]]] = []
    for rank in range(CLASSES):
        queued = and_(scans.c.status == "queued", scans.c.rank == rank, _may_begin(now_ms))
        waiting.append([(row.at, row.seq) for row in await _locked(conn, queued, scans.c.received_at, limit)])
    left = and_(_comes_back(now_ms, lease_ms), scans.c.attempts < max_attempts)
    for row in await _locked(conn, left, scans.c.lease_until, limit):
        waiting[row.rank].append((row.at, row.seq))
    classes = [[seq for _, seq in sorted(found)] for found in waiting]
    chosen = choose(classes, limit, turn)
    if not chosen:
        return []
    taken = update(scans).where(scans.c.seq.in_(chosen))
    taken = taken.values(status="running", owner=owner, lease_until=now_ms + lease_ms, attempts=scans.c.attempts + 1)
    found = await conn.execute(taken.returning(scans.c.seq, scans.c.scan_id, scans.c.owner, scans.c.attempts))
    claims = {row.seq: Claim(*row) for row in found}
    return [claims[seq] for seq in chosen]


async def renew(conn: AsyncConnection, claims: Sequence[Claim], *, now_ms: int, lease_ms: int) -> set[int]:
    """Renew leases; returns the `seq` of those still owned. The others were cancelled, or taken over."""
    owners = {claim.owner for claim in claims}
    held = and_(scans.c.owner.in_(owners), scans.c.status == "running")
    # Locked in the same order as the cancellation of a batch, so that the two cannot deadlock.
    await conn.execute(select(scans.c.seq).where(held).order_by(scans.c.seq).with_for_update())
    renewed = update(scans).where(held).values(lease_until=now_ms + lease_ms).returning(scans.c.seq)
    return set((await conn.execute(renewed)).scalars())


async def finish(conn: AsyncConnection, ended: Sequence[tuple[Claim, Outcome]]) -> list[ScanRecord]:
    """End claimed scans: status, readings, events and their batches in one transaction.

    Returns the scans whose claims were still valid, as they were before.
    """
    seqs = [claim.seq for claim, _ in ended]
    of_batches = select(scans.c.batch_id).where(scans.c.seq.in_(seqs), scans.c.batch_id.is_not(None)).distinct()
    batch_ids = sorted((await conn.execute(of_batches)).scalars())
    for batch_id in batch_ids:
        await batches.lock(conn, batch_id)
    running = select(scans.c.seq, scans.c.owner).where(scans.c.seq.in_(seqs), scans.c.status == "running")
    found = await conn.execute(running.order_by(scans.c.seq).with_for_update())
    owners = {row.seq: row.owner for row in found}
    mine = [(claim, outcome) for claim, outcome in ended if owners.get(claim.seq) == claim.owner]
    if not mine:
        return []
    before = await records.of_ids(conn, [claim.scan_id for claim, _ in mine])
    await records.finish_many(conn, [(claim.seq, outcome) for claim, outcome in mine])
    await events.scans_ended(conn, [(before[claim.scan_id], outcome) for claim, outcome in mine])
    for batch_id in batch_ids:
        await batches.complete(conn, batch_id, max(outcome.finished_at for _, outcome in mine))
    return list(before.values())


async def give_back(
    conn: AsyncConnection, claim: Claim, *, available_at: int | None = None, counted: bool = False
) -> bool:
    """Return a scan to the queue, not before `available_at`; False if the claim was lost.

    Unless `counted`, this attempt does not count.
    """
    back = update(scans).where(_held(claim))
    attempts = scans.c.attempts if counted else scans.c.attempts - 1
    back = back.values(status="queued", owner=None, lease_until=None, available_at=available_at, attempts=attempts)
    return (await conn.execute(back)).rowcount == 1


async def cancel(conn: AsyncConnection, scan_id: str, outcome: Outcome) -> ScanRecord | None:
    """Cancel a waiting or running scan; its worker finds the claim lost. None if it had ended before."""
    unfinished = scans.c.status.in_(("queued", "running"))
    seq = (await conn.execute(select(scans.c.seq).where(scans.c.scan_id == scan_id, unfinished))).scalar_one_or_none()
    return None if seq is None else await _end(conn, scan_id, seq, outcome, unfinished)


async def overdue(conn: AsyncConnection, *, now_ms: int, max_attempts: int) -> list[Overdue]:
    """Scans whose deadline passed while they waited, and scans whose processes died `max_attempts` times."""
    columns = (scans.c.seq, scans.c.scan_id)
    late = select(*columns, literal_column("'deadline'").label("why"), scans.c.attempts).where(_late(now_ms))
    spent = select(*columns, literal_column("'attempts'").label("why"), scans.c.attempts).where(
        _abandoned(now_ms), scans.c.attempts >= max_attempts
    )
    found = [row for query in (late, spent) for row in await conn.execute(query.limit(LOOK))]
    return [Overdue(*row) for row in found]


async def give_up(conn: AsyncConnection, found: Overdue, outcome: Outcome, *, now_ms: int) -> ScanRecord | None:
    """End an overdue scan; None if it is not overdue any more."""
    still = _late(now_ms) if found.why == "deadline" else _abandoned(now_ms)
    return await _end(conn, found.scan_id, found.seq, outcome, and_(still, scans.c.attempts == found.attempts))


async def next_at(conn: AsyncConnection, now_ms: int) -> int | None:
    """When the next paused scan can start, in milliseconds UTC; None if no scan is paused."""
    pausing = select(scans.c.available_at).where(scans.c.status == "queued", scans.c.available_at > now_ms)
    return (await conn.execute(pausing.order_by(scans.c.available_at).limit(1))).scalar_one_or_none()


async def _end(
    conn: AsyncConnection, scan_id: str, seq: int, outcome: Outcome, condition: ColumnElement[bool]
) -> ScanRecord | None:
    batch_id = (await conn.execute(select(scans.c.batch_id).where(scans.c.seq == seq))).scalar_one_or_none()
    if batch_id is not None:
        await batches.lock(conn, batch_id)
    freed = update(scans).where(scans.c.seq == seq, condition).values(owner=None, lease_until=None, available_at=None)
    if (await conn.execute(freed)).rowcount != 1:
        return None
    record = await records.get(conn, scan_id, document=False)
    if record is None or not await records.finish(conn, seq, outcome):
        return None
    await events.scan_ended(conn, record, outcome)
    if batch_id is not None:
        await batches.complete(conn, batch_id, outcome.finished_at)
    return record


def _held(claim: Claim) -> ColumnElement[bool]:
    return and_(scans.c.seq == claim.seq, scans.c.owner == claim.owner, scans.c.status == "running")


def _may_begin(now_ms: int) -> ColumnElement[bool]:
    return and_(
        or_(scans.c.available_at.is_(None), scans.c.available_at <= now_ms),
        or_(scans.c.deadline_at.is_(None), scans.c.deadline_at > now_ms),
    )


def _abandoned(now_ms: int) -> ColumnElement[bool]:
    return and_(scans.c.status == "running", scans.c.lease_until <= now_ms)


def _comes_back(now_ms: int, lease_ms: int) -> ColumnElement[bool]:
    return and_(_abandoned(now_ms), scans.c.lease_until + (scans.c.attempts - 1) * lease_ms <= now_ms)


def _late(now_ms: int) -> ColumnElement[bool]:
    return and_(literal_column("status") == literal_column("'queued'"), scans.c.deadline_at <= now_ms)


async def _locked(
    conn: AsyncConnection, wanted: ColumnElement[bool], at: ColumnElement[int | None] | ColumnElement[int], limit: int
) -> Sequence[Row[tuple[int, int, int]]]:
    """Lock rows, oldest first, and skip rows that another process is claiming (SQLite: writers take turns)."""
    columns = (scans.c.seq, scans.c.rank, at.label("at"))
    oldest: Select[tuple[int, int, int]] = select(*columns).where(wanted).order_by(scans.c.seq).limit(limit)
    return (await conn.execute(oldest.with_for_update(skip_locked=True))).all()
