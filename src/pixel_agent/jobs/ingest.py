"""Accepts scans for later execution: rejects bad photos at once, writes the others to disk before the API answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from pixel_agent.core import sha256_of
from pixel_agent.core.errors import PixelAgentError, StoreUnavailable
from pixel_agent.photo.decode import Header
from pixel_agent.photo.stage import PhotoStage
from pixel_agent.storage import scans
from pixel_agent.storage.records import NewScan, PhotoRecord
from pixel_agent.storage.store import Store

AT_ONCE: Final = 8
"""Photos checked and written concurrently; each waits for the disk, not for a core."""


class Ingest:
    """Stores the photos and records of accepted scans. One event loop owns it."""

    def __init__(self, store: Store, photos: PhotoStage) -> None:
        self._store = store
        self._photos = photos
        self._writing = asyncio.Semaphore(AT_ONCE)

    async def keep(self, data: bytes, sha256: str | None = None) -> PhotoRecord:
        """Check a photo's header and write the photo to disk; it then survives a power cut.

        Raises InvalidPhoto (or a subclass), StoreFull, StoreUnavailable.
        """
        async with self._writing:
            await self._store.check_room(len(data))
            digest: str = await asyncio.to_thread(sha256_of, data) if sha256 is None else sha256
            header = await self._photos.check(data, digest)
            return await asyncio.to_thread(self._keep, data, digest, header)

    async def keep_all(self, photos: Sequence[tuple[bytes, str]]) -> list[PhotoRecord]:
        """Store several photos; the first error stops all. Raises the same errors as `keep`."""
        try:
            async with asyncio.TaskGroup() as group:
                kept = [group.create_task(self.keep(data, sha256)) for data, sha256 in photos]
        except* PixelAgentError as errors:
            raise _first(errors) from None
        return [task.result() for task in kept]

    async def add(self, conn: AsyncConnection, new: Sequence[NewScan]) -> None:
        """Insert scans into the queue, in a durable transaction; their photos are stored. Raises StoreUnavailable."""
        await scans.insert_many(conn, [scans.NewEntry(scan, None) for scan in new])
        await self.check_there([scan.photo for scan in new if scan.photo is not None])

    async def check_there(self, photos: Sequence[PhotoRecord]) -> None:
        """Raise StoreUnavailable if a photo was deleted, with its last scan, after it was stored.

        Its row is locked by this time, so a photo that exists now stays.
        """
        names = {photo.sha256 for photo in photos}
        if not await asyncio.to_thread(lambda: all(map(self._store.photos.exists, names))):
            raise StoreUnavailable("A photo was deleted in this moment.", "Send it again.")

    def _keep(self, data: bytes, sha256: str, header: Header) -> PhotoRecord:
        width, height = header.upright_size
        record = PhotoRecord(sha256, len(data), header.media_type, width, height)
        self._store.photos.put(data, record.sha256, durable=True)
        return record


def _first(errors: BaseExceptionGroup[PixelAgentError]) -> PixelAgentError:
    error = errors.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
