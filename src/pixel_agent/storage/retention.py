"""Retention: deletes scans past their maximum age, photos above the size limit, and orphaned files. Run by the store.

All deletions use small transactions, so that no writer waits long.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, delete, exists, func, select, text, update

from pixel_agent.core.settings import StoreSettings
from pixel_agent.storage.database import Database
from pixel_agent.storage.photos import PhotoFiles, drop_unused
from pixel_agent.storage.records import FINAL, now_ms
from pixel_agent.storage.tables import deliveries, events, photos, scans

CHUNK = 100
"""Maximum scans or photos per transaction."""
DAY_MS = 86_400_000
EVENTS_MS = 7 * DAY_MS
"""How long events are kept for clients that resume a stream."""
ORPHAN_S = 3600.0
"""Age in seconds at which a file without a row is an orphan; a younger one can belong to an upload or running scan."""


@dataclass(frozen=True, slots=True)
class Removed:
    """Counts of what one round deleted. `photos`: deleted for the size limit; `orphans`: files without a reference."""

    scans: int = 0
    photos: int = 0
    orphans: int = 0


class Retention:
    """Deletes expired records and files. Raises StoreUnavailable, StoreFull."""

    def __init__(self, db: Database, photos: PhotoFiles, settings: StoreSettings) -> None:
        self._db = db
        self._photos = photos
        self._settings = settings

    async def run(self, *, thorough: bool = True) -> Removed:
        """Run one round; a thorough one also checks every file and refreshes the statistics of the query planner.

        Raises StoreUnavailable, StoreFull.
        """
        number, room = await self._old_scans(), await self._photos_over()
        if not thorough:
            return Removed(number, room)
        await self._old_events()
        orphans = await self._orphans()
        await self.refresh_statistics()
        return Removed(number, room, orphans)

    async def refresh_statistics(self) -> None:
        """Refresh the query planner's statistics: SQLite does so only on request, PostgreSQL by itself but later."""
        async with self._db.write() as conn:
            if self._db.sqlite:
                await conn.execute(text("PRAGMA analysis_limit = 1000"))
            await conn.execute(text("ANALYZE"))

    async def _old_scans(self) -> int:
        number = 0
        now = now_ms()
        for condition in _expired(self._settings, now):
            while chunk := await self._delete_chunk(condition):
                number += chunk
        return number

    async def _delete_chunk(self, condition: ColumnElement[bool]) -> int:
        final = scans.c.status.in_([status.value for status in FINAL])
        async with self._db.write() as conn:
            oldest = select(scans.c.seq).where(condition, final).order_by(scans.c.received_at).limit(CHUNK)
            seqs = list((await conn.execute(oldest.with_for_update(skip_locked=True))).scalars())
            if not seqs:
                return 0
            gone = await conn.execute(delete(scans).where(scans.c.seq.in_(seqs)).returning(scans.c.photo_sha256))
            hashes = sorted({sha256 for sha256 in gone.scalars() if sha256 is not None})
            unused = [sha256 for sha256 in hashes if await drop_unused(conn, sha256)]
            await asyncio.to_thread(self._remove, unused)
        return len(seqs)

    async def _photos_over(self) -> int:
        """Delete the oldest photos above `max_photo_bytes`; readings stay, and the photo rows get `removed_at`."""
        most = self._settings.max_photo_bytes
        if most is None:
            return 0
        number = 0
        async with self._db.read() as conn:
            there = select(func.coalesce(func.sum(photos.c.bytes), 0)).where(photos.c.removed_at.is_(None))
            over = int((await conn.execute(there)).scalar_one()) - most
        while over > 0:
            freed, removed = await self._remove_chunk(over)
            if not removed:
                break
            over -= freed
            number += removed
        return number

    async def _remove_chunk(self, over: int) -> tuple[int, int]:
        """Delete photos in one transaction; returns bytes and files. Photos of unfinished scans are skipped."""
        waiting = exists().where(
            scans.c.photo_sha256 == photos.c.sha256, scans.c.status.not_in([status.value for status in FINAL])
        )
        async with self._db.write() as conn:
            oldest = select(photos.c.sha256, photos.c.bytes).where(photos.c.removed_at.is_(None), ~waiting)
            oldest = oldest.order_by(photos.c.created_at).limit(CHUNK).with_for_update(skip_locked=True)
            freed, hashes = 0, []
            for row in await conn.execute(oldest):
                if freed >= over:
                    break
                freed += row.bytes
                hashes.append(row.sha256)
            await conn.execute(update(photos).where(photos.c.sha256.in_(hashes)).values(removed_at=now_ms()))
            await asyncio.to_thread(self._remove, hashes)
        return freed, len(hashes)

    async def _orphans(self) -> int:
        """Delete files older than `ORPHAN_S` without a row: their scan ended without a record."""
        before = time.time() - ORPHAN_S
        await asyncio.to_thread(self._photos.sweep, before)
        files = await asyncio.to_thread(lambda: [name for name, state in self._photos.all() if state.st_mtime < before])
        number = 0
        for start in range(0, len(files), CHUNK):
            names = files[start : start + CHUNK]
            wanted = select(photos.c.sha256).where(photos.c.sha256.in_(names), photos.c.removed_at.is_(None))
            async with self._db.read() as conn:
                unknown = set(names) - set((await conn.execute(wanted)).scalars())
            if unknown:
                async with self._db.write() as conn:  # checked again under the write lock
                    unknown -= set((await conn.execute(wanted)).scalars())
                    await asyncio.to_thread(self._remove_older, sorted(unknown), before)
                number += len(unknown)
        return number

    async def _old_events(self) -> None:
        """Delete old events, except those with a pending delivery."""
        owed = exists().where(deliveries.c.event_seq == events.c.seq)
        while True:
            async with self._db.write() as conn:
                oldest = select(events.c.seq).where(events.c.at < now_ms() - EVENTS_MS, ~owed).limit(CHUNK * 10)
                gone = await conn.execute(delete(events).where(events.c.seq.in_(oldest)))
            if not gone.rowcount:
                return

    def _remove(self, hashes: list[str]) -> None:
        for sha256 in hashes:
            self._photos.remove(sha256)

    def _remove_older(self, hashes: list[str], before: float) -> None:
        for sha256 in hashes:
            self._photos.remove_older(sha256, before)


def _expired(settings: StoreSettings, now: int) -> list[ColumnElement[bool]]:
    """Conditions for expired scans: by the maximum age of their own task, or by the general one."""
    by_task = settings.max_age_days_by_task
    found = [
        and_(scans.c.task == task, scans.c.received_at < now - round(days * DAY_MS))
        for task, days in by_task.items()
        if days > 0
    ]
    if settings.max_age_days is not None:
        old = scans.c.received_at < now - round(settings.max_age_days * DAY_MS)
        found.append(and_(scans.c.task.not_in(list(by_task)), old) if by_task else old)
    return found
