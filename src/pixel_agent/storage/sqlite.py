"""SQLite: how its connections are set up, and an appender that runs a whole transaction in one thread.

The write-ahead log lets readers go on beside the one writer. The statements of an `async` transaction each cross to a thread
and back; the synchronous scans, whose answers wait for their record, take the appender instead.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Protocol, TypeVar, cast

from sqlalchemy import Connection, CursorResult, Executable, create_engine, event
from sqlalchemy.engine import URL, Dialect, Engine
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

P = TypeVar("P")
T = TypeVar("T")
Parameters = Sequence[Mapping[str, object]] | Mapping[str, object] | None
Work = Callable[[AsyncConnection, P], Coroutine[object, object, T]]

BUSY_S = 10.0
"""How long SQLite waits for a writer of another process."""
CACHE_KIB = 16_000
"""Pages of the database that each connection holds that lists are read through."""
WRITER_CACHE_KIB = 2_000
"""The same of those that write: they come back to few pages, and the memory under load stays flat."""


def reading_engine(url: URL, connections: int) -> AsyncEngine:
    """Connections whose transactions see one state of everything."""
    return _async_engine(url, connections, "BEGIN", "NORMAL", CACHE_KIB)


def writing_engine(url: URL, *, durable: bool) -> AsyncEngine:
    """One connection that waits for its turn before it begins. `durable`: a commit survives a power cut."""
    return _async_engine(url, 1, "BEGIN IMMEDIATE", "FULL" if durable else "NORMAL", WRITER_CACHE_KIB)


def make_file(path: Path) -> None:
    """Make the file of a database that only its user can read, and set its write-ahead log up. Raises OSError, sqlite3.Error.

    SQLite gives the files beside it the same permissions. It does not wait by itself where two processes set the log up at once.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    end = time.monotonic() + BUSY_S
    with closing(sqlite3.connect(path, timeout=BUSY_S)) as connection:
        while True:
            try:
                connection.execute("PRAGMA journal_mode=WAL")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > end:
                    raise
            time.sleep(0.02)


class Appender:
    """One connection in a thread of its own."""

    def __init__(self, url: URL) -> None:
        arguments = {"timeout": BUSY_S, "check_same_thread": False}
        self._engine = create_engine(url.set(drivername="sqlite"), pool_size=1, max_overflow=0, connect_args=arguments)
        _set_up(self._engine, "BEGIN IMMEDIATE", "NORMAL", WRITER_CACHE_KIB)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store-append")

    async def run(self, prepare: Callable[[], P], work: Work[P, T]) -> T:
        """Prepare, then a transaction with what was prepared. `work` awaits nothing but its connection."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, prepare, work)

    async def close(self) -> None:
        """End thread and connection."""
        await asyncio.to_thread(self._thread.shutdown)
        self._engine.dispose()

    def _run(self, prepare: Callable[[], P], work: Work[P, T]) -> T:
        prepared = prepare()
        with self._engine.begin() as connection:
            return _at_once(work(cast(AsyncConnection, _Immediate(connection)), prepared))


class _Immediate:
    """The part of an asynchronous connection that statements need, answering at once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def dialect(self) -> Dialect:
        return self._connection.dialect

    async def execute(self, statement: Executable, parameters: Parameters = None) -> CursorResult[*tuple[object, ...]]:
        return self._connection.execute(statement, parameters)


def _at_once(work: Coroutine[object, object, T]) -> T:
    """The result of a coroutine that never has to wait."""
    try:
        work.send(None)
    except StopIteration as end:
        return cast(T, end.value)
    work.close()
    raise RuntimeError("An appending transaction waited for something other than its connection.")


class _Raw(Protocol):
    def exec_driver_sql(self, statement: str) -> object: ...


def _async_engine(url: URL, connections: int, begin: str, synchronous: str, cache_kib: int) -> AsyncEngine:
    engine = create_async_engine(url, pool_size=connections, max_overflow=0, connect_args={"timeout": BUSY_S})
    _set_up(engine.sync_engine, begin, synchronous, cache_kib)
    return engine


def _set_up(engine: Engine, begin: str, synchronous: str, cache_kib: int) -> None:
    @event.listens_for(engine, "connect")
    def _(connection: DBAPIConnection, record: object) -> None:  # noqa: ARG001  # as SQLAlchemy has it
        connection.isolation_level = None  # the driver would begin transactions by its own rules
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            f"synchronous={synchronous}",
            "foreign_keys=ON",
            f"cache_size=-{cache_kib}",
            "temp_store=2",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _(connection: _Raw) -> None:
        connection.exec_driver_sql(begin)
