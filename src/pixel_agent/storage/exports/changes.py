"""Finds the changes since the previous visit, per shop and task of a report; reads both visits from the database."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from pydantic import JsonValue

from pixel_agent.core import Lang, Row
from pixel_agent.core.envelope import Envelope
from pixel_agent.storage import visits
from pixel_agent.storage.corrections import overlay
from pixel_agent.storage.database import Database
from pixel_agent.storage.exports.entry import Entry, Fields, moment, words
from pixel_agent.storage.exports.report import Change
from pixel_agent.storage.records import ScanFilter, millis
from pixel_agent.storage.records import moment as kept_moment
from pixel_agent.storage.visits import ReadScan, Visit
from pixel_agent.tasks.compare_visits import Difference, compare_visits, latest_visits

MAX_PAIRS = 20
"""Maximum pairs of shop and task that one report compares."""
MAX_PHOTOS = 100
"""Maximum photos of one visit to compare, the newest ones."""
LOOK_BACK = 500
"""Number of scans searched for both visits."""


async def changes_of(db: Database, entries: Iterable[Entry], lang: Lang) -> list[Change]:
    """Compare the visit of the newest of these scans with the previous one; empty without a previous visit."""
    newest: dict[tuple[str, str], int] = {}
    for entry in entries:
        store_id, task = words(entry.record.get("store_id")), words(entry.record.get("task"))
        received = moment(entry.record.get("received_at"))
        if store_id and entry.reading and not entry.reading.get("parts") and received is not None:
            newest[store_id, task] = max(newest.get((store_id, task), 0), millis(received))
    found: list[Change] = []
    for (store_id, task), until in list(newest.items())[:MAX_PAIRS]:
        change = await _change(db, ScanFilter(task=task, store_id=store_id, until=until + 1), lang)
        found += [change] if change else []
    return found


async def _change(db: Database, wanted: ScanFilter, lang: Lang) -> Change | None:
    async with db.read() as conn:
        found = latest_visits(await visits.read_scans(conn, wanted, LOOK_BACK), lambda one: one.record.received_at)
        both = [visit[:MAX_PHOTOS] for visit in found]
        if len(both) < 2:
            return None
        loaded = await visits.load(conn, [one.reading_id for visit in both for one in visit])
    difference = await asyncio.to_thread(_difference, both, loaded, lang)
    return None if difference is None else _shown(both, difference)


def _difference(both: Sequence[Sequence[ReadScan]], loaded: Visit, lang: Lang) -> Difference | None:
    readings = {
        record.scan_id: overlay(Envelope.model_validate_json(record.document), loaded.reviews.get(record.seq, ()))
        for record in loaded.records
        if record.document is not None
    }
    after, before = ([readings[one.reading_id] for one in visit if one.reading_id in readings] for visit in both)
    return compare_visits(before, after, lang) if before and after else None


def _shown(both: Sequence[Sequence[ReadScan]], difference: Difference) -> Change:
    after, before = both[0][0].record, both[1][0].record
    rows = {"resolved": difference.resolved, "remaining": difference.remaining, "new": difference.new}
    return Change(
        store_id=after.spec.store_id or "",
        task=after.spec.task,
        before=kept_moment(before.received_at),
        after=kept_moment(after.received_at),
        summary=difference.summary,
        rows={change: [_fields(row) for row in found] for change, found in rows.items()},
        warnings=[notice.message for notice in difference.warnings],
    )


def _fields(row: Row) -> Fields:
    own: dict[str, JsonValue] = {name: value for name, value in row.fields.items() if name not in ("change", "scan_id")}
    return {**own, "source": row.source.value, "confidence": row.confidence, "review": row.review.value}
