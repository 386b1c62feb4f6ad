"""Real databases for the tests: SQLite in a temporary folder, and a temporary PostgreSQL, started once a session."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest
from pydantic import JsonValue

from pixel_agent.core.settings import Settings, load
from pixel_agent.storage.store import Store

START_S = 300
BOTH = [pytest.param("sqlite"), pytest.param("postgresql", marks=pytest.mark.postgres)]


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running cluster."""

    tools: Path
    socket: Path

    def create(self, template: str = "template0") -> str:
        """A new database like `template`, an empty one if that is not said; its URL."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        command = [str(self.tools / "createdb"), "-h", str(self.socket), "-U", "pixel", "-T", template, name]
        subprocess.run(command, check=True, timeout=START_S)
        return f"postgresql://pixel@/{name}?host={self.socket}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """PostgreSQL; tests that want it skip where it is not installed, but not in CI."""
    tools = postgres_tools()
    if tools is None:
        _missing("PostgreSQL is not installed here: apt-get install postgresql")
    with cluster(tools) as running:
        yield running


@pytest.fixture(scope="session")
def migrated(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a database without records, on which all migrations have run: copying it is faster than they are."""
    url = postgres.create()
    settings = load({"data_dir": str(tmp_path_factory.mktemp("migrated")), "store": {"url": url}}, environment={})
    with ThreadPoolExecutor(1) as thread:  # an event loop of its own, whatever runs in this thread
        thread.submit(asyncio.run, _migrate(settings)).result()
    return url.removeprefix("postgresql://pixel@/").split("?")[0]


async def _migrate(settings: Settings) -> None:
    store = Store(settings)
    await store.open()
    assert store.state.ok, store.state.reason
    await store.close()


@pytest.fixture(params=BOTH)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, JsonValue]:
    """Settings for a database without records and an empty data folder, once on SQLite and once on PostgreSQL."""
    url = ""
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres").create(request.getfixturevalue("migrated"))
    return {"data_dir": str(tmp_path / "data"), "store": {"url": url, "retry_s": 0.05, "append_timeout_s": 60}}


@pytest.fixture
def store_settings(database: dict[str, JsonValue]) -> Settings:
    """The same as settings."""
    return load(database, environment={})


@pytest.fixture
async def store(store_settings: Settings) -> AsyncIterator[Store]:
    """An empty store that works, once on SQLite and once on PostgreSQL."""
    store = Store(store_settings)
    await store.open()
    assert store.state.ok, store.state.reason
    yield store
    await store.close()


def postgres_tools() -> Path | None:
    """The folder of PostgreSQL's programs, which Debian does not put on the path."""
    on_path = shutil.which("initdb")
    if on_path is not None:
        return Path(on_path).resolve().parent
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


@contextmanager
def cluster(tools: Path, *settings: str) -> Iterator[Postgres]:
    """A cluster of its own in a temporary folder, reached by a socket only; everything is deleted at the end.

    Without further `settings` (name=value) it does not care for power cuts, to be quick.
    """
    folder = Path(tempfile.mkdtemp(prefix="pa-pg-"))  # short: a socket's path has at most 107 characters
    data, user = folder / "data", _user()
    chosen = settings or ("fsync=off", "full_page_writes=off", "synchronous_commit=off")
    try:
        if user is not None:
            shutil.chown(folder, user)
        initdb = [str(tools / "initdb"), "-D", str(data), "-U", "pixel", "-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, user=user, cwd=folder, timeout=START_S)
        options = [f"-c{setting}" for setting in (*chosen, "listen_addresses=", f"unix_socket_directories={folder}")]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [tools / "postgres", "-D", data, *options], stdout=log, stderr=log, user=user, cwd=folder
            )
        try:
            _wait(tools, folder, server)
            yield Postgres(tools, folder)
        finally:
            server.send_signal(signal.SIGQUIT)  # at once: whoever is still connected does not matter
            server.wait(START_S)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _user() -> str | None:
    """PostgreSQL refuses to run as root: then, whom it runs as instead."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _wait(tools: Path, folder: Path, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_S
    asking = [str(tools / "pg_isready"), "-q", "-h", str(folder)]
    while subprocess.run(asking, check=False, timeout=START_S).returncode != 0:
        if server.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"PostgreSQL did not start: {(folder / 'log').read_text()[-2000:]}")
        time.sleep(0.05)


def _missing(why: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)
