"""Synchronous scans become records: written in groups by one writer, while their answers wait for it a moment at most.

The photo's file is written while the device works; the record follows in the next transaction, together with all that came in
meanwhile. A store that is full, down or late costs an answer nothing but a warning: its record waits here, within bounds,
until the store works again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import ParamSpec, TypeVar

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from pixel_agent.core import Lang, Notice, Photo, Scan, ScanRequest
from pixel_agent.errors import DeadlineExceeded, EngineError, PixelAgentError, StoreError
from pixel_agent.store import events, scans
from pixel_agent.store.nouns import NewScan, Outcome, PhotoRecord, millis, now_ms
from pixel_agent.store.outcome import outcome_of, outcome_of_error
from pixel_agent.store.photos import sha256_of
from pixel_agent.store.store import Store

P = ParamSpec("P")
T = TypeVar("T")
log = logging.getLogger("pixel_agent.recorder")

GROUP = 64
"""Most scans of one transaction: longer ones would make the accepted scans of others wait."""
MAX_WAITING = 10_000
"""Most records that wait for a store that does not work; beyond, the oldest are given up."""
MAX_WAITING_BYTES = 128 * 2**20
"""Most bytes of photos that wait with them; beyond, records wait without their photo."""
AHEAD = 32
"""Most photo files that are being written ahead of their record."""
FLUSH_S = 5.0
"""How long the end of the service waits for the last records."""


@dataclass(frozen=True, slots=True)
class RecorderStats:
    """Records written since the start, those that wait, and those that were given up."""

    recorded: int
    waiting: int
    lost: int


@dataclass(slots=True, eq=False)
class _Entry:
    request: ScanRequest
    ended: Scan | PixelAgentError
    sha256: str | None
    data: bytes | None
    size: int
    done: asyncio.Future[bool]
    outcome: Outcome | None = None
    finished_at: int = field(default_factory=now_ms)

    @property
    def held_bytes(self) -> int:
        return 0 if self.data is None else self.size


class Recorder:
    """Owned by the service, between its start and its stop; one event loop."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._notifier = store.notifier
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="store-files")
        self._ahead: dict[str, asyncio.Future[None]] = {}
        self._waiting: deque[_Entry] = deque()
        self._waiting_bytes = 0
        self._arrived = asyncio.Event()
        self._written = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self._recorded = self._lost = 0

    @property
    def stats(self) -> RecorderStats:
        """Now."""
        return RecorderStats(self._recorded, len(self._waiting), self._lost)

    def start(self) -> None:
        """Begin to write."""
        self._writer = asyncio.create_task(self._write_all(), name="recorder")

    async def stop(self) -> None:
        """Write what waits, as far as the store lets us within a moment, and end."""
        if self._store.state.ok:
            with suppress(TimeoutError):
                async with asyncio.timeout(FLUSH_S):
                    while self._waiting:
                        self._written.clear()
                        await self._written.wait()
        if self._waiting:
            log.error("records lost because the store did not work: %d", len(self._waiting))
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)
        await asyncio.to_thread(self._threads.shutdown)

    def photo(self, photo: Photo) -> None:
        """A scan is about to need this photo kept: begin to write its file, beside everything else."""
        if not self._store.settings.keep_photos or not self._store.state.ok:
            return
        if photo.sha256 in self._ahead or len(self._ahead) >= AHEAD:
            return
        writing = asyncio.ensure_future(self._thread(self._put, photo.data, photo.sha256))
        self._ahead[photo.sha256] = writing
        writing.add_done_callback(lambda done: self._file_written(photo.sha256, done))

    async def keep(self, request: ScanRequest, scan: Scan) -> Scan:
        """Record a finished scan: the same with the time that took, and with a warning if it is not yet recorded."""
        began = perf_counter()
        data = request.data if self._store.settings.keep_photos else None
        waiting = self._add(request, scan, scan.photo_sha256, data)
        recorded = False
        if self._store.state.ok:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._store.settings.append_timeout_s):
                    recorded = await asyncio.shield(waiting)
        took_ms = (perf_counter() - began) * 1000
        timings = {**scan.timings, "store": took_ms, "total": scan.timings.get("total", 0.0) + took_ms}
        reading = scan.reading
        if not recorded:
            reading = replace(reading, warnings=(*reading.warnings, _not_recorded(request.lang)))
        return replace(scan, timings=timings, reading=reading)

    def failed(self, request: ScanRequest, error: BaseException) -> None:
        """Record that a scan failed on the engine or at its deadline; whatever else stopped it is no record."""
        if isinstance(error, EngineError | DeadlineExceeded):
            self._add(request, error, None, request.data)

    def _add(
        self, request: ScanRequest, ended: Scan | PixelAgentError, sha256: str | None, data: bytes | None
    ) -> asyncio.Future[bool]:
        size = len(request.data)
        if self._waiting_bytes + size > MAX_WAITING_BYTES:
            data = None
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        entry = _Entry(replace(request, data=b"", on_event=None), ended, sha256, data, size, done)
        self._waiting.append(entry)
        self._waiting_bytes += entry.held_bytes
        if len(self._waiting) > MAX_WAITING:
            oldest = self._waiting[0]
            self._give_up(oldest)
            self._leave([oldest])
        self._arrived.set()
        return entry.done

    # The writer

    async def _write_all(self) -> None:
        while True:
            if not self._waiting:
                self._arrived.clear()
                await self._arrived.wait()
            await self._store.works()
            group = [self._waiting[index] for index in range(min(GROUP, len(self._waiting)))]
            try:
                await self._write(group)
            except StoreError as error:
                self._store.db.fails(error)
                log.warning("records wait for the store: %s", error.message)
                self._settle(self._waiting, recorded=False)
            except Exception:
                log.exception("a group of records cannot be written; each is tried by itself")
                await self._write_singly(group)
            else:
                self._leave(group)

    async def _write(self, group: Sequence[_Entry]) -> None:
        """Files, then records, then a look whether a file was deleted meanwhile. Raises StoreError, IntegrityError."""
        ahead = [writing for entry in group if (writing := self._ahead.get(entry.sha256 or "")) is not None]
        if ahead:
            await asyncio.wait(ahead)
        await self._store.db.append(lambda: self._prepare(group), _insert)
        self._recorded += len(group)
        self._settle(group, recorded=True)
        self._notifier.tell(*(entry.request.scan_id for entry in group))
        await self._thread(self._put_all, group)

    async def _write_singly(self, group: Sequence[_Entry]) -> None:
        """Find the record that no database takes, and give up that one only."""
        for entry in group:
            try:
                await self._write([entry])
            except StoreError as error:
                self._store.db.fails(error)
                return
            except IntegrityError:  # written before, by a transaction whose end we did not hear of
                log.warning("a record is there already: %s", entry.request.scan_id)
                self._settle([entry], recorded=True)
            except Exception:
                log.exception("a record cannot be written: %s", entry.request.scan_id)
                self._give_up(entry)
            self._leave([entry])

    def _leave(self, group: Sequence[_Entry]) -> None:
        for entry in group:
            with suppress(ValueError):  # given up meanwhile, where too many waited
                self._waiting.remove(entry)
                self._waiting_bytes -= entry.held_bytes
        self._written.set()

    def _give_up(self, entry: _Entry) -> None:
        self._lost += 1
        self._settle([entry], recorded=False)

    def _settle(self, group: Sequence[_Entry] | deque[_Entry], *, recorded: bool) -> None:
        for entry in group:
            if not entry.done.done():
                entry.done.set_result(recorded)

    # In threads

    async def _thread(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: function(*args, **kwargs))

    def _put(self, data: bytes, sha256: str) -> None:
        self._store.photos.put(data, sha256, durable=False)

    def _prepare(self, group: Sequence[_Entry]) -> list[scans.Entry]:
        """What to put in, with all photo files written. A failed scan's photo is kept only if it had proved to be one."""
        for entry in group:
            if entry.sha256 is None and entry.data is not None:
                entry.sha256 = sha256_of(entry.data)
                if not self._store.photos.exists(entry.sha256):
                    entry.sha256 = None
        self._put_all(group)
        return [scans.Entry(_new(entry), _outcome(entry)) for entry in group]

    def _put_all(self, group: Sequence[_Entry]) -> None:
        for entry in group:
            if entry.sha256 is not None and entry.data is not None:
                self._put(entry.data, entry.sha256)

    def _file_written(self, sha256: str, done: asyncio.Future[None]) -> None:
        self._ahead.pop(sha256, None)
        error = None if done.cancelled() else done.exception()
        if isinstance(error, StoreError):
            self._store.db.fails(error)


async def _insert(conn: AsyncConnection, entries: Sequence[scans.Entry]) -> None:
    await scans.insert_many(conn, entries)
    await events.scans_ended(conn, [(new, outcome) for new, outcome in entries if outcome is not None])


def _new(entry: _Entry) -> NewScan:
    request = entry.request
    return NewScan(
        scan_id=request.scan_id,
        origin="sync",
        task=request.task.id,
        received_at=millis(request.received_at),
        priority=request.priority,
        lang=request.lang,
        photo=_photo(entry),
        store_id=request.store_id,
        question=request.question,
        force=request.force,
        options=request.options,
        filename=request.filename,
        client=request.client,
    )


def _photo(entry: _Entry) -> PhotoRecord | None:
    """The photo; marked as removed where its file is not kept."""
    if entry.sha256 is None:
        return None
    return PhotoRecord(entry.sha256, entry.size, removed_at=None if entry.data is not None else entry.finished_at)


def _outcome(entry: _Entry) -> Outcome:
    if entry.outcome is None:
        ended = entry.ended
        found = outcome_of(ended) if isinstance(ended, Scan) else outcome_of_error(ended)
        entry.outcome = replace(found, finished_at=entry.finished_at)
    return entry.outcome


def _not_recorded(lang: Lang) -> Notice:
    if lang == "zh":
        return Notice("not_recorded", "本次结果暂时无法存入历史，存储恢复后会补存。")
    return Notice(
        "not_recorded", "This answer could not be recorded yet; it is added to the history once the store works."
    )
