"""Reads the scans of an export from the database, page by page, each page in its own short transaction.

No transaction stays open during a download, so a slow client never stops SQLite from truncating its log. The newest
scans come first and each page continues after the last, so every scan occurs at most once, in its state when its page
was read; scans that arrive meanwhile are not in the file, and scans deleted meanwhile may be missing.
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
"""Scans per transaction, and per call in the writer thread."""

AsRecord: TypeAlias = Callable[[ScanRecord, Sequence[ReviewRecord]], Fields]
"""Converts a scan and its reviews to the answer of `GET /v1/scans/{id}`. Runs in the writer thread."""


async def pages(db: Database, wanted: ScanFilter, as_record: AsRecord) -> AsyncIterator[Iterable[Entry]]:
    """Yield all matching scans in pages, the newest first; iterate over each page once.

    Raises StoreUnavailable; iterating over a page raises StoreError if a record is damaged.
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
