"""The connection to the database: read transactions, write transactions, and errors translated to `StoreError`.

SQLite uses a write-ahead log, so that readers never wait for the single writer; writers queue before they begin, so
that no transaction fails half-way because another one wrote first.
"""

from __future__ import annotations

import asyncio
import errno
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from platformdirs import user_data_path
from sqlalchemy import text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from pixel_agent.core.errors import ConfigurationError, StoreError, StoreFull, StoreUnavailable
from pixel_agent.core.settings import Settings
from pixel_agent.storage.postgresql import postgresql_arguments
from pixel_agent.storage.sqlite import Appender, P, T, Work, make_file, reading_engine, writing_engine

FILE = "pixel-agent.sqlite3"
POOL_S = 10.0
"""How long to wait for a free connection of the PostgreSQL pool, in seconds."""
CONNECT_S = 5.0
"""Timeout of a connection attempt to PostgreSQL, in seconds."""
READERS = 4
"""Number of read connections."""
_REFUSED_BY_DRIVER = ("binding parameter", "invalid input for query argument")
"""Messages with which the drivers of SQLite and PostgreSQL reject a value before the database gets it."""
_ACCEPTED = "Accepted: postgresql://user:password@host:5432/name or sqlite:////path/file."


def data_folder(settings: Settings) -> Path:
    """The folder of records and photos: `data_dir`, else the user's data folder."""
    return settings.data_dir.expanduser() if settings.data_dir else user_data_path("pixel-agent", appauthor=False)


class Database:
    """One database. `open` and `close` own its connections; one event loop uses it.

    `before` is awaited before each transaction, so that records of answered scans are in the database by then.
    `problem` is the last write error, None while the database works; `failed` is set while there is one.
    """

    def __init__(self, settings: Settings) -> None:
        given = settings.store.url.get_secret_value()
        path = data_folder(settings) / FILE
        self._url = _async_url(given) if given else URL.create("sqlite+aiosqlite", database=str(path))
        self.sqlite = self._url.get_backend_name() == "sqlite"
        if not self.sqlite:
            self._url, self._arguments = postgresql_arguments(self._url)
        self._turn = asyncio.Lock()
        self._reader: AsyncEngine | None = None
        self._writers: dict[bool, AsyncEngine] = {}
        self._appender: Appender | None = None
        self._file: tuple[Path, tuple[int, int] | None] | None = None
        self.before: Callable[[], Awaitable[None]] = _nothing
        self.problem: StoreError | None = None
        self.failed = asyncio.Event()

    async def open(self) -> None:
        """Connect. Raises StoreUnavailable, StoreFull."""
        with self._noting(), translate_errors():
            if self.sqlite:
                await asyncio.to_thread(make_file, Path(str(self._url.database)))
                self._reader = reading_engine(self._url, READERS)
                self._writers = {durable: writing_engine(self._url, durable=durable) for durable in (False, True)}
                self._appender = Appender(self._url)
            else:
                engine = _postgresql(self._url, self._arguments)
                self._writers = {False: engine, True: engine}
                self._reader = engine.execution_options(isolation_level="REPEATABLE READ")
            async with _begun(self._writers[False]) as connection:
                await connection.execute(text("SELECT 1"))
            if self.sqlite:
                path = Path(str(self._url.database))
                self._file = path, _identity(path)

    async def close(self) -> None:
        """Close all connections; the database can be opened again."""
        engines = {engine for engine in (self._reader, *self._writers.values()) if engine is not None}
        self._reader, self._writers, self._file = None, {}, None
        appender, self._appender = self._appender, None
        if appender is not None:
            await appender.close()
        for engine in engines:
            await engine.dispose()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A read transaction on one snapshot. Raises StoreUnavailable."""
        await self.before()
        with self._noting(), translate_database_errors():
            self._check_file()
            async with _begun(self._reader) as connection:
                yield connection

    @asynccontextmanager
    async def write(self, *, durable: bool = False) -> AsyncIterator[AsyncConnection]:
        """A write transaction: committed at the end, rolled back on an error.

        A commit survives the end of this process, and with `durable` also a power cut. Raises StoreUnavailable,
        StoreFull.
        """
        await self.before()
        async with self._writing(durable) as connection:
            yield connection

    @asynccontextmanager
    async def _writing(self, durable: bool) -> AsyncIterator[AsyncConnection]:
        with self._noting(), translate_database_errors():
            self._check_file()
            if self.sqlite:
                async with self._turn, _begun(self._writers.get(durable)) as connection:
                    yield connection
            else:
                async with _begun(self._writers.get(durable)) as connection:
                    if not durable:
                        await connection.execute(text("SET LOCAL synchronous_commit TO off"))
                    yield connection
        self.mark_healthy()

    async def append(self, prepare: Callable[[], P], work: Work[P, T]) -> T:
        """Like `write`, but several times as fast on SQLite, for work that awaits nothing but the given connection.

        `prepare` blocks; it runs in a thread before the transaction, and `work` gets its result. The `before` hook is
        not awaited: the hook's own flush uses this method.
        """
        if self._appender is None:
            prepared = await asyncio.to_thread(prepare)
            async with self._writing(durable=False) as connection:
                return await work(connection, prepared)
        with self._noting(), translate_errors():
            self._check_file()
            async with self._turn:
                result = await self._appender.run(prepare, work)
        self.mark_healthy()
        return result

    def _check_file(self) -> None:
        """Raise StoreUnavailable if the SQLite file was deleted or replaced: writes to the old file would be lost."""
        if self._file is not None and _identity(self._file[0]) != self._file[1]:
            raise _unreachable("its file was deleted or replaced")

    def mark_healthy(self) -> None:
        """Clear `problem` after a successful write."""
        if self.problem is not None:
            self.problem = None
            self.failed.clear()

    def mark_failed(self, error: StoreError) -> None:
        """Set `problem` after a failed write, to the database or to the photo folder."""
        self.problem = error
        self.failed.set()

    @contextmanager
    def _noting(self) -> Iterator[None]:
        try:
            yield
        except StoreError as error:
            self.mark_failed(error)
            raise


def _identity(path: Path) -> tuple[int, int] | None:
    """Identity (device and inode) of the file at a path, None if it does not exist."""
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_dev, state.st_ino


async def _nothing() -> None:
    pass


@contextmanager
def translate_errors() -> Iterator[None]:
    """Translate errors of the database or the disk into StoreFull or StoreUnavailable."""
    try:
        with translate_database_errors():
            yield
    except sqlite3.Error as error:
        raise _unreachable(str(error)) from error
    except (ConnectionError, TimeoutError) as error:
        raise _unreachable(str(error) or "it does not answer") from error
    except OSError as error:
        raise of_disk(error) from error


@contextmanager
def translate_database_errors() -> Iterator[None]:
    """Translate errors of the database only: other errors belong to the caller's code in the transaction."""
    try:
        yield
    except PoolTimeout as error:
        raise _unreachable("all connections are in use") from error
    except DBAPIError as error:
        reason = str(error.orig)
        if "full" in reason or "No space left" in reason:
            raise _full() from error
        if is_about_data(error):
            raise
        raise _unreachable(reason) from error


def is_about_data(error: DBAPIError) -> bool:
    """Whether the values of a statement caused an error (SQLSTATE 22 data exception, 23 constraint), not the database.

    All other errors can be transient: read-only, no permission, a damaged page, too many connections, starting up, a
    changed password.
    """
    state = getattr(error.orig, "sqlstate", None)
    if isinstance(state, str):
        return state[:2] in ("22", "23")
    reason = str(error.orig)
    return isinstance(error, DataError | IntegrityError) or any(words in reason for words in _REFUSED_BY_DRIVER)


def of_disk(error: OSError) -> StoreFull | StoreUnavailable:
    """The store error for a failed read or write of a file."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _full()
    return StoreUnavailable(
        f"The data folder cannot be used: {error.strerror or type(error).__name__}.",
        "Check its permissions and its disk; it is tried again by itself.",
    )


def _unreachable(said: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"The database cannot be used: {said[:200]}.", "It is tried again by itself; see /v1/stats and the log."
    )


def _full() -> StoreFull:
    return StoreFull(
        "There is no room left on the disk of the data folder.", "Free some space, or shorten store.max_age_days."
    )


@asynccontextmanager
async def _begun(engine: AsyncEngine | None) -> AsyncIterator[AsyncConnection]:
    with translate_errors():
        try:
            connection = await _opened(engine).connect()
        except (StoreError, SQLAlchemyError, OSError):
            raise
        except Exception as error:  # the PostgreSQL driver has its own errors for refused connections
            raise _unreachable(str(error)) from error
    try:
        async with connection.begin():
            yield connection
    finally:
        await connection.close()


def _opened(engine: AsyncEngine | None) -> AsyncEngine:
    if engine is None:
        raise StoreUnavailable("The store is not open.", "It is tried again by itself; see /v1/stats and the log.")
    return engine


def _async_url(given: str) -> URL:
    """The URL with the asynchronous driver. Raises ConfigurationError."""
    try:
        url = make_url(given)
    except (ArgumentError, ValueError):  # ValueError: the port is not a number
        raise ConfigurationError(
            "store.url is not a database URL.", _ACCEPTED
        ) from None  # the URL is not shown: it contains the password
    drivers = {"postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg", "sqlite": "sqlite+aiosqlite"}
    backend = url.get_backend_name()
    if backend not in drivers:
        raise ConfigurationError(f"store.url: there is no store on {backend}.", _ACCEPTED)
    if backend == "sqlite" and (url.database in (None, "", ":memory:") or url.query.get("mode") == "memory"):
        raise ConfigurationError("store.url: a store in memory would keep nothing.", _ACCEPTED)
    return url.set(drivername=drivers[backend])


def _postgresql(url: URL, arguments: Mapping[str, object]) -> AsyncEngine:
    return create_async_engine(
        url,
        pool_size=READERS * 2,
        max_overflow=READERS * 2,
        pool_timeout=POOL_S,
        pool_pre_ping=True,
        connect_args={"timeout": CONNECT_S, **arguments},
    )
