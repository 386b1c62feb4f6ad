"""Where exports get their scans: the store, page by page, each page in a short transaction of its own.

No transaction stays open while somebody downloads, so a slow client never keeps SQLite from emptying its log. The newest scans
come first and each page goes on behind the last, so every scan comes at most once, as it stood when its page was read;
scans that come in meanwhile are not in the file, and those deleted meanwhile may be missing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import TypeAlias

from pixel_agent.core.errors import StoreError
from pixel_agent.storage import reviews, scans
from pixel_agent.storage.corrections import ReviewRecord
from pixel_agent.storage.database import Database
from pixel_agent.storage.exports.entry import Entry, Fields
from pixel_agent.storage.records import Position, ScanFilter, ScanRecord

PAGE = 200
"""Scans of one transaction, and of one turn of the thread that writes."""

AsRecord: TypeAlias = Callable[[ScanRecord, Sequence[ReviewRecord]], Fields]
"""Makes what `GET /v1/scans/{id}` answers of a scan and its reviews. Runs in the thread that writes."""


async def pages(db: Database, wanted: ScanFilter, as_record: AsRecord) -> AsyncIterator[Iterable[Entry]]:
    """All scans that are wanted, the newest first; each page is to be gone through once.

    Raises StoreUnavailable; going through a page raises StoreError where a record is damaged.
    """
    after: Position | None = None
    while True:
        async with db.read() as conn:
            records = await scans.page(conn, wanted, after, PAGE, documents=True)
            said = await reviews.of_scans(conn, [record.seq for record in records])
        if records:
            yield map(_maker(said, as_record), records)
        if len(records) < PAGE:
            return
        after = records[-1].position


def _maker(said: dict[int, list[ReviewRecord]], as_record: AsRecord) -> Callable[[ScanRecord], Entry]:
    def entry(record: ScanRecord) -> Entry:
        try:
            return Entry(record.seq, as_record(record, said.get(record.seq, ())))
        except ValueError as error:
            raise StoreError(
                f"The record of scan {record.scan_id} is damaged.", "Delete that scan, or restore the database."
            ) from error

    return entry
