"""SQLite: how its connections are set up, and an appender that runs a whole transaction in one thread.

The write-ahead log lets readers run during a write. Each statement of an `async` transaction crosses to a thread and
back; the records of synchronous scans use the faster appender instead.
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
"""Page cache of each read connection, in KiB; lists are read through it."""
WRITER_CACHE_KIB = 2_000
"""Page cache of each write connection, in KiB: writes reuse few pages, and the memory under load stays flat."""


def reading_engine(url: URL, connections: int) -> AsyncEngine:
    """Read connections, whose transactions each see one snapshot."""
    return _async_engine(url, connections, "BEGIN", "NORMAL", CACHE_KIB)


def writing_engine(url: URL, *, durable: bool) -> AsyncEngine:
    """One write connection; its transactions lock at their start. `durable`: a commit survives a power cut."""
    return _async_engine(url, 1, "BEGIN IMMEDIATE", "FULL" if durable else "NORMAL", WRITER_CACHE_KIB)


def make_file(path: Path) -> None:
    """Create a database file readable only by its owner, and set up its write-ahead log. Raises OSError, sqlite3.Error.

    SQLite gives its companion files the same permissions. It does not wait by itself if two processes set up the log at
    the same time.
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
    """One write connection in its own thread."""

    def __init__(self, url: URL) -> None:
        arguments = {"timeout": BUSY_S, "check_same_thread": False}
        self._engine = create_engine(url.set(drivername="sqlite"), pool_size=1, max_overflow=0, connect_args=arguments)
        _set_up(self._engine, "BEGIN IMMEDIATE", "NORMAL", WRITER_CACHE_KIB)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store-append")

    async def run(self, prepare: Callable[[], P], work: Work[P, T]) -> T:
        """Run `prepare`, then `work` with its result in a transaction. `work` must await only its connection."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, prepare, work)

    async def close(self) -> None:
        """Close the connection and end the thread."""
        await asyncio.to_thread(self._thread.shutdown)
        self._engine.dispose()

    def _run(self, prepare: Callable[[], P], work: Work[P, T]) -> T:
        prepared = prepare()
        with self._engine.begin() as connection:
            return _at_once(work(cast(AsyncConnection, _Immediate(connection)), prepared))


class _Immediate:
    """The part of an asynchronous connection that statements need; every call completes at once."""

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
    def _(connection: DBAPIConnection, record: object) -> None:  # noqa: ARG001  # SQLAlchemy sets the signature
        connection.isolation_level = None  # else the driver would begin transactions by its own rules
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
