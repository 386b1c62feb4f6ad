"""Database failures: the right error, no lost record, and recovery without a restart."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest
from pydantic import JsonValue
from sqlalchemy.exc import DBAPIError, IntegrityError

from pixel_agent.core import ScanSpec, Status
from pixel_agent.core.errors import StoreUnavailable
from pixel_agent.core.settings import Settings, load
from pixel_agent.storage import scans
from pixel_agent.storage.database import is_about_data
from pixel_agent.storage.records import NewScan, Outcome, ScanFilter
from pixel_agent.storage.store import Store
from tests.databases import Postgres
from tests.waiting import until


def local(folder: Path, **store: JsonValue) -> Settings:
    return load({"data_dir": str(folder), "store": {"retry_s": 0.05, **store}}, environment={})


class DriverError(Exception):
    def __init__(self, sqlstate: str | None, message: str = "") -> None:
        super().__init__(message)
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("sqlstate", "refused"),
    [
        ("22001", True),
        ("23505", True),
        ("25006", False),  # read-only
        ("28P01", False),  # wrong password
        ("42501", False),  # no permission
        ("53300", False),  # too many connections
        ("57P03", False),  # starting up
        ("XX001", False),  # damaged page
    ],
)
def test_only_a_data_error_gives_a_record_up(sqlstate: str, refused: bool) -> None:
    assert is_about_data(DBAPIError("INSERT", {}, DriverError(sqlstate))) is refused


def test_a_value_that_a_driver_refuses_is_a_data_error() -> None:
    assert is_about_data(DBAPIError("INSERT", {}, DriverError(None, "invalid input for query argument $1: 'x'")))
    assert not is_about_data(DBAPIError("INSERT", {}, DriverError(None, "database disk image is malformed")))


async def add(store: Store, scan_id: str) -> None:
    async with store.db.write() as conn:
        new = NewScan(scan_id, "sync", ScanSpec("price_tag"), 1000)
        await scans.insert(conn, new, Outcome(Status.COMPLETED, 2000, document="{}"))


async def ids(store: Store) -> list[str]:
    async with store.db.read() as conn:
        return [one.scan_id for one in await scans.page(conn, ScanFilter(), limit=100)]


async def test_what_is_wrong_with_a_record_is_told_to_who_writes_it(store: Store) -> None:
    await add(store, "a")
    with pytest.raises(IntegrityError):
        await add(store, "a")
    assert store.state.ok


async def test_a_damaged_file_is_an_unavailable_store(tmp_path: Path) -> None:
    store = Store(local(tmp_path))
    await store.open()
    await add(store, "a")
    await store.close()
    with (tmp_path / "pixel-agent.sqlite3").open("r+b") as file:
        file.write(os.urandom(4096))
    (tmp_path / "pixel-agent.sqlite3-wal").unlink(missing_ok=True)
    await store.open()
    assert store.state.code == "store_unavailable"
    with pytest.raises(StoreUnavailable):
        await ids(store)
    await store.close()


@pytest.mark.parametrize("replaced", [False, True])
async def test_a_file_that_is_deleted_or_replaced_is_noticed(tmp_path: Path, replaced: bool) -> None:
    store = Store(local(tmp_path))
    await store.open()
    await add(store, "a")
    for file in tmp_path.glob("pixel-agent.sqlite3*"):
        file.unlink()
    if replaced:
        (tmp_path / "pixel-agent.sqlite3").touch()
    with pytest.raises(StoreUnavailable, match="deleted or replaced"):
        await add(store, "b")
    await until(lambda: store.state.ok)
    await add(store, "c")
    assert await ids(store) == ["c"]
    await store.close()


@pytest.mark.parametrize("name", ["a?b", "50%", "a b#c&d=e"])
async def test_the_data_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    store = Store(local(tmp_path / name))
    await store.open()
    await add(store, "a")
    await store.close()
    assert (tmp_path / name / "pixel-agent.sqlite3").is_file()


def test_a_tilde_means_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Store(local(Path("~/scans"))).folder == tmp_path / "scans"


async def test_only_its_user_can_read_what_is_kept(tmp_path: Path) -> None:
    store = Store(local(tmp_path / "data"))
    before = os.umask(0)
    try:
        await store.open()
        store.photos.put(b"photo", "ab" * 32, durable=False)
        await add(store, "a")
    finally:
        os.umask(before)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "data").rglob("*") if path.is_file()}
    await store.close()
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    assert len(modes) >= 2
    assert set(modes.values()) == {0o600}


@pytest.mark.postgres
async def test_a_database_that_was_read_only_is_written_to_again(tmp_path: Path, postgres: Postgres) -> None:
    url = postgres.create()
    name = url.removeprefix("postgresql://pixel@/").split("?")[0]

    def run(command: str) -> None:
        psql = [
            str(postgres.tools / "psql"),
            "-h",
            str(postgres.socket),
            "-U",
            "pixel",
            "-d",
            "postgres",
            "-qc",
            command,
        ]
        subprocess.run(psql, check=True, timeout=60, stdout=subprocess.DEVNULL)

    store = Store(local(tmp_path, url=url))
    await store.open()
    await add(store, "a")
    run(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    with pytest.raises(StoreUnavailable):
        await add(store, "b")
    with pytest.raises(StoreUnavailable):
        await add(store, "c")
    assert not store.state.ok
    run(f"ALTER DATABASE {name} SET default_transaction_read_only = off")
    await until(lambda: store.state.ok)
    await add(store, "d")
    assert await ids(store) == ["d", "a"]
    await store.close()


@pytest.mark.postgres
@pytest.mark.parametrize("wrong", ["user", "database"])
async def test_a_store_that_fails_from_the_start_says_why_once(
    tmp_path: Path, postgres: Postgres, wrong: str, caplog: pytest.LogCaptureFixture
) -> None:
    url = postgres.create()
    url = url.replace("pixel@", "nobody@") if wrong == "user" else url.replace("/test_", "/missing_")
    store = Store(local(tmp_path, url=url))
    await store.open()
    assert store.state.code == "store_unavailable"
    assert ("nobody" if wrong == "user" else "missing_") in store.state.reason
    assert len([record for record in caplog.records if "does not work" in record.message]) == 1
    await store.close()
