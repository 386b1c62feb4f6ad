"""Batches: many photos with one spec. Tracks progress and outcome, and completes each batch exactly once.

A transaction that adds a scan to a batch, ends one of its scans, or changes its state locks the batch's row first. So
the last scan to end knows that it is the last, and the events of a batch become visible in order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, cast

from pydantic import JsonValue
from sqlalchemy import Row, and_, exists, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from pixel_agent.core import ScanSpec, Status
from pixel_agent.core.errors import Conflict, NotFound
from pixel_agent.storage import events
from pixel_agent.storage import scans as records
from pixel_agent.storage.records import FINAL, NewScan, Outcome, ScanFilter
from pixel_agent.storage.specs import columns_of, spec_of
from pixel_agent.storage.tables import batches, scans

State = Literal["open", "running", "completed", "cancelled"]
RECENT: Final = 50
"""Number of last completions used to measure the rate."""
UNFINISHED: Final = (Status.QUEUED.value, Status.RUNNING.value)
MOST: Final = 2**31 - 1
AGAIN: Final = (Status.FAILED.value, Status.EXPIRED.value)
"""States of scans that a retry runs again."""


@dataclass(frozen=True, slots=True)
class NewBatch:
    """A new batch, with the spec that all its photos share."""

    batch_id: str
    spec: ScanSpec
    created_at: int
    name: str = ""
    open: bool = False


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """A batch and its progress.

    `counts`: scans per status. `recent`: end times of the last scans, newest first; empty once the batch has ended.
    """

    seq: int
    batch_id: str
    name: str
    state: State
    spec: ScanSpec
    created_at: int
    finished_at: int | None
    counts: Mapping[str, int]
    recent: Sequence[int]

    @property
    def total(self) -> int:
        """Number of scans in the batch."""
        return sum(self.counts.values())

    @property
    def done(self) -> int:
        """Number of scans that have ended, with any status."""
        return sum(number for status, number in self.counts.items() if status in FINAL)

    @property
    def final(self) -> bool:
        """Whether the batch has ended; only a retry can start it again."""
        return self.state in ("completed", "cancelled")


def eta_s(record: BatchRecord, now_ms: int) -> float | None:
    """Seconds until the end, from the rate of the last completions; None before the second one. Pure.

    The rate is measured up to now, so that a stall lowers it.
    """
    remaining = record.total - record.done
    if record.final or not remaining:
        return 0.0
    if len(record.recent) < 2:
        return None
    took_ms = max(1, now_ms - record.recent[-1])
    return round(remaining * took_ms / (len(record.recent) - 1) / 1000, 1)


async def create(conn: AsyncConnection, new: NewBatch) -> None:
    """Insert a batch, without scans."""
    values = {
        "batch_id": new.batch_id,
        "name": new.name,
        "state": "open" if new.open else "running",
        **columns_of(new.spec, batches),
        "created_at": new.created_at,
    }
    await conn.execute(insert(batches).values(values))


async def lock(conn: AsyncConnection, batch_id: str) -> State | None:
    """Lock a batch until the transaction ends; returns its state, or None if it does not exist."""
    query = select(batches.c.state).where(batches.c.batch_id == batch_id).with_for_update()
    return cast("State | None", (await conn.execute(query)).scalar_one_or_none())


async def get(conn: AsyncConnection, batch_id: str) -> BatchRecord:
    """One batch. Raises NotFound."""
    row = (await conn.execute(select(batches).where(batches.c.batch_id == batch_id))).one_or_none()
    if row is None:
        raise NotFound("There is no batch of this id.", "GET /v1/batches lists them.")
    return (await _records(conn, [row]))[0]


async def page(conn: AsyncConnection, before: int | None, limit: int) -> list[BatchRecord]:
    """The newest batches with a `seq` below `before`."""
    query = select(batches).order_by(batches.c.seq.desc()).limit(limit)
    if before is not None:
        query = query.where(batches.c.seq < before)
    return await _records(conn, (await conn.execute(query)).all())


async def add(conn: AsyncConnection, batch_id: str, new: Sequence[NewScan], most: int) -> int:
    """Add scans to an open batch; returns how many are new. The transaction must have locked or created the batch.

    A photo with the same bytes and the same stored file name is a duplicate. Raises Conflict if the batch would have
    more than `most` scans.
    """
    there, index = await _photos_of(conn, batch_id)
    fresh: dict[tuple[str | None, str | None], NewScan] = {}
    for scan in new:
        key = (scan.photo.sha256 if scan.photo else None, records.kept_name(scan.filename))
        if key not in there:
            fresh.setdefault(key, scan)
    total = len(there) + len(fresh)
    if total > most:
        raise Conflict(f"The batch would have {total} photos; at most {most} are taken.", "Make a new one.")
    entries = [
        records.NewEntry(_numbered(scan, batch_id, index + number), None) for number, scan in enumerate(fresh.values())
    ]
    if entries:
        await records.insert_many(conn, entries)
    return len(entries)


async def expect_open(conn: AsyncConnection, batch_id: str) -> None:
    """Lock a batch that must be open. Raises NotFound; Conflict if it accepts no more photos."""
    await _expect(conn, batch_id, ("open",), "take more photos")


async def close(conn: AsyncConnection, batch_id: str, now_ms: int) -> None:
    """Close a batch; if all its scans have ended, this completes it. Raises NotFound, Conflict."""
    await _expect(conn, batch_id, ("open", "running", "completed"), "be closed")
    mine = and_(batches.c.batch_id == batch_id, batches.c.state == "open")
    await conn.execute(update(batches).where(mine).values(state="running", closed_at=now_ms))
    await complete(conn, batch_id, now_ms)


async def complete(conn: AsyncConnection, batch_id: str, now_ms: int) -> bool:
    """Complete a closed batch if all its scans have ended; returns whether it did. The batch must be locked."""
    unfinished = select(scans.c.seq).where(scans.c.batch_id == batch_id, scans.c.status.in_(UNFINISHED)).limit(1)
    if (await conn.execute(unfinished)).first() is not None:
        return False
    mine = and_(batches.c.batch_id == batch_id, batches.c.state == "running")
    done = await conn.execute(update(batches).where(mine).values(state="completed", finished_at=now_ms))
    if done.rowcount != 1:
        return False
    await _say(conn, events.BATCH_COMPLETED, batch_id, now_ms)
    return True


async def left_behind(conn: AsyncConnection) -> list[str]:
    """Ids of batches in state `running` whose unfinished scans were all deleted, so that nothing completes them."""
    unfinished = exists().where(scans.c.batch_id == batches.c.batch_id, scans.c.status.in_(UNFINISHED))
    found = await conn.execute(select(batches.c.batch_id).where(batches.c.state == "running", ~unfinished))
    return list(found.scalars())


async def cancel(conn: AsyncConnection, batch_id: str, outcome: Outcome) -> list[str]:
    """End a batch and all its unfinished scans; returns the ids of these scans. Raises NotFound, Conflict."""
    await _expect(conn, batch_id, ("open", "running", "cancelled"), "be cancelled")
    unfinished = and_(scans.c.batch_id == batch_id, scans.c.status.in_(UNFINISHED))
    # Locked in the same order as lease renewals; a claim skips these rows, and a worker that runs one loses its claim.
    await conn.execute(select(scans.c.seq).where(unfinished).order_by(scans.c.seq).with_for_update())
    waiting = (Status.QUEUED, Status.RUNNING)
    found = await records.page(conn, ScanFilter(batch_id=batch_id, statuses=waiting), limit=MOST)
    ended = {"status": outcome.status.value, "finished_at": outcome.finished_at}
    why = {"error_code": outcome.error_code, "error": outcome.error}
    freed = dict.fromkeys(("owner", "lease_until", "available_at"))
    await conn.execute(update(scans).where(unfinished).values(**ended, **why, **freed))
    await events.scans_ended(conn, [(record, outcome) for record in reversed(found)])
    mine = and_(batches.c.batch_id == batch_id, batches.c.state.in_(("open", "running")))
    done = update(batches).where(mine).values(state="cancelled", finished_at=outcome.finished_at)
    if (await conn.execute(done)).rowcount:
        await _say(conn, events.BATCH_CANCELLED, batch_id, outcome.finished_at)
    return [record.scan_id for record in found]


async def retry(conn: AsyncConnection, batch_id: str) -> int:
    """Queue failed and expired scans again, with all attempts; returns their number. Raises NotFound, Conflict."""
    await _expect(conn, batch_id, ("open", "running", "completed"), "be retried")
    failed = and_(scans.c.batch_id == batch_id, scans.c.status.in_(AGAIN))
    cleared = ("finished_at", "deadline_at", "available_at", "owner", "lease_until", "error_code", "error", "total_ms")
    again = update(scans).where(failed).values(status="queued", attempts=0, **dict.fromkeys(cleared))
    number = (await conn.execute(again)).rowcount
    if number:
        done = and_(batches.c.batch_id == batch_id, batches.c.state == "completed")
        await conn.execute(update(batches).where(done).values(state="running", finished_at=None))
    return number


async def _expect(conn: AsyncConnection, batch_id: str, states: Sequence[State], what: str) -> None:
    state = await lock(conn, batch_id)
    if state is None:
        raise NotFound("There is no batch of this id.", "GET /v1/batches lists them.")
    if state not in states:
        raise Conflict(f"The batch is {state}; it cannot {what}.", "GET it to see how it stands.")


async def _say(conn: AsyncConnection, kind: str, batch_id: str, now_ms: int) -> None:
    record = await get(conn, batch_id)
    data: dict[str, JsonValue] = {
        "batch_id": batch_id,
        "name": record.name,
        "status": record.state,
        "task": record.spec.task,
        "store_id": record.spec.store_id,
        "total": record.total,
        "counts": dict(record.counts),
    }
    await events.append(conn, kind, batch_id=batch_id, data=data, at_ms=now_ms)


async def _photos_of(conn: AsyncConnection, batch_id: str) -> tuple[set[tuple[str | None, str | None]], int]:
    """Hashes and names of the photos of a batch, and the next free index: deleted photos leave gaps."""
    columns = (scans.c.photo_sha256, scans.c.filename, scans.c.batch_index)
    found = (await conn.execute(select(*columns).where(scans.c.batch_id == batch_id))).all()
    places = [int(row.batch_index) for row in found if row.batch_index is not None]
    return {(row.photo_sha256, row.filename) for row in found}, max(places, default=-1) + 1


async def _records(conn: AsyncConnection, rows: Sequence[Row[tuple[object, ...]]]) -> list[BatchRecord]:
    """Batches with their counts, in a constant number of statements."""
    counts = await _counts(conn, [row.batch_id for row in rows])
    recent = await _recent(conn, [row.batch_id for row in rows if row.state in ("open", "running")])
    return [_record(row, counts.get(row.batch_id, {}), recent.get(row.batch_id, [])) for row in rows]


async def _counts(conn: AsyncConnection, batch_ids: Sequence[str]) -> dict[str, dict[str, int]]:
    """Scans per status, for each batch that has scans."""
    query = select(scans.c.batch_id, scans.c.status, func.count().label("number"))
    grouped = query.where(scans.c.batch_id.in_(batch_ids)).group_by(scans.c.batch_id, scans.c.status)
    counts: dict[str, dict[str, int]] = {}
    for row in await conn.execute(grouped):
        counts.setdefault(str(row.batch_id), {})[str(row.status)] = int(row.number)
    return counts


async def _recent(conn: AsyncConnection, batch_ids: Sequence[str]) -> dict[str, list[int]]:
    """End times of the last scans of each batch, newest first."""
    if not batch_ids:
        return {}
    place = func.row_number().over(partition_by=scans.c.batch_id, order_by=scans.c.finished_at.desc())
    ended = select(scans.c.batch_id, scans.c.finished_at, place.label("place"))
    each = ended.where(scans.c.batch_id.in_(batch_ids), scans.c.finished_at.is_not(None)).subquery("each")
    query = select(each.c.batch_id, each.c.finished_at).where(each.c.place <= RECENT)
    recent: dict[str, list[int]] = {}
    for row in await conn.execute(query.order_by(each.c.batch_id, each.c.place)):
        recent.setdefault(str(row.batch_id), []).append(int(row.finished_at))
    return recent


def _record(row: Row[tuple[object, ...]], counts: Mapping[str, int], recent: Sequence[int]) -> BatchRecord:
    return BatchRecord(
        seq=row.seq,
        batch_id=row.batch_id,
        name=row.name,
        state=cast("State", row.state),
        spec=spec_of(row._mapping),
        created_at=row.created_at,
        finished_at=row.finished_at,
        counts=counts,
        recent=recent,
    )


def _numbered(scan: NewScan, batch_id: str, index: int) -> NewScan:
    return replace(scan, batch_id=batch_id, batch_index=index)
