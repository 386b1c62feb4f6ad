"""The worker: accepted scans on success, on failure, and when other processes interfere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from time import monotonic

import pytest
from sqlalchemy import select

from pixel_agent.core import EngineInfo, Priority, Reading, Scan, ScanRequest, ScanSpec, Status, sha256_of
from pixel_agent.core.errors import EngineUnavailable, InvalidPhoto, ReplicaLost
from pixel_agent.core.settings import AdmissionSettings, Settings
from pixel_agent.jobs.execution import ScanRunner
from pixel_agent.jobs.worker import RENEWALS, Worker
from pixel_agent.scheduling.admission import Admission
from pixel_agent.scheduling.forecast import Forecast
from pixel_agent.storage import scans, tables
from pixel_agent.storage.records import NewScan, PhotoRecord, ScanRecord, now_ms
from pixel_agent.storage.store import Store
from pixel_agent.tasks import DEFAULT_TASK
from tests.waiting import PATIENCE_S, jump, until

FORECAST = Forecast(64, 16, 0.25, 0.125, 1, True, 0.0, (0, 0, 0))
LEASE_S = 120.0
QUICK = {"poll_s": 0.05, "lease_s": LEASE_S, "max_attempts": 3, "in_flight": 4}
SPEC = ScanSpec("any", priority=Priority.NORMAL)


class Device:
    """Answers as it is told; counts how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.does: Callable[[ScanRequest], Awaitable[None]] = self.nothing
        self.ready = True

    async def nothing(self, request: ScanRequest) -> None:
        """At once."""

    async def hang(self, request: ScanRequest) -> None:
        await asyncio.sleep(3600)

    async def scan(self, request: ScanRequest) -> Scan:
        self.asked.append(request.scan_id)
        await self.does(request)
        engine = EngineInfo("fake", "fake", "1")
        return Scan(
            request.scan_id, Status.COMPLETED, request.spec, request.task, engine, Reading(), {}, datetime.now(UTC)
        )

    def check_ready(self) -> None:
        if not self.ready:
            raise EngineUnavailable("down")


class Rig:
    """A store, a device, and as many runners as a test starts."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store = store
        self.device = Device()
        self.settings = settings
        self.ahead_ms = 0
        self.set_to()

    def set_to(self, **more: float) -> None:
        """Settings of the background."""
        chosen = self.settings.asynchronous.model_copy(update={**QUICK, **more})
        self.settings = self.settings.model_copy(update={"asynchronous": chosen})

    def now(self) -> int:
        return now_ms() + self.ahead_ms

    def pass_by(self, seconds: float) -> None:
        """Let time pass for every runner."""
        self.ahead_ms += round(seconds * 1000)
        jump(seconds)

    @asynccontextmanager
    async def running(self, device: Device | None = None) -> AsyncIterator[Worker]:
        chosen = device or self.device
        admission = Admission(AdmissionSettings(), lambda: FORECAST, asyncio.get_running_loop().time)
        flow = ScanRunner(chosen.scan, admission, lambda _: DEFAULT_TASK, chosen.check_ready, 4)
        runner = Worker(self.store, flow, self.settings, self.now)
        runner.start()
        try:
            yield runner
        finally:
            await runner.stop(0.05)

    async def put(self, name: str = "scan", data: bytes = b"photo", **more: object) -> str:
        photo = PhotoRecord(sha256_of(data), len(data))
        self.store.photos.put(data, photo.sha256, durable=False)
        new = NewScan(name, "async", SPEC, now_ms(), photo, **more)  # type: ignore[arg-type]
        async with self.store.db.write() as conn:
            await scans.insert(conn, new)
        return name

    async def record(self, scan_id: str) -> ScanRecord:
        async with self.store.db.read() as conn:
            record = await scans.get(conn, scan_id)
        assert record is not None
        return record

    async def until(self, scan_id: str, *states: Status) -> ScanRecord:
        with self.store.notifier.listening(scan_id) as changed:
            end = monotonic() + PATIENCE_S
            while monotonic() < end:
                record = await self.record(scan_id)
                if record.status in states or (not states and record.final):
                    return record
                await changed(0.05)
        raise AssertionError(f"{record.status} after all this time")

    async def leased_until(self, scan_id: str) -> int:
        async with self.store.db.read() as conn:
            found = await conn.execute(select(tables.scans.c.lease_until).where(tables.scans.c.scan_id == scan_id))
        return int(found.scalar_one())


@pytest.fixture
def rig(store: Store, store_settings: Settings) -> Rig:
    return Rig(store, store_settings)


async def test_an_accepted_scan_is_read(rig: Rig) -> None:
    scan_id = await rig.put()
    async with rig.running():
        record = await rig.until(scan_id)
    assert (record.status, record.attempts) == (Status.COMPLETED, 1)
    assert record.document


async def test_what_is_put_in_later_is_begun_at_once_when_woken(rig: Rig) -> None:
    rig.set_to(poll_s=600, lease_s=6000)
    async with rig.running() as runner:
        await asyncio.sleep(0.05)
        scan_id = await rig.put()
        runner.wake()
        assert (await rig.until(scan_id)).status is Status.COMPLETED


async def test_an_error_that_stays_fails_at_once(rig: Rig) -> None:
    async def broken(request: ScanRequest) -> None:
        raise InvalidPhoto("broken")

    rig.device.does = broken
    scan_id = await rig.put()
    async with rig.running():
        record = await rig.until(scan_id)
    assert (record.status, record.error_code, record.attempts) == (Status.FAILED, "photo_broken", 1)


async def test_an_error_that_may_pass_is_tried_again_and_then_fails(rig: Rig) -> None:
    async def lost(request: ScanRequest) -> None:
        rig.ahead_ms += 5000  # the pause passes
        raise ReplicaLost("died")

    rig.device.does = lost
    scan_id = await rig.put()
    async with rig.running():
        record = await rig.until(scan_id)
    assert (record.status, record.error_code, record.attempts) == (Status.FAILED, "replica_lost", 3)
    assert rig.device.asked == [scan_id] * 3


async def test_nothing_is_begun_while_the_engine_is_down(rig: Rig) -> None:
    rig.device.ready = False
    scan_id = await rig.put()
    async with rig.running():
        await asyncio.sleep(0.2)
        assert (await rig.record(scan_id)).attempts == 0
        rig.device.ready = True
        assert (await rig.until(scan_id)).status is Status.COMPLETED


async def test_a_photo_that_is_gone_is_said_to_be(rig: Rig) -> None:
    scan_id = await rig.put()
    rig.store.photos.remove(sha256_of(b"photo"))
    async with rig.running():
        record = await rig.until(scan_id)
    assert record.status is Status.FAILED
    assert "photo" in (record.error or "")


async def test_a_deadline_that_passes_in_the_queue_expires(rig: Rig) -> None:
    rig.device.ready = False
    scan_id = await rig.put(deadline_at=now_ms() + 50)
    async with rig.running():
        record = await rig.until(scan_id)
    assert (record.status, record.error_code) == (Status.EXPIRED, "deadline_exceeded")


async def test_the_end_gives_back_what_has_not_finished_without_counting_it(rig: Rig) -> None:
    rig.device.does = rig.device.hang
    scan_id = await rig.put()
    async with rig.running():
        await rig.until(scan_id, Status.RUNNING)
    record = await rig.record(scan_id)
    assert (record.status, record.attempts) == (Status.QUEUED, 0)


async def test_cancelling_ends_a_running_scan_here(rig: Rig) -> None:
    rig.device.does = rig.device.hang
    scan_id = await rig.put()
    async with rig.running() as runner:
        await rig.until(scan_id, Status.RUNNING)
        await runner.cancel(scan_id)
        assert (await rig.record(scan_id)).status is Status.CANCELLED
        await until(lambda: runner.stats.running == 0)


async def test_cancelling_reaches_another_process_when_it_renews(rig: Rig) -> None:
    rig.device.does = rig.device.hang
    scan_id = await rig.put()
    async with rig.running() as one:
        await rig.until(scan_id, Status.RUNNING)
        async with rig.running() as other:
            await other.cancel(scan_id)
        assert one.stats.running == 1
        rig.pass_by(LEASE_S / RENEWALS)
        await until(lambda: one.stats.running == 0)
        assert one.stats.lost == 1
    assert (await rig.record(scan_id)).status is Status.CANCELLED


async def test_a_process_that_stood_still_does_not_end_what_another_took_over(rig: Rig) -> None:
    go_on = asyncio.Event()
    slow = Device()

    async def stand_still(request: ScanRequest) -> None:
        await go_on.wait()

    slow.does = stand_still
    scan_id = await rig.put()
    async with rig.running(slow) as one:
        await rig.until(scan_id, Status.RUNNING)
        slow.ready = False
        for execution in one._running:
            execution.committing = True  # as if its renewals did not get through
        rig.pass_by(LEASE_S)
        async with rig.running() as other:
            record = await rig.until(scan_id)
            assert (record.status, record.attempts, other.stats.ended) == (Status.COMPLETED, 2, 1)
        go_on.set()
        await until(lambda: one.stats.running == 0)
        assert (one.stats.ended, one.stats.lost) == (0, 1)


async def test_long_scans_are_held_by_renewals(rig: Rig) -> None:
    done = asyncio.Event()

    async def long(request: ScanRequest) -> None:
        await done.wait()

    rig.device.does = long
    scan_id = await rig.put()
    async with rig.running(), rig.running():
        await rig.until(scan_id, Status.RUNNING)
        for _ in range(2 * RENEWALS):  # two leases
            before = await rig.leased_until(scan_id)
            rig.pass_by(LEASE_S / RENEWALS)
            async with asyncio.timeout(PATIENCE_S):
                while await rig.leased_until(scan_id) < before + LEASE_S / RENEWALS * 1000:
                    await asyncio.sleep(0.02)
        done.set()
        record = await rig.until(scan_id)
    assert (record.status, record.attempts, rig.device.asked) == (Status.COMPLETED, 1, [scan_id])


async def test_two_processes_share_the_work_and_run_nothing_twice(rig: Rig) -> None:
    ids = [await rig.put(f"scan{number}") for number in range(20)]
    async with rig.running(), rig.running():
        for scan_id in ids:
            await rig.until(scan_id)
    assert sorted(rig.device.asked) == sorted(ids)
