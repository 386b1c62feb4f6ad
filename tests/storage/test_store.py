"""The store as a whole, on both databases: layout, state, deletion, and photos that are never lost while in use."""

from __future__ import annotations

import asyncio
import importlib.util
import traceback
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from pydantic import JsonValue
from sqlalchemy import Connection, func, select, text

from pixel_agent.core import ScanSpec, Status, sha256_of
from pixel_agent.core.errors import ConfigurationError, NotFound, StoreFull, StoreUnavailable
from pixel_agent.core.settings import Settings, load
from pixel_agent.service.service import build_service
from pixel_agent.storage import migrations, scans
from pixel_agent.storage.database import FILE, Database, data_folder
from pixel_agent.storage.records import NewScan, Outcome, PhotoRecord, ScanFilter
from pixel_agent.storage.store import Store
from pixel_agent.storage.tables import metadata, photos, readings, scan_codes, scan_words
from tests.databases import Postgres

PHOTO = b"not a photo, but bytes"
SHA = sha256_of(PHOTO)


def new(scan_id: str, photo: bytes | None = PHOTO, at: int = 1000) -> NewScan:
    record = None if photo is None else PhotoRecord(sha256_of(photo), len(photo))
    return NewScan(scan_id, "sync", ScanSpec("price_tag"), at, photo=record)


def done(**more: object) -> Outcome:
    return Outcome(Status.COMPLETED, 2000, document="{}", **more)  # type: ignore[arg-type]


async def add(store: Store, scan_id: str, photo: bytes = PHOTO, at: int = 1000) -> None:
    store.photos.put(photo, sha256_of(photo), durable=True)
    async with store.db.write() as conn:
        await scans.insert(conn, new(scan_id, photo, at), done(gtins=("00000096385074",), words=" word "))


async def count(store: Store, table: str) -> int:
    async with store.db.read() as conn:
        return int((await conn.execute(select(func.count()).select_from(metadata.tables[table]))).scalar_one())


# Layout


async def test_the_migrations_make_what_the_tables_say(store: Store) -> None:
    def differences(connection: Connection) -> list[object]:
        options = {"include_object": lambda thing, name, *_: name != "ix_scan_words_words" and "_fts" not in str(name)}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))

    async with store.db.read() as conn:
        assert await conn.run_sync(differences) == []


def test_the_newest_step_is_the_one_that_the_code_names() -> None:
    spec = importlib.util.find_spec("pixel_agent.storage.migrations")
    assert spec is not None
    assert spec.origin is not None
    assert ScriptDirectory(str(Path(spec.origin).parent)).get_current_head() == migrations.NEWEST


async def test_what_was_kept_is_there_when_it_is_opened_again(store: Store) -> None:
    await add(store, "a")
    await store.close()
    await store.open()
    async with store.db.read() as conn:
        assert [record.scan_id for record in await scans.page(conn, ScanFilter())] == ["a"]


async def test_a_layout_of_a_newer_version_is_left_alone(store: Store, store_settings: Settings) -> None:
    async with store.db.write() as conn:
        await conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    other = Store(store_settings)
    await other.open()
    assert not other.state.ok
    assert "layout" in other.state.reason
    with pytest.raises(StoreUnavailable, match="layout"):
        other.check()
    await other.close()


async def test_two_processes_may_open_a_new_database_at_once(store_settings: Settings) -> None:
    stores = [Store(store_settings), Store(store_settings)]
    await asyncio.gather(*(store.open() for store in stores))
    assert [store.state.reason for store in stores if not store.state.ok] == []
    await asyncio.gather(*(store.close() for store in stores))


# State


async def test_a_transaction_that_fails_leaves_nothing(store: Store) -> None:
    async def fail() -> None:
        async with store.db.write() as conn:
            await scans.insert(conn, new("a", None))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await count(store, "scans") == 0
    assert store.state.ok


async def test_a_store_that_is_closed_says_so(store_settings: Settings) -> None:
    store = Store(store_settings)
    with pytest.raises(StoreUnavailable):
        store.check()
    with pytest.raises(StoreUnavailable):
        async with store.db.read():
            pass


async def test_a_store_mends_itself_once_its_folder_can_be_used(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    store = Store(load({"data_dir": str(tmp_path / "data"), "store": {"retry_s": 0.01}}, environment={}))
    await store.open()
    assert store.state.code == "store_unavailable"
    (tmp_path / "data").unlink()
    await asyncio.wait_for(store.until_ok(), 60)
    await add(store, "a")
    await store.close()


async def test_a_store_mends_itself_after_its_database_was_away(postgres: Postgres, tmp_path: Path) -> None:
    settings = {"data_dir": str(tmp_path), "store": {"url": postgres.create(), "retry_s": 0.01}}
    store = Store(load(settings, environment={}))  # type: ignore[arg-type]
    await store.open()
    with pytest.raises(StoreUnavailable):
        async with store.db.write() as conn:
            await conn.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    await asyncio.wait_for(store.until_ok(), 60)
    await add(store, "a")
    await store.close()


async def test_a_database_that_nobody_answers_for_is_unavailable(tmp_path: Path) -> None:
    url = f"postgresql://pixel@/none?host={tmp_path}"
    store = Store(load({"data_dir": str(tmp_path), "store": {"url": url}}, environment={}))
    await store.open()
    assert store.state.code == "store_unavailable"
    await store.close()


@pytest.mark.parametrize(
    "url",
    [
        "mysql://root:secret@here/db",
        "no url at all, secret",
        "postgresql://u:secret@127.0.0.1:notaport/x",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///file:x?mode=memory&uri=true",
    ],
)
def test_a_url_of_another_database_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"store\.url") as refused:
        Database(load({"store": {"url": url}}, environment={}))
    assert "sqlite:////path/file" in (refused.value.advice or "")
    assert "secret" not in "".join(traceback.format_exception(refused.value))


async def test_too_little_room_is_said_before_anything_is_accepted(store: Store) -> None:
    await store.check_room()
    with pytest.raises(StoreFull, match="free"):
        await store.check_room(2**60)


# Deleting


async def test_a_deleted_scan_takes_its_photo_and_all_that_hangs_on_it_along(store: Store) -> None:
    await add(store, "a")
    await store.history.delete("a")
    assert not store.photos.exists(SHA)
    for table in (photos, readings, scan_codes, scan_words):
        assert await count(store, table.name) == 0
    async with store.db.read() as conn:
        assert await scans.page(conn, ScanFilter(text="word")) == []


async def test_a_photo_stays_as_long_as_another_scan_refers_to_it(store: Store) -> None:
    await add(store, "a")
    await add(store, "b")
    await store.history.delete("a")
    assert store.photos.exists(SHA)
    await store.history.delete("b")
    assert not store.photos.exists(SHA)


async def test_deleting_what_is_not_there_changes_nothing(store: Store) -> None:
    with pytest.raises(NotFound):
        await store.history.delete("a")


async def test_deleting_and_adding_at_once_never_leaves_a_scan_without_its_photo(store: Store) -> None:
    async def add_with_a_look_afterwards(number: int) -> None:
        await add(store, f"b{number}")
        store.photos.put(PHOTO, SHA, durable=False)

    for number in range(5):
        await add(store, f"a{number}")
        await asyncio.gather(store.history.delete(f"a{number}"), add_with_a_look_afterwards(number))
        assert store.photos.exists(SHA)
        await store.history.delete(f"b{number}")


async def test_numbers_of_deleted_scans_are_not_given_again(store: Store) -> None:
    async with store.db.write() as conn:
        first = await scans.insert(conn, new("a", None), done())
    await store.history.delete("a")
    async with store.db.write() as conn:
        assert await scans.insert(conn, new("b", None)) > first


# Photos


async def test_photos_are_written_once_and_whole(store: Store) -> None:
    store.photos.put(PHOTO, SHA, durable=True)
    store.photos.put(b"other bytes under the same name", SHA, durable=False)
    assert store.photos.read(SHA) == PHOTO
    assert [name for name, _ in store.photos.all()] == [SHA]


async def test_a_photo_that_is_not_there_is_none(store: Store) -> None:
    assert store.photos.read("0" * 64) is None


def test_the_default_folder_is_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert data_folder(load({}, environment={})).name == "pixel-agent"


async def test_sqlite_needs_nothing_set_up(tmp_path: Path) -> None:
    folder: dict[str, JsonValue] = {"data_dir": str(tmp_path / "new" / "folder")}
    store = Store(load(folder, environment={}))
    await store.open()
    assert (tmp_path / "new" / "folder" / FILE).is_file()
    await store.close()


async def test_the_metrics_say_how_the_store_is(tmp_path: Path) -> None:
    service = build_service(load({"engine": "simulated", "data_dir": str(tmp_path)}, environment={}))
    await service.start()
    try:
        assert b"pixel_agent_store_ok 1.0" in service.metrics.render()
        service.storage.db.mark_failed(StoreFull("full"))
        assert b"pixel_agent_store_ok 0.0" in service.metrics.render()
    finally:
        await service.stop()
