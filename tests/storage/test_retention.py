"""Automatic deletion: what is deleted and what never is, on both databases."""

from __future__ import annotations

import os
import time
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from pixel_agent.core import ScanSpec, Status, sha256_of
from pixel_agent.storage import events, retention, scans
from pixel_agent.storage.records import NewScan, Outcome, PhotoRecord, ScanFilter, ScanRecord, now_ms
from pixel_agent.storage.retention import DAY_MS, Removed, Retention
from pixel_agent.storage.store import Store
from pixel_agent.storage.tables import events as event_rows


async def add(
    store: Store, scan_id: str, *, days: float = 0, task: str = "price_tag", photo: bytes = b"", ended: bool = True
) -> str:
    """A scan that came so many days ago; the SHA-256 of its photo."""
    data = photo or scan_id.encode()
    sha256, at = sha256_of(data), now_ms() - round(days * DAY_MS)
    store.photos.put(data, sha256, durable=False)
    new = NewScan(scan_id, "sync", ScanSpec(task), at, photo=PhotoRecord(sha256, len(data)))
    async with store.db.write() as conn:
        await scans.insert(conn, new, Outcome(Status.COMPLETED, at, document="{}") if ended else None)
    return sha256


async def left(store: Store) -> list[ScanRecord]:
    async with store.db.read() as conn:
        return await scans.page(conn, ScanFilter(), limit=1000, documents=True)


def keep(store: Store, **settings: object) -> None:
    store.retention = Retention(store.db, store.photos, store.settings.model_copy(update=settings))


def age(store: Store, sha256: str, hours: float) -> None:
    then = time.time() - hours * 3600
    os.utime(store.photos.path(sha256), (then, then))


async def test_nothing_is_deleted_unless_it_is_asked_for(store: Store) -> None:
    await add(store, "old", days=10_000)
    assert await store.retention.run() == Removed()
    assert len(await left(store)) == 1


async def test_scans_past_their_age_go_with_their_photos(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "CHUNK", 2)
    keep(store, max_age_days=30)
    gone = [await add(store, f"old{n}", days=31 + n) for n in range(5)]
    stays = await add(store, "new", days=29)
    assert (await store.retention.run()).scans == 5
    assert [record.scan_id for record in await left(store)] == ["new"]
    assert not any(store.photos.exists(sha256) for sha256 in gone)
    assert store.photos.exists(stays)


async def test_a_task_may_have_an_age_of_its_own(store: Store) -> None:
    keep(store, max_age_days=30, max_age_days_by_task={"safety_check": 365, "price_tag": 1, "text_read": 0})
    for task, days in (("safety_check", 364), ("safety_check", 366), ("price_tag", 2), ("text_read", 9999)):
        await add(store, f"{task}{days}", days=days, task=task)
    await add(store, "other", days=31, task="other")
    await store.retention.run()
    assert {record.scan_id for record in await left(store)} == {"safety_check364", "text_read9999"}


async def test_scans_that_have_not_ended_stay_however_old_they_are(store: Store) -> None:
    keep(store, max_age_days=1, max_photo_bytes=1)
    sha256 = await add(store, "waiting", days=9, ended=False)
    await store.retention.run()
    assert len(await left(store)) == 1
    assert store.photos.exists(sha256)


async def test_the_oldest_photos_make_room_and_their_readings_stay(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "CHUNK", 2)
    hashes = []
    for number in range(6):
        hashes.append(await add(store, f"s{number}", photo=bytes([number]) * 100))
        time.sleep(0.002)
    keep(store, max_photo_bytes=250)
    assert (await store.retention.run()).photos == 4
    assert [store.photos.exists(sha256) for sha256 in hashes] == [False] * 4 + [True] * 2
    found = {record.scan_id: record.photo for record in await left(store)}
    assert [bool(photo and photo.removed_at) for _, photo in sorted(found.items())] == [True] * 4 + [False] * 2
    assert (await store.retention.run()).photos == 0


async def test_a_photo_that_comes_again_is_there_again(store: Store) -> None:
    sha256 = await add(store, "first", photo=b"x" * 100)
    keep(store, max_photo_bytes=1)
    await store.retention.run()
    assert not store.photos.exists(sha256)
    await add(store, "second", photo=b"x" * 100)
    assert store.photos.exists(sha256)
    assert all(record.photo and record.photo.removed_at is None for record in await left(store))


async def test_files_that_no_scan_wants_are_swept_once_they_are_old(store: Store) -> None:
    wanted = await add(store, "scan")
    store.photos.put(b"left behind", lost := sha256_of(b"left behind"), durable=False)
    store.photos.put(b"on its way", coming := sha256_of(b"on its way"), durable=False)
    upload = store.photos.temporary()
    upload.write_bytes(b"broken off")
    os.utime(upload, (0, 0))
    age(store, wanted, hours=5)
    age(store, lost, hours=5)
    assert (await store.retention.run(thorough=False)).orphans == 0
    assert (await store.retention.run()).orphans == 1
    assert [store.photos.exists(sha256) for sha256 in (wanted, lost, coming)] == [True, False, True]
    assert not upload.exists()


async def test_a_file_that_is_wanted_again_is_not_swept(store: Store) -> None:
    sha256 = sha256_of(b"bytes")
    store.photos.put(b"bytes", sha256, durable=False)
    age(store, sha256, hours=5)
    store.photos.put(b"bytes", sha256, durable=False)
    assert (await store.retention.run()).orphans == 0


async def test_what_happened_long_ago_is_forgotten(store: Store) -> None:
    new, outcome = NewScan("a", "sync", ScanSpec("price_tag"), 1), Outcome(Status.COMPLETED, now_ms())
    async with store.db.write() as conn:
        await events.scan_ended(conn, new, replace(outcome, finished_at=now_ms() - 8 * DAY_MS))
        await events.scan_ended(conn, new, outcome)
    await store.retention.run()
    async with store.db.read() as conn:
        assert (await conn.execute(select(func.count()).select_from(event_rows))).scalar_one() == 1
