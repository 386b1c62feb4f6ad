"""Synchronous scans become records, and their answers wait for that only briefly."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import pytest
from pydantic import JsonValue
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from pixel_agent.core import Alert, EngineInfo, Reading, Row, Scan, ScanRequest, ScanSpec, Severity, Status, sha256_of
from pixel_agent.core.errors import DeadlineExceeded, EngineError, InvalidRequest, StoreFull
from pixel_agent.core.settings import Settings, load
from pixel_agent.jobs import recorder as module
from pixel_agent.jobs.recorder import Recorder
from pixel_agent.storage import completed as ended_records
from pixel_agent.storage import scans
from pixel_agent.storage.completed import Completed
from pixel_agent.storage.records import ScanFilter, ScanRecord
from pixel_agent.storage.store import Store
from pixel_agent.tasks import Catalogue
from tests.waiting import until

TASK = Catalogue.load(None).find("price_tag")


@asynccontextmanager
async def recording(settings: Settings) -> AsyncIterator[Recorder]:
    store = Store(settings)
    await store.open()
    recorder = Recorder(store)
    recorder.start()
    yield recorder
    await recorder.stop()
    await store.close()


@pytest.fixture
async def recorder(store_settings: Settings) -> AsyncIterator[Recorder]:
    async with recording(store_settings) as recorder:
        yield recorder


def local(tmp_path: Path, **store: JsonValue) -> Settings:
    return load({"data_dir": str(tmp_path / "data"), "store": {"retry_s": 0.01, **store}}, environment={})


def asked(number: int = 0, **more: object) -> ScanRequest:
    data = f"photo {number}".encode()
    request = ScanRequest(
        f"{number:032x}", ScanSpec(TASK.id), TASK, data, sha256_of(data), datetime(2026, 11, 22, tzinfo=UTC), "a.jpg"
    )
    return replace(request, **more)  # type: ignore[arg-type]


def answer(request: ScanRequest, reading: Reading | None = None) -> Scan:
    return Scan(
        request.scan_id,
        Status.COMPLETED,
        request.spec,
        request.task,
        EngineInfo("simulated", "m", "1", simulated=True),
        reading or Reading(summary="可口可乐"),
        {"total": 100.0},
        request.received_at,
        photo_sha256=request.sha256,
        media_type="image/jpeg",
        width=4,
        height=3,
    )


def warned(scan: Scan) -> bool:
    return any(notice.code == "not_recorded" for notice in scan.reading.warnings)


async def records(recorder: Recorder, wanted: ScanFilter | None = None) -> list[ScanRecord]:
    async with recorder._store.db.read() as conn:
        return await scans.page(conn, wanted or ScanFilter(), documents=True)


async def until_written(recorder: Recorder) -> None:
    await until(lambda: recorder.stats.waiting == 0)


async def test_an_answer_is_recorded_before_it_goes_out(recorder: Recorder) -> None:
    scan = await recorder.keep(asked(), answer(asked()))
    assert not warned(scan)
    assert scan == answer(asked())  # what is stored is what is answered
    (record,) = await records(recorder, ScanFilter(text="可乐"))
    assert record.photo is not None
    assert (record.status, record.filename, record.photo.width) == (Status.COMPLETED, "a.jpg", 4)
    assert record.document is not None
    assert '"summary":"可口可乐"' in record.document
    assert recorder._store.photos.read(record.photo.sha256) == asked().data


async def test_many_at_once_are_recorded_together(recorder: Recorder) -> None:
    await asyncio.gather(*(recorder.keep(asked(n), answer(asked(n))) for n in range(3 * module.GROUP)))
    await until_written(recorder)
    assert recorder.stats.recorded == 3 * module.GROUP
    async with recorder._store.db.read() as conn:
        assert len(await scans.page(conn, ScanFilter(), limit=1000, documents=True)) == 3 * module.GROUP


async def test_what_a_reading_says_can_be_looked_for(recorder: Recorder) -> None:
    row = Row({"name": "x", "gtin": "6901234567892", "severity": "minor"})
    alert = Alert("expired", Severity.CRITICAL, "临期")
    await recorder.keep(asked(), answer(asked(), Reading(findings=(row,), alerts=(alert,))))
    (record,) = await records(recorder, ScanFilter(gtin="6901234567892", severity="critical", text="临期"))
    assert (record.findings, record.alerts) == (1, 1)


@pytest.mark.parametrize(
    ("error", "status"), [(EngineError("broken"), "failed"), (DeadlineExceeded("too late"), "expired")]
)
async def test_failures_of_the_engine_and_the_deadline_are_recorded(
    recorder: Recorder, error: Exception, status: str
) -> None:
    recorder.failed(asked(), error)
    await until_written(recorder)
    (record,) = await records(recorder)
    assert record.status == status
    assert record.photo is None  # nobody has decoded it, so it may be no photo


async def test_a_wrong_request_is_no_record(recorder: Recorder) -> None:
    recorder.failed(asked(), InvalidRequest("wrong"))
    assert recorder.stats.waiting == 0


async def test_a_text_that_no_database_takes_is_recorded_as_far_as_it_can_be(recorder: Recorder) -> None:
    request = asked(filename="a\x00\ud800.jpg" + "x" * 500)
    assert not warned(await recorder.keep(request, answer(request, Reading(summary="nul \x00 in between"))))
    assert len(await records(recorder)) == 1


async def test_one_record_that_cannot_be_written_takes_no_other_along(recorder: Recorder) -> None:
    twice = asked(1)
    await recorder.keep(twice, answer(twice))
    _, other = await asyncio.gather(recorder.keep(twice, answer(twice)), recorder.keep(asked(2), answer(asked(2))))
    assert not warned(other)
    assert len(await records(recorder)) == 2


class DriverError(Exception):
    def __init__(self, sqlstate: str) -> None:
        super().__init__("refused")
        self.sqlstate = sqlstate


async def test_a_database_that_is_read_only_for_a_while_loses_no_record(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[int] = []

    async def insert(conn: AsyncConnection, completed: Sequence[Completed]) -> None:
        if len(refused) < 3:
            refused.append(len(completed))
            raise DBAPIError("INSERT", {}, DriverError("25006"))
        await ended_records.insert(conn, completed)

    monkeypatch.setattr(module, "insert", insert)
    for number in range(3):
        await recorder.keep(asked(number), answer(asked(number)))
    await until_written(recorder)
    assert len(refused) == 3
    assert (len(await records(recorder)), recorder.stats.lost) == (3, 0)


async def test_a_record_whose_values_are_refused_is_given_up_counted_and_logged(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def insert(conn: AsyncConnection, completed: Sequence[Completed]) -> None:
        if any(one.new.scan_id == asked(1).scan_id for one in completed):
            raise DBAPIError("INSERT", {}, DriverError("22001"))
        await ended_records.insert(conn, completed)

    monkeypatch.setattr(module, "insert", insert)
    for number in range(3):
        await recorder.keep(asked(number), answer(asked(number)))
    await until_written(recorder)
    assert (len(await records(recorder)), recorder.stats.lost) == (2, 1)
    assert any(asked(1).scan_id in record.message for record in caplog.records)


async def test_a_photo_that_is_deleted_meanwhile_is_written_again(recorder: Recorder) -> None:
    await recorder.keep(asked(), answer(asked()))
    (record,) = await records(recorder)
    assert record.photo is not None
    recorder._store.photos.remove(record.photo.sha256)
    await recorder.keep(asked(0, scan_id="f" * 32), answer(asked(0, scan_id="f" * 32)))
    await until_written(recorder)
    assert recorder._store.photos.exists(record.photo.sha256)


async def test_without_keep_photos_the_reading_is_kept_alone(tmp_path: Path) -> None:
    async with recording(local(tmp_path, keep_photos=False)) as recorder:
        await recorder.keep(asked(), answer(asked()))
        (record,) = await records(recorder)
        assert record.photo is not None
        assert record.photo.removed_at is not None
        assert not recorder._store.photos.exists(record.photo.sha256)


async def test_a_busy_database_keeps_no_answer_waiting_and_the_record_follows(recorder: Recorder) -> None:
    async with recorder._store.db.write():
        assert not warned(await recorder.keep(asked(), answer(asked())))
        assert recorder.stats.recorded == 0
    assert len(await records(recorder)) == 1


async def test_a_late_disk_costs_a_warning_and_the_record_follows(tmp_path: Path) -> None:
    awake = Event()
    async with recording(local(tmp_path, append_timeout_s=0.05)) as recorder:
        recorder._journal._thread.submit(awake.wait)
        assert warned(await recorder.keep(asked(), answer(asked())))
        awake.set()
        assert len(await records(recorder)) == 1


async def test_who_opens_a_transaction_finds_all_that_was_answered_before(recorder: Recorder) -> None:
    for number in range(5):
        await recorder.keep(asked(number), answer(asked(number)))
        async with recorder._store.db.write() as conn:
            assert await scans.get(conn, asked(number).scan_id) is not None


async def test_records_that_nobody_looks_for_gather(recorder: Recorder) -> None:
    groups = []
    insert = ended_records.insert

    async def counted(conn: AsyncConnection, ended: Sequence[Completed]) -> None:
        groups.append(len(ended))
        await insert(conn, ended)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "insert", counted)
        for number in range(4):
            await recorder.keep(asked(number), answer(asked(number)))
        await until_written(recorder)
    assert groups == [4]


async def test_what_is_in_the_database_leaves_the_journal(recorder: Recorder) -> None:
    for number in range(3):
        await recorder.keep(asked(number), answer(asked(number)))
    await until_written(recorder)
    (file,) = (recorder._store.folder / "journal").iterdir()
    await until(lambda: file.stat().st_size == 0)


async def test_a_record_that_was_answered_before_the_process_died_is_in_the_history_of_the_next(tmp_path: Path) -> None:
    settings = local(tmp_path)
    before = asked(1, filename="\ud800.jpg", spec=ScanSpec(TASK.id, options={"today": "2026-11-22"}))
    async with recording(settings) as died:
        async with died._store.db.write():
            assert not warned(await died.keep(before, answer(before)))
            shutil.copytree(died._store.folder / "journal", tmp_path / "as it was")
        await died._store.history.delete(before.scan_id)
    shutil.rmtree(tmp_path / "data")
    shutil.copytree(tmp_path / "as it was", tmp_path / "data" / "journal")
    async with recording(settings) as recorder:
        while not (found := await records(recorder)):
            await asyncio.sleep(0.01)
        assert (found[0].scan_id, found[0].filename, found[0].summary) == (before.scan_id, "?.jpg", "可口可乐")
        assert found[0].spec.options == {"today": "2026-11-22"}
        assert found[0].photo is not None
        assert found[0].photo.removed_at is not None  # its file lay in the folder that is gone


async def test_the_warning_is_in_the_language_of_the_request(tmp_path: Path) -> None:
    async with recording(local(tmp_path)) as recorder:
        recorder._store.db.mark_failed(StoreFull("full"))
        scan = await recorder.keep(asked(spec=ScanSpec(TASK.id, lang="en")), answer(asked()))
        assert "history" in scan.reading.warnings[-1].message


async def test_records_wait_for_a_store_that_fails_and_follow_by_themselves(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.write_text("in the way")
    async with recording(local(tmp_path)) as recorder:
        assert warned(await recorder.keep(asked(1), answer(asked(1))))
        assert recorder.stats.waiting == 1
        folder.unlink()
        await asyncio.wait_for(until_written(recorder), 60)
        (record,) = await records(recorder)
        assert record.photo is not None
        assert recorder._store.photos.exists(record.photo.sha256)


async def test_only_so_many_records_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 3)
    folder = tmp_path / "data"
    folder.write_text("in the way")
    async with recording(local(tmp_path)) as recorder:
        for number in range(5):
            await recorder.keep(asked(number), answer(asked(number)))
        assert (recorder.stats.waiting, recorder.stats.lost) == (3, 2)
        folder.unlink()
        await asyncio.wait_for(until_written(recorder), 60)
        assert {int(record.scan_id, 16) for record in await records(recorder)} == {2, 3, 4}


async def test_photos_beyond_what_may_wait_are_left_out_and_their_records_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_WAITING_BYTES", 10)
    folder = tmp_path / "data"
    folder.write_text("in the way")
    async with recording(local(tmp_path)) as recorder:
        for number in range(2):
            await recorder.keep(asked(number), answer(asked(number)))
        folder.unlink()
        await asyncio.wait_for(until_written(recorder), 60)
        found = sorted(await records(recorder), key=lambda record: record.scan_id)
        assert [record.photo is not None and record.photo.removed_at is None for record in found] == [True, False]


async def test_what_stopping_could_not_write_holds_up_no_transaction_and_is_written_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FLUSH_S", 0.05)
    monkeypatch.setattr(module, "CATCH_UP_S", 3600)
    settings = local(tmp_path)
    store = Store(settings)
    await store.open()
    recorder = Recorder(store)
    recorder.start()
    async with store.db.write():
        await recorder.keep(asked(), answer(asked()))
        await recorder.stop()
    assert await records(recorder) == []
    await store.close()
    async with recording(settings) as following:
        while not await records(following):
            await asyncio.sleep(0.01)


async def test_stopping_writes_what_waits(tmp_path: Path) -> None:
    settings = local(tmp_path)
    async with recording(settings) as recorder:
        for number in range(10):
            recorder.failed(asked(number), EngineError("broken"))
    async with recording(settings) as recorder:
        assert len(await records(recorder)) == 10
