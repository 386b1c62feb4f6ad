"""Runs what was accepted for later: claims scans from the store, has them scanned like any other, and writes down how they end.

A claim is a lease. One timer renews the leases of this process; a claim that is found gone was cancelled, or taken over
because this process stood still, and its scan is dropped here. Interactive people come first: an accepted scan enters by the
same door as they do, and waits in the database when it is refused.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from pixel_agent.admission import Admission
from pixel_agent.config import Settings
from pixel_agent.core import Scan, ScanRequest, Task
from pixel_agent.errors import (
    DeadlineExceeded,
    EngineUnavailable,
    InvalidPhoto,
    NotFound,
    OutOfMemory,
    PixelAgentError,
    Refused,
    ReplicaLost,
    ScanCancelled,
    StoreError,
)
from pixel_agent.store import batches, idempotency, queue, scans
from pixel_agent.store.nouns import Outcome, ScanRecord, moment, now_ms
from pixel_agent.store.outcome import outcome_of, outcome_of_error
from pixel_agent.store.queue import Claim
from pixel_agent.store.store import Store

log = logging.getLogger("pixel_agent.runner")

RENEWALS: Final = 3
"""Renewals in the time of a lease, so that one that fails costs nothing."""
PAUSE_S: Final = 1.0
MAX_PAUSE_S: Final = 60.0
"""Pause after the first failure that may pass, doubled with each further one up to the longest."""
ENGINE_PAUSE_S: Final = 2.0
FORGET_EVERY_S: Final = 600.0


@dataclass(frozen=True, slots=True)
class Again:
    """Try once more after a pause; `counted` as an attempt or not."""

    pause_s: float
    counted: bool


def verdict(error: PixelAgentError, attempts: int, max_attempts: int) -> Again | Outcome:
    """What a failure means for an accepted scan, which was begun `attempts` times, this one included. Pure but for the time.

    A refusal, and an engine or a store that is down, are nobody's fault and are not counted.
    """
    if isinstance(error, Refused):
        return Again(error.retry_after_s or 0.0, counted=False)
    if isinstance(error, EngineUnavailable | StoreError):
        return Again(ENGINE_PAUSE_S, counted=False)
    may_pass = isinstance(error, OutOfMemory | ReplicaLost | ScanCancelled) or type(error) is PixelAgentError
    if may_pass and attempts < max_attempts:
        return Again(min(MAX_PAUSE_S, PAUSE_S * 2 ** (attempts - 1)), counted=True)
    if isinstance(error, ScanCancelled):
        error = ReplicaLost(error.message, "Send the photo again.")
    return outcome_of_error(error)


@dataclass(slots=True, eq=False)
class _Run:
    claim: Claim
    task: asyncio.Task[None] | None = None
    work: asyncio.Task[Scan] | None = None
    dropped: bool = False
    settling: bool = False

    def drop(self) -> None:
        """It is not ours to end any more."""
        self.dropped = True
        if self.work is not None:
            self.work.cancel()


@dataclass(slots=True)
class RunnerStats:
    """What the background is doing. `slots`: scans that may run at once."""

    slots: int
    running: int = 0
    ended: int = 0
    given_back: int = 0
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Flow:
    """What the runner needs of the service: the way of a scan, its door, its tasks, and whether it is ready."""

    scan: Callable[[ScanRequest], Awaitable[Scan]]
    admission: Admission
    find: Callable[[str], Task]
    check_ready: Callable[[], None]
    slots: int


class Runner:
    """The background of one process. `start` and `stop` own its tasks; `wake` it when a scan was accepted."""

    def __init__(self, store: Store, flow: Flow, settings: Settings, clock_ms: Callable[[], int] = now_ms) -> None:
        self.notifier = store.notifier
        self.stats = RunnerStats(settings.asynchronous.in_flight or flow.slots)
        self._store = store
        self._flow = flow
        self._settings = settings.asynchronous
        self._retry_s = settings.store.retry_s
        self._clock_ms = clock_ms
        self._process = uuid.uuid4().hex[:12]
        self._claims = 0
        self._turn = 0
        self._runs: dict[int, _Run] = {}
        self._wake = asyncio.Event()
        self._closing = asyncio.Event()
        self._loops: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to look for scans."""
        self._closing.clear()
        self._loops = [asyncio.create_task(self._claim_all()), asyncio.create_task(self._tend_all())]

    async def stop(self, timeout_s: float) -> None:
        """Claim nothing more, finish what runs within the time, and give the rest back for others to begin at once."""
        self._closing.set()
        self._wake.set()
        running = {run.task for run in self._runs.values() if run.task is not None}
        if running:
            await asyncio.wait(running, timeout=timeout_s)
        for run in self._runs.values():
            if run.work is not None:
                run.work.cancel()
        left = [run.task for run in self._runs.values() if run.task is not None]
        await asyncio.gather(*left, *self._loops, return_exceptions=True)
        self._loops = []

    def wake(self) -> None:
        """There is something new to claim."""
        self._wake.set()

    async def cancel(self, scan_id: str) -> None:
        """End a scan that waits or runs, here or elsewhere, unless it has ended already. Raises StoreUnavailable."""
        async with self._store.db.write() as conn:
            record = await queue.cancel(conn, scan_id, cancelled(self._clock_ms()))
        if record is not None:
            self.dropped([scan_id])
            self.notifier.tell(scan_id, record.batch_id)

    async def cancel_batch(self, batch_id: str) -> None:
        """End a batch and all of its scans that have not ended. Raises NotFound, Conflict, StoreUnavailable."""
        async with self._store.db.write() as conn:
            scan_ids = await batches.cancel(conn, batch_id, cancelled(self._clock_ms()))
        self.dropped(scan_ids)
        self.notifier.tell(*scan_ids, batch_id)

    def dropped(self, scan_ids: Iterable[str]) -> None:
        """These were ended by somebody else; stop them where they run here."""
        gone = set(scan_ids)
        for run in self._runs.values():
            if run.claim.scan_id in gone:
                run.drop()

    # Claiming

    async def _claim_all(self) -> None:
        while not self._closing.is_set():
            self._wake.clear()
            pause_s = self._settings.poll_s
            try:
                pause_s = await self._claim()
            except StoreError as error:
                log.warning("the store cannot be asked for scans: %s", error)
                pause_s = self._retry_s
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._wake.wait()

    async def _claim(self) -> float:
        """Claim as many as there is room for; how long to wait unless something happens, in seconds."""
        free = self.stats.slots - len(self._runs)
        if free <= 0 or not self._ready():
            return self._settings.poll_s
        now = self._clock_ms()
        async with self._store.db.read() as conn:
            if not await queue.waiting(conn, now):
                return await self._until_next(conn, now)
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
        for claim in claims:
            self._begin(claim)
        return self._settings.poll_s

    async def _until_next(self, conn: AsyncConnection, now: int) -> float:
        at = await queue.next_at(conn, now)
        pause_s = self._settings.poll_s
        return pause_s if at is None else min(pause_s, max(0.001, (at - now) / 1000))

    def _ready(self) -> bool:
        try:
            self._flow.check_ready()
        except PixelAgentError:
            return False
        return True

    # One scan

    def _begin(self, claim: Claim) -> None:
        run = _Run(claim)
        self._runs[claim.seq] = run
        self.stats.running = len(self._runs)
        run.task = asyncio.create_task(self._run(run))

    async def _run(self, run: _Run) -> None:
        try:
            ended = await self._outcome(run)
            run.settling = True
            await self._settle(run, ended)
        except Exception:
            log.exception("scan %s: it is given back when its lease ends", run.claim.scan_id)
        finally:
            del self._runs[run.claim.seq]
            self.stats.running = len(self._runs)
            self._wake.set()

    async def _outcome(self, run: _Run) -> Outcome | Again:
        """Scan it; how it ended, or that it did not."""
        try:
            record, data = await self._load(run.claim)
            request = self._request(record, data)
            deadline_s = None if request.deadline is None else request.deadline - _loop_time()
            with self._flow.admission.enter(len(data), request.priority, deadline_s, request.client):
                return outcome_of(await self._scan(run, request))
        except PixelAgentError as error:
            return verdict(error, run.claim.attempts, self._settings.max_attempts)
        except Exception:
            log.exception("scan %s: unexpected error", run.claim.scan_id)
            unknown = PixelAgentError("An unexpected error happened; it has been logged.", "Run it again.")
            return verdict(unknown, run.claim.attempts, self._settings.max_attempts)

    async def _scan(self, run: _Run, request: ScanRequest) -> Scan:
        """The way of every scan. Dropping the run, or the end of the process, cancels it."""
        if run.dropped or self._closing.is_set():
            raise Refused("The server is stopping.", retry_after_s=0.0)
        run.work = asyncio.ensure_future(self._flow.scan(request))
        try:
            return await run.work
        except asyncio.CancelledError:
            raise Refused("The server is stopping.", retry_after_s=0.0) from None

    async def _load(self, claim: Claim) -> tuple[ScanRecord, bytes]:
        async with self._store.db.read() as conn:
            record = await scans.get(conn, claim.scan_id, document=False)
        if record is None or record.photo is None:
            raise NotFound("The record of the scan is gone.", "Send the photo again.")
        data = await asyncio.to_thread(self._store.photos.read, record.photo.sha256)
        if data is None:
            raise InvalidPhoto("The photo of the scan is not on the disk any more.", "Send it again.")
        return record, data

    def _request(self, record: ScanRecord, data: bytes) -> ScanRequest:
        """Raises UnknownTask, DeadlineExceeded."""
        deadline = None
        if record.deadline_at is not None:
            left_s = (record.deadline_at - self._clock_ms()) / 1000
            if left_s <= 0:
                raise late()
            deadline = _loop_time() + left_s
        return ScanRequest(
            scan_id=record.scan_id,
            data=data,
            task=self._flow.find(record.task),
            received_at=moment(record.received_at),
            filename=record.filename,
            question=record.question,
            store_id=record.store_id,
            priority=record.priority,
            deadline=deadline,
            lang=record.lang,
            force=record.force,
            options=record.options,
            client=record.client,
        )

    async def _settle(self, run: _Run, ended: Outcome | Again) -> None:
        """Write down how it ended, or give it back; tried until the store takes it or the process stops."""
        while not run.dropped:
            try:
                await self._write(run, ended)
                return
            except StoreError as error:
                log.warning("scan %s cannot be written yet: %s", run.claim.scan_id, error)
                if self._closing.is_set():
                    return
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._retry_s):
                        await self._closing.wait()
        self.stats.lost += 1

    async def _write(self, run: _Run, ended: Outcome | Again) -> None:
        if isinstance(ended, Again):
            at = self._clock_ms() + round(ended.pause_s * 1000) if ended.pause_s > 0 else None
            async with self._store.db.write() as conn:
                await queue.give_back(conn, run.claim, available_at=at, counted=ended.counted)
            self.stats.given_back += 1
            return
        async with self._store.db.write() as conn:
            record = await queue.finish(conn, run.claim, ended)
        if record is None:
            self.stats.lost += 1
            return
        self.stats.ended += 1
        self.notifier.tell(record.scan_id, record.batch_id)

    # Leases, and what nobody may begin any more

    async def _tend_all(self) -> None:
        every_s = min(self._settings.poll_s, self._settings.lease_s / RENEWALS)
        renew_at = forget_at = _loop_time()
        while not (self._closing.is_set() and not self._runs):
            try:
                if _loop_time() >= renew_at:
                    await self._renew()
                    renew_at = _loop_time() + self._settings.lease_s / RENEWALS
                await self._give_up()
                if _loop_time() >= forget_at:
                    await self._forget()
                    forget_at = _loop_time() + FORGET_EVERY_S
            except StoreError as error:
                log.warning("the leases cannot be renewed: %s", error)
            with suppress(TimeoutError):
                async with asyncio.timeout(every_s if self._runs or not self._closing.is_set() else 0):
                    await (asyncio.sleep(every_s) if self._closing.is_set() else self._closing.wait())

    async def _renew(self) -> None:
        held = [run for run in self._runs.values() if not (run.settling or run.dropped)]
        if not held:
            return
        claims = [run.claim for run in held]
        async with self._store.db.write() as conn:
            still = await queue.renew(conn, claims, now_ms=self._clock_ms(), lease_ms=self._lease_ms)
        for run in held:
            if run.claim.seq not in still and not run.settling:
                run.drop()

    async def _give_up(self) -> None:
        now = self._clock_ms()
        async with self._store.db.read() as conn:
            found = await queue.overdue(conn, now_ms=now, max_attempts=self._settings.max_attempts)
            behind = await batches.left_behind(conn)
        for overdue in found:
            error = late() if overdue.why == "deadline" else _worn_out(overdue.attempts)
            async with self._store.db.write() as conn:
                record = await queue.give_up(conn, overdue, outcome_of_error(error), now_ms=now)
            if record is not None:
                self.notifier.tell(record.scan_id, record.batch_id)
        for batch_id in behind:
            async with self._store.db.write() as conn:
                await batches.hold(conn, batch_id)
                await batches.complete(conn, batch_id, now)
            self.notifier.tell(batch_id)

    async def _forget(self) -> None:
        before = self._clock_ms() - round(self._settings.idempotency_hours * 3_600_000)
        async with self._store.db.write() as conn:
            await idempotency.forget(conn, before)

    @property
    def _lease_ms(self) -> int:
        return round(self._settings.lease_s * 1000)


def cancelled(at_ms: int) -> Outcome:
    """How a scan ends that somebody cancelled."""
    outcome = outcome_of_error(ScanCancelled("The scan was cancelled.", "Run it again if it is wanted after all."))
    return replace(outcome, finished_at=at_ms)


def late() -> DeadlineExceeded:
    """The error of a scan whose deadline passed while it waited in the database."""
    return DeadlineExceeded("The deadline passed while the scan waited.", "Allow more time, or come back later.")


def _worn_out(attempts: int) -> ReplicaLost:
    return ReplicaLost(
        f"The process that ran the scan died, {attempts} times.", "Look into the log for the reason, then run it again."
    )


def _loop_time() -> float:
    return asyncio.get_running_loop().time()
