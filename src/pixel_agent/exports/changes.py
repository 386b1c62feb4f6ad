"""What changed since the visit before, for each store and task of a report: both visits are looked up in the store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydantic import JsonValue

from pixel_agent.core import Lang, Row, Status
from pixel_agent.envelope import Envelope
from pixel_agent.exports.entry import Entry, Fields, moment, words
from pixel_agent.exports.report import Change
from pixel_agent.store import reviews, scans
from pixel_agent.store.corrections import overlay
from pixel_agent.store.database import Database
from pixel_agent.store.nouns import ScanFilter, ScanRecord, millis
from pixel_agent.store.nouns import moment as kept_moment
from pixel_agent.visits import Difference, compare_visits, latest_visits

MAX_PAIRS = 20
"""Stores and tasks that one report compares."""
MAX_SCANS = 200
"""Scans that are looked through for the two visits of one store and task."""
READ = (Status.COMPLETED, Status.PARTIAL)


async def changes_of(db: Database, entries: Iterable[Entry], lang: Lang) -> list[Change]:
    """The visit that the newest of these scans belongs to, against the one before; nothing where there was none."""
    newest: dict[tuple[str, str], int] = {}
    for entry in entries:
        store_id, task = words(entry.record.get("store_id")), words(entry.record.get("task"))
        received = moment(entry.record.get("received_at"))
        if store_id and entry.reading and received is not None:
            newest[store_id, task] = max(newest.get((store_id, task), 0), millis(received))
    found: list[Change] = []
    for (store_id, task), until in list(newest.items())[:MAX_PAIRS]:
        change = await _change(db, ScanFilter(task=task, statuses=READ, store_id=store_id, until=until + 1), lang)
        found += [change] if change else []
    return found


async def _change(db: Database, wanted: ScanFilter, lang: Lang) -> Change | None:
    async with db.read() as conn:
        records = await scans.page(conn, wanted, None, MAX_SCANS)
        visits = latest_visits(records, lambda record: record.received_at)
        if len(visits) < 2:
            return None
        ids = tuple(record.scan_id for visit in visits for record in visit)
        whole = await scans.page(conn, ScanFilter(scan_ids=ids), None, len(ids), documents=True)
        said = await reviews.of_scans(conn, [record.seq for record in whole])
    readings = {
        record.scan_id: overlay(Envelope.model_validate_json(record.document), said.get(record.seq, ()))
        for record in whole
        if record.document is not None
    }
    after, before = ([readings[r.scan_id] for r in visit if r.scan_id in readings] for visit in visits)
    return _told(visits, compare_visits(before, after, lang)) if before and after else None


def _told(visits: Sequence[Sequence[ScanRecord]], difference: Difference) -> Change:
    after, before = visits
    rows = {"resolved": difference.resolved, "remaining": difference.remaining, "new": difference.new}
    return Change(
        store_id=after[0].store_id or "",
        task=after[0].task,
        before=kept_moment(before[0].received_at),
        after=kept_moment(after[0].received_at),
        summary=difference.summary,
        rows={change: [_fields(row) for row in found] for change, found in rows.items()},
        warnings=[notice.message for notice in difference.warnings],
    )


def _fields(row: Row) -> Fields:
    own: dict[str, JsonValue] = {name: value for name, value in row.fields.items() if name not in ("change", "scan_id")}
    return {**own, "source": row.source.value, "confidence": row.confidence, "review": row.review.value}
