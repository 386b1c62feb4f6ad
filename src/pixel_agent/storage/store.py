"""The store: the database, the photos on disk, and their health. The entry point of the storage for API and jobs.

It starts even if the folder is read-only or the database is down, and retries in the background until it works.
Meanwhile requests that must be stored are rejected with the reason, and synchronous scans are answered unrecorded.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sqlalchemy import text

from pixel_agent.core.errors import StoreError, StoreFull, StoreUnavailable
from pixel_agent.core.settings import Settings
from pixel_agent.storage.batch_registry import BatchRegistry
from pixel_agent.storage.database import Database, data_folder, translate_errors
from pixel_agent.storage.history import History
from pixel_agent.storage.idempotency import IdempotencyKeys
from pixel_agent.storage.migrations import migrate
from pixel_agent.storage.notifier import Notifier
from pixel_agent.storage.photos import PhotoFiles
from pixel_agent.storage.retention import Retention
from pixel_agent.storage.webhook_registry import WebhookRegistry

log = logging.getLogger("pixel_agent.storage")

TEND_S = 60.0
"""Interval between two rounds of retention, in seconds."""
THOROUGH_ROUNDS = 60
"""One in this many rounds checks every file."""


@dataclass(frozen=True, slots=True)
class StoreState:
    """Whether records and photos can be written; if not, `code` and `reason` say why."""

    ok: bool
    code: str = ""
    reason: str = ""


class Store:
    """Records and photos of scans. `open` and `close` own its tasks; one event loop owns it.

    `db` gives transactions, `photos` the files; both raise StoreFull and StoreUnavailable. `notifier` wakes listeners
    for a scan or a batch. `history`, `webhooks` and `keys` own their transactions: the API uses these.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings.store
        self.folder = data_folder(settings)
        self.db = Database(settings)
        self.photos = PhotoFiles(self.folder)
        self.notifier = Notifier()
        self.history = History(self.db, self.photos, self.notifier)
        self.batches = BatchRegistry(self.db)
        self.webhooks = WebhookRegistry(self.db, self.notifier)
        self.keys = IdempotencyKeys(self.db, settings.asynchronous)
        self.retention = Retention(self.db, self.photos, settings.store)
        self._tasks: list[asyncio.Task[None]] = []
        self._works = asyncio.Event()
        self._ready = False

    @property
    def state(self) -> StoreState:
        """Whether the store works now."""
        problem = self.db.problem
        if problem is not None:
            return StoreState(False, problem.code, problem.message)
        return StoreState(self._ready, *(() if self._ready else ("store_unavailable", "The store is not open.")))

    async def open(self) -> None:
        """Open the store. A failure is retried in the background: this never raises for transient errors."""
        await self._try()
        if not self.state.ok:
            log.warning(
                "the store does not work, and is tried again every %g s: %s", self.settings.retry_s, self.state.reason
            )
        self._tasks = [asyncio.create_task(self._mend()), asyncio.create_task(self._tend())]

    async def close(self) -> None:
        """End all tasks and connections; the store can be opened again."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        self._ready = False
        self._works.clear()
        await self.db.close()

    def check(self) -> None:
        """Raise StoreFull or StoreUnavailable with the reason unless the store works."""
        if self.db.problem is not None:
            raise type(self.db.problem)(self.db.problem.message, self.db.problem.advice)
        if not self._ready:
            raise StoreUnavailable("The store is not open.", "It is tried again by itself; see /v1/stats and the log.")

    async def check_room(self, more_bytes: int = 0) -> None:
        """Raise StoreFull if `more_bytes` would leave less than `store.min_free_bytes`; otherwise like `check`."""
        self.check()
        free = await asyncio.to_thread(self.photos.free_bytes)
        if free - more_bytes < self.settings.min_free_bytes:
            raise StoreFull(
                f"Only {free // 2**20} MiB are free on the disk of the data folder.",
                "Free some space, shorten store.max_age_days, or lower store.min_free_bytes.",
            )

    async def until_ok(self) -> None:
        """Wait until the store works."""
        while not self.state.ok:
            self._works.clear()
            await self._works.wait()

    async def _mend(self) -> None:
        """After each failure, retry until the store works."""
        while True:
            if self._ready:
                await self.db.failed.wait()
                log.warning("the store failed: %s", self.state.reason)
            await asyncio.sleep(self.settings.retry_s)
            await self._try()
            if self.state.ok:
                log.warning("the store works again")

    async def _tend(self) -> None:
        """Run the retention regularly while the store works."""
        rounds = 0
        while True:
            await asyncio.sleep(TEND_S)
            await self.until_ok()
            try:
                removed = await self.retention.run(thorough=rounds % THOROUGH_ROUNDS == 0)
            except StoreError as error:
                log.warning("nothing could be deleted: %s", error.message)
            except Exception:
                log.exception("nothing could be deleted")
            else:
                if any((removed.scans, removed.photos, removed.orphans)):
                    log.info("deleted: %s", removed)
            rounds += 1

    async def _try(self) -> None:
        """Test a write; if it fails, reconnect and migrate the schema."""
        if self._ready and await self._done(self._probe):
            return
        self._ready = False
        await self.db.close()
        self._ready = await self._done(self._open)
        if self.state.ok:
            self._works.set()

    async def _open(self) -> None:
        with translate_errors():
            await asyncio.to_thread(self.photos.make_folder)
        await self.db.open()
        async with self.db.write() as conn:
            await migrate(conn)

    async def _probe(self) -> None:
        async with self.db.write() as conn:
            await conn.execute(text("UPDATE alembic_version SET version_num = version_num"))
        await asyncio.to_thread(self.photos.probe)
        self._works.set()

    async def _done(self, attempt: Callable[[], Awaitable[None]]) -> bool:
        try:
            await attempt()
        except StoreError as error:
            failed = error
        except Exception as error:
            failed = StoreUnavailable(
                f"The store cannot be opened: {str(error)[:200]}.", "It is tried again by itself."
            )
        else:
            return True
        self.db.mark_failed(failed)
        log.debug("the store does not work: %s", failed.message)
        return False
