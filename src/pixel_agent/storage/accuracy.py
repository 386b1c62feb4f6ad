"""Measures how often the model was right, from the values that reviewers confirmed and corrected. Read by the API."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Row, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from pixel_agent.core.envelope import Envelope
from pixel_agent.storage import reviews as review_rows
from pixel_agent.storage.corrections import ReviewRecord, marks
from pixel_agent.storage.records import ScanFilter
from pixel_agent.storage.tables import readings, reviews, scans

PAGE = 200
"""Maximum reviewed scans in memory at a time."""


@dataclass(slots=True)
class Accuracy:
    """Accuracy of one task: reviewed scans, and per field the numbers of judged and of right values."""

    task: str
    scans: int = 0
    judged: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)


async def measure(conn: AsyncConnection, wanted: ScanFilter) -> list[Accuracy]:
    """Accuracy per task, over all scans with a confirmation or correction; in constant memory.

    Of the filter, only `task`, `store_id`, `since` and `until` apply. `corrections.marks` defines what is right.
    """
    found: dict[str, Accuracy] = {}
    last = 0
    while True:
        page = (await conn.execute(_judged(wanted, last))).all()
        said = await review_rows.of_scans(conn, [row.seq for row in page])
        await asyncio.to_thread(_count, page, said, found)
        if len(page) < PAGE:
            return [found[task] for task in sorted(found)]
        last = page[-1].seq


def _count(page: Sequence[Row[int, str, str]], said: dict[int, list[ReviewRecord]], found: dict[str, Accuracy]) -> None:
    for row in page:
        accuracy = found.setdefault(row.task, Accuracy(row.task))
        accuracy.scans += 1
        for name, right in marks(Envelope.model_validate_json(row.document), said.get(row.seq, [])):
            accuracy.judged[name] += 1
            accuracy.right[name] += right


def _judged(wanted: ScanFilter, last: int) -> Select[int, str, str]:
    said = select(reviews.c.seq).where(reviews.c.undone_at.is_(None), reviews.c.action.in_(["confirm", "correct"]))
    query = select(scans.c.seq, scans.c.task, readings.c.document).join(readings, readings.c.seq == scans.c.seq)
    conditions = [scans.c.seq.in_(said), scans.c.seq > last]
    if wanted.task is not None:
        conditions.append(scans.c.task == wanted.task)
    if wanted.store_id is not None:
        conditions.append(scans.c.store_id == wanted.store_id)
    if wanted.since is not None:
        conditions.append(scans.c.received_at >= wanted.since)
    if wanted.until is not None:
        conditions.append(scans.c.received_at < wanted.until)
    return query.where(*conditions).order_by(scans.c.seq).limit(PAGE)
