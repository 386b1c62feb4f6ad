"""Accepted scans on their way through the database: claimed with a lease, ended exactly once, by the owner of the lease.

Every change of a running scan names the claim that it is made under (`owner`). A process that lost its lease, or whose scan
was cancelled, finds no row of its claim and so cannot end the scan a second time. Locks are taken in one order, the batch
before its scans, so that no two transactions wait for each other.
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
"""Ranks: 0 interactive, 1 normal, 2 bulk."""
EVERY: Final = 8
"""Of so many claims, one begins with bulk and one with normal scans, so that none waits for ever."""
LOOK: Final = 200
"""Most scans that one look for overdue ones gives."""

Why = Literal["deadline", "attempts"]


@dataclass(frozen=True, slots=True)
class Claim:
    """A scan that this process may run until its lease ends. `owner` tells this claim from all others."""

    seq: int
    scan_id: str
    owner: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Overdue:
    """A scan that nobody may begin any more, and why."""

    seq: int
    scan_id: str
    why: Why
    attempts: int


def order(turn: int) -> tuple[int, ...]:
    """In which order a turn looks at the classes: the most urgent first, but now and then another. Pure."""
    if turn % EVERY == EVERY - 1:
        return (2, 0, 1)
    return (1, 0, 2) if turn % EVERY == EVERY // 2 - 1 else (0, 1, 2)


def choose(waiting: Sequence[Sequence[int]], limit: int, turn: int) -> list[int]:
    """Up to so many of the waiting, given for each class oldest first; `turn` counts claims from the start. Pure."""
    queues = [list(reversed(queue)) for queue in waiting]
    chosen: list[int] = []
    for number in range(limit):
        queue = next((queues[rank] for rank in order(turn + number) if queues[rank]), None)
        if queue is None:
            break
        chosen.append(queue.pop())
    return chosen


async def waiting(conn: AsyncConnection, now_ms: int, lease_ms: int) -> bool:
    """Whether there may be something to claim; reads only."""
    for wanted in (and_(scans.c.status == "queued", _may_begin(now_ms)), _comes_back(now_ms, lease_ms)):
        if (await conn.execute(select(scans.c.seq).where(wanted).limit(1))).first() is not None:
            return True
    return False


async def claim(
    conn: AsyncConnection, owner: str, *, limit: int, turn: int, now_ms: int, lease_ms: int, max_attempts: int
) -> list[Claim]:
    """Take up to so many scans, each begun once more; `owner` must be new.

    Also those whose process let its lease end. They stand behind what came in before that, and each time it happens to a
    scan it comes back one lease later: one that kills its process takes few others with it, and not the same ones.
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
    """Hold claims for longer; the numbers (seq) of those that are still held. The others were cancelled, or taken over."""
    owners = {claim.owner for claim in claims}
    held = and_(scans.c.owner.in_(owners), scans.c.status == "running")
    # Locked in one order, as the cancelling of a batch does, so that the two never wait for each other.
    await conn.execute(select(scans.c.seq).where(held).order_by(scans.c.seq).with_for_update())
    renewed = update(scans).where(held).values(lease_until=now_ms + lease_ms).returning(scans.c.seq)
    return set((await conn.execute(renewed)).scalars())


async def finish(conn: AsyncConnection, ended: Sequence[tuple[Claim, Outcome]]) -> list[ScanRecord]:
    """End claimed scans: status, readings, events and their batches in one transaction. Those that were still held.

    They come back as they were before.
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
    """Return it to the queue, not before `available_at`; unless `counted`, this attempt does not count."""
    back = update(scans).where(_held(claim))
    attempts = scans.c.attempts if counted else scans.c.attempts - 1
    back = back.values(status="queued", owner=None, lease_until=None, available_at=available_at, attempts=attempts)
    return (await conn.execute(back)).rowcount == 1


async def cancel(conn: AsyncConnection, scan_id: str, outcome: Outcome) -> ScanRecord | None:
    """End a waiting or running scan; its worker finds the claim lost. None if it had ended before."""
    unfinished = scans.c.status.in_(("queued", "running"))
    seq = (await conn.execute(select(scans.c.seq).where(scans.c.scan_id == scan_id, unfinished))).scalar_one_or_none()
    return None if seq is None else await _end(conn, scan_id, seq, outcome, unfinished)


async def overdue(conn: AsyncConnection, *, now_ms: int, max_attempts: int) -> list[Overdue]:
    """Scans whose deadline passed while they waited, and those whose process died as often as it may."""
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
    """When the next scan that waits for its pause to end may begin; None: none does."""
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
    """Oldest first, and none that another process is about to claim (SQLite: it waits for its turn to write)."""
    columns = (scans.c.seq, scans.c.rank, at.label("at"))
    oldest: Select[tuple[int, int, int]] = select(*columns).where(wanted).order_by(scans.c.seq).limit(limit)
    return (await conn.execute(oldest.with_for_update(skip_locked=True))).all()
