"""Runs one claimed scan: reads it from the storage, runs it like a synchronous scan, and writes its outcome.

An execution ends in one of three ways: its outcome is written, it returns to the queue, or its claim is lost.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from pixel_agent.core import Scan, ScanRequest, Task
from pixel_agent.core.errors import Draining, InvalidPhoto, NotFound, PixelAgentError, StoreError
from pixel_agent.core.settings import Settings
from pixel_agent.jobs.completion import CompletionWriter
from pixel_agent.jobs.retry import Retry, decide_retry, late
from pixel_agent.scheduling.admission import Admission
from pixel_agent.storage import queue
from pixel_agent.storage.outcome import outcome_of
from pixel_agent.storage.queue import Claim
from pixel_agent.storage.records import Outcome, ScanRecord, moment
from pixel_agent.storage.store import Store

log = logging.getLogger("pixel_agent.jobs.worker")

How = Literal["ended", "given_back", "lost"]


@dataclass(frozen=True, slots=True)
class ScanRunner:
    """The parts of the service that the worker needs. `slots`: number of scans that keep the engine busy."""

    scan: Callable[[ScanRequest], Awaitable[Scan]]
    admission: Admission
    find: Callable[[str], Task]
    check_ready: Callable[[], None]
    slots: int


class Execution:
    """One claim, from start to end. `committing`: the scan has run, and its outcome is being written."""

    def __init__(
        self,
        claim: Claim,
        record: ScanRecord | None,
        writer: CompletionWriter,
        store: Store,
        flow: ScanRunner,
        settings: Settings,
        clock_ms: Callable[[], int],
        end: asyncio.Event,
    ) -> None:
        self.claim = claim
        self.committing = False
        self.dropped = False
        self._record = record
        self._writer = writer
        self._store = store
        self._flow = flow
        self._max_attempts = settings.asynchronous.max_attempts
        self._retry_s = settings.store.retry_s
        self._clock_ms = clock_ms
        self._end = end
        self._work: asyncio.Future[Scan] | None = None

    def drop(self) -> None:
        """The claim is lost: cancel the scan, and write no outcome."""
        self.dropped = True
        self.interrupt()

    def interrupt(self) -> None:
        """Cancel the running scan; it returns to the queue unless the claim was lost."""
        if self._work is not None:
            self._work.cancel()

    async def run(self) -> How:
        """Run the scan and write its outcome, retrying while the store is down; returns how the claim ended."""
        result = await self._result()
        self.committing = True
        while not self.dropped:
            try:
                return await self._write(result)
            except StoreError as error:
                log.warning("scan %s cannot be written yet: %s", self.claim.scan_id, error)
            if self._end.is_set():
                break
            with suppress(TimeoutError):
                async with asyncio.timeout(self._retry_s):
                    await self._end.wait()
        return "lost"

    async def _result(self) -> Outcome | Retry:
        try:
            request = await self._request()
            with self._flow.admission.enter(request):
                return outcome_of(await self._scan(request))
        except PixelAgentError as error:
            return decide_retry(error, self.claim.attempts, self._max_attempts)
        except Exception:
            log.exception("scan %s: unexpected error", self.claim.scan_id)
            unknown = PixelAgentError("An unexpected error happened; it has been logged.", "Run it again.")
            return decide_retry(unknown, self.claim.attempts, self._max_attempts)

    async def _scan(self, request: ScanRequest) -> Scan:
        if not (self.dropped or self._end.is_set()):
            self._work = asyncio.ensure_future(self._flow.scan(request))
            with suppress(asyncio.CancelledError):
                return await self._work
        raise Draining("The scan was interrupted.")

    async def _request(self) -> ScanRequest:
        """Raises UnknownTask, DeadlineExceeded; InvalidPhoto if the photo is gone."""
        record = self._record
        if record is None or record.photo is None:
            raise NotFound("The record of the scan is gone.", "Send the photo again.")
        deadline = None
        if record.deadline_at is not None:
            left_s = (record.deadline_at - self._clock_ms()) / 1000
            if left_s <= 0:
                raise late()
            deadline = _loop_time() + left_s
        data = await asyncio.to_thread(self._store.photos.read, record.photo.sha256)
        if data is None:
            raise InvalidPhoto("The photo of the scan is not on the disk any more.", "Send it again.")
        return ScanRequest(
            scan_id=record.scan_id,
            spec=record.spec,
            task=self._flow.find(record.spec.task),
            data=data,
            sha256=record.photo.sha256,
            received_at=moment(record.received_at),
            filename=record.filename,
            deadline=deadline,
        )

    async def _write(self, result: Outcome | Retry) -> How:
        if isinstance(result, Retry):
            at = self._clock_ms() + round(result.pause_s * 1000) if result.pause_s > 0 else None
            async with self._store.db.write() as conn:
                held = await queue.give_back(conn, self.claim, available_at=at, counted=result.counted)
            return "given_back" if held else "lost"
        return "ended" if await self._writer.finish(self.claim, result) else "lost"


def _loop_time() -> float:
    return asyncio.get_running_loop().time()
