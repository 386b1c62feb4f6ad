"""Records synchronous scans: in the journal before the answer is sent, in the database a moment later.

The photo's file is written while the engine works. The record is appended to the journal, and the next transaction
writes it together with all records that arrived meanwhile. Every transaction sees all scans answered before it began.
If the store is full, down or late, the answer carries a warning, and its record waits here, within bounds, until the
store works again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import ParamSpec, TypeVar

from sqlalchemy.exc import IntegrityError

from pixel_agent.core import Lang, Notice, Photo, Scan, ScanRequest
from pixel_agent.core.errors import DeadlineExceeded, EngineError, StoreError
from pixel_agent.jobs.group_commit import commit
from pixel_agent.jobs.journal_recovery import JournalRecovery
from pixel_agent.storage.completed import Completed, insert
from pixel_agent.storage.journal import Appended, Journal
from pixel_agent.storage.outcome import outcome_of, outcome_of_error
from pixel_agent.storage.records import NewScan, Outcome, PhotoRecord, millis, now_ms
from pixel_agent.storage.store import Store

P = ParamSpec("P")
T = TypeVar("T")
log = logging.getLogger("pixel_agent.jobs.recorder")

GROUP = 64
"""Maximum scans per transaction: a longer one would delay the accepted scans of other clients."""
GATHER_S = 0.1
"""How long records wait for more, unless a reader needs them: a group of eight costs a fifth of eight alone."""
MAX_WAITING = 10_000
"""Maximum records that wait while the store is down; above it, the oldest are dropped."""
MAX_WAITING_BYTES = 128 * 2**20
"""Maximum bytes of photos that wait with them; above it, records wait without their photo."""
AHEAD = 32
"""Maximum photo files written concurrently before their records."""
CATCH_UP_S = 10.0
"""How long a transaction waits for earlier records; on a slower database, it may miss the last ones."""
FLUSH_S = 5.0
"""How long the shutdown of the service waits for the last records."""


@dataclass(frozen=True, slots=True)
class RecorderStats:
    """Numbers of records written since the start, waiting, and dropped."""

    recorded: int
    waiting: int
    lost: int


@dataclass(slots=True, eq=False)
class _Entry:
    """A record that waits to be written. `data`: the photo to store; unverified if `new` names no photo."""

    new: NewScan
    outcome: Outcome
    data: bytes | None
    sha256: str
    appended: Appended
    written: asyncio.Future[bool]
    wanted: bool = False

    @property
    def held_bytes(self) -> int:
        return 0 if self.data is None else len(self.data)


class Recorder:
    """Writes synchronous scans to the journal, the photo folder and the database. One event loop owns it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._journal = Journal(store.folder)
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="store-files")
        self._ahead: dict[str, asyncio.Future[None]] = {}
        self._waiting: deque[_Entry] = deque()
        self._waiting_bytes = 0
        self._arrived = asyncio.Event()
        self._hurry = asyncio.Event()
        self._left = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._recorded = self._lost = 0

    @property
    def stats(self) -> RecorderStats:
        """Current counters."""
        return RecorderStats(self._recorded, len(self._waiting), self._lost)

    def start(self) -> None:
        """Start the writer and the recovery of journals; from now on, transactions wait for `catch_up`."""
        self._tasks = [
            asyncio.create_task(self._write_all(), name="recorder"),
            asyncio.create_task(JournalRecovery(self._store).run(), name="journals"),
        ]
        self._store.db.before = self.catch_up

    async def stop(self) -> None:
        """Write the waiting records for at most `FLUSH_S` seconds, then stop."""
        if self._store.state.ok:
            with suppress(TimeoutError):
                async with asyncio.timeout(FLUSH_S):
                    while self._waiting:
                        self._want_all()
                        self._left.clear()
                        await self._left.wait()
        if self._waiting:
            log.error("records that wait for the next start, as the store did not work: %d", len(self._waiting))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._resolve(self._waiting, recorded=False)
        await self._journal.close()
        await asyncio.to_thread(self._threads.shutdown)

    async def catch_up(self) -> None:
        """Wait until all scans answered before this call are in the database; returns at once if the store is down."""
        if not self._waiting or not self._store.state.ok:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(CATCH_UP_S):
                await asyncio.shield(self._want_all())

    def photo(self, photo: Photo) -> None:
        """Start to write a photo's file in the background, before its scan is recorded."""
        if not self._store.settings.keep_photos or not self._store.state.ok:
            return
        if photo.sha256 in self._ahead or len(self._ahead) >= AHEAD:
            return
        writing = asyncio.ensure_future(self._thread(self._put, photo.data, photo.sha256))
        self._ahead[photo.sha256] = writing
        writing.add_done_callback(lambda done: self._photo_written(photo.sha256, done))

    async def keep(self, request: ScanRequest, scan: Scan) -> Scan:
        """Record a finished scan, and return it; with a warning if it is not recorded yet."""
        data = request.data if self._store.settings.keep_photos else None
        recorded = await self._safe(self._add(_new(request, scan, data), outcome_of(scan), data, request.sha256))
        if recorded:
            return scan
        warnings = (*scan.reading.warnings, _not_recorded(request.spec.lang))
        return replace(scan, reading=replace(scan.reading, warnings=warnings))

    def failed(self, request: ScanRequest, error: BaseException) -> None:
        """Record that a scan failed on the engine or at its deadline; other errors are not recorded."""
        if isinstance(error, EngineError | DeadlineExceeded):
            self._add(_new(request), outcome_of_error(error), request.data, request.sha256)

    def _add(self, new: NewScan, outcome: Outcome, data: bytes | None, sha256: str) -> _Entry:
        if data is not None and self._waiting_bytes + len(data) > MAX_WAITING_BYTES:
            data, new = None, _without_photo(new)
        appended = self._journal.append(Completed(new, outcome))
        appended.done.add_done_callback(self._file_written)
        entry = _Entry(new, outcome, data, sha256, appended, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        self._waiting_bytes += entry.held_bytes
        if len(self._waiting) > MAX_WAITING:
            oldest = self._waiting[0]
            self._give_up(oldest)
            self._leave([oldest])
        self._arrived.set()
        if len(self._waiting) >= GROUP:
            self._hurry.set()
        return entry

    async def _safe(self, entry: _Entry) -> bool:
        """Whether a record and its photo survive the end of this process."""
        if not self._store.state.ok:
            return False
        photo = self._ahead.get(entry.new.photo.sha256) if entry.new.photo is not None else None
        coming = [entry.appended.done] if photo is None else [entry.appended.done, photo]
        done, late = await asyncio.wait(coming, timeout=self._store.settings.append_timeout_s)
        return not late and not any(writing.exception() for writing in done)

    def _want_all(self) -> asyncio.Future[bool]:
        """Write without waiting for more records. The returned future ends once the last waiting record is written."""
        last = self._waiting[-1]
        last.wanted = True
        self._hurry.set()
        return last.written

    # The writer

    async def _write_all(self) -> None:
        while True:
            await self._gather()
            await self._store.until_ok()
            group = [self._waiting[index] for index in range(min(GROUP, len(self._waiting)))]
            try:
                await commit(group, self._write, self._refused)
            except StoreError as error:
                self._store.db.mark_failed(error)
                log.warning("records wait for the store: %s", error.message)
                self._resolve(self._waiting, recorded=False)

    async def _gather(self) -> None:
        """Wait for a record, then up to `GATHER_S` for more."""
        if not self._waiting:
            self._arrived.clear()
            await self._arrived.wait()
        self._hurry.clear()
        if len(self._waiting) < GROUP and not any(entry.wanted for entry in self._waiting):
            with suppress(TimeoutError):
                async with asyncio.timeout(GATHER_S):
                    await self._hurry.wait()

    async def _write(self, group: Sequence[_Entry]) -> None:
        """Write files, then records, then any file that was deleted meanwhile. Raises StoreError, IntegrityError."""
        photos = [entry.new.photo.sha256 for entry in group if entry.new.photo is not None]
        ahead = [writing for sha256 in photos if (writing := self._ahead.get(sha256)) is not None]
        if ahead:
            await asyncio.wait(ahead)
        await self._store.db.append(lambda: self._prepare(group), insert)
        self._recorded += len(group)
        self._resolve(group, recorded=True)
        self._store.notifier.notify(*(entry.new.scan_id for entry in group))
        await self._thread(self._put_all, group)
        self._leave(group)

    def _refused(self, entry: _Entry, error: Exception) -> None:
        """Drop a record that the database rejects; the others are not affected."""
        if isinstance(error, IntegrityError):  # written before, by a transaction whose commit was not confirmed
            log.warning("a record is there already: %s", entry.new.scan_id)
            self._resolve([entry], recorded=True)
        else:
            log.error("a record cannot be written: %s", entry.new.scan_id, exc_info=error)
            self._give_up(entry)
        self._leave([entry])

    def _leave(self, group: Sequence[_Entry]) -> None:
        for entry in group:
            with suppress(ValueError):  # dropped meanwhile, because too many waited
                self._waiting.remove(entry)
                self._waiting_bytes -= entry.held_bytes
                self._journal.release(entry.appended.file)
        self._left.set()

    def _give_up(self, entry: _Entry) -> None:
        self._lost += 1
        self._resolve([entry], recorded=False)

    def _resolve(self, group: Sequence[_Entry] | deque[_Entry], *, recorded: bool) -> None:
        for entry in group:
            if not entry.written.done():
                entry.written.set_result(recorded)

    # In threads

    async def _thread(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: function(*args, **kwargs))

    def _put(self, data: bytes, sha256: str) -> None:
        self._store.photos.put(data, sha256, durable=False)

    def _prepare(self, group: Sequence[_Entry]) -> list[Completed]:
        """Write all photo files; returns the records to insert. A failed scan names its photo if the file exists."""
        for entry in group:
            if entry.new.photo is None and entry.data is not None:
                photo = PhotoRecord(entry.sha256, len(entry.data))
                if self._store.photos.exists(photo.sha256):
                    entry.new = replace(entry.new, photo=photo)
        self._put_all(group)
        return [Completed(entry.new, entry.outcome) for entry in group]

    def _put_all(self, group: Sequence[_Entry]) -> None:
        for entry in group:
            if entry.new.photo is not None and entry.data is not None:
                self._put(entry.data, entry.new.photo.sha256)

    def _photo_written(self, sha256: str, done: asyncio.Future[None]) -> None:
        self._ahead.pop(sha256, None)
        self._file_written(done)

    def _file_written(self, done: asyncio.Future[None]) -> None:
        error = None if done.cancelled() else done.exception()
        if isinstance(error, StoreError):
            self._store.db.mark_failed(error)


def _new(request: ScanRequest, scan: Scan | None = None, data: bytes | None = None) -> NewScan:
    """The record of a request. Without `data`, the photo counts as removed; a failed scan has no known photo yet."""
    photo = None
    if scan is not None and scan.photo_sha256 is not None:
        photo = PhotoRecord(scan.photo_sha256, len(request.data), removed_at=None if data is not None else now_ms())
    return NewScan(
        scan_id=request.scan_id,
        origin="sync",
        spec=request.spec,
        received_at=millis(request.received_at),
        photo=photo,
        filename=request.filename,
    )


def _without_photo(new: NewScan) -> NewScan:
    return new if new.photo is None else replace(new, photo=replace(new.photo, removed_at=now_ms()))


def _not_recorded(lang: Lang) -> Notice:
    if lang == "zh":
        return Notice("not_recorded", "本次结果暂时无法存入历史，存储恢复后会补存。")
    return Notice(
        "not_recorded", "This answer could not be recorded yet; it is added to the history once the store works."
    )
