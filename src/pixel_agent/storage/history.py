"""Recorded scans, reviews and shops for the API: each method is one transaction, plus its notifications."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from pixel_agent.core.errors import Conflict, NotFound
from pixel_agent.storage import accuracy, overview, reviews, scans, visits
from pixel_agent.storage.accuracy import Accuracy
from pixel_agent.storage.corrections import ReviewRecord
from pixel_agent.storage.database import Database
from pixel_agent.storage.notifier import Notifier
from pixel_agent.storage.overview import Overview, Period, ShopLine
from pixel_agent.storage.photos import PhotoFiles
from pixel_agent.storage.records import Position, ScanFilter, ScanRecord
from pixel_agent.storage.reviews import NewReview
from pixel_agent.storage.visits import ReadScan, Visit

POLL_S = 1.0
"""Poll interval for a scan that another process runs, in seconds; the end of a local scan is notified."""


class History:
    """Scans, reviews and shops. Every method raises StoreUnavailable where the database fails."""

    def __init__(self, db: Database, photos: PhotoFiles, notifier: Notifier) -> None:
        self._db = db
        self._photos = photos
        self._notifier = notifier

    # Scans

    async def page(self, wanted: ScanFilter, after: Position | None, limit: int) -> list[ScanRecord]:
        """The newest scans that match, older than `after`, without documents."""
        async with self._db.read() as conn:
            return await scans.page(conn, wanted, after, limit)

    async def count(self, wanted: ScanFilter) -> int:
        """How many scans match."""
        async with self._db.read() as conn:
            return await scans.count(conn, wanted)

    async def get(self, scan_id: str, *, document: bool = True) -> ScanRecord:
        """One scan. Raises NotFound."""
        async with self._db.read() as conn:
            return await _existing(conn, scan_id, document=document)

    async def with_reviews(self, scan_id: str) -> tuple[ScanRecord, list[ReviewRecord]]:
        """One scan and its reviews. Raises NotFound."""
        async with self._db.read() as conn:
            record = await _existing(conn, scan_id)
            return record, await reviews.of_scan(conn, record.seq)

    async def until_final(self, scan_id: str, wait_s: float, stopping: Callable[[], bool]) -> None:
        """Wait until a scan has ended, for at most `wait_s` seconds or until the server stops. Raises NotFound."""
        loop = asyncio.get_running_loop()
        end = loop.time() + wait_s
        with self._notifier.listening(scan_id) as changed:
            while not (await self.get(scan_id, document=False)).final:
                left_s = end - loop.time()
                if left_s <= 0 or stopping():
                    return
                await changed(min(left_s, POLL_S))

    async def delete(self, scan_id: str) -> None:
        """Delete a scan that has ended, and its photo unless another scan refers to it. Raises NotFound, Conflict."""
        record = await self.get(scan_id, document=False)
        if not record.final:
            raise Conflict(
                f"The scan is {record.status.value}.",
                f"Cancel it first: POST /v1/scans/{scan_id}/cancel, then delete it.",
            )
        async with self._db.write() as conn:
            deleted = await scans.delete(conn, scan_id)
            if deleted.orphan is not None:
                await asyncio.to_thread(self._photos.remove, deleted.orphan)
        if not deleted.found:
            raise scans.not_found(scan_id)

    # Reviews

    async def review(self, scan_id: str, check: Callable[[ScanRecord], NewReview]) -> None:
        """Add the review that `check` makes for the locked scan. Raises NotFound, and what `check` raises."""
        async with self._db.write() as conn:
            await reviews.lock(conn, scan_id)
            record = await _existing(conn, scan_id)
            await reviews.add(conn, record, check(record))
        self._notifier.notify(scan_id, record.batch_id)

    async def undo_review(self, scan_id: str, review_id: int) -> None:
        """Mark a review as undone. Raises NotFound."""
        async with self._db.write() as conn:
            await reviews.lock(conn, scan_id)
            record = await _existing(conn, scan_id)
            await reviews.undo(conn, record, review_id)
        self._notifier.notify(scan_id, record.batch_id)

    async def accuracy(self, wanted: ScanFilter) -> list[Accuracy]:
        """Accuracy of the model, per task."""
        async with self._db.read() as conn:
            return await accuracy.measure(conn, wanted)

    # Shops

    async def shops(self) -> list[ShopLine]:
        """All shops that scans name, the last scanned first."""
        async with self._db.read() as conn:
            return await overview.all_shops(conn)

    async def shop(self, shop_id: str, period: Period) -> tuple[Overview, Overview]:
        """Overview of a shop for a period and for the period before. Raises NotFound if no scan names the shop."""
        async with self._db.read() as conn:
            now, before = await overview.of_shop(conn, shop_id, period)
            if not now.total.scans and not before.total.scans and not await overview.known(conn, shop_id):
                raise NotFound("No scan names this store.", "GET /v1/stores lists all that scans name.")
        return now, before

    # Visits

    async def read_scans(self, wanted: ScanFilter, limit: int) -> list[ReadScan]:
        """The newest scans that match, with the latest readings of their photos."""
        async with self._db.read() as conn:
            return await visits.read_scans(conn, wanted, limit)

    async def visit(self, scan_ids: Sequence[str]) -> Visit:
        """These scans with documents and reviews, the newest first."""
        async with self._db.read() as conn:
            return await visits.load(conn, scan_ids)


async def _existing(conn: AsyncConnection, scan_id: str, *, document: bool = True) -> ScanRecord:
    record = await scans.get(conn, scan_id, document=document)
    if record is None:
        raise scans.not_found(scan_id)
    return record
