"""Recovers the journal of a dead process: writes its records to the database, each once, deleted records not again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace

from pixel_agent.core.errors import StoreError
from pixel_agent.jobs.group_commit import commit
from pixel_agent.storage.completed import Completed, insert_new
from pixel_agent.storage.journal import Left, left_behind
from pixel_agent.storage.records import now_ms
from pixel_agent.storage.store import Store

log = logging.getLogger("pixel_agent.jobs.recorder")

GROUP = 64
"""Maximum scans per transaction: a longer one would delay the accepted scans of other clients."""
PAUSE_S = 60.0
"""Pause between two checks, in seconds: another process on the same folder may have died."""


class JournalRecovery:
    """Recovers journals from the start of the service to its end. One event loop owns it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def run(self) -> None:
        """Recover journals that no process has locked, every `PAUSE_S` seconds, until cancelled."""
        while True:
            await self._store.until_ok()
            try:
                while (left := await asyncio.to_thread(left_behind, self._store.folder)) is not None:
                    await self._recover(left)
            except StoreError as error:
                self._store.db.mark_failed(error)
                log.warning("journals wait for the store: %s", error.message)
                await asyncio.sleep(self._store.settings.retry_s)
            else:
                await asyncio.sleep(PAUSE_S)

    async def _recover(self, left: Left) -> None:
        """Write the records of one journal, then delete it. Raises StoreError; no record is written twice."""
        try:
            ended = await asyncio.to_thread(left.records)
            for first in range(0, len(ended), GROUP):
                await commit(ended[first : first + GROUP], self._write, _log_refused)
            await asyncio.to_thread(left.remove)
        finally:
            left.close()

    async def _write(self, group: Sequence[Completed]) -> None:
        added = await self._store.db.append(lambda: self._with_photos(group), insert_new)
        if added:
            log.warning("recovered records of a process that died: %d", len(added))
            self._store.notifier.notify(*added)

    def _with_photos(self, group: Sequence[Completed]) -> Sequence[Completed]:
        return [self._with_photo(ended) for ended in group]

    def _with_photo(self, ended: Completed) -> Completed:
        """The record, with its photo marked as removed if the photo's file is missing."""
        photo = ended.new.photo
        if photo is None or photo.removed_at is not None or self._store.photos.exists(photo.sha256):
            return ended
        return ended._replace(new=replace(ended.new, photo=replace(photo, removed_at=now_ms())))


def _log_refused(ended: Completed, error: Exception) -> None:
    log.error("a record of a journal cannot be written: scan %s", ended.new.scan_id, exc_info=error)
