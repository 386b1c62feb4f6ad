"""What processes that died have left in their journals, put into the database: each record once, deleted ones not again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace

from pixel_agent.core.errors import StoreError
from pixel_agent.storage.completed import Ended, insert_new
from pixel_agent.storage.journal import Left, left_behind
from pixel_agent.storage.records import now_ms
from pixel_agent.storage.store import Store

log = logging.getLogger("pixel_agent.jobs.recorder")

GROUP = 64
"""Most scans of one transaction: longer ones would make the accepted scans of others wait."""
PAUSE_S = 60.0
"""Between two looks: another process on the same folder may have died."""


class Adopter:
    """Runs from the start of a service to its end. One event loop owns it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def run(self) -> None:
        """Look for journals that nobody holds, again and again."""
        while True:
            await self._store.works()
            try:
                while (left := await asyncio.to_thread(left_behind, self._store.folder)) is not None:
                    await self._adopt(left)
            except StoreError as error:
                self._store.db.fails(error)
                log.warning("journals wait for the store: %s", error.message)
                await asyncio.sleep(self._store.settings.retry_s)
            else:
                await asyncio.sleep(PAUSE_S)

    async def _adopt(self, left: Left) -> None:
        """Raises StoreError; what was written until then stays, and is not written again."""
        try:
            ended = await asyncio.to_thread(left.records)
            for first in range(0, len(ended), GROUP):
                await self._write(ended[first : first + GROUP])
            await asyncio.to_thread(left.remove)
        finally:
            left.close()

    async def _write(self, group: Sequence[Ended]) -> None:
        try:
            added = await self._store.db.append(lambda: self._with_photos(group), insert_new)
        except StoreError:
            raise
        except Exception:
            log.exception("%d records of a journal cannot be written together", len(group))
            if len(group) > 1:
                for ended in group:
                    await self._write([ended])
            return
        if added:
            log.warning("records of a process that died, now in the history: %d", len(added))
            self._store.notifier.notify(*added)

    def _with_photos(self, group: Sequence[Ended]) -> Sequence[Ended]:
        return [self._with_photo(ended) for ended in group]

    def _with_photo(self, ended: Ended) -> Ended:
        """Marked as removed where the photo's file was not written any more."""
        photo = ended.new.photo
        if photo is None or photo.removed_at is not None or self._store.photos.exists(photo.sha256):
            return ended
        return ended._replace(new=replace(ended.new, photo=replace(photo, removed_at=now_ms())))
