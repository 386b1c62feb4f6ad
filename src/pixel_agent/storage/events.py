"""The ordered log of events: each is appended in the transaction that causes it.

The same transaction enqueues the deliveries to webhooks that want its kind, so that neither exists without the other.
A transaction that appends an event of a batch locks the batch's row (`batches.lock`), so that a batch's events become
visible in the order of their numbers, and a listener that resumes after one of them misses none.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from pixel_agent.core.text import storable
from pixel_agent.storage import outbox
from pixel_agent.storage.records import NewScan, Outcome, ScanRecord, moment, now_ms
from pixel_agent.storage.tables import events

SCAN_COMPLETED: Final = "scan.completed"
SCAN_FAILED: Final = "scan.failed"
SCAN_CANCELLED: Final = "scan.cancelled"
SCAN_ALERT: Final = "scan.alert"
SCAN_REVIEWED: Final = "scan.reviewed"
BATCH_COMPLETED: Final = "batch.completed"
BATCH_CANCELLED: Final = "batch.cancelled"

OF_STATUS: Final[Mapping[str, str]] = {
    "completed": SCAN_COMPLETED,
    "partial": SCAN_COMPLETED,
    "retake_required": SCAN_COMPLETED,
    "failed": SCAN_FAILED,
    "expired": SCAN_FAILED,
    "cancelled": SCAN_CANCELLED,
}
"""Kind of the event for each final status of a scan."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `at_ms` is UTC in milliseconds, `data` JSON."""

    seq: int
    at_ms: int
    kind: str
    scan_id: str | None
    batch_id: str | None
    data: str


async def append(
    conn: AsyncConnection,
    kind: str,
    *,
    scan_id: str | None = None,
    batch_id: str | None = None,
    data: Mapping[str, JsonValue],
    at_ms: int | None = None,
) -> int:
    """Append an event of a scan or a batch and enqueue its webhook deliveries; returns its number."""
    values = {
        "at": now_ms() if at_ms is None else at_ms,
        "kind": kind,
        "scan_id": scan_id,
        "batch_id": batch_id,
        "data": _json(data),
    }
    seq = (await conn.execute(insert(events).values(values).returning(events.c.seq))).scalar_one()
    await outbox.enqueue(conn, seq, kind, scan_id or batch_id or "")
    return int(seq)


async def of_batch(
    conn: AsyncConnection, batch_id: str, after: int, kinds: Collection[str], limit: int
) -> Sequence[Event]:
    """Events of the given kinds of a batch and its scans after an event, oldest first."""
    wanted = select(events).where(events.c.batch_id == batch_id, events.c.seq > after, events.c.kind.in_(kinds))
    found = await conn.execute(wanted.order_by(events.c.seq).limit(limit))
    return [Event(row.seq, row.at, row.kind, row.scan_id, row.batch_id, row.data) for row in found]


async def told_of(conn: AsyncConnection, scan_ids: Collection[str]) -> set[str]:
    """Which of the given scans have events, even if they were deleted; events stay for seven days."""
    found = await conn.execute(select(events.c.scan_id).where(events.c.scan_id.in_(scan_ids)))
    return {row.scan_id for row in found}


async def scan_ended(conn: AsyncConnection, scan: NewScan | ScanRecord, outcome: Outcome) -> None:
    """Append the end of a scan, then its alert if there is one; in the transaction that records the scan."""
    await scans_ended(conn, [(scan, outcome)])


async def scans_ended(conn: AsyncConnection, ended: Iterable[tuple[NewScan | ScanRecord, Outcome]]) -> None:
    """Append the events of many ended scans at once, in their order."""
    rows = [row for scan, outcome in ended for row in _ended(scan, outcome)]
    if rows:
        found = await conn.execute(_APPENDED, rows)
        await outbox.enqueue_all(conn, [row.seq for row in found])


_APPENDED = insert(events).returning(events.c.seq)


def _ended(scan: NewScan | ScanRecord, outcome: Outcome) -> list[dict[str, object]]:
    """The events of one scan, as rows."""
    data: dict[str, JsonValue] = {
        "scan_id": scan.scan_id,
        "status": outcome.status.value,
        "task": scan.spec.task,
        "store_id": scan.spec.store_id,
        "batch_id": scan.batch_id,
        "filename": scan.filename,
        "received_at": moment(scan.received_at).isoformat(),
        "finished_at": moment(outcome.finished_at).isoformat(),
        "summary": outcome.summary,
        "items": outcome.items,
        "findings": outcome.findings,
        "alerts": outcome.alerts,
        "severity": outcome.severity,
        "review": outcome.review,
        "simulated": outcome.simulated,
        "error_code": outcome.error_code,
        "rerun_of": scan.rerun_of,
    }
    kinds = [OF_STATUS[outcome.status.value], *([SCAN_ALERT] if outcome.alerts else [])]
    text = _json(data)
    at, batch_id = outcome.finished_at, scan.batch_id
    return [{"at": at, "kind": kind, "scan_id": scan.scan_id, "batch_id": batch_id, "data": text} for kind in kinds]


def _json(data: Mapping[str, JsonValue]) -> str:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return storable(text)  # file names can contain lone surrogates
