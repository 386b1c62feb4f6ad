"""Batches for the API: each call is one transaction over the functions of `batches`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from pixel_agent.storage import batches, events, scans
from pixel_agent.storage.batches import BatchRecord
from pixel_agent.storage.database import Database
from pixel_agent.storage.records import ScanRecord, now_ms

PAGE: Final = 200
"""Maximum events per read."""
_ENDED: Final = frozenset(events.OF_STATUS.values())


class EndedScan(NamedTuple):
    """A scan that ended, and the number of its event."""

    seq: int
    scan: ScanRecord


class BatchNews(NamedTuple):
    """The state of a batch and its ended scans up to the event `after`. `more`: the page is full, more can follow."""

    after: int
    record: BatchRecord
    ended: Sequence[EndedScan]
    more: bool


class BatchRegistry:
    """Reads and changes batches. Raises NotFound for an unknown one, StoreUnavailable."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def get(self, batch_id: str) -> BatchRecord:
        """One batch and its progress."""
        async with self._db.read() as conn:
            return await batches.get(conn, batch_id)

    async def page(self, before: int | None, limit: int) -> list[BatchRecord]:
        """The newest batches with a `seq` below `before`."""
        async with self._db.read() as conn:
            return await batches.page(conn, before, limit)

    async def close(self, batch_id: str) -> None:
        """Close a batch: it accepts no more photos. Raises Conflict."""
        await self._change(lambda conn: batches.close(conn, batch_id, now_ms()))

    async def retry(self, batch_id: str) -> None:
        """Run failed and expired scans again. Raises Conflict."""
        await self._change(lambda conn: batches.retry(conn, batch_id))

    async def news(self, batch_id: str, after: int) -> BatchNews:
        """Read what happened after an event, from one snapshot: at most `PAGE` events."""
        async with self._db.read() as conn:
            record = await batches.get(conn, batch_id)
            found = await events.of_batch(conn, batch_id, after, _ENDED, PAGE)
            known = await scans.of_ids(conn, [one.scan_id for one in found if one.scan_id is not None]) if found else {}
        ended = [
            EndedScan(one.seq, scan)
            for one in found
            if (scan := known.get(one.scan_id or "")) is not None
            and scan.final
            and scan.finished_at == one.at_ms  # not retried since
        ]
        return BatchNews(found[-1].seq if found else after, record, ended, len(found) == PAGE)

    async def _change(self, change: Callable[[AsyncConnection], Awaitable[object]]) -> None:
        async with self._db.write() as conn:
            await change(conn)
