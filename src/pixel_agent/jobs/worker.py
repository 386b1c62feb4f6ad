"""The worker: claims accepted scans from the queue, runs them, and writes their outcomes.

A claim is a lease. One timer renews the leases of this process. A lost claim was cancelled, or taken over because this
process stalled; its scan is dropped here. Interactive requests come first: an accepted scan passes the same admission
control, and waits in the database when it is rejected.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from pixel_agent.core.errors import PixelAgentError, StoreError
from pixel_agent.core.settings import Settings
from pixel_agent.jobs.completion import CompletionWriter
from pixel_agent.jobs.execution import Execution, ScanRunner
from pixel_agent.jobs.retry import cancelled, late, worn_out
from pixel_agent.storage import batches, idempotency, queue, scans
from pixel_agent.storage.outcome import outcome_of_error
from pixel_agent.storage.queue import Claim
from pixel_agent.storage.records import ScanRecord, now_ms
from pixel_agent.storage.store import Store

log = logging.getLogger("pixel_agent.jobs.worker")

RENEWALS: Final = 3
"""Renewals per lease duration, so that one failed renewal loses no lease."""
REFILL: Final = 4
"""Free slots are refilled once 1/REFILL of all are free: claiming scans one by one would cost a transaction each."""
FORGET_EVERY_S: Final = 600.0


@dataclass(slots=True)
class WorkerStats:
    """Counters of the worker since its start. `slots`: maximum concurrent scans."""

    slots: int
    running: int = 0
    ended: int = 0
    given_back: int = 0
    lost: int = 0


class Worker:
    """The worker of one process. `start` and `stop` own its tasks; call `wake` when a scan was accepted."""

    def __init__(
        self, store: Store, flow: ScanRunner, settings: Settings, clock_ms: Callable[[], int] = now_ms
    ) -> None:
        self.stats = WorkerStats(settings.asynchronous.in_flight or flow.slots)
        self._store = store
        self._flow = flow
        self._all_settings = settings
        self._settings = settings.asynchronous
        self._clock_ms = clock_ms
        self._process = uuid.uuid4().hex[:12]
        self._claims = 0
        self._turn = 0
        self._writer = CompletionWriter(store)
        self._running: dict[Execution, asyncio.Task[None]] = {}
        self._wake = asyncio.Event()
        self._end = asyncio.Event()
        self._loops: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start to claim scans and to renew leases."""
        self._end.clear()
        self._loops = [asyncio.create_task(self._claim_all()), asyncio.create_task(self._tend_all())]

    async def stop(self, timeout_s: float) -> None:
        """Stop claiming, let running scans finish for `timeout_s`, and return the others to the queue at once."""
        self._end.set()
        self._wake.set()
        if self._loops:
            await asyncio.wait(self._loops[:1])  # no scan starts from here on
        if self._running:
            await asyncio.wait(self._running.values(), timeout=timeout_s)
        for execution in self._running:
            execution.interrupt()
        await asyncio.gather(*self._running.values(), *self._loops, return_exceptions=True)
        self._loops = []

    def wake(self) -> None:
        """Look for scans to claim at once, without waiting for the next poll."""
        self._wake.set()

    async def cancel(self, scan_id: str) -> None:
        """Cancel a scan that waits or runs, in any process; no effect if it has ended. Raises StoreUnavailable."""
        async with self._store.db.write() as conn:
            record = await queue.cancel(conn, scan_id, cancelled(self._clock_ms()))
        if record is not None:
            self._drop([scan_id])
            self._store.notifier.notify(scan_id, record.batch_id)

    async def cancel_batch(self, batch_id: str) -> None:
        """Cancel a batch and all its unfinished scans. Raises NotFound, Conflict, StoreUnavailable."""
        async with self._store.db.write() as conn:
            scan_ids = await batches.cancel(conn, batch_id, cancelled(self._clock_ms()))
        self._drop(scan_ids)
        self._store.notifier.notify(*scan_ids, batch_id)

    def _drop(self, scan_ids: Iterable[str]) -> None:
        gone = set(scan_ids)
        for execution in self._running:
            if execution.claim.scan_id in gone:
                execution.drop()

    # Claiming

    async def _claim_all(self) -> None:
        while not self._end.is_set():
            self._wake.clear()
            pause_s = self._settings.poll_s
            try:
                pause_s = await self._claim()
            except StoreError as error:
                log.warning("the store cannot be asked for scans: %s", error)
                pause_s = self._all_settings.store.retry_s
            except Exception:
                log.exception("scans cannot be claimed; it is tried again")
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._wake.wait()

    async def _claim(self) -> float:
        """Claim scans for all free slots; returns how long to wait for a wake-up, in seconds."""
        free, slots = self.stats.slots - len(self._running), self.stats.slots
        if free < max(1, slots // REFILL) or not self._ready():
            return self._settings.poll_s
        now = self._clock_ms()
        async with self._store.db.read() as conn:
            if not await queue.waiting(conn, now, self._lease_ms):
                return self._until(await queue.next_at(conn, now), now)
        self._claims += 1
        async with self._store.db.write() as conn:
            claims = await queue.claim(
                conn,
                f"{self._process}:{self._claims}",
                limit=free,
                turn=self._turn,
                now_ms=now,
                lease_ms=self._lease_ms,
                max_attempts=self._settings.max_attempts,
            )
        self._turn += len(claims)
        async with self._store.db.read() as conn:
            records = await scans.of_ids(conn, [claim.scan_id for claim in claims])
        for claim in claims:
            self._begin(claim, records.get(claim.scan_id))
        return self._settings.poll_s

    def _until(self, at_ms: int | None, now: int) -> float:
        pause_s = self._settings.poll_s
        return pause_s if at_ms is None else min(pause_s, max(0.001, (at_ms - now) / 1000))

    def _ready(self) -> bool:
        try:
            self._flow.check_ready()
        except PixelAgentError:
            return False
        return True

    def _begin(self, claim: Claim, record: ScanRecord | None) -> None:
        for other in self._running:
            if other.claim.seq == claim.seq:  # its earlier lease in this process expired, while the store was down
                other.drop()
        execution = Execution(
            claim, record, self._writer, self._store, self._flow, self._all_settings, self._clock_ms, self._end
        )
        self._running[execution] = asyncio.create_task(self._run(execution))
        self.stats.running = len(self._running)

    async def _run(self, execution: Execution) -> None:
        try:
            how = await execution.run()
        except Exception:
            log.exception("scan %s: it comes back when its lease ends", execution.claim.scan_id)
            how = "lost"
        finally:
            del self._running[execution]
            self.stats.running = len(self._running)
            self._wake.set()
        setattr(self.stats, how, getattr(self.stats, how) + 1)

    # Leases, and scans that no worker can start any more

    async def _tend_all(self) -> None:
        """Renew leases and end overdue scans; goes on during shutdown as long as a scan runs."""
        lease_s = self._settings.lease_s
        every_s = min(self._settings.poll_s, lease_s / RENEWALS)
        renew_at = forget_at = _loop_time()
        while self._running or not self._end.is_set():
            try:
                if _loop_time() >= renew_at:
                    await self._renew()
                    renew_at = _loop_time() + lease_s / RENEWALS
                await self._give_up()
                if _loop_time() >= forget_at:
                    await self._forget()
                    forget_at = _loop_time() + FORGET_EVERY_S
            except StoreError as error:
                log.warning("the leases cannot be renewed: %s", error)
            except Exception:
                log.exception("the queue cannot be tended; it is tried again")
            await self._pause(every_s)

    async def _pause(self, seconds: float) -> None:
        """Wait until the time is over or the shutdown begins; during the shutdown, until no scan runs."""
        if self._end.is_set():
            if self._running:
                await asyncio.wait(self._running.values(), timeout=seconds)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._end.wait()

    async def _renew(self) -> None:
        held = [execution for execution in self._running if not (execution.committing or execution.dropped)]
        if not held:
            return
        claims = [execution.claim for execution in held]
        async with self._store.db.write() as conn:
            still = await queue.renew(conn, claims, now_ms=self._clock_ms(), lease_ms=self._lease_ms)
        for execution in held:
            if execution.claim.seq not in still and not execution.committing:
                execution.drop()

    async def _give_up(self) -> None:
        now = self._clock_ms()
        async with self._store.db.read() as conn:
            found = await queue.overdue(conn, now_ms=now, max_attempts=self._settings.max_attempts)
            behind = await batches.left_behind(conn)
        for overdue in found:
            error = late() if overdue.why == "deadline" else worn_out(overdue.attempts)
            async with self._store.db.write() as conn:
                record = await queue.give_up(conn, overdue, outcome_of_error(error), now_ms=now)
            if record is not None:
                self._store.notifier.notify(record.scan_id, record.batch_id)
        for batch_id in behind:
            async with self._store.db.write() as conn:
                await batches.lock(conn, batch_id)
                await batches.complete(conn, batch_id, now)
            self._store.notifier.notify(batch_id)

    async def _forget(self) -> None:
        before = self._clock_ms() - round(self._settings.idempotency_hours * 3_600_000)
        async with self._store.db.write() as conn:
            await idempotency.forget(conn, before)

    @property
    def _lease_ms(self) -> int:
        return round(self._settings.lease_s * 1000)


def _loop_time() -> float:
    return asyncio.get_running_loop().time()
